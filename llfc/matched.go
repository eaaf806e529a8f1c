package llfc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"layerwise/llfc/feed"
	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

// MatchRestarts is how many further searches a weight matching makes from other orders; their spread is reported.
const MatchRestarts = 4

// SamePlace returns nil if two checkpoints can be the ends of a path: one network, one normalisation, the same classes.
func SamePlace(a, b Checkpoint) error {
	s, t := a.Network, b.Network
	s.Init, s.Dropout = t.Init, t.Dropout // how they were trained does not matter
	if s.JSON() != t.JSON() {
		return fmt.Errorf("the two are different networks: %s and %s", a.Network.JSON(), b.Network.JSON())
	}
	if x, y := fmt.Sprint(a.Normalize), fmt.Sprint(b.Normalize); x != y {
		return fmt.Errorf("the two normalise their input differently: %s and %s", x, y)
	}
	return sameClasses(a, b)
}

// matching is all that a found permutation depends on.
type matching struct {
	Version int          `json:"version"`
	Network network.Spec `json:"network"`
	A       string       `json:"a"` // content of the weights
	B       string       `json:"b"`
	Method  string       `json:"method"`
	Config  match.Config `json:"config"`

	// Of methods that look at samples:
	Training  *setID              `json:"training,omitempty"`
	Normalize *feed.Normalization `json:"normalize,omitempty"`
	Backend   string              `json:"backend,omitempty"`
}

// matchVersion is part of every kept permutation's name. Raise it when a method comes to find another one.
const matchVersion = 1

