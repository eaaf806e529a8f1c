package match

import (
	"context"
	"fmt"
	"math"
	"slices"

	"layerwise/llfc/network"
)

// Universe looks for the permutations π_p of several networks that minimise Σ_{p<q} ‖π_p(θ_p) − π_q(θ_q)‖² over all networks and groups
// jointly: FrankWolfe of many (Crisostomi et al., arXiv 2405.17897). What brings q in line with p goes by way of the order that
// all share, the universe: P_pq = P_pᵀ P_q in the letters of [Joint.Between], so that every cycle comes back to where it began. The
// universe is the order of the first network, which takes nothing from what can be reached; of two networks this is FrankWolfe.
//
// Each step goes from all P_p at once towards the permutations that maximise the linear part of F(P) = Σ_{p<q} ⟨P_p(θ_p), P_q(θ_q)⟩, one
// assignment for each group and network. Along the segment F is a polynomial of degree four, whose largest value is found exactly.
// The rest is as FrankWolfe has it: start, end, rounding, Config.Steps, and what is returned where ctx ends.
func Universe(ctx context.Context, p ManyProblem) (Joint, error) {
	v, j, err := p.start()
	if err != nil {
		return Joint{}, fmt.Errorf("match: universe: %w", err)
	}
	if err := roomForGains(p.Symmetry, 12*float64(len(p.Thetas)*p.Thetas[0].Count())); err != nil {
		return Joint{}, fmt.Errorf("match: universe: %w", err)
	}
	u := newUniverse(v, p)
	until := func(err error) (Joint, error) { // what a search that ended with an error has found
		err = fmt.Errorf("match: universe: %w", err)
		if len(j.Objectives) == 0 || !interrupted(err) {
			return Joint{}, err
		}
		return j, err
	}
	keep := func(to []corner, value float64) {
		if value > j.Objective {
			j.Objective = value
			for i, c := range to {
				j.Permutations[i] = c.permutation(p.Symmetry)
			}
		}
	}
	for step, still := 1, 0; step <= jointSteps(p.Config) && still < patience; step++ {
		to, err := u.towards(ctx)
		if err != nil {
			return until(err)
		}
		gained, value, err := u.step(to)
		if err != nil {
			return until(err)
		}
		keep(to, value)
		j.Objectives = append(j.Objectives, u.value)
		if still++; gained > settled*math.Abs(u.value) {
			still = 0
		}
		if gained == 0 {
			break
		}
		if p.Progress != nil {
			p.Progress(step, jointSteps(p.Config), j.Objective)
		}
	}
	last := []corner{u.first}
	for _, m := range u.p[1:] {
		c, err := assignAll(ctx, p.Symmetry, make([]Assigner, len(p.Symmetry.Groups)), m.shares(p.Symmetry))
		if err != nil {
			return until(err)
		}
		last = append(last, c)
	}
	_, value, err := u.at(last)
	if err != nil {
		return until(err)
	}
	keep(last, value)
	return j, nil
}

// universe is a search under way.
type universe struct {
	*voting
	thetas  []map[string]network.Tensor
	params  []network.Params
	first   corner                      // that moves nothing: of the first network
	p       []mixture                   // where each network is; the first stays
	x       []map[string]network.Tensor // P_p(θ_p)
	value   float64
	solvers [][]Assigner
}

func newUniverse(v *voting, p ManyProblem) *universe {
	u := &universe{voting: v, params: p.Thetas, first: cornerOf(p.Symmetry, p.Symmetry.Identity())}
	for i, theta := range p.Thetas {
		u.thetas, u.p, u.solvers = append(u.thetas, theta.ByName()), append(u.p, mixture{centre: 1}), append(u.solvers, make([]Assigner, len(p.Symmetry.Groups)))
		if i == 0 {
			u.p[0] = mixture{[]corner{u.first}, []float64{1}, 0}
		}
		x := map[string]network.Tensor{}
		for _, name := range v.tensors {
			x[name] = v.mixed(u.p[i], u.thetas[i][name], -1)
		}
		u.x = append(u.x, x)
	}
	for _, name := range v.tensors {
		u.value += u.line(name, func(p int) [3][]float32 { return [3][]float32{u.x[p][name].Data} })[0]
	}
	return u
}

