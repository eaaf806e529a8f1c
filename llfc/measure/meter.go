package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/internal/finite"
	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// meter gathers what the batches of a pass give.
type meter struct {
	*plan
	*formulas
	layers  []Layer
	places  [3][]Layer // by Where
	inputs  []int      // for every nonlinearity, where its input stands among the kept values
	weights []int      // for every linear map, which parameter its weight is
	atEnds  map[string]int
	atAlpha map[string]int
	atGrid  map[string]int

	alphaWidth int           // columns of θ_α
	scores     []reliability // for each α
	mixed      []reliability // for each α, of the blend of the two networks' logits
	apart      []float64     // for each α, the samples on which the two disagree
	grid       []float64
	gauges     []*gauge
}

// gauge is one quantity at one α, at all its places.
type gauge struct {
	Quantity
	alpha   float64 // NaN where it has none
	moments []moments
	sums    [][]float64 // of the columns, where the quantity is of the whole set
	kept    [][]float64 // every sample's values, nil unless asked for
}

func newMeter(p *plan, samples int) (*meter, error) {
	q, err := newFormulas(p.o)
	if err != nil {
		return nil, err
	}
	v, weights := survey(p.f)
	m := &meter{plan: p, formulas: q, layers: v.about, inputs: v.acts, weights: weights, scores: make([]reliability, len(p.alphas)), mixed: make([]reliability, len(p.alphas)), apart: make([]float64, len(p.alphas))}
	m.places[Layers] = v.about
	for _, act := range p.f.About.Acts {
		m.places[Nonlinearities] = append(m.places[Nonlinearities], Layer{act.Name, "act"})
	}
	for i, l := range p.f.About.Linears {
		if weights[i] < 0 && slices.ContainsFunc(q.columns, func(c Columns) bool { return c.Weights != nil }) {
			return nil, fmt.Errorf("measure: the weight of the linear map %q is not a parameter of the network", l.Name)
		}
		m.places[LinearMaps] = append(m.places[LinearMaps], Layer{l.Name, "linear"})
	}
	counts := [3]int{len(m.places[0]), len(m.places[1]), len(m.places[2])}
	m.atEnds, m.atAlpha, m.atGrid = q.offsets(Ends, endsHead, counts), q.offsets(EveryAlpha, alphaHead, counts), q.offsets(Grid, 0, counts)
	m.alphaWidth = alphaHead
	for _, c := range q.columns {
		if c.When == EveryAlpha {
			m.alphaWidth += c.N * counts[q.where(c)]
		}
	}
	if err := m.room(samples); err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	if m.has(Grid) {
		if m.grid, err = gridOf(p.o); err != nil {
			return nil, err
		}
	}
	for _, one := range q.quantities {
		alphas := []float64{math.NaN()}
		switch {
		case one.When == EveryAlpha:
			alphas = p.alphas
		case one.At != 0:
			alphas[0] = one.At
		}
		for _, alpha := range alphas {
			n := counts[one.Where]
			g := &gauge{Quantity: one, alpha: alpha, moments: make([]moments, n)}
			if one.Set {
				g.sums = make([][]float64, n)
			} else if p.o.keeps(one, alpha) {
				g.kept = make([][]float64, n)
			}
			m.gauges = append(m.gauges, g)
		}
	}
	return m, nil
}

// gridOf is where weak additivity is looked at.
func gridOf(o Options) ([]float64, error) {
	grid := o.WeakAlphas
	if grid == nil {
		for i := 1; i < 20; i++ {
			grid = append(grid, float64(i)/20)
		}
	}
	return settle(grid, 0.5)
}

// has says whether quantities of some networks are measured.
func (m *meter) has(when When) bool {
	return slices.ContainsFunc(m.quantities, func(q Quantity) bool { return q.When == when })
}

