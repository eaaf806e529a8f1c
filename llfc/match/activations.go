package match

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// Activations looks for the π that minimises Σ ‖H_A − π(H_B)‖² over training samples (activation matching, §5.2 of the paper; Li et al. 2016;
// Ainsworth et al. 2023): for each group of units one assignment of the largest Σ ⟨h_A,u, h_B,v⟩, not centred. A group that several layers
// share, as a residual stream, sums over all of them. Positions of a picture count as samples. All groups are gathered in one pass;
// products are float32, their totals over batches float64. Batch norms use their running statistics.
//
// A pass that ctx cuts off gives the permutation of the samples seen so far, with the context's error.
func Activations(ctx context.Context, p Problem) (Result, error) {
	return byFeatures(ctx, p, look{name: "activations", about: "Σ⟨H_A, π(H_B)⟩", at: everywhere})
}

// Correlations is Activations by Pearson's correlation: the largest Σ_u corr(h_A,u, h_B,p(u)) for each group (Li et al. 2016). Where layers share a
// group, their covariances are added up, each centred by itself, and so are their variances. A unit that is the same for all samples
// correlates with none. Features are centred by the means of the first batch before they are multiplied, so that large means cost no
// digits, and exactly at the end: it stays one pass.
func Correlations(ctx context.Context, p Problem) (Result, error) {
	return byFeatures(ctx, p, look{name: "correlations", about: "Σ corr(H_A, π(H_B))", centred: true, at: everywhere})
}

// FrontToBack is the matching of REPAIR (Jordan et al., arXiv 2211.08403): by correlation, one value for each group of units. Inner units are looked at
// after their nonlinearity; a residual stream where its stage ends, not along the way. REPAIR permutes a layer of B before it looks at
// the next one. That reorders the features of B and changes none (f(π(θ); x) = f(θ; x) holds at every tap), so each correlation
// matrix is the same up to order, and one pass finds what its many find: on chains this is Correlations of the last value of each group.
func FrontToBack(ctx context.Context, p Problem) (Result, error) {
	return byFeatures(ctx, p, look{name: "correlations, front to back", about: "Σ corr(H_A, π(H_B))", centred: true, at: stageEnds})
}

// look is what a matching by features looks at.
type look struct {
	name    string // tells its graphs apart
	about   string // what the objective is
	centred bool   // Pearson's correlation instead of the second moment
	at      func(f *network.Model, g network.Group) []network.Place
}

// everywhere is all taps that show the units of a group one by one.
func everywhere(_ *network.Model, g network.Group) []network.Place {
	return slices.DeleteFunc(slices.Clone(g.TapPlaces), func(p network.Place) bool { return len(p.At[0]) > 1 }) // a flattened picture has every unit many times over, and its layer has been seen
}

// stageEnds is the last value that the units of a group make up with the fewest others, pooling left out: of a residual stream the output of its
// last block, also where a shortcut that pads with zeros carries it into the next stage.
func stageEnds(f *network.Model, g network.Group) []network.Place {
	var best []network.Place
	narrowest := 0
	for _, place := range everywhere(f, g) {
		tap := f.About.Taps[slices.IndexFunc(f.About.Taps, func(t network.Tap) bool { return t.Name == place.Tensor })]
		width := tap.Dims[len(tap.Dims)-1]
		if tap.Kind == "pool" || best != nil && width > narrowest {
			continue
		}
		best, narrowest = []network.Place{place}, width
	}
	if best == nil {
		return everywhere(f, g)
	}
	return best
}

