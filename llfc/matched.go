package llfc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// MatchRestarts is how many further searches a weight matching makes from other orders; their spread is reported.
const MatchRestarts = 4

// SamePlace returns nil if two checkpoints can be the ends of a path: one network, one normalisation.
func SamePlace(a, b Checkpoint) error {
	s, t := a.Network, b.Network
	s.Init, s.Dropout = t.Init, t.Dropout // how they were trained does not matter
	if s.JSON() != t.JSON() {
		return fmt.Errorf("the two are different networks: %s and %s", a.Network.JSON(), b.Network.JSON())
	}
	if x, y := fmt.Sprint(a.Normalize), fmt.Sprint(b.Normalize); x != y {
		return fmt.Errorf("the two normalise their input differently: %s and %s", x, y)
	}
	return nil
}

// Match permutes the hidden units of b so that its weights come close to those of a (weight matching), and checks on x, inputs [batch, Input...]
// normalised as in training, that π(b) is still the same function.
func (l *Lab) Match(ctx context.Context, a, b Checkpoint, c match.Config, x network.Tensor) (Checkpoint, match.Result, error) {
	fail := func(err error) (Checkpoint, match.Result, error) { return Checkpoint{}, match.Result{}, err }
	if err := SamePlace(a, b); err != nil {
		return fail(err)
	}
	f, err := l.Model(b.Network)
	if err != nil {
		return fail(err)
	}
	s, err := f.Network.Symmetry()
	if err != nil {
		return fail(err)
	}
	r, err := match.Weights(ctx, s, a.Theta, b.Theta, c)
	if err != nil {
		return fail(err)
	}
	moved, err := s.Apply(r.Permutation, b.Theta)
	if err != nil {
		return fail(err)
	}
	if err := match.Check(f, b.Theta, moved, x); err != nil {
		return fail(err)
	}
	out := Checkpoint{Theta: moved, Network: b.Network, Normalize: b.Normalize, Meta: l.provenance(0)}
	about, err := json.Marshal(map[string]any{"to": a.Label(), "of": b.Label(), "method": "weight", "seed": c.Seed, "permutation": r.Permutation})
	if err != nil {
		return fail(err)
	}
	out.Meta[metaMatched] = string(about)
	return out, r, nil
}

// Permuted is an independent pair whose B has been brought in line with A by weight matching.
func (l *Lab) Permuted(ctx context.Context, s Setting, seed int64) (Pair, match.Result, error) {
	p, err := l.Independent(ctx, s, seed)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	train, test, err := l.Feed(ctx, s.Data, p.B.Normalize, s.TrainSamples, s.TestSamples)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	defer train.Free()
	defer test.Free()
	x, err := firstInputs(test, 64)
	if err != nil {
		return Pair{}, match.Result{}, err
	}
	b, r, err := l.Match(ctx, p.A, p.B, match.Config{Seed: seed, Restarts: MatchRestarts}, x)
	if err != nil {
		return Pair{}, match.Result{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	p.B, p.Name = b, fmt.Sprintf("permuted, seed %d", seed)
	return p, r, nil
}

// Evaluate measures a checkpoint on the whole test split of a data set: mean cross-entropy in nats, share of errors.
func (l *Lab) Evaluate(ctx context.Context, c Checkpoint, dataName string) (loss, wrong float64, err error) {
	train, test, err := l.Feed(ctx, dataName, c.Normalize, 0, 0)
	if err != nil {
		return 0, 0, err
	}
	defer train.Free()
	defer test.Free()
	f, err := l.Model(c.Network)
	if err != nil {
		return 0, 0, err
	}
	return measure.Evaluate(ctx, f, c.Theta, test)
}

// Spread prints how the searches of a matching went: the best objective, that of moving nothing, the range, the sweeps of each.
func Spread(r match.Result) string {
	low, high := slices.Min(r.Objectives), slices.Max(r.Objectives)
	sweeps := make([]string, len(r.Sweeps))
	for i, n := range r.Sweeps {
		sweeps[i] = strconv.Itoa(n)
	}
	return fmt.Sprintf("Σ⟨A, π(B)⟩ %.5g, from %.5g unmatched; %d searches ended between %.5g and %.5g after %s sweeps",
		r.Objective, r.Identity, len(r.Objectives), low, high, strings.Join(sweeps, ", "))
}

// firstInputs reads the first n inputs of a feed, normalised.
func firstInputs(d *feed.Feed, n int) (network.Tensor, error) {
	index, _ := feed.Indices(d.Len(), min(n, d.Len()))
	x, y, err := d.Read(index[0])
	if err != nil {
		return network.Tensor{}, err
	}
	defer network.Free(x, y)
	values, err := tensors.CopyFlatData[float32](x)
	return network.Tensor{Name: "input", Dims: x.Shape().Dimensions, Data: values}, err
}

// Measure measures a pair layer by layer on a split, and its line on the others too, under the policy of o. Where that looks at training
// samples and o.Train is nil, they are those of a split "train" among the measured ones, else of the data set of the pair.
func (l *Lab) Measure(ctx context.Context, p Pair, o measure.Options, d *feed.Feed, also ...*feed.Feed) (*measure.Result, error) {
	if err := SamePlace(p.A, p.B); err != nil {
		return nil, err
	}
	f, err := l.Model(p.A.Network)
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = l.progress.count("measuring " + p.Name)
	}
	o, free, err := l.withTraining(ctx, p, o, slices.Concat([]*feed.Feed{d}, also)...)
	if err != nil {
		return nil, err
	}
	defer free()
	return measure.Pair(ctx, f, p.A.Theta, p.B.Theta, d, o, also...)
}