// compareWeights adds the columns that the weights of A and B have, once the policy has made them.
func (m *meter) compareWeights() error {
	a, b, err := m.merger.Ends()
	if err != nil {
		return err
	}
	made := map[string][][]float64{} // quantities share columns
	for _, g := range m.gauges {
		for _, c := range g.Columns {
			if c.Weights == nil {
				continue
			}
			if made[c.Name] == nil {
				for _, at := range m.weights {
					made[c.Name] = append(made[c.Name], c.Weights(a[at], b[at]))
				}
			}
			copy(g.sums, made[c.Name])
		}
	}
	return nil
}

// steps is the number of calls for a batch.
func (m *meter) steps() int { return 1 + len(m.alphas) - 2 + len(m.grid) }

// batch measures the batch that s has read.
func (m *meter) batch(ctx context.Context, s *pass.Pass, line *merge.Line) error {
	rows, kept, err := s.Rows(ctx, m.ends(), line.A, line.B, s.X, s.Y, float64(s.Len()))
	if err != nil {
		return fmt.Errorf("measure: %s: %w", s, err)
	}
	defer network.Free(kept...)
	n := len(kept) / 2
	a, b := kept[:n], kept[n:]
	layers := len(m.layers)
	for i, row := range rows {
		for l := range layers {
			if at := m.atEnds[endsGram.Name] + 3*l; !finite.All(row[at : at+3]...) {
				return m.notFinite(s, l, i, "A or B")
			}
		}
	}
	for _, g := range m.gauges {
		if g.When == Ends {
			m.add(g, func(c Columns) ([][]float64, int) { return rows, m.atEnds[c.Name] })
		}
	}
	m.tick()
	for k := range m.alphas {
		if err := m.alphaRow(ctx, s, line, k, rows, a[:layers], b[:layers]); err != nil {
			return err
		}
	}
	if len(m.grid) == 0 {
		return nil
	}
	return m.weak(ctx, s, a, b)
}

// add adds the values of a batch to a gauge: from says in which rows and from which column on each of its columns stands.
func (m *meter) add(g *gauge, from func(c Columns) (rows [][]float64, at int)) {
	type source struct {
		rows  [][]float64
		at, n int
	}
	var sources []source
	for _, c := range g.Columns {
		if c.Weights == nil {
			rows, at := from(c)
			sources = append(sources, source{rows, at, c.N})
		}
	}
	if len(sources) == 0 {
		return
	}
	numbers := make([]float64, 0, 8)
	for i := range sources[0].rows {
		for place := range g.moments {
			numbers = numbers[:0]
			for _, s := range sources {
				numbers = append(numbers, s.rows[i][s.at+s.n*place:s.at+s.n*(place+1)]...)
			}
			if g.Set {
				g.sum(place, numbers)
			} else {
				g.value(place, g.Value(g.alpha, numbers))
			}
		}
	}
}

func (g *gauge) sum(place int, numbers []float64) {
	if g.sums[place] == nil {
		g.sums[place] = make([]float64, len(numbers))
	}
	for i, v := range numbers {
		g.sums[place][i] += v
	}
}

// value takes one more sample's value.
func (g *gauge) value(place int, v float64) {
	g.moments[place].add(v)
	if g.kept != nil {
		g.kept[place] = append(g.kept[place], v)
	}
}

