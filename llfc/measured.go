package llfc

import (
	"context"
	"fmt"
	"slices"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

// measurement is all that a measured result depends on.
type measurement struct {
	Version    int                `json:"version"`
	Network    network.Spec       `json:"network"`
	A          string             `json:"a"` // content of the weights
	B          string             `json:"b"`
	Normalize  feed.Normalization `json:"normalize"`
	Sets       []setID            `json:"sets"`               // the first is measured by layer, the others along the line
	Training   *setID             `json:"training,omitempty"` // on which the policy measures statistics
	Policy     merge.Policy       `json:"policy"`
	PathOnly   bool               `json:"path_only,omitempty"`
	Alphas     []float64          `json:"alphas"`
	WeakAlphas []float64          `json:"weak_alphas,omitempty"`
	Batch      int                `json:"batch,omitempty"`
	Conditions bool               `json:"conditions,omitempty"`
	Also       []string           `json:"also,omitempty"`
	Samples    []string           `json:"samples,omitempty"` // the quantities whose values by sample are kept; "all" is every one
	AbsCos     bool               `json:"abs_cos,omitempty"`
	Backend    string             `json:"backend"`
}

// setID is a data set, or a part of one, by its content.
type setID struct {
	Name    string `json:"name"`
	Split   string `json:"split"`
	Samples int    `json:"samples"`
	SHA256  string `json:"sha256"`
}

func idOf(s *data.Set) setID { return setID{s.Name, s.Split, s.Len(), s.SHA256} }

// keyOf is a network as the names of what follows from trained ones hold it: without how it was trained, and with the identity of one that is
// not built in, which a spec written by hand may lack.
func (l *Lab) keyOf(ctx context.Context, s network.Spec) (network.Spec, error) {
	n, err := l.network(ctx, s)
	n.Spec.Init, n.Spec.Dropout = "", 0
	return n.Spec, err
}

func (l *Lab) measurement(spec network.Spec, p Pair, o measure.Options, training *data.Set, pathOnly bool, sets []*data.Set) measurement {
	m := measurement{Version: measure.Version, Network: spec, A: p.A.Theta.SHA256(), B: p.B.Theta.SHA256(), Normalize: p.B.Normalize, Policy: o.Policy, PathOnly: pathOnly,
		Alphas: slices.Sorted(slices.Values(o.Alphas)), WeakAlphas: o.WeakAlphas, Batch: o.Batch, Conditions: o.Conditions, Also: o.Also, Samples: o.Samples, AbsCos: o.AbsCos, Backend: l.Info.String()}
	if method, err := o.Policy.Method(); err == nil {
		m.Policy.Name = method.Name // "" is a name of its own for the same policy
	}
	if o.PerSample {
		m.Samples = []string{"all"}
	}
	for _, s := range sets {
		m.Sets = append(m.Sets, idOf(s))
	}
	if training != nil {
		id := idOf(training)
		m.Training = &id
	}
	return m
}

// Measured returns what is asked about a pair on a set, and its line on others too: loaded, if it was measured before, else measured and
// kept. A policy that looks at training samples gets those that the pair was trained on, unless o.Train has others.
func (l *Lab) Measured(ctx context.Context, p Pair, o measure.Options, on *data.Set, also ...*data.Set) (*measure.Result, error) {
	sets := append([]*data.Set{on}, also...)
	return l.measured(ctx, p, o, false, sets, func(o measure.Options, feeds []*feed.Feed) (*measure.Result, error) {
		return l.Measure(ctx, p, o, feeds[0], feeds[1:]...)
	})
}

// measured keeps what run gives, and puts the sets on the device where it must run.
func (l *Lab) measured(ctx context.Context, p Pair, o measure.Options, pathOnly bool, sets []*data.Set, run func(measure.Options, []*feed.Feed) (*measure.Result, error)) (*measure.Result, error) {
	for _, s := range sets {
		if err := p.suit(s); err != nil { // which says more of classes than SamePlace does
			return nil, err
		}
	}
	if err := SamePlace(p.A, p.B); err != nil {
		return nil, err
	}
	training, err := l.trainingOf(ctx, p, o)
	if err != nil {
		return nil, err
	}
	spec, err := l.keyOf(ctx, p.A.Network)
	if err != nil {
		return nil, err
	}
	return keep(l, "measured", l.measurement(spec, p, o, training, pathOnly, sets), func() (*measure.Result, error) {
		var feeds []*feed.Feed
		defer func() {
			for _, d := range feeds {
				d.Free()
			}
		}()
		put := func(s *data.Set) (*feed.Feed, error) {
			for _, d := range feeds {
				if d.Set == s {
					return d, nil
				}
			}
			d, err := feed.New(l.Backend, s, p.B.Normalize)
			if err == nil {
				feeds = append(feeds, d)
			}
			return d, err
		}
		var measured []*feed.Feed
		for _, s := range sets {
			d, err := put(s)
			if err != nil {
				return nil, err
			}
			measured = append(measured, d)
		}
		if training != nil && o.Train == nil {
			if o.Train, err = put(training); err != nil {
				return nil, err
			}
		}
		return run(o, measured)
	})
}

// trainingOf is the training set on which the policy of o measures statistics; nil where it needs none. It is that of o.Train, else what the
// pair was trained on.
func (l *Lab) trainingOf(ctx context.Context, p Pair, o measure.Options) (*data.Set, error) {
	method, err := o.Policy.Method()
	if err != nil || !method.Data {
		return nil, err
	}
	if o.Train != nil {
		return o.Train.Set, nil
	}
	set, err := l.training(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("the policy %q measures statistics on training samples: %w", o.Policy, err)
	}
	return set, nil
}

// training is the samples that a pair was trained on.
func (l *Lab) training(ctx context.Context, p Pair) (*data.Set, error) {
	name, samples := p.trainedOn()
	if name == "" {
		return nil, fmt.Errorf("the pair %q does not say what it was trained on; give it Data", p.Name)
	}
	set, _, err := l.Sets(ctx, name, samples, 0)
	return set, err
}

// Test measures a pair on the test split of a setting's data set, or loads what was measured before. A policy that looks at training samples
// gets those that the pair was trained on.
func (l *Lab) Test(ctx context.Context, s Setting, p Pair, o measure.Options) (*measure.Result, error) {
	_, test, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		return nil, err
	}
	return l.Measured(ctx, p, quiet(o), test)
}