// Matched is a pair whose B has been brought in line with A by a method of package match. The permutation is found and proved once, and
// kept: π(B) computes what B computes. One that was found before an interruption is not kept, and not returned: [Lab.Match] returns it.
func (l *Lab) Matched(ctx context.Context, p Pair, method string, c match.Config) (Pair, match.Result, error) {
	m, err := match.MethodByName(method)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	if err := SamePlace(p.A, p.B); err != nil {
		return Pair{}, match.Result{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	spec, err := l.keyOf(ctx, p.B.Network)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	key := matching{Version: matchVersion, Network: spec, A: p.A.Theta.SHA256(), B: p.B.Theta.SHA256(), Method: method, Config: c}
	if m.Data {
		set, err := l.training(ctx, p)
		if err != nil {
			return Pair{}, match.Result{}, fmt.Errorf("the method %s looks at training samples: %w", method, err)
		}
		id := idOf(set)
		key.Training, key.Normalize, key.Backend = &id, &p.B.Normalize, l.Info.String()
	}
	r, err := keep(l, "matched", key, func() (match.Result, error) {
		_, r, err := l.Match(ctx, p, method, c)
		return r, err
	})
	if err != nil {
		return Pair{}, match.Result{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	f, err := l.Model(p.B.Network)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	p.B, err = l.permuted(f, p, method, c, r.Permutation, false)
	p.Name = "matched (" + method + "), " + p.Name
	return p, r, err
}

// Match is Matched of any two checkpoints, found anew and not kept. It checks that π(B) is still the same function. Where ctx ends before the
// search does, it returns the best found so far, proved like any other and marked as partial in its metadata, with the context's error; the
// checkpoint is without weights where nothing was found by then.
func (l *Lab) Match(ctx context.Context, p Pair, method string, c match.Config) (Checkpoint, match.Result, error) {
	fail := func(err error) (Checkpoint, match.Result, error) { return Checkpoint{}, match.Result{}, err }
	m, err := match.MethodByName(method)
	if err != nil {
		return fail(err)
	}
	if err := SamePlace(p.A, p.B); err != nil {
		return fail(err)
	}
	f, err := l.Model(p.B.Network)
	if err != nil {
		return fail(err)
	}
	s, err := f.Network.Symmetry()
	if err != nil {
		return fail(err)
	}
	for i, theta := range []network.Params{p.A.Theta, p.B.Theta} {
		if err := f.CheckWeights(theta); err != nil {
			return fail(fmt.Errorf("weights %c: %w", 'A'+i, err))
		}
	}
	if err := roomToMatch(f, s); err != nil {
		return fail(err)
	}
	problem := match.Problem{F: f, Symmetry: s, A: p.A.Theta, B: p.B.Theta, Config: c, Progress: l.progress.search("matching by " + method)}
	defer l.progress.clear()
	if m.Data {
		set, err := l.training(ctx, p)
		if err != nil {
			return fail(fmt.Errorf("the method %s looks at training samples: %w", method, err))
		}
		if problem.Training, err = feed.New(l.Backend, set, p.B.Normalize); err != nil {
			return fail(err)
		}
		defer problem.Training.Free()
	}
	began := time.Now()
	r, ended := m.Find(ctx, problem)
	if ended != nil && (r.Permutation == nil || ctx.Err() == nil) {
		return fail(ended)
	}
	r.Seconds = time.Since(began).Seconds()
	out, err := l.permuted(f, p, method, c, r.Permutation, ended != nil)
	if err != nil {
		return fail(err)
	}
	if err := match.Check(f, p.B.Theta, out.Theta, match.Noise(p.B.Network.Input)); err != nil {
		return fail(err)
	}
	return out, r, ended
}

// permuted is π(B), and what was done to it.
func (l *Lab) permuted(f *network.Model, p Pair, method string, c match.Config, by network.Permutation, partial bool) (Checkpoint, error) {
	s, err := f.Network.Symmetry()
	if err != nil {
		return Checkpoint{}, err
	}
	about := map[string]any{"to": p.A.Label(), "of": p.B.Label(), "method": method, "seed": c.Seed, "permutation": by}
	return l.moved(s, p.B, by, about, partial)
}

// moved is π(θ) of a checkpoint, and what is to be told of it.
func (l *Lab) moved(s network.Symmetry, of Checkpoint, by network.Permutation, about map[string]any, partial bool) (Checkpoint, error) {
	theta, err := s.Apply(by, of.Theta)
	if err != nil {
		return Checkpoint{}, err
	}
	if partial {
		about["partial"] = true // the search was interrupted
	}
	text, err := json.Marshal(about)
	if err != nil {
		return Checkpoint{}, err
	}
	out := Checkpoint{Theta: theta, Network: of.Network, Normalize: of.Normalize, Classes: of.Classes, ByNumber: of.ByNumber, Meta: l.provenance(0)}
	out.Meta[metaMatched] = string(text)
	return out, nil
}

// Permuted is an independent pair whose B has been brought in line with A by weight matching.
func (l *Lab) Permuted(ctx context.Context, s Setting, seed int64) (Pair, match.Result, error) {
	p, err := l.Independent(ctx, s, seed)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	p, r, err := l.Matched(ctx, p, "weight", match.Config{Seed: seed, Restarts: MatchRestarts})
	p.Name = fmt.Sprintf("permuted, seed %d", seed)
	return p, r, err
}

// Spread prints how the searches of a matching went: the best objective, that of moving nothing, the range, the sweeps of each.
func Spread(r match.Result) string {
	if len(r.Objectives) == 0 {
		r.Objectives = []float64{r.Objective}
	}
	low, high := slices.Min(r.Objectives), slices.Max(r.Objectives)
	sweeps := make([]string, len(r.Sweeps))
	for i, n := range r.Sweeps {
		sweeps[i] = strconv.Itoa(n)
	}
	of := r.Of
	if of == "" {
		of = "Σ⟨A, π(B)⟩"
	}
	return fmt.Sprintf("%s %.5g, from %.5g unmatched; %d searches ended between %.5g and %.5g after %s sweeps",
		of, r.Objective, r.Identity, len(r.Objectives), low, high, strings.Join(sweeps, ", "))
}