// towards is the corner of every network that maximises the linear part.
func (u *universe) towards(ctx context.Context) ([]corner, error) {
	sum := map[string]network.Tensor{}
	for _, name := range u.tensors {
		sum[name] = network.Tensor{Name: name, Dims: u.x[0][name].Dims, Data: slices.Clone(u.x[0][name].Data)}
		for _, x := range u.x[1:] {
			for i, w := range x[name].Data {
				sum[name].Data[i] += w
			}
		}
	}
	out := []corner{u.first}
	for p := 1; p < len(u.x); p++ {
		c, err := assignAll(ctx, u.symmetry, u.solvers[p], gains(u.voting, u.tensors, func(name string, axis int) (others, y network.Tensor) {
			others = sum[name]
			others.Data = slices.Clone(others.Data)
			for i, w := range u.x[p][name].Data {
				others.Data[i] -= w
			}
			return others, u.mixed(u.p[p], u.thetas[p][name], axis)
		}, nil))
		if err != nil {
			return nil, fmt.Errorf("network %d: %w", p+1, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// step goes from all P_p towards the corners to where F is largest. It returns by how much F rose, and its value at the corners. Along the way
// x(γ) = x + γ x′ + γ² x″ for every network: x″ is the direction S − P applied along both axes, and x′ what is left of the way.
func (u *universe) step(to []corner) (gained, value float64, err error) {
	ends, value, err := u.at(to)
	if err != nil {
		return 0, 0, err
	}
	first, second := make([]map[string][]float32, len(to)), make([]map[string][]float32, len(to)) // x′, x″
	for p := range to {
		first[p], second[p] = map[string][]float32{}, map[string][]float32{}
	}
	var f [5]float64 // F along the way: Σ f_k γ^k
	for _, name := range u.tensors {
		for p := 1; p < len(to); p++ {
			x, end := u.x[p][name].Data, ends[p][name].Data
			bend := make([]float32, len(x))
			if len(u.axes(name)) == 2 {
				bend = u.bend(u.p[p].less(to[p]), u.thetas[p][name])
			}
			slope := make([]float32, len(x))
			for i := range slope {
				slope[i] = end[i] - x[i] - bend[i]
			}
			first[p][name], second[p][name] = slope, bend
		}
		for k, v := range u.line(name, func(p int) [3][]float32 { return [3][]float32{u.x[p][name].Data, first[p][name], second[p][name]} }) {
			f[k] += v
		}
	}
	share := highest(f)
	if gained = polynomial(f, share) - f[0]; gained <= rounding32*math.Abs(u.value) { // up to rounding, no way leads up
		return 0, value, nil
	}
	if u.value += gained; share == 1 {
		u.value = value
	}
	for p := 1; p < len(to); p++ {
		u.p[p] = u.p[p].towards(to[p], share)
		for _, name := range u.tensors {
			if share == 1 {
				u.x[p][name] = ends[p][name]
				continue
			}
			g, x, slope, bend := float32(share), u.x[p][name].Data, first[p][name], second[p][name]
			for i := range x {
				x[i] += g * (slope[i] + g*bend[i])
			}
		}
	}
	return gained, value, nil
}

// bend is a direction applied along both axes of a tensor: units that it does not move have no part in it.
func (u *universe) bend(m mixture, t network.Tensor) []float32 {
	for _, axis := range u.axes(t.Name) {
		out := t
		out.Data = make([]float32, len(t.Data))
		for _, p := range u.places[t.Name] {
			if p.Axis == axis {
				setRows(p.Place, out, rowsOf(p.Place, m.apply(p.group, p.Place, t)))
			}
		}
		t = out
	}
	return t.Data
}

// line is Σ_{p<q} ⟨x_p(γ), x_q(γ)⟩ of one tensor, as the coefficients of a polynomial in γ: each network meets the sum of those before it. A nil
// part is 0.
func (u *universe) line(name string, x func(p int) [3][]float32) [5]float64 {
	const stripes = 16 // summed apart, so that the sum does not depend on who is first
	n := len(u.thetas[0][name].Data)
	var sums [stripes][5]float64
	zeros := make([]float32, n)
	parallel(stripes, func(stripe int) {
		low, high := n*stripe/stripes, n*(stripe+1)/stripes
		before := make([][3]float64, high-low)
		f := &sums[stripe]
		for p := range u.thetas {
			x := x(p)
			for k := range x {
				if x[k] == nil {
					x[k] = zeros
				}
			}
			for i, b := range before {
				x0, x1, x2 := float64(x[0][low+i]), float64(x[1][low+i]), float64(x[2][low+i])
				f[0] += b[0] * x0
				f[1] += b[0]*x1 + b[1]*x0
				f[2] += b[0]*x2 + b[1]*x1 + b[2]*x0
				f[3] += b[1]*x2 + b[2]*x1
				f[4] += b[2] * x2
				before[i] = [3]float64{b[0] + x0, b[1] + x1, b[2] + x2}
			}
		}
	})
	var out [5]float64
	for _, f := range sums {
		for k, v := range f {
			out[k] += v
		}
	}
	return out
}

// at is the weights at corners, and F there.
func (u *universe) at(to []corner) (ends []map[string]network.Tensor, value float64, err error) {
	ends = []map[string]network.Tensor{u.thetas[0]} // stays
	for p := 1; p < len(to); p++ {
		x, err := u.moved(to[p], u.params[p])
		if err != nil {
			return nil, 0, err
		}
		ends = append(ends, x)
	}
	value, err = u.pairs(ends)
	return ends, value, err
}

func polynomial(f [5]float64, x float64) float64 {
	return f[0] + x*(f[1]+x*(f[2]+x*(f[3]+x*f[4])))
}

// highest is where in [0, 1] a polynomial is largest: an end, or a zero of its derivative. Those lie between the zeros of the derivative's
// own derivative, where it is monotone, and are found by halving.
func highest(f [5]float64) float64 {
	slope := func(x float64) float64 { return f[1] + x*(2*f[2]+x*(3*f[3]+x*4*f[4])) }
	cuts := []float64{0, 1}
	a, b, c := 12*f[4], 6*f[3], 2*f[2]
	if root := math.Sqrt(b*b - 4*a*c); a != 0 && !math.IsNaN(root) {
		cuts = append(cuts, (-b-root)/(2*a), (-b+root)/(2*a))
	} else if b != 0 {
		cuts = append(cuts, -c/b)
	}
	cuts = slices.DeleteFunc(cuts, func(x float64) bool { return !(x >= 0 && x <= 1) })
	slices.Sort(cuts)
	best := 0.0
	for i, low := range cuts[:len(cuts)-1] {
		high := cuts[i+1]
		if slope(low) > 0 && slope(high) < 0 {
			for range 60 { // to the last bit
				if mid := low + (high-low)/2; slope(mid) > 0 {
					low = mid
				} else {
					high = mid
				}
			}
		}
		for _, x := range []float64{low, high} {
			if polynomial(f, x) > polynomial(f, best) {
				best = x
			}
		}
	}
	return best
}