// alphaRow measures θ_α on the batch. At the ends θ_α is A or B, whose numbers are known: exactly, not to rounding.
func (m *meter) alphaRow(ctx context.Context, s *pass.Pass, line *merge.Line, k int, atEnds [][]float64, a, b []*tensors.Tensor) error {
	alpha := m.alphas[k]
	var rows [][]float64
	switch alpha {
	case 0:
		rows = m.endRows(atEnds, predictions, func(t triple) [3]float64 { return [3]float64{t.bb, t.ab, t.bb} })
	case 1:
		rows = m.endRows(atEnds, 0, func(t triple) [3]float64 { return [3]float64{t.aa, t.aa, t.ab} })
	default:
		theta, release, err := line.At(ctx, alpha)
		if err == nil {
			rows, err = m.run(ctx, s, theta, alpha, a, b)
			release()
		}
		if err != nil {
			return fmt.Errorf("measure: %s at α = %g: %w", s, alpha, err)
		}
		if s.First() {
			if err := m.checkBetween(ctx, s, line, alpha, rows, a, b); err != nil {
				return fmt.Errorf("measure: %w", err)
			}
		}
		m.tick()
	}
	if s.First() && (alpha == 0 || alpha == 1) {
		if err := m.checkEnd(ctx, s, line, alpha, rows, a, b); err != nil {
			return fmt.Errorf("measure: %w", err)
		}
	}
	for i, row := range rows {
		for l := range m.layers {
			if at := alphaHead + 3*l; !finite.All(row[at : at+3]...) {
				return m.notFinite(s, l, i, fmt.Sprintf("α = %g", alpha))
			}
		}
		if !finite.All(row[:alphaHead]...) {
			return fmt.Errorf("measure: %s at α = %g: the loss of sample %d of the batch is %v: the weights are too large", s, alpha, i, row[0])
		}
		m.scores[k].add(row[:predictions])
		m.mixed[k].add(row[predictions : 2*predictions])
		m.apart[k] += row[2*predictions]
	}
	for _, g := range m.gauges {
		if g.When == EveryAlpha && g.alpha == alpha {
			m.add(g, func(c Columns) ([][]float64, int) {
				if c.When == Ends {
					return atEnds, m.atEnds[c.Name]
				}
				return rows, m.atAlpha[c.Name]
			})
		}
	}
	return nil
}

// run runs θ_α on the batch.
func (m *meter) run(ctx context.Context, s *pass.Pass, theta []*tensors.Tensor, alpha float64, a, b []*tensors.Tensor) ([][]float64, error) {
	rows, _, err := s.Rows(ctx, m.formulas.alpha(), theta, float32(alpha), float32(1-alpha), s.X, s.Y, a, b)
	return rows, err
}

// runFresh runs a fresh copy of θ_α on the batch.
func (m *meter) runFresh(ctx context.Context, s *pass.Pass, line *merge.Line, alpha float64, a, b []*tensors.Tensor) ([][]float64, error) {
	fresh, err := line.Fresh(ctx, alpha)
	if err != nil {
		return nil, err
	}
	defer network.Free(fresh...)
	return m.run(ctx, s, fresh, alpha, a, b)
}

// checkBetween runs a fresh copy of θ_α, and compares what it gives.
func (m *meter) checkBetween(ctx context.Context, s *pass.Pass, line *merge.Line, alpha float64, rows [][]float64, a, b []*tensors.Tensor) error {
	again, err := m.runFresh(ctx, s, line, alpha, a, b)
	if err != nil {
		return err
	}
	return s.CheckRows(fmt.Sprintf("α = %g", alpha), rows, again)
}

// checkEnd runs a fresh copy of an end as every other θ_α is run, and compares its features with those that the end itself gave.
func (m *meter) checkEnd(ctx context.Context, s *pass.Pass, line *merge.Line, alpha float64, end [][]float64, a, b []*tensors.Tensor) error {
	again, err := m.runFresh(ctx, s, line, alpha, a, b)
	if err != nil {
		return err
	}
	own, name := 1, "A" // where ⟨f, f_A⟩ stands among the columns of a layer, and with α = 0 ⟨f, f_B⟩
	if alpha == 0 {
		own, name = 2, "B"
	}
	for l, layer := range m.layers {
		at := alphaHead + 3*l
		norm, distance := 0.0, 0.0
		for i := range end {
			norm, distance = norm+end[i][at], distance+end[i][at]-2*again[i][at+own]+again[i][at]
		}
		if err := s.CheckFeature(fmt.Sprintf("layer %q of %s", layer.Name, name), norm, distance); err != nil {
			return err
		}
	}
	return nil
}

