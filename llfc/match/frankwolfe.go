package match

import (
	"context"
	"fmt"
	"math"
	"slices"

	"layerwise/internal/finite"
	"layerwise/internal/memory"
	"layerwise/llfc/network"
)

// JointSteps is the most steps of FrankWolfe and Universe where Config.Steps is 0. Both end by themselves once the steps gain nothing.
const JointSteps = 400

// settled is the share of the objective that a step must gain to count, and patience the number of steps in a row that may gain less.
const (
	settled  = 1e-5
	patience = 5
)

// rounding32 is the share of a sum of products by which float32 weights can be off: a smaller gain is none.
const rounding32 = 1e-7

// FrankWolfe looks for the π that minimises ‖θ_A − π(θ_B)‖² over all groups jointly (Frank and Wolfe 1956; of networks Crisostomi et al.,
// arXiv 2405.17897). Permutations are relaxed to the doubly stochastic matrices between them. From their centre, where every unit of B is
// shared out evenly, each step goes towards the permutation S that maximises the linear part of f(P) = Σ ⟨A, P(B)⟩, one assignment for each
// group, and as far as f rises: along the segment f is a parabola, whose top is known exactly. At the end P is rounded, by one more
// assignment for each group. No order of visiting and no seed plays a part.
//
// The gradient is affine in P, so that of a mixture of permutations is the mixture of theirs: a step costs as much as a sweep of weight
// matching, and no product with a dense P is ever made. The permutations on the way have values of their own, and the best of
// them, of the rounded one and of the identity is returned. Config.Steps bounds the steps; seed and restarts are not used.
// Where ctx ends, the best so far is returned with its error.
func FrankWolfe(ctx context.Context, p Problem) (Result, error) {
	w, err := newDescent(p)
	if err != nil {
		return Result{}, fmt.Errorf("match: frank-wolfe: %w", err)
	}
	r := Result{Permutation: p.Symmetry.Identity(), Identity: w.identity, Objective: w.identity}
	for step, still := 1, 0; step <= jointSteps(p.Config) && still < patience; step++ {
		s, err := assignAll(ctx, p.Symmetry, w.solvers, w.gradient)
		if err != nil {
			return w.until(r, err)
		}
		gained, value, err := w.step(s)
		if err != nil {
			return w.until(r, err)
		}
		if value > r.Objective {
			r.Permutation, r.Objective = s.permutation(p.Symmetry), value
		}
		r.Sweeps, r.Objectives = []int{step}, []float64{r.Objective}
		if still++; gained > settled*math.Abs(w.value) {
			still = 0
		}
		if gained == 0 {
			break
		}
		if p.Progress != nil {
			p.Progress(step, jointSteps(p.Config), r.Objective)
		}
	}
	last, err := assignAll(ctx, p.Symmetry, make([]Assigner, len(p.Symmetry.Groups)), w.p.shares(p.Symmetry))
	if err != nil {
		return w.until(r, err)
	}
	x, err := w.moved(last, p.B)
	if err != nil {
		return w.until(r, err)
	}
	if value := w.inner(w.a, x); value > r.Objective {
		r.Permutation, r.Objective, r.Objectives[0] = last.permutation(p.Symmetry), value, value
	}
	return r, nil
}

func jointSteps(c Config) int {
	if c.Steps <= 0 {
		return JointSteps
	}
	return c.Steps
}

// descent is a search under way.
type descent struct {
	*voting
	a        map[string]network.Tensor
	b        network.Params
	identity float64     // f of moving nothing
	p        mixture     // where the search is,
	value    float64     // f there,
	gradient [][]float64 // and ∂f/∂P of each group, [n, n]
	linear   [][]float64 // what the tensors that move along one axis have in it, wherever the search is
	bilinear []string    // the others
	solvers  []Assigner
}

func newDescent(p Problem) (*descent, error) {
	v, err := newVoting(p.Symmetry, p.A, p.B)
	if err != nil {
		return nil, err
	}
	w := &descent{voting: v, a: p.A.ByName(), b: p.B, p: mixture{centre: 1}, solvers: make([]Assigner, len(p.Symmetry.Groups))}
	if w.identity = w.inner(w.a, p.B.ByName()); !finite.Is(w.identity) {
		return nil, fmt.Errorf("the weights are not finite: Σ ⟨A, B⟩ is %g", w.identity)
	}
	if err := roomForGains(p.Symmetry, 0); err != nil {
		return nil, err
	}
	for _, name := range w.tensors {
		b, _ := p.B.Get(name)
		w.value += dot(w.a[name].Data, w.mixed(w.p, b, -1).Data)
	}
	var linear []string
	for _, name := range w.tensors {
		if len(w.axes(name)) == 1 {
			linear = append(linear, name)
		} else {
			w.bilinear = append(w.bilinear, name)
		}
	}
	centre := func(name string, axis int) (x, y network.Tensor) {
		b, _ := p.B.Get(name)
		return w.a[name], w.mixed(w.p, b, axis)
	}
	w.linear, w.gradient = gains(v, linear, centre, nil), gains(v, w.bilinear, centre, nil)
	for i, g := range w.gradient {
		for j, x := range w.linear[i] {
			g[j] += x
		}
	}
	return w, nil
}

