package measure

import (
	"context"
	"fmt"
	"slices"

	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// Version is part of the name of every kept measurement. Raise it when the same options come to mean other numbers.
const Version = 2

// Options say what Pair measures.
type Options struct {
	Alphas     []float64             // in [0, 1], any order; 0, ½ and 1 are always measured too, since the definitions need them
	Batch      int                   // samples on the device at once; 0 chooses by backend and network
	PerSample  bool                  // keep every sample's values too; memory then grows with samples × α × layers
	Samples    []string              // keep those of some quantities, by name; "one_minus_cos@0.5" is that quantity at one α
	Also       []string              // optional quantities to measure, by name; see Quantities
	Conditions bool                  // weak additivity and commutativity (Definitions 3 and 4)
	WeakAlphas []float64             // where weak additivity is looked at, beside ½; nil is 0.05, 0.10, …, 0.95
	AbsCos     bool                  // 1 − |cos|, as in the authors' released code
	Policy     merge.Policy          // how θ_α is made: what becomes of batch statistics; the zero value interpolates them
	Train      *feed.Feed            // the training set, on which some policies measure statistics; nil for the others
	Progress   func(done, total int) // called after every step; nil for none
}

// keeps says whether every sample's values of a quantity are kept, at an α where it has one.
func (o Options) keeps(q Quantity, alpha float64) bool {
	return !q.Set && (o.PerSample || slices.Contains(o.Samples, q.Name) || slices.Contains(o.Samples, fmt.Sprintf("%s@%g", q.Name, alpha)))
}

// plan is what all passes over the line between a and b share.
type plan struct {
	f           *network.Model
	a, b        network.Params // as they were given
	merger      *merge.Merger
	alphas      []float64
	o           Options
	done, total int
}

func newPlan(f *network.Model, a, b network.Params, o Options) (*plan, error) {
	alphas, err := settle(o.Alphas, 0, 0.5, 1)
	if err != nil {
		return nil, err
	}
	for i, theta := range []network.Params{a, b} {
		if err := f.CheckWeights(theta); err != nil {
			return nil, fmt.Errorf("measure: weights %c: %w", 'A'+i, err)
		}
	}
	if err := network.Room(f.Backend, "the line between two such networks", 3*f.About.Bytes()); err != nil { // both ends and one between them, on the device
		return nil, fmt.Errorf("measure: %w", err)
	}
	m, err := merge.New(f, a, b, o.Train, o.Policy)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	return &plan{f: f, a: a, b: b, merger: m, alphas: alphas, o: o}, nil
}

// steps is the number of ticks of the passes that prepare the policy and measure loss and error on these sets.
func (p *plan) steps(paths ...*pass.Pass) int {
	n := p.merger.Steps(p.alphas)
	for _, s := range paths {
		n += s.Batches() * len(p.alphas)
	}
	return n
}

// prepare lets the policy look at the training set, and puts the line on the device.
func (p *plan) prepare(ctx context.Context) (*merge.Line, error) {
	if err := p.merger.Prepare(ctx, p.alphas, p.tick); err != nil {
		return nil, err
	}
	return p.merger.Line(ctx)
}

func (p *plan) tick() {
	p.done++
	if p.o.Progress != nil {
		p.o.Progress(p.done, p.total)
	}
}

// Layer is a named value of the forward pass, as the network's description has it.
type Layer struct{ Name, Kind string }

// Pair measures a, b and the line between them in one pass over d, and loss and error along the line on the splits in also.
// For every batch A and B run once and stay on the device, then one call for each α returns inner products; memory is that of a
// batch and of at most 128 MB of interpolated weights, whatever the number of samples and α. d must have a split of another name than those in also.
//
// A, B and θ_α are all those of Options.Policy: folded ends, or ends with statistics measured anew.
func Pair(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, o Options, also ...*feed.Feed) (*Result, error) {
	p, err := newPlan(f, a, b, o)
	if err != nil {
		return nil, err
	}
	paths, err := p.open(also, d.Set.Split)
	if err != nil {
		return nil, err
	}
	s, err := pass.Open(f, d, o.Batch, 2)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	defer s.Close()
	m, err := newMeter(p, d.Len())
	if err != nil {
		return nil, err
	}
	p.total = p.steps(paths...) + s.Batches()*m.steps()
	line, err := p.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	if err := m.compareWeights(); err != nil {
		return nil, err
	}
	for s.Next(ctx) {
		if err := m.batch(ctx, s, line); err != nil {
			return nil, err
		}
	}
	if s.Err() != nil {
		return nil, s.Err()
	}
	s.Close()
	r := m.result(d)
	if r.Lines[0].Given, err = p.given(ctx, d); err != nil {
		return nil, err
	}
	for _, s := range paths {
		l, err := p.path(ctx, s, line)
		if err != nil {
			return nil, err
		}
		r.Lines = append(r.Lines, l)
	}
	return r, nil
}