// endRows puts what is known of one end, whose predictions begin at a column of atEnds, into the columns of θ_α: its own predictions are those of
// the blend too, and it departs from the blend in nothing.
func (m *meter) endRows(atEnds [][]float64, at int, of func(triple) [3]float64) [][]float64 {
	rows := make([][]float64, len(atEnds))
	for i, row := range atEnds {
		rows[i] = slices.Concat(row[at:at+predictions], row[at:at+predictions], []float64{0})
		for l := range m.layers {
			g := row[m.atEnds[endsGram.Name]+3*l:]
			v := of(triple{g[0], g[1], g[2]})
			rows[i] = append(rows[i], v[:]...)
		}
		rows[i] = append(rows[i], make([]float64, m.alphaWidth-len(rows[i]))...)
	}
	return rows
}

// weak runs the grid, and makes one value of each sample's along it.
func (m *meter) weak(ctx context.Context, s *pass.Pass, a, b []*tensors.Tensor) error {
	var za, zb []*tensors.Tensor
	for _, i := range m.inputs {
		za, zb = append(za, a[i]), append(zb, b[i])
	}
	best := map[*gauge][][]float64{}
	for _, g := range m.gauges {
		if g.When == Grid {
			best[g] = nans(len(g.moments), s.Len())
		}
	}
	for _, alpha := range m.grid {
		if len(m.inputs) > 0 {
			rows, _, err := s.Rows(ctx, m.formulas.grid(), float32(alpha), float32(1-alpha), za, zb)
			if err != nil {
				return fmt.Errorf("measure: %s, weak additivity at α = %g: %w", s, alpha, err)
			}
			for g, values := range best {
				c := g.Columns[0]
				for i, row := range rows {
					for place := range values {
						at := m.atGrid[c.Name] + c.N*place
						values[place][i] = g.Over(values[place][i], g.Value(alpha, row[at:at+c.N]), alpha)
					}
				}
			}
		}
		m.tick()
	}
	for g, values := range best {
		for place, of := range values {
			for _, v := range of {
				g.value(place, v)
			}
		}
	}
	return nil
}

func nans(n, m int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = slices.Repeat([]float64{math.NaN()}, m)
	}
	return out
}

func (m *meter) notFinite(s *pass.Pass, layer, sample int, where string) error {
	return fmt.Errorf("measure: layer %q at %s: the features of sample %d of %s are not finite; the weights are not, or are too large",
		m.layers[layer].Name, where, s.Sample(sample), s.Set())
}

// result is what the whole pass has given.
func (m *meter) result(d *feed.Feed) *Result {
	r := &Result{Set: d.Set.Name + "/" + d.Set.Split, Samples: d.Len(), Policy: m.merger.Policy(), Alphas: m.alphas, Layers: m.layers}
	scores := make([]tally, len(m.alphas))
	for k := range m.alphas {
		r.Networks, r.Ensembles = append(r.Networks, m.scores[k].calibration()), append(r.Ensembles, m.mixed[k].calibration())
		r.Mixed, r.Apart = append(r.Mixed, r.Ensembles[k].Error), append(r.Apart, m.apart[k]/float64(d.Len()))
		scores[k] = m.scores[k].tally
	}
	r.Lines = []Line{m.line(d, scores)}
	for _, g := range m.gauges {
		if len(m.places[g.Where]) == 0 {
			r.Empty = append(r.Empty, g.Name)
		}
		for place, layer := range m.places[g.Where] {
			row := Row{Quantity: g.Name, Layer: layer, Alpha: g.alpha, Stat: g.moments[place].stat()}
			if g.Set {
				row.Stat = whole(g.Value(g.alpha, g.sums[place]), d.Len())
			}
			if g.kept != nil {
				row.Samples = g.kept[place]
			}
			r.Rows = append(r.Rows, row)
		}
	}
	return r
}

// whole is the Stat of one number for the whole set.
func whole(v float64, samples int) Stat {
	if math.IsNaN(v) {
		return Stat{Mean: v, Std: math.NaN(), Skipped: samples}
	}
	return Stat{Mean: v, Std: math.NaN(), Used: samples}
}