// until is what a search that ended with an error has found: nothing but where it was interrupted after its first step.
func (w *descent) until(r Result, err error) (Result, error) {
	err = fmt.Errorf("match: frank-wolfe: %w", err)
	if len(r.Sweeps) == 0 || !interrupted(err) {
		return Result{}, err
	}
	return r, err
}

// step goes from P towards a corner for as long as f rises. It returns by how much f rose, and the value of the corner.
func (w *descent) step(to corner) (gained, value float64, err error) {
	x, err := w.moved(to, w.b)
	if err != nil {
		return 0, 0, err
	}
	value = w.inner(w.a, x)
	slope := w.p.less(to).along(w.gradient)
	if slope <= 0 { // up to rounding, no way leads up
		return 0, value, nil
	}
	share := 1.0
	gained = value - w.value
	if bend := gained - slope; slope+2*bend < 0 { // f(P + γ(S − P)) = f(P) + slope γ + bend γ²
		share = -slope / (2 * bend)
		gained = share * (slope + share*bend)
	}
	w.value += gained
	w.p = w.p.towards(to, share)
	at := gains(w.voting, w.bilinear, func(name string, _ int) (network.Tensor, network.Tensor) { return w.a[name], x[name] }, to)
	for i, linear := range w.linear {
		for j, g := range at[i] {
			w.gradient[i][j] = (1-share)*w.gradient[i][j] + share*(linear[j]+g)
		}
	}
	return gained, value, nil
}

// gains are, for each group, Σ ⟨row u of x, row v of y⟩ over its places in some tensors, [n, n]. With a corner y has been moved, and a row counts
// for the unit that it was.
func gains(v *voting, tensors []string, rows func(tensor string, axis int) (x, y network.Tensor), moved corner) [][]float64 {
	out := make([][]float64, len(v.symmetry.Groups))
	for i, g := range v.symmetry.Groups {
		out[i] = make([]float64, g.Size*g.Size)
	}
	for _, name := range tensors {
		for _, place := range v.places[name] {
			x, y := rows(name, place.Axis)
			addRowProducts(out[place.group], rowsOf(place.Place, x), rowsOf(place.Place, y), len(place.At))
		}
	}
	for i := range moved {
		n := v.symmetry.Groups[i].Size
		parallel(n, func(u int) {
			row := out[i][u*n : (u+1)*n]
			for j, g := range slices.Clone(row) {
				row[moved[i][j]] = g
			}
		})
	}
	return out
}

// addRowProducts adds ⟨row u of x, row v of y⟩ to total [n, n].
func addRowProducts(total []float64, x, y []float32, n int) {
	k := len(x) / max(1, n)
	rows, columns := make([]int, n), make([]int32, k)
	for u := range rows {
		rows[u] = u * k
	}
	for c := range columns {
		columns[c] = int32(c)
	}
	new(product).add([]strip{{a: x, b: y, row: rows, at: columns, from: columns}}, total, n)
}

// assignAll finds the best permutation of every group for its gains.
func assignAll(ctx context.Context, s network.Symmetry, solvers []Assigner, gains [][]float64) (out corner, err error) {
	for i, g := range s.Groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		q, err := solvers[i].assign(ctx, gains[i], g.Size)
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", g.Name, err)
		}
		out = append(out, q)
	}
	return out, nil
}

// roomForGains returns an error if the machine cannot hold the gains of every group three times, and further bytes.
func roomForGains(s network.Symmetry, further float64) error {
	squares, largest := 0.0, 0
	for _, g := range s.Groups {
		squares, largest = squares+float64(g.Size)*float64(g.Size), max(largest, g.Size)
	}
	return memory.Room(fmt.Sprintf("matching groups of up to %d units jointly", largest), 24*squares+4*float64(largest)*float64(largest)+further, "match narrower networks")
}
