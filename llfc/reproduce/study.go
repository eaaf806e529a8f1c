package reproduce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// kind is one way to make a pair.
type kind struct {
	id, name  string
	connected bool   // the paper claims linear connectivity
	against   string // the kind that it is compared with
	make      func(ctx context.Context, l *llfc.Lab, seed int64) (llfc.Pair, *match.Result, error)
	setting   llfc.Setting
	epochs    float64 // that a spawned pair shares, else NaN
}

func spawnedKind(s llfc.Setting, epochs float64) kind {
	return kind{
		id: fmt.Sprintf("spawned-%g", epochs), name: fmt.Sprintf("spawned (k = %g)", epochs), connected: true, against: "independent", setting: s, epochs: epochs,
		make: func(ctx context.Context, l *llfc.Lab, seed int64) (llfc.Pair, *match.Result, error) {
			p, err := l.Spawned(ctx, s, epochs, seed)
			return p, nil, err
		},
	}
}

func independentKind(id string, s llfc.Setting) kind {
	return kind{id: id, name: id, setting: s, epochs: math.NaN(), make: func(ctx context.Context, l *llfc.Lab, seed int64) (llfc.Pair, *match.Result, error) {
		p, err := l.Independent(ctx, s, seed)
		return p, nil, err
	}}
}

func permutedKind(s llfc.Setting, against string) kind {
	return kind{id: "permuted", name: "permuted", connected: true, against: against, setting: s, epochs: math.NaN(),
		make: func(ctx context.Context, l *llfc.Lab, seed int64) (llfc.Pair, *match.Result, error) {
			p, r, err := l.Permuted(ctx, s, seed)
			return p, &r, err
		}}
}

// spawnedKinds lists later forks first: each takes the parent's state on its way, and the parent goes on from there.
func spawnedKinds(s llfc.Setting, at []float64) []kind {
	var out []kind
	for _, k := range slices.Sorted(slices.Values(at)) {
		out = slices.Insert(out, 0, spawnedKind(s, k))
	}
	return out
}

// kinds lists the pairs of a scale, each with the independent pairs of the same setting after it.
func (s Scale) kinds() []kind {
	return append(spawnedKinds(s.Spawned, s.SpawnEpochs), independentKind("independent", s.Spawned),
		permutedKind(s.Permuted, "unpermuted"), independentKind("unpermuted", s.Permuted))
}

// Measured is one pair with all that was measured of it.
type Measured struct {
	Kind  string
	Seed  int64
	Pair  llfc.Pair
	Match *match.Result // of permuted pairs
	View
}

// View is a result with what the paper shows of it taken out.
type View struct {
	*measure.Result
	Test, Train  measure.Line
	Linear, Coef map[float64]measure.Profile // by α
	Weak         measure.Weak
	Commute      measure.Commutativity
}

func view(r *measure.Result) (View, error) {
	v := View{Result: r, Linear: map[float64]measure.Profile{}, Coef: map[float64]measure.Profile{}, Test: r.Lines[0], Train: r.Lines[1]}
	var errs [4]error
	for _, alpha := range figures.Alphas() {
		v.Linear[alpha], errs[0] = r.LLFC(alpha)
		v.Coef[alpha], errs[1] = r.Coef(alpha)
		if err := errors.Join(errs[:2]...); err != nil {
			return View{}, err
		}
	}
	v.Weak, errs[2] = r.WeakAdditivity()
	v.Commute, errs[3] = r.Commutativity()
	return v, errors.Join(errs[2:]...)
}

// Study is the experiments of a scale, measured.
type Study struct {
	Scale   Scale
	Lab     *llfc.Lab
	Pairs   []Measured
	Theorem []View // pairs that satisfy the premises of Theorem 1 by construction, one for each seed
	Began   time.Time
	Took    time.Duration
}

// Run trains what is missing and measures all pairs.
func Run(ctx context.Context, l *llfc.Lab, s Scale) (*Study, error) {
	study := &Study{Scale: s, Lab: l, Began: time.Now()}
	for _, seed := range s.Seeds {
		for _, k := range s.kinds() {
			m, err := study.measure(ctx, k, seed)
			if err != nil {
				return nil, fmt.Errorf("%s, seed %d: %w", k.name, seed, err)
			}
			study.Pairs = append(study.Pairs, m)
		}
		r, err := study.theorem(ctx, seed)
		if err != nil {
			return nil, fmt.Errorf("the pair of Theorem 1, seed %d: %w", seed, err)
		}
		study.Theorem = append(study.Theorem, r)
	}
	study.Took = time.Since(study.Began)
	return study, nil
}

func (s *Study) measure(ctx context.Context, k kind, seed int64) (Measured, error) {
	p, r, err := k.make(ctx, s.Lab, seed)
	if err != nil {
		return Measured{}, err
	}
	m := Measured{Kind: k.id, Seed: seed, Pair: p, Match: r}
	m.View, err = s.results(ctx, k.setting, p, seed == s.Scale.Seeds[0])
	return m, err
}

// results measures a pair on the test split, and its line on the training split too.
func (s *Study) results(ctx context.Context, setting llfc.Setting, p llfc.Pair, perSample bool) (View, error) {
	train, test, err := s.Lab.Sets(ctx, setting.Data, s.Scale.TrainSamples, setting.TestSamples)
	if err != nil {
		return View{}, err
	}
	o := measure.Options{Alphas: append(measure.Alphas(s.Scale.Alphas), figures.Alphas()...), Conditions: true}
	if perSample {
		o.Samples = []string{"dist_sigma_max"}
	}
	r, err := s.Lab.Measured(ctx, p, o, test, train)
	if err != nil {
		return View{}, err
	}
	return view(r)
}

// of returns the pairs of a kind, in the order of the seeds.
func (s *Study) of(kind string) []Measured {
	var out []Measured
	for _, m := range s.Pairs {
		if m.Kind == kind {
			out = append(out, m)
		}
	}
	return out
}

// theorem measures a pair that satisfies the premises of Theorem 1 exactly: B is A with its last hidden layer doubled. The signs of all
// pre-activations agree, so σ is additive along the line; the weights differ only where the inputs agree, and the inputs only
// where the weights agree, so (W_A − W_B)(H_A − H_B) = 0 at every layer.
func (s *Study) theorem(ctx context.Context, seed int64) (View, error) {
	run, err := s.Lab.Run(ctx, s.Scale.Spawned, seed)
	if err != nil {
		return View{}, err
	}
	a, err := s.Lab.Train(ctx, run)
	if err != nil {
		return View{}, err
	}
	last := fmt.Sprintf("fc%d", len(a.Network.Widths))
	b := a
	b.Theta = doubled(a.Theta, last+"/w", last+"/b")
	return s.results(ctx, s.Scale.Spawned, llfc.Pair{Name: "by construction", A: a, B: b, Data: run.Data.Name}, false)
}

func doubled(theta network.Params, names ...string) network.Params {
	out := theta.Clone()
	for _, t := range out {
		if slices.Contains(names, t.Name) {
			for i := range t.Data {
				t.Data[i] *= 2
			}
		}
	}
	return out
}
