package llfc

import (
	"context"
	"fmt"

	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

// manyMatching is all that the permutations of several networks depend on.
type manyMatching struct {
	Version int          `json:"version"`
	Network network.Spec `json:"network"`
	Of      []string     `json:"of"` // content of the weights
	Method  string       `json:"method"`
	Config  match.Config `json:"config"`
}

// MatchedMany brings several networks into the order of the first, by a method of [match.ManyMethods]. The permutations are found and proved
// once, and kept like those of a pair.
func (l *Lab) MatchedMany(ctx context.Context, method string, c match.Config, of ...Checkpoint) ([]Checkpoint, match.Joint, error) {
	fail := func(err error) ([]Checkpoint, match.Joint, error) { return nil, match.Joint{}, err }
	if err := sameMany(of); err != nil {
		return fail(err)
	}
	spec, err := l.keyOf(ctx, of[0].Network)
	if err != nil {
		return fail(err)
	}
	key := manyMatching{Version: matchVersion, Network: spec, Method: method, Config: c}
	for _, ckpt := range of {
		key.Of = append(key.Of, ckpt.Theta.SHA256())
	}
	j, err := keep(l, "matched", key, func() (match.Joint, error) {
		_, j, err := l.MatchMany(ctx, method, c, of...)
		return j, err
	})
	if err != nil {
		return fail(err)
	}
	f, err := l.Model(of[0].Network)
	if err != nil {
		return fail(err)
	}
	out, err := l.inOneOrder(f, method, c, of, j, false)
	return out, j, err
}

// MatchMany is MatchedMany of any checkpoints, found anew and not kept. It checks that each is still the same function. Where ctx ends before
// the search does, it returns the best found so far as [Lab.Match] does; none where nothing was found by then.
func (l *Lab) MatchMany(ctx context.Context, method string, c match.Config, of ...Checkpoint) ([]Checkpoint, match.Joint, error) {
	fail := func(err error) ([]Checkpoint, match.Joint, error) { return nil, match.Joint{}, err }
	m, err := match.ManyMethodByName(method)
	if err != nil {
		return fail(err)
	}
	if err := sameMany(of); err != nil {
		return fail(err)
	}
	f, err := l.Model(of[0].Network)
	if err != nil {
		return fail(err)
	}
	s, err := f.Network.Symmetry()
	if err != nil {
		return fail(err)
	}
	p := match.ManyProblem{Symmetry: s, Config: c, Progress: l.progress.search("matching by " + method)}
	defer l.progress.clear()
	for i, ckpt := range of {
		if err := f.CheckWeights(ckpt.Theta); err != nil {
			return fail(fmt.Errorf("network %d: %w", i+1, err))
		}
		p.Thetas = append(p.Thetas, ckpt.Theta)
	}
	if err := roomToMatch(f, s); err != nil {
		return fail(err)
	}
	j, ended := m.Find(ctx, p)
	if ended != nil && (j.Permutations == nil || ctx.Err() == nil) {
		return fail(ended)
	}
	out, err := l.inOneOrder(f, method, c, of, j, ended != nil)
	if err != nil {
		return fail(err)
	}
	for i := range out {
		if err := match.Check(f, of[i].Theta, out[i].Theta, match.Noise(of[i].Network.Input)); err != nil {
			return fail(fmt.Errorf("network %d: %w", i+1, err))
		}
	}
	return out, j, ended
}

// sameMany returns nil if two checkpoints or more can be brought into one order.
func sameMany(of []Checkpoint) error {
	if len(of) < 2 {
		return fmt.Errorf("%d networks, expected two at least", len(of))
	}
	for i, c := range of[1:] {
		if err := SamePlace(of[0], c); err != nil {
			return fmt.Errorf("networks 1 and %d: %w", i+2, err)
		}
	}
	return nil
}

// inOneOrder is π_p(θ_p) of every checkpoint, and what was done to it.
func (l *Lab) inOneOrder(f *network.Model, method string, c match.Config, of []Checkpoint, j match.Joint, partial bool) (out []Checkpoint, err error) {
	s, err := f.Network.Symmetry()
	if err != nil {
		return nil, err
	}
	var labels []string
	for _, ckpt := range of {
		labels = append(labels, ckpt.Label())
	}
	for i, ckpt := range of {
		about := map[string]any{"to": of[0].Label(), "of": ckpt.Label(), "together": labels, "method": method, "seed": c.Seed, "permutation": j.Permutations[i]}
		moved, err := l.moved(s, ckpt, j.Permutations[i], about, partial)
		if err != nil {
			return nil, err
		}
		out = append(out, moved)
	}
	return out, nil
}
