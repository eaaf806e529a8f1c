package match

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"layerwise/llfc/network"
)

// DualSpace looks for the π whose units are alike in what they do and in what they are made of (MuDSC, Xu et al., CVPR 2024,
// arXiv 2403.01753): for each group it maximises Σ_u S(u, p(u)) with
//
//	S = a·S_act + (1 − a)·S_weight,
//
// where S_act is the correlation of features over training samples (see Correlations), and S_weight that of the weights of two units, all tensors
// that vote and have them put one after the other, the other groups in their present order. a is Config.Mix. As the second part depends on
// the neighbours, groups are visited in turn, in random order after a first sweep in network order, each solved by an assignment.
// Both similarities are normalised for each unit by itself, so that the sum over all groups may fall where one of them rises: the best sweep is
// kept, and the search ends when nothing changes, or after five sweeps without a better one.
func DualSpace(ctx context.Context, p Problem) (Result, error) {
	fail := func(err error) (Result, error) { return Result{}, fmt.Errorf("match: mudsc: %w", err) }
	mix := p.Mix
	if mix == 0 {
		mix = 0.5
	}
	if !(mix > 0 && mix <= 1) {
		return fail(fmt.Errorf("a share %g of the activations' similarity; it lies in (0, 1], and 0 is ½", p.Mix))
	}
	acts, cut, err := look{name: "correlations", centred: true, at: everywhere}.gains(ctx, p)
	if err != nil {
		return fail(err)
	}
	if cut != nil { // one sweep over what was seen
		ctx = context.WithoutCancel(ctx)
	}
	d := &dual{symmetry: p.Symmetry, a: p.A, b: p.B, acts: acts, mix: mix, p: p.Symmetry.Identity()}
	for _, g := range p.Symmetry.Groups {
		d.rowsA = append(d.rowsA, d.rows(g, p.A))
	}
	identity, err := d.value()
	if err != nil {
		return fail(err)
	}
	rng := rand.New(rand.NewPCG(uint64(p.Seed), 0x6475616c)) // "dual"
	order := exchange(len(p.Symmetry.Groups), 0, 0)
	r := Result{Of: "Σ similarity", Identity: identity, Objective: identity, Permutation: p.Symmetry.Identity()}
	most := p.MaxSweeps
	if most <= 0 {
		most = 100
	}
	sweeps, worse := 0, 0
	for sweeps < most && worse < 5 {
		sweeps++
		changed := false
		for _, g := range order {
			moved, err := d.solve(ctx, g)
			if err != nil {
				if ctx.Err() == nil {
					return fail(err)
				}
				r.Objectives, r.Sweeps = []float64{r.Objective}, []int{sweeps}
				return r, err
			}
			changed = changed || moved
		}
		value, err := d.value()
		if err != nil {
			return fail(err)
		}
		worse++
		if value > r.Objective {
			r.Permutation, r.Objective, worse = clone(d.p), value, 0
		}
		if p.Progress != nil {
			p.Progress(sweeps, most, value)
		}
		if !changed || cut != nil {
			break
		}
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	r.Objectives, r.Sweeps = []float64{r.Objective}, []int{sweeps}
	return r, cut
}

func clone(p network.Permutation) network.Permutation {
	out := network.Permutation{}
	for g, q := range p {
		out[g] = slices.Clone(q)
	}
	return out
}

// dual is a search under way.
type dual struct {
	symmetry network.Symmetry
	a, b     network.Params
	acts     [][]float64 // S_act of each group
	mix      float64
	p        network.Permutation
	rowsA    [][]float32 // of each group, standardised
}

// rows are the weights of each unit of a group, [size, k], each row with mean 0 and length 1. A unit whose weights are all the same has zeros.
func (d *dual) rows(g network.Group, theta network.Params) []float32 {
	columns := make([][]float32, g.Size)
	for _, place := range g.Places {
		if slices.Contains(d.symmetry.Buffers, place.Tensor) {
			continue
		}
		t, _ := theta.Get(place.Tensor)
		inner := 1
		for _, n := range t.Dims[place.Axis+1:] {
			inner *= n
		}
		width := t.Dims[place.Axis] * inner
		for u, at := range place.At {
			for _, i := range at {
				for start := i * inner; start < len(t.Data); start += width {
					columns[u] = append(columns[u], t.Data[start:start+inner]...)
				}
			}
		}
	}
	var out []float32
	for _, row := range columns {
		sum, square := 0.0, 0.0
		for _, v := range row {
			sum, square = sum+float64(v), square+float64(v)*float64(v)
		}
		n := float64(len(row))
		mean := sum / n
		length := math.Sqrt(max(0, square-sum*mean))
		if length*length <= 1e-12*square {
			length = math.Inf(1)
		}
		for _, v := range row {
			out = append(out, float32((float64(v)-mean)/length))
		}
	}
	return out
}

// similarity is S of a group, the others in their present order: A's units along the rows, those of B as it came along the columns.
func (d *dual) similarity(g int) ([]float64, error) {
	group := d.symmetry.Groups[g]
	n, now := group.Size, d.p[group.Name]
	moved, err := d.symmetry.Apply(d.p, d.b)
	if err != nil {
		return nil, err
	}
	a, b := d.rowsA[g], d.rows(group, moved)
	k := len(a) / n
	product := make([]float32, n*n)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, blas32.General{Rows: n, Cols: k, Stride: k, Data: a}, blas32.General{Rows: n, Cols: k, Stride: k, Data: b},
		0, blas32.General{Rows: n, Cols: n, Stride: n, Data: product})
	out := make([]float64, n*n)
	for u := range n {
		for v, old := range now { // column v of the product is unit now[v] of B as it came
			out[u*n+old] = d.mix*d.acts[g][u*n+old] + (1-d.mix)*float64(product[u*n+v])
		}
	}
	return out, nil
}

// solve finds the best permutation of a group, the others held.
func (d *dual) solve(ctx context.Context, g int) (changed bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s, err := d.similarity(g)
	if err != nil {
		return false, err
	}
	name, n := d.symmetry.Groups[g].Name, d.symmetry.Groups[g].Size
	q, err := new(Assigner).assign(ctx, s, n)
	if err != nil {
		return false, fmt.Errorf("group %q: %w", name, err)
	}
	if value(s, q) <= value(s, d.p[name])+1e-6 { // as good: the rounding of float32 products of at most n
		return false, nil
	}
	d.p[name] = q
	return true, nil
}

// value is Σ_u of the entries [u, q[u]].
func value(s []float64, q []int) float64 {
	sum := 0.0
	for u, v := range q {
		sum += s[u*len(q)+v]
	}
	return sum
}

// value is Σ S(u, p(u)) over all groups, at the present permutation.
func (d *dual) value() (float64, error) {
	sum := 0.0
	for g, group := range d.symmetry.Groups {
		s, err := d.similarity(g)
		if err != nil {
			return 0, err
		}
		sum += value(s, d.p[group.Name])
	}
	return sum, nil
}