// byFeatures matches each group by one assignment.
func byFeatures(ctx context.Context, p Problem, l look) (Result, error) {
	gains, cut, err := l.gains(ctx, p)
	if err != nil {
		return Result{}, fmt.Errorf("match: %s: %w", l.name, err)
	}
	if cut != nil { // the rest is short
		ctx = context.WithoutCancel(ctx)
	}
	r := Result{Of: l.about, Permutation: network.Permutation{}, Sweeps: []int{1}}
	for i, g := range p.Symmetry.Groups {
		q, err := new(Assigner).assign(ctx, gains[i], g.Size)
		if err != nil {
			return Result{}, fmt.Errorf("match: %s: group %q: %w", l.name, g.Name, err)
		}
		value, identity := 0.0, 0.0
		for u, v := range q {
			value += gains[i][u*g.Size+v]
			identity += gains[i][u*g.Size+u]
		}
		if !(value > identity) { // units that are all as good, such as dead ones, stay where they are
			value = identity
			for u := range q {
				q[u] = u
			}
		}
		r.Permutation[g.Name] = q
		r.Objective += value
		r.Identity += identity
	}
	r.Objectives = []float64{r.Objective}
	return r, cut
}

// totals are float64 sums over samples, positions and taps of a group: products [n, n] of all taps, and for each tap Σa, Σb, Σa², Σb² and the
// number of samples and positions.
type totals struct {
	products []float64
	taps     []marginal
}

type marginal struct {
	rows         float64
	a, b, aa, bb []float64 // of what is left after the shift
}

// gains returns for each group the matrix [n, n] whose assignment is looked for. cut is the context's error where it ended the pass early.
func (l look) gains(ctx context.Context, p Problem) (gains [][]float64, cut, err error) {
	s, err := p.samples(p.Samples, 2)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	a, err := p.F.Upload(p.A)
	if err != nil {
		return nil, nil, err
	}
	defer network.Free(a...)
	b, err := p.F.Upload(p.B)
	if err != nil {
		return nil, nil, err
	}
	defer network.Free(b...)
	places := make([][]network.Place, len(p.Symmetry.Groups))
	all := make([]totals, len(p.Symmetry.Groups))
	width := 0 // of all taps of all groups
	for i, g := range p.Symmetry.Groups {
		if places[i] = l.at(p.F, g); len(places[i]) == 0 {
			return nil, nil, fmt.Errorf("no layer shows the units of group %q one by one", g.Name)
		}
		all[i].products = make([]float64, g.Size*g.Size)
		for range places[i] {
			width += g.Size
			all[i].taps = append(all[i].taps, marginal{a: make([]float64, g.Size), b: make([]float64, g.Size), aa: make([]float64, g.Size), bb: make([]float64, g.Size)})
		}
	}
	shift := make([]float32, 2*width) // the means of A at every tap, then those of B
	batches := 0
	for ; s.Next(ctx); batches++ {
		if l.centred && batches == 0 {
			out, err := s.Run(ctx, l.means(places), a, b, s.X, float32(s.Len()))
			if err != nil {
				return nil, nil, err
			}
			shift, err = tensors.CopyFlatData[float32](out[0])
			network.Free(out...)
			if err != nil {
				return nil, nil, err
			}
		}
		args := []any{a, b, s.X, float32(s.Len())}
		if l.centred {
			args = append(args, shift)
		}
		out, err := s.Run(ctx, l.products(places), args...)
		if err != nil {
			if batches > 0 && ctx.Err() != nil {
				cut = err
				break
			}
			return nil, nil, err
		}
		err = l.add(all, out, float64(s.Len()))
		network.Free(out...)
		if err != nil {
			return nil, nil, err
		}
		if p.Progress != nil {
			p.Progress(batches+1, s.Batches(), math.NaN())
		}
	}
	if cut == nil {
		if cut, err = cutOff(ctx, s, batches); err != nil {
			return nil, nil, err
		}
	}
	for i, g := range p.Symmetry.Groups {
		if l.centred {
			all[i].correlate(g.Size, shift, width, at(places, i))
		}
		gains = append(gains, all[i].products)
	}
	return gains, cut, nil
}

// at is where the first tap of a group stands in the list of shifts.
func at(places [][]network.Place, group int) int {
	n := 0
	for _, taps := range places[:group] {
		for _, t := range taps {
			n += len(t.At)
		}
	}
	return n
}