// TestPath is Test without the features, at one forward pass for each α.
func (l *Lab) TestPath(ctx context.Context, s Setting, p Pair, o measure.Options) (measure.Line, error) {
	_, test, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		return measure.Line{}, err
	}
	r, err := l.measured(ctx, p, quiet(o), true, []*data.Set{test}, func(o measure.Options, feeds []*feed.Feed) (*measure.Result, error) {
		f, err := l.Model(p.A.Network)
		if err != nil {
			return nil, err
		}
		lines, err := measure.Lines(ctx, f, p.A.Theta, p.B.Theta, o, feeds...)
		return &measure.Result{Lines: lines}, err
	})
	if err != nil {
		return measure.Line{}, err
	}
	return r.Lines[0], nil
}

// quiet shows no progress unless it was asked for: a test split takes seconds, and a notebook would keep the last state shown.
func quiet(o measure.Options) measure.Options {
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return o
}

// Measure measures a pair layer by layer on a split, and its line on the others too, under the policy of o. Where that looks at training
// samples and o.Train is nil, they are those that the pair was trained on; where it does not say, those of a split "train" among the measured.
func (l *Lab) Measure(ctx context.Context, p Pair, o measure.Options, d *feed.Feed, also ...*feed.Feed) (*measure.Result, error) {
	if err := SamePlace(p.A, p.B); err != nil {
		return nil, err
	}
	for _, d := range slices.Concat([]*feed.Feed{d}, also) {
		if err := p.suit(d.Set); err != nil {
			return nil, err
		}
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

// trainingSplit is the split on which policies measure statistics.
const trainingSplit = "train"

// withTraining fills in the training set where the policy of o looks at one and has none: what the pair was trained on, or where it does not
// say a training split among those that are measured. free takes it off the device.
func (l *Lab) withTraining(ctx context.Context, p Pair, o measure.Options, measured ...*feed.Feed) (out measure.Options, free func(), err error) {
	free = func() {}
	method, err := o.Policy.Method()
	if err != nil || !method.Data || o.Train != nil {
		return o, free, err
	}
	if name, _ := p.trainedOn(); name == "" {
		if i := slices.IndexFunc(measured, func(d *feed.Feed) bool { return d.Set.Split == trainingSplit }); i >= 0 {
			o.Train = measured[i]
		}
		return o, free, nil // without one measure says what is missing
	}
	set, err := l.trainingOf(ctx, p, o)
	if err != nil {
		return o, free, err
	}
	if i := slices.IndexFunc(measured, func(d *feed.Feed) bool { return d.Set == set }); i >= 0 {
		o.Train = measured[i]
		return o, free, nil
	}
	if o.Train, err = feed.New(l.Backend, set, p.B.Normalize); err != nil {
		return o, free, err
	}
	return o, o.Train.Free, nil
}

// Evaluate measures a checkpoint on the whole test split of a data set: mean cross-entropy in nats, share of errors.
func (l *Lab) Evaluate(ctx context.Context, c Checkpoint, dataName string) (loss, wrong float64, err error) {
	_, set, err := l.Sets(ctx, dataName, 0, 0)
	if err == nil {
		err = c.Suits(set)
	}
	if err != nil {
		return 0, 0, err
	}
	test, err := feed.New(l.Backend, set, c.Normalize)
	if err != nil {
		return 0, 0, err
	}
	defer test.Free()
	f, err := l.Model(c.Network)
	if err != nil {
		return 0, 0, err
	}
	return measure.Evaluate(ctx, f, c.Theta, test)
}
