package match

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/internal/memory"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// linearMap is what one linear map y = h·w contributes to Σ ‖ΔW ΔH‖², where h is what an output sees: a flat input, or the patch under a kernel
// (n numbers, kernel positions × channels). All matrices are row-major, and those of B are in the order of its present permutation.
type linearMap struct {
	name   string
	n, out int
	a, b   []float64 // weights [n, out]
	saa    []float64 // E[h_A h_Aᵀ], [n, n], summed over positions
	sab    []float64 // E[h_A h_Bᵀ]
	sbb    []float64 // E[h_B h_Bᵀ]
	gaa    []float64 // W_A W_Aᵀ
	gab    []float64 // W_A W_Bᵀ
	gbb    []float64 // W_B W_Bᵀ
	mb     []float64 // (M W_B)ᵀ, [out, n], for M = E[Δh Δhᵀ]
	at     []float64 // W_Aᵀ, [out, n]
	ins    []role    // along n
	outs   []role    // along out
	value  float64   // ⟨M, ΔW ΔWᵀ⟩

	staleG, staleM bool // gab, mb are to be computed anew
}

// role is an axis of a linear map that a group permutes: unit u stands at the places at[u].
type role struct {
	group int
	at    [][]int
}

// maxSeen bounds n: a step of the search multiplies matrices [n, n].
const maxSeen = 4096

// moments gathers the second moments of all linear maps in one pass.
func moments(ctx context.Context, p Problem) ([]*linearMap, error) {
	s, err := p.samples(p.Samples, 12) // patches, and products of the largest
	if err != nil {
		return nil, err
	}
	defer s.Close()
	which, err := moving(p.F)
	if err != nil {
		return nil, err
	}
	var maps []*linearMap
	bytes, largest := 0.0, 0.0
	for _, i := range which {
		m, err := newLinearMap(p, p.F.About.Linears[i].Name)
		if err != nil {
			return nil, err
		}
		maps = append(maps, m)
		square := 8 * float64(m.n) * float64(m.n)
		bytes, largest = bytes+6*square, max(largest, 3*square)
	}
	if err := memory.Room("the second moments of all linear maps", bytes+largest, "match a narrower network, or by another method"); err != nil {
		return nil, err
	}
	for _, m := range maps {
		for _, to := range []*[]float64{&m.saa, &m.sab, &m.sbb} {
			*to = make([]float64, m.n*m.n)
		}
		m.at = transposed(m.a, m.n, m.out)
	}
	a, err := p.F.Upload(p.A)
	if err != nil {
		return nil, err
	}
	defer network.Free(a...)
	b, err := p.F.Upload(p.B)
	if err != nil {
		return nil, err
	}
	defer network.Free(b...)
	samples := 0
	for s.Next(ctx) {
		out, err := s.Run(ctx, momentsGraph(which), a, b, s.X, float32(s.Len()))
		if err != nil {
			return nil, err
		}
		for i, m := range maps {
			for j, to := range [][]float64{m.saa, m.sab, m.sbb} {
				if err = errors.Join(err, addTo(to, out[3*i+j])); err != nil {
					break
				}
			}
		}
		network.Free(out...)
		if err != nil {
			return nil, err
		}
		samples += s.Len()
		if p.Progress != nil {
			p.Progress(samples, p.looksAt(), math.NaN())
		}
	}
	if s.Err() != nil {
		return nil, s.Err()
	}
	for _, m := range maps {
		for _, of := range [][]float64{m.saa, m.sab, m.sbb} {
			for i := range of {
				of[i] /= float64(samples)
			}
		}
		symmetric(m.saa, m.n)
		symmetric(m.sbb, m.n)
	}
	return maps, nil
}

// transposed is the matrix [cols, rows] of one [rows, cols].
func transposed(m []float64, rows, cols int) []float64 {
	out := make([]float64, len(m))
	for i := range rows {
		for j := range cols {
			out[j*rows+i] = m[i*cols+j]
		}
	}
	return out
}

// symmetric takes out what float32 products rounded differently on both sides of the diagonal.
func symmetric(m []float64, n int) {
	for i := range n {
		for j := range i {
			v := (m[i*n+j] + m[j*n+i]) / 2
			m[i*n+j], m[j*n+i] = v, v
		}
	}
}

// looksAt is the number of training samples of a pass.
func (p Problem) looksAt() int {
	if p.Samples > 0 {
		return min(p.Samples, p.Training.Len())
	}
	return p.Training.Len()
}