// add adds the numbers of a batch.
func (l look) add(all []totals, out []*tensors.Tensor, samples float64) error {
	for i := range all {
		if err := addTo(all[i].products, out[i]); err != nil {
			return err
		}
	}
	if !l.centred {
		return nil
	}
	v, err := tensors.CopyFlatData[float32](out[len(all)])
	if err != nil {
		return err
	}
	for i := range all {
		for t := range all[i].taps {
			m := &all[i].taps[t]
			n := len(m.a)
			for u := range n {
				m.a[u] += float64(v[u])
				m.b[u] += float64(v[n+u])
				m.aa[u] += float64(v[2*n+u])
				m.bb[u] += float64(v[3*n+u])
			}
			m.rows += samples * float64(v[4*n])
			v = v[4*n+1:]
		}
	}
	return nil
}

// correlate turns the products into correlations. shift is what was subtracted at every tap, for A, and width further on for B; the group's own begin at from.
func (t *totals) correlate(n int, shift []float32, width, from int) {
	varA, varB := make([]float64, n), make([]float64, n)
	momentA, momentB := make([]float64, n), make([]float64, n) // not centred: the scale of rounding
	for _, m := range t.taps {
		for u := range n {
			varA[u] += m.aa[u] - m.a[u]*m.a[u]/m.rows
			varB[u] += m.bb[u] - m.b[u]*m.b[u]/m.rows
			sa, sb := float64(shift[from+u]), float64(shift[width+from+u])
			momentA[u] += m.aa[u] + m.rows*sa*sa
			momentB[u] += m.bb[u] + m.rows*sb*sb
			for v := range n {
				t.products[u*n+v] -= m.a[u] * m.b[v] / m.rows
			}
		}
		from += n
	}
	deviation := func(variance, moment float64) float64 { // 0 of a unit that is the same for all samples
		if variance <= 1e-10*moment {
			return 0
		}
		return math.Sqrt(variance)
	}
	for u := range n {
		for v := range n {
			d := deviation(varA[u], momentA[u]) * deviation(varB[v], momentB[v])
			if d == 0 {
				t.products[u*n+v] = 0
			} else {
				t.products[u*n+v] /= d
			}
		}
	}
}

// means: θ_A, θ_B, x, the number of samples that are not padding → the mean of each unit at every tap of every group, of A and then of B, [2·width] float32.
func (l look) means(places [][]network.Place) pass.Function {
	return pass.Function{Key: "match: means of " + l.name, Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		v := newViews(f, in, places)
		var a, b []*graph.Node
		for _, taps := range v.groups {
			for _, t := range taps {
				mean := func(h *graph.Node) *graph.Node {
					sum := graph.ReduceSum(graph.Mul(h, v.mask(h)), 0, 1)
					return graph.Div(sum, graph.BroadcastToDims(graph.MulScalar(v.samples, float64(h.Shape().Dim(1))), sum.Shape().Dim(0)))
				}
				a, b = append(a, mean(t.a)), append(b, mean(t.b))
			}
		}
		return []*graph.Node{graph.Concatenate(append(a, b...), 0)}
	}}
}

