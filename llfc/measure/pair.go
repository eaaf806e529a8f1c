package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

// Options say what Pair measures.
type Options struct {
	Alphas     []float64             // in [0, 1], any order; 0, ½ and 1 are always measured too, since the definitions need them
	Batch      int                   // samples on the device at once; 0 chooses by backend and network
	PerSample  bool                  // keep every sample's values too; memory then grows with samples × α × layers
	Conditions bool                  // weak additivity and commutativity (Definitions 3 and 4)
	WeakAlphas []float64             // where weak additivity is looked at, beside ½; nil is 0.05, 0.10, …, 0.95
	AbsCos     bool                  // 1 − |cos|, as in the authors' released code
	Policy     merge.Policy          // how θ_α is made: what becomes of batch statistics; the zero value interpolates them
	Train      *feed.Feed            // the training set, on which some policies measure statistics; nil for the others
	Progress   func(done, total int) // called after every step; nil for none
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
		if err := check(f, theta); err != nil {
			return nil, fmt.Errorf("measure: weights %c: %w", 'A'+i, err)
		}
	}
	m, err := merge.New(f, a, b, o.Train, o.Policy)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	return &plan{f: f, a: a, b: b, merger: m, alphas: alphas, o: o}, nil
}

// steps is the number of ticks of the passes that prepare the policy and measure loss and error on these sets.
func (p *plan) steps(paths ...*stream) int {
	n := p.merger.Steps(p.alphas)
	for _, s := range paths {
		n += len(s.index) * len(p.alphas)
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
	if err := p.room(d.Len()); err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	paths, err := p.open(also, d.Set.Split)
	if err != nil {
		return nil, err
	}
	s, err := open(f, d, o.Batch, 2)
	if err != nil {
		return nil, err
	}
	defer s.close()
	m, err := newMeter(p)
	if err != nil {
		return nil, err
	}
	p.total = p.steps(paths...) + len(s.index)*m.steps()
	line, err := p.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	if err := m.weights(); err != nil {
		return nil, err
	}
	for s.next(ctx) {
		if err := m.batch(ctx, s, line); err != nil {
			return nil, err
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	s.close()
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

// meter gathers what the batches of a pass give.
type meter struct {
	*plan
	layers     []Layer
	scores     []tally     // for each α
	mixed      []tally     // for each α, of the blend of the two networks' logits
	linear     [][]moments // 1 − cos_α, [α][layer]
	coef       [][]moments // coef_α, [α][layer]
	baseline   []moments   // 1 − cos_{A,B}, [layer]
	conditions *conditions // nil unless asked for
	raw        *Raw        // nil unless asked for
}

func newMeter(p *plan) (*meter, error) {
	v, weights := survey(p.f)
	k, l := len(p.alphas), v.layers
	m := &meter{plan: p, layers: v.about, scores: make([]tally, k), mixed: make([]tally, k), baseline: make([]moments, l)}
	for range p.alphas {
		m.linear, m.coef = append(m.linear, make([]moments, l)), append(m.coef, make([]moments, l))
	}
	if p.o.PerSample {
		m.raw = newRaw(k, l)
	}
	if p.o.Conditions {
		var err error
		if m.conditions, err = newConditions(p.f, v, weights, p.o); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// weights compares the weights of A and B, once the policy has made them.
func (m *meter) weights() error {
	if m.conditions == nil {
		return nil
	}
	a, b, err := m.merger.Ends()
	if err == nil {
		m.conditions.weights(a, b)
	}
	return err
}

// steps is the number of calls for a batch.
func (m *meter) steps() int {
	n := 1 + len(m.alphas) - 2
	if m.conditions != nil {
		n += len(m.conditions.alphas)
	}
	return n
}

// batch measures the batch that s has read.
func (m *meter) batch(ctx context.Context, s *stream, line *merge.Line) error {
	rows, kept, err := s.call(ctx, endsGraph(m.o.Conditions), line.A, line.B, s.x, s.y)
	if err != nil {
		return fmt.Errorf("measure: %s: %w", s, err)
	}
	defer network.Free(kept...)
	n := len(kept) / 2
	a, b := kept[:n], kept[n:]
	layers := len(m.layers)
	ends := make([][]triple, len(rows))
	for i, row := range rows {
		ends[i] = make([]triple, layers)
		for l := range ends[i] {
			g := row[4+3*l:]
			if ends[i][l] = (triple{g[0], g[1], g[2]}); !finite(g[0], g[1], g[2]) {
				return m.notFinite(s, l, i, "A or B")
			}
			m.baseline[l].add(m.oneMinusCos(Gram{g[0], g[1], g[2]}))
			m.raw.baseline(l, m.oneMinusCos(Gram{g[0], g[1], g[2]}))
		}
	}
	m.tick()
	for k := range m.alphas {
		if err := m.alpha(ctx, s, line, k, rows, ends, a[:layers], b[:layers]); err != nil {
			return err
		}
	}
	if m.conditions == nil {
		return nil
	}
	m.conditions.ends(rows, 4+3*layers, m.raw)
	return m.conditions.weak(ctx, s, a, b, m.raw, m.tick)
}

// alpha measures θ_α on the batch. At the ends θ_α is A or B, whose numbers are known: exactly, not to rounding.
func (m *meter) alpha(ctx context.Context, s *stream, line *merge.Line, k int, atEnds [][]float64, ends [][]triple, a, b []*tensors.Tensor) error {
	alpha := m.alphas[k]
	var rows [][]float64
	switch alpha {
	case 0:
		rows = endRows(atEnds, ends, 2, func(t triple) [3]float64 { return [3]float64{t.bb, t.ab, t.bb} })
	case 1:
		rows = endRows(atEnds, ends, 0, func(t triple) [3]float64 { return [3]float64{t.aa, t.aa, t.ab} })
	default:
		theta, release, err := line.At(ctx, alpha)
		if err == nil {
			rows, _, err = s.call(ctx, alphaGraph, theta, float32(alpha), float32(1-alpha), s.x, s.y, a, b)
			release()
		}
		if err != nil {
			return fmt.Errorf("measure: %s at α = %g: %w", s, alpha, err)
		}
		m.tick()
	}
	for i, row := range rows {
		for l := range m.layers {
			ff, fa, fb := row[3+3*l], row[4+3*l], row[5+3*l]
			if !finite(ff, fa, fb) {
				return m.notFinite(s, l, i, fmt.Sprintf("α = %g", alpha))
			}
			g := ends[i][l].interpolated(alpha, ff, fa, fb)
			cos, coef := math.NaN(), math.NaN()
			if !g.zero() {
				cos, coef = m.oneMinusCos(g), g.Coef()
			}
			m.linear[k][l].add(cos)
			m.coef[k][l].add(coef)
			m.raw.layer(k, l, cos, coef)
		}
		m.mixed[k].add(0, row[2])
	}
	if err := m.scores[k].addAll(rows); err != nil {
		return fmt.Errorf("measure: %s at α = %g: %w", s, alpha, err)
	}
	return nil
}

// endRows puts what endsGraph gave of one end into the columns of alphaGraph.
func endRows(atEnds [][]float64, ends [][]triple, at int, of func(triple) [3]float64) [][]float64 {
	rows := make([][]float64, len(atEnds))
	for i, row := range atEnds {
		rows[i] = append(rows[i], row[at], row[at+1], row[at+1])
		for _, t := range ends[i] {
			v := of(t)
			rows[i] = append(rows[i], v[:]...)
		}
	}
	return rows
}

func (m *meter) oneMinusCos(g Gram) float64 {
	if m.o.AbsCos {
		g.XY = math.Abs(g.XY)
	}
	return g.OneMinusCos()
}

func (m *meter) notFinite(s *stream, layer, sample int, where string) error {
	return fmt.Errorf("measure: layer %q at %s: the features of sample %d of %s/%s are not finite; the weights are not, or are too large",
		m.layers[layer].Name, where, int(s.index[s.read-1][sample]), s.d.Set.Name, s.d.Set.Split)
}

func finite(v ...float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}