// newLinearMap is the map without its moments.
func newLinearMap(p Problem, name string) (*linearMap, error) {
	wa, ok := p.A.Get(name + "/w")
	if !ok {
		return nil, fmt.Errorf("the weights have no tensor %q", name+"/w")
	}
	wb, _ := p.B.Get(name + "/w")
	rank := len(wa.Dims)
	m := &linearMap{name: name, out: wa.Dims[rank-1], n: len(wa.Data) / wa.Dims[rank-1]}
	if m.n > maxSeen {
		return nil, fmt.Errorf("an output of layer %q sees %d numbers of its input, and the method multiplies matrices of that size for every step: it takes up to %d; match a narrower network, or by another method", name, m.n, maxSeen)
	}
	for _, t := range []struct {
		to   *[]float64
		from []float32
	}{{&m.a, wa.Data}, {&m.b, wb.Data}} {
		*t.to = make([]float64, len(t.from))
		for i, v := range t.from {
			(*t.to)[i] = float64(v)
		}
	}
	channels := wa.Dims[rank-2]
	for g, group := range p.Symmetry.Groups {
		for _, place := range group.Places {
			switch {
			case place.Tensor != wa.Name:
			case place.Axis == rank-1:
				m.outs = append(m.outs, role{g, place.At})
			case place.Axis == rank-2:
				r := role{group: g}
				for _, at := range place.At {
					var all []int
					for from := 0; from < m.n; from += channels { // every position of the kernel
						for _, c := range at {
							all = append(all, from+c)
						}
					}
					r.at = append(r.at, all)
				}
				m.ins = append(m.ins, r)
			default:
				return nil, fmt.Errorf("group %q permutes axis %d of %q, a position of a kernel", group.Name, place.Axis, place.Tensor)
			}
		}
	}
	return m, nil
}

// moving are the linear maps whose input depends on weights: of all others ΔH is 0, whatever the permutation.
func moving(f *network.Model) (which []int, err error) {
	g := graph.NewGraph(f.Backend, "match: linear maps")
	defer g.Finalize()
	theta := map[*graph.Node]bool{}
	var weights []*graph.Node
	for _, p := range f.About.Params {
		w := graph.Parameter(g, p.Name, shapes.Make(dtypes.Float32, p.Dims...))
		theta[w], weights = true, append(weights, w)
	}
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, append([]int{1}, f.Network.Spec.Input...)...))
	depends := map[*graph.Node]bool{x: false}
	var from func(n *graph.Node) bool
	from = func(n *graph.Node) bool {
		known, seen := depends[n]
		if !seen {
			known = theta[n] || slices.ContainsFunc(n.Inputs(), from)
			depends[n] = known
		}
		return known
	}
	for i, l := range f.Trace(weights, x, network.Options{}).Linears {
		if !from(l.In) {
			continue
		}
		if l.Patches == nil {
			return nil, fmt.Errorf("layer %q is a linear map of its own kind: what its outputs see is known of dense layers and convolutions only; match by another method", l.Name)
		}
		which = append(which, i)
	}
	return which, nil
}

// momentsGraph: θ_A, θ_B, x, the number of samples that are not padding → for each of the linear maps Σ h_A h_Aᵀ, Σ h_A h_Bᵀ, Σ h_B h_Bᵀ of a batch,
// [n·n] float32.
func momentsGraph(which []int) pass.Function {
	return pass.Function{Key: "match: moments", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		p := len(f.About.Params)
		x := in[2*p]
		real := realRows(x, in[2*p+1])
		ta, tb := f.Trace(in[:p], x, network.Options{}), f.Trace(in[p:2*p], x, network.Options{})
		var out []*graph.Node
		for _, i := range which {
			rows := func(l network.Linear) *graph.Node {
				h := l.Patches(l.In)
				h = graph.Mul(h, graph.BroadcastToDims(real, h.Shape().Dimensions...))
				return graph.Reshape(h, h.Shape().Dim(0)*h.Shape().Dim(1), h.Shape().Dim(2))
			}
			a, b := rows(ta.Linears[i]), rows(tb.Linears[i])
			for _, pair := range [][2]*graph.Node{{a, a}, {a, b}, {b, b}} {
				m := graph.MatMul(graph.Transpose(pair[0], 0, 1), pair[1])
				out = append(out, graph.Reshape(m, m.Shape().Size()))
			}
		}
		return out
	}}
}
