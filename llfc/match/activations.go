package match

import (
	"context"
	"errors"
	"fmt"

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
func Activations(ctx context.Context, p Problem) (Result, error) {
	if p.Training == nil {
		return Result{}, errors.New("match: activation matching looks at training samples; give Problem.Training")
	}
	if err := p.A.SameLayout(p.B); err != nil {
		return Result{}, fmt.Errorf("match: the two networks differ: %w", err)
	}
	totals, err := products(ctx, p)
	if err != nil {
		return Result{}, fmt.Errorf("match: activations: %w", err)
	}
	r := Result{Permutation: network.Permutation{}, Sweeps: []int{1}}
	for i, g := range p.Symmetry.Groups {
		q, err := Assign(totals[i], g.Size)
		if err != nil {
			return Result{}, fmt.Errorf("match: activations: group %q: %w", g.Name, err)
		}
		r.Permutation[g.Name] = q
		for u, v := range q {
			r.Objective += totals[i][u*g.Size+v]
			r.Identity += totals[i][u*g.Size+u]
		}
	}
	r.Objectives = []float64{r.Objective}
	return r, nil
}

// products returns Σ ⟨h_A,u, h_B,v⟩ over samples, positions and layers, a matrix [size, size] for each group.
func products(ctx context.Context, p Problem) ([][]float64, error) {
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
	s, err := pass.Open(p.F, p.Training, 0, 2)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	totals := make([][]float64, len(p.Symmetry.Groups))
	for i, g := range p.Symmetry.Groups {
		totals[i] = make([]float64, g.Size*g.Size)
	}
	for s.Next(ctx) {
		out, err := s.Run(ctx, productGraph(p.Symmetry), a, b, s.X, float32(s.Len()))
		if err != nil {
			return nil, err
		}
		for i, t := range out {
			err = addTo(totals[i], t)
			if err != nil {
				break
			}
		}
		network.Free(out...)
		if err != nil {
			return nil, err
		}
	}
	return totals, s.Err()
}

// productGraph: θ_A, θ_B, x, the number of samples that are not padding → for each group the products of a batch, [size·size] float32.
func productGraph(s network.Symmetry) pass.Function {
	return pass.Function{Key: "match: activations", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		p := len(f.About.Params)
		x, samples := in[2*p], in[2*p+1]
		ta, tb := f.Trace(in[:p], x, network.Options{}), f.Trace(in[p:2*p], x, network.Options{})
		at := map[string]int{}
		for i, tap := range ta.Taps {
			at[tap.Name] = i
		}
		index := graph.Iota(x.Graph(), shapes.Make(dtypes.Float32, x.Shape().Dim(0), 1), 0)
		real := graph.ConvertDType(graph.LessThan(index, samples), dtypes.Float32) // [batch, 1], 0 at padding
		var out []*graph.Node
		for _, g := range s.Groups {
			var sum *graph.Node
			seen := map[*graph.Node]bool{}
			for _, place := range g.TapPlaces {
				tap := ta.Taps[at[place.Tensor]]
				if len(place.At[0]) > 1 || seen[tap.Node] { // a flattened picture has every unit many times over, and its layer has been seen
					continue
				}
				seen[tap.Node] = true
				ha, hb := units(tap.Node, place), units(tb.Taps[at[place.Tensor]].Node, place)
				mask := graph.Reshape(graph.BroadcastToDims(real, x.Shape().Dim(0), ha.Shape().Dim(1)), x.Shape().Dim(0), ha.Shape().Dim(1), 1)
				ha = graph.Mul(ha, mask)
				rows := ha.Shape().Dim(0) * ha.Shape().Dim(1)
				product := graph.MatMul(graph.Transpose(graph.Reshape(ha, rows, g.Size), 0, 1), graph.Reshape(hb, rows, g.Size))
				if sum == nil {
					sum = product
				} else {
					sum = graph.Add(sum, product)
				}
			}
			if sum == nil {
				panic(fmt.Errorf("no layer shows the units of group %q one by one", g.Name))
			}
			out = append(out, graph.Reshape(sum, g.Size*g.Size))
		}
		return out
	}}
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
