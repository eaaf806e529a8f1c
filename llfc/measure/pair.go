package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
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
	Progress   func(done, total int) // called after every step; nil for none
}

// Layer is a named value of the forward pass, as the network's description has it.
type Layer struct{ Name, Kind string }

// Pair measures a, b and the line between them in one pass over d, and loss and error along the line on the splits in also.
// For every batch A and B run once and stay on the device, then one call for each α returns inner products; memory is that of a
// batch and of at most 128 MB of interpolated weights, whatever the number of samples and α. d must have a split of another name than those in also.
func Pair(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, o Options, also ...*feed.Feed) (*Result, error) {
	m, err := newMeter(f, a, b, d, o)
	if err != nil {
		return nil, err
	}
	seen := []string{d.Set.Split}
	paths := 0
	for _, e := range also {
		if slices.Contains(seen, e.Set.Split) {
			return nil, fmt.Errorf("measure: two sets have the split %q; results are told apart by it", e.Set.Split)
		}
		seen = append(seen, e.Set.Split)
		batch := o.Batch
		if batch == 0 {
			batch = choose(f, e.Len(), 0)
		}
		paths += (e.Len() + batch - 1) / batch * len(m.alphas)
	}
	s, err := open(f, d, o.Batch, 2, a, b)
	if err != nil {
		return nil, err
	}
	defer s.close()
	m.total = len(s.index)*m.steps() + paths
	for s.next(ctx) {
		if err := m.batch(ctx, s); err != nil {
			return nil, err
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	s.close()
	r := m.result(d)
	for _, e := range also {
		line, err := path(ctx, f, a, b, e, m.alphas, o.Batch, m.tick)
		if err != nil {
			return nil, err
		}
		r.Lines = append(r.Lines, line)
	}
	return r, nil
}

// meter gathers what the batches of a pass give.
type meter struct {
	o           Options
	alphas      []float64
	layers      []Layer
	scores      []tally     // for each α
	mixed       []tally     // for each α, of the blend of the two networks' logits
	linear      [][]moments // 1 − cos_α, [α][layer]
	coef        [][]moments // coef_α, [α][layer]
	baseline    []moments   // 1 − cos_{A,B}, [layer]
	conditions  *conditions // nil unless asked for
	raw         *Raw        // nil unless asked for
	done, total int
}

func newMeter(f *network.Model, a, b network.Params, d *feed.Feed, o Options) (*meter, error) {
	alphas, err := settle(o.Alphas, 0, 0.5, 1)
	if err != nil {
		return nil, err
	}
	for _, p := range []network.Params{a, b} {
		if err := f.Check(p); err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
	}
	v, weights := survey(f)
	k, l := len(alphas), v.layers
	m := &meter{o: o, alphas: alphas, layers: v.about, scores: make([]tally, k), mixed: make([]tally, k), baseline: make([]moments, l)}
	for range alphas {
		m.linear, m.coef = append(m.linear, make([]moments, l)), append(m.coef, make([]moments, l))
	}
	if o.PerSample {
		m.raw = newRaw(k, l)
	}
	if o.Conditions {
		if m.conditions, err = newConditions(f, a, b, v, weights, o); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// steps is the number of calls for a batch.
func (m *meter) steps() int {
	n := 1 + len(m.alphas) - 2
	if m.conditions != nil {
		n += len(m.conditions.alphas)
	}
	return n
}

func (m *meter) tick() {
	m.done++
	if m.o.Progress != nil {
		m.o.Progress(m.done, m.total)
	}
}

// batch measures the batch that s has read.
func (m *meter) batch(ctx context.Context, s *stream) error {
	rows, kept, err := s.call(ctx, endsGraph(m.o.Conditions), s.theta[0], s.theta[1], s.x, s.y)
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
	for k, alpha := range m.alphas {
		if err := m.alpha(ctx, s, k, alpha, rows, ends, a[:layers], b[:layers]); err != nil {
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
func (m *meter) alpha(ctx context.Context, s *stream, k int, alpha float64, atEnds [][]float64, ends [][]triple, a, b []*tensors.Tensor) error {
	var rows [][]float64
	switch alpha {
	case 0:
		rows = endRows(atEnds, ends, 2, func(t triple) [3]float64 { return [3]float64{t.bb, t.ab, t.bb} })
	case 1:
		rows = endRows(atEnds, ends, 0, func(t triple) [3]float64 { return [3]float64{t.aa, t.aa, t.ab} })
	default:
		theta, release, err := s.at(ctx, alpha)
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