// products: θ_A, θ_B, x, the number of samples that are not padding, and the shifts where features are centred → for each group the products
// of a batch, [size·size] float32, and where features are centred the marginals of each tap after one another, with the number of positions.
func (l look) products(places [][]network.Place) pass.Function {
	return pass.Function{Key: "match: " + l.name, Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		v := newViews(f, in, places)
		var out, marginals []*graph.Node
		var shift *graph.Node
		from := 0
		if l.centred {
			shift = in[len(in)-1]
		}
		for _, taps := range v.groups {
			var sum *graph.Node
			for _, t := range taps {
				ha, hb, n := t.a, t.b, t.a.Shape().Dim(2)
				mask := v.mask(ha)
				if l.centred {
					width := shift.Shape().Dim(0) / 2
					less := func(h *graph.Node, at int) *graph.Node {
						s := graph.Reshape(graph.Slice(shift, graph.AxisRange(at, at+n)), 1, 1, n)
						return graph.Mul(graph.Sub(h, graph.BroadcastToDims(s, h.Shape().Dimensions...)), mask)
					}
					ha, hb = less(ha, from), less(hb, width+from)
					from += n
					sums := func(h *graph.Node) *graph.Node { return graph.ReduceSum(h, 0, 1) }
					positions := graph.Const(ha.Graph(), []float32{float32(ha.Shape().Dim(1))})
					marginals = append(marginals, sums(ha), sums(hb), sums(graph.Square(ha)), sums(graph.Square(hb)), positions)
				} else {
					ha = graph.Mul(ha, mask)
				}
				rows := ha.Shape().Dim(0) * ha.Shape().Dim(1)
				product := graph.MatMul(graph.Transpose(graph.Reshape(ha, rows, n), 0, 1), graph.Reshape(hb, rows, n))
				if sum == nil {
					sum = product
				} else {
					sum = graph.Add(sum, product)
				}
			}
			out = append(out, graph.Reshape(sum, sum.Shape().Size()))
		}
		if l.centred {
			out = append(out, graph.Concatenate(marginals, 0))
		}
		return out
	}}
}

// views are the values of both networks at the taps of each group.
type views struct {
	groups  [][]view
	real    *graph.Node // [batch, 1, 1], 0 at padding
	samples *graph.Node
}

type view struct{ a, b *graph.Node } // [batch, positions, size]

func newViews(f *network.Model, in []*graph.Node, places [][]network.Place) views {
	p := len(f.About.Params)
	x := in[2*p]
	v := views{real: realRows(x, in[2*p+1]), samples: in[2*p+1]}
	ta, tb := f.Trace(in[:p], x, network.Options{}), f.Trace(in[p:2*p], x, network.Options{})
	at := map[string]int{}
	for i, tap := range ta.Taps {
		at[tap.Name] = i
	}
	for _, group := range places {
		var taps []view
		seen := map[*graph.Node]int{}
		for _, place := range group {
			i := at[place.Tensor]
			if first, ok := seen[ta.Taps[i].Node]; ok { // a second name of the same value has no vote
				zero := graph.ZerosLike(taps[first].a)
				taps = append(taps, view{zero, zero})
				continue
			}
			seen[ta.Taps[i].Node] = len(taps)
			taps = append(taps, view{units(ta.Taps[i].Node, place), units(tb.Taps[i].Node, place)})
		}
		v.groups = append(v.groups, taps)
	}
	return v
}

// mask is real as wide as h.
func (v views) mask(h *graph.Node) *graph.Node {
	return graph.BroadcastToDims(v.real, h.Shape().Dimensions...)
}

// realRows is [batch, 1, 1], 1 for each sample and 0 for padding.
func realRows(x, samples *graph.Node) *graph.Node {
	index := graph.Iota(x.Graph(), shapes.Make(dtypes.Float32, x.Shape().Dim(0), 1, 1), 0)
	return graph.ConvertDType(graph.LessThan(index, samples), dtypes.Float32)
}

// units are a group's units of a tap [batch, ..., units], in their order: [batch, positions, size].
func units(h *graph.Node, place network.Place) *graph.Node {
	dims := h.Shape().Dimensions
	last := dims[len(dims)-1]
	h = graph.Reshape(h, dims[0], h.Shape().Size()/(dims[0]*last), last)
	index := make([]int32, len(place.At))
	inOrder := len(index) == last
	for u, at := range place.At {
		index[u] = int32(at[0])
		inOrder = inOrder && at[0] == u
	}
	if inOrder {
		return h
	}
	picked := graph.Gather(graph.Transpose(h, 0, 2), graph.InsertAxes(graph.Const(h.Graph(), index), -1)) // [size, positions, batch]
	return graph.Transpose(picked, 0, 2)
}

// addTo adds the products of a batch.
func addTo(total []float64, t *tensors.Tensor) error {
	v, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return err
	}
	for i, x := range v {
		total[i] += float64(x)
	}
	return nil
}
