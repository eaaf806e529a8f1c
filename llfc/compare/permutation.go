package compare

import (
	"context"
	"fmt"

	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

// Permuted is what is left of the distance after the units of B were permuted to fit A's (match.Weights).
type Permuted struct {
	Numbers           int     // in the tensors that the permutation moves
	Moved             int     // units that stand elsewhere
	Units             int     // of all
	Distance          float64 // ‖A − π(B)‖ / ‖A‖ over these tensors
	OneMinusCos       float64
	DistanceBefore    float64
	OneMinusCosBefore float64
	Same              bool // equal up to rounding, and so is every other tensor
	others            bool
}

// rounding is the relative distance up to which weights are the same: float32 once written in half precision differs by 5e-4 or less.
const rounding = 1e-6

// wantsPermutation reports whether the units as they stand say nothing of a relation.
func (r *Result) wantsPermutation() bool {
	distance, _ := r.Whole()
	return r.Test != nil && r.Test.P > level && distance > rounding
}

// search looks for the permutation of B's units that brings it closest to A; nil where the networks are too large, or hold what is no number.
func search(ctx context.Context, s network.Symmetry, partners []partner, rows []Row, o Options) (*Permuted, error) {
	moved := map[string]bool{}
	for _, name := range s.Tensors() {
		moved[name] = true
	}
	out := &Permuted{others: true}
	for i, p := range partners {
		if !moved[p.a.Name] {
			out.others = out.others && (rows[i].Identical || rows[i].Distance <= rounding && rows[i].Float)
			continue
		}
		if !rows[i].Finite {
			return nil, nil
		}
		out.Numbers += rows[i].Count
	}
	if out.Numbers > o.Search || out.Numbers == 0 {
		return nil, nil
	}
	var a, b network.Params
	for _, p := range partners {
		if !moved[p.a.Name] {
			continue
		}
		x := network.Tensor{Name: p.a.Name, Dims: p.a.Shape, Data: make([]float32, p.a.count())}
		y := network.Tensor{Name: p.a.Name, Dims: p.a.Shape, Data: make([]float32, p.a.count())}
		if err := p.a.Floats(x.Data); err != nil {
			return nil, err
		}
		if err := p.b.Floats(y.Data); err != nil {
			return nil, err
		}
		a, b = append(a, x), append(b, y)
	}
	found, err := match.Weights(ctx, s, a, b, match.Config{Seed: o.Seed})
	if err != nil {
		return nil, fmt.Errorf("compare: looking for a permutation: %w", err)
	}
	pb, err := s.Apply(found.Permutation, b)
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	out.DistanceBefore, out.OneMinusCosBefore = between(a, b)
	out.Distance, out.OneMinusCos = between(a, pb)
	for _, p := range found.Permutation {
		for u, v := range p {
			out.Units++
			if u != v {
				out.Moved++
			}
		}
	}
	out.Same = out.others && out.Distance <= rounding
	return out, nil
}

func between(a, b network.Params) (distance, oneMinusCos float64) {
	rows := make([]Row, len(a))
	for i := range a {
		rows[i].Float = true
		rows[i].distance(a[i].Data, b[i].Data)
	}
	return whole(rows)
}
