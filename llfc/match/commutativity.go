package match

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"layerwise/internal/finite"
	"layerwise/llfc/network"
)

// Commutativity looks for the π that makes commutativity hold (Definition 4 and §5.2, Eq. 9 of the paper): it minimises
//
//	Σ_l E‖(W_A − P_l W_B P_{l−1}ᵀ)(h_A − P_{l−1} h_B)‖²
//
// over all linear maps whose input depends on weights, where E is the mean over training samples, and positions of a picture are summed. Weight matching
// shrinks the first factor, activation matching the second; this is their product. With M the second moment of Δh and Γ = ΔW ΔWᵀ a term is
// ⟨M, Γ⟩, so that data are passed over once, for E[h_A h_Aᵀ], E[h_A h_Bᵀ] and E[h_B h_Bᵀ] of every map; for a convolution h is the patch under
// its kernel. Batch norms use their running statistics; biases and norms have no part.
//
// The problem is NP-hard (App. A.3: in each P with the others held it is a quadratic assignment). From weight matching and from activation matching
// (of what enters the linear maps) the search goes over the groups in turn: an assignment on the linearised objective, shortened until the
// objective itself falls, then swaps of two units, until neither helps any group, or a sweep lowers it by less than a two-thousandth. The objective never rises. Config.Restarts further runs begin at
// the best so far with a tenth of its units exchanged. The best run is returned; Result.Objective is the negated sum.
//
// It holds six matrices of the size [n, n] for a map whose outputs see n numbers each: kernel positions × channels. n is bounded by 4096.
func Commutativity(ctx context.Context, p Problem) (Result, error) {
	fail := func(err error) (Result, error) { return Result{}, fmt.Errorf("match: commutativity: %w", err) }
	maps, err := moments(ctx, p)
	if err != nil {
		return fail(err)
	}
	c, err := newCommuting(p.F, p.Symmetry, maps)
	if err != nil {
		return fail(err)
	}
	r := Result{Of: "−Σ‖ΔW ΔH‖²", Identity: -c.total(), Objective: -c.total(), Permutation: p.Symmetry.Identity()}
	least := slight * c.scale() // so much may be rounding
	starts := []network.Permutation{nil, nil}
	starts[1], err = c.features(ctx)
	if err != nil {
		return fail(err)
	}
	byWeights, err := Weights(ctx, p.Symmetry, p.A, p.B, Config{Seed: p.Seed, Restarts: p.Restarts, MaxSweeps: p.MaxSweeps})
	if err != nil {
		return Result{}, err
	}
	starts[0] = byWeights.Permutation
	sweeps := p.MaxSweeps
	if sweeps <= 0 {
		sweeps = 100
	}
	rng := rand.New(rand.NewPCG(uint64(p.Seed), 0x636f6d6d)) // "comm"
	for run := 0; ; run++ {
		switch {
		case run < len(starts):
			err = c.moveTo(starts[run])
		case run < len(starts)+p.Restarts:
			if err = c.moveTo(r.Permutation); err == nil {
				err = c.kick(rng)
			}
		case run == len(starts)+p.Restarts && r.Objective == r.Identity: // nothing was better than moving nothing
			err = c.moveTo(p.Symmetry.Identity())
		default:
			return r, nil
		}
		if err != nil {
			return fail(err)
		}
		n, err := c.descend(ctx, sweeps, p.Progress)
		if err != nil && ctx.Err() == nil {
			return fail(err)
		}
		value := -c.total()
		r.Objectives, r.Sweeps = append(r.Objectives, value), append(r.Sweeps, n)
		if value > r.Objective+least {
			r.Permutation, r.Objective = c.permutation(), value
		}
		if err != nil {
			return r, err
		}
	}
}

// scale is the size of what the objective is a difference of.
func (c *commuting) scale() float64 {
	sum := 0.0
	for _, m := range c.maps {
		for i := range m.saa {
			sum += math.Abs(m.saa[i] * m.gaa[i])
		}
	}
	return sum
}

// commuting is the search under way.
type commuting struct {
	f       *network.Model // where large matrices are multiplied
	groups  []network.Group
	maps    []*linearMap
	p       [][]int // new unit u is old unit p[u] of B
	roles   [][]part
	twice   []bool // a group on both axes of a map: the objective is then of higher degree in it
	observe func() // for tests, after each step
}

// part is what a group does in a map.
type part struct {
	m    *linearMap
	role role
	in   bool
}

func newCommuting(f *network.Model, s network.Symmetry, maps []*linearMap) (*commuting, error) {
	c := &commuting{f: f, groups: s.Groups, maps: maps, roles: make([][]part, len(s.Groups)), twice: make([]bool, len(s.Groups))}
	for _, g := range s.Groups {
		c.p = append(c.p, exchange(g.Size, 0, 0))
	}
	for _, m := range maps {
		for _, r := range m.ins {
			c.roles[r.group] = append(c.roles[r.group], part{m, r, true})
		}
		for _, r := range m.outs {
			c.roles[r.group] = append(c.roles[r.group], part{m, r, false})
			c.twice[r.group] = c.twice[r.group] || slices.ContainsFunc(m.ins, func(in role) bool { return in.group == r.group })
		}
		var err error
		if m.gaa, err = c.multiply(m.a, m.at, m.n, m.out, m.n); err != nil {
			return nil, err
		}
		if m.gbb, err = c.multiply(m.b, transposed(m.b, m.n, m.out), m.n, m.out, m.n); err != nil {
			return nil, err
		}
		symmetric(m.gaa, m.n)
		symmetric(m.gbb, m.n)
		m.mb, m.staleG, m.staleM = make([]float64, len(m.b)), true, true
		if err := c.grams(m); err != nil {
			return nil, err
		}
		if m.measure(); !finite.Is(m.value) {
			return nil, fmt.Errorf("layer %q: ‖ΔW ΔH‖² is %g: weights or features are not finite, or too large", m.name, m.value)
		}
	}
	return c, nil
}

// multiply is x y for x [rows, k] and y [k, cols], in float64; on the backend where that pays.
func (c *commuting) multiply(x, y []float64, rows, k, cols int) ([]float64, error) {
	if float64(rows)*float64(k)*float64(cols) < 1<<23 {
		out := make([]float64, rows*cols)
		matrix := func(x []float64, rows, cols int) blas64.General {
			return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: x}
		}
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(x, rows, k), matrix(y, k, cols), 0, matrix(out, rows, cols))
		return out, nil
	}
	exec, err := c.f.Exec("match: product", func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.MatMul(in[0], in[1])} })
	if err != nil {
		return nil, err
	}
	a, b := tensors.FromFlatDataAndDimensions(x, rows, k), tensors.FromFlatDataAndDimensions(y, k, cols)
	defer network.Free(a, b)
	out, err := exec.Call(a, b)
	if err != nil {
		return nil, err
	}
	defer network.Free(out...)
	return tensors.CopyFlatData[float64](out[0])
}

// total is the objective.
func (c *commuting) total() float64 {
	sum := 0.0
	for _, m := range c.maps {
		sum += m.value
	}
	return sum
}

func (c *commuting) permutation() network.Permutation {
	out := network.Permutation{}
	for i, g := range c.groups {
		out[g.Name] = slices.Clone(c.p[i])
	}
	return out
}

// features is activation matching by what the moments hold: the values that enter linear maps.
func (c *commuting) features(ctx context.Context) (network.Permutation, error) {
	out := network.Permutation{}
	for i, g := range c.groups {
		gain := make([]float64, g.Size*g.Size)
		for _, at := range c.roles[i] {
			if at.in {
				at.role.gather(at.m.sab, at.m.n, gain)
			}
		}
		q, err := new(Assigner).assign(ctx, gain, g.Size)
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", g.Name, err)
		}
		out[g.Name] = q
	}
	return out, nil
}

// grams brings W_A W_Bᵀ of a map up to date.
func (c *commuting) grams(m *linearMap) (err error) {
	if m.staleG {
		m.gab, err = c.multiply(m.a, transposed(m.b, m.n, m.out), m.n, m.out, m.n)
		m.staleG = err != nil
	}
	return err
}

// makes brings M W_B of a map up to date.
func (c *commuting) makes(m *linearMap) (err error) {
	if m.staleM {
		m.mb, err = c.multiply(transposed(m.b, m.n, m.out), m.second(), m.out, m.n, m.n)
		m.staleM = err != nil
	}
	return err
}

// second is M = E[Δh Δhᵀ].
func (m *linearMap) second() []float64 {
	out := make([]float64, m.n*m.n)
	for i := range m.n {
		for j := range m.n {
			out[i*m.n+j] = m.saa[i*m.n+j] - m.sab[i*m.n+j] - m.sab[j*m.n+i] + m.sbb[i*m.n+j]
		}
	}
	return out
}

// measure sets the value of a map whose W_A W_Bᵀ is up to date.
func (m *linearMap) measure() {
	m.value = 0
	for i := range m.n {
		for j := range m.n {
			x, y := i*m.n+j, j*m.n+i
			m.value += (m.saa[x] - m.sab[x] - m.sab[y] + m.sbb[x]) * (m.gaa[x] - m.gab[x] - m.gab[y] + m.gbb[x])
		}
	}
}

// moveTo takes B to a permutation.
func (c *commuting) moveTo(p network.Permutation) error {
	for i, g := range c.groups {
		q, back := make([]int, g.Size), inverse(c.p[i])
		for u, v := range p[g.Name] {
			q[u] = back[v]
		}
		c.move(i, q)
	}
	return c.measure()
}

// measure computes everything anew.
func (c *commuting) measure() error {
	for _, m := range c.maps {
		if err := c.grams(m); err != nil {
			return err
		}
		m.measure()
	}
	return nil
}

// kick exchanges a tenth of the units of each group, at least two, with others.
func (c *commuting) kick(rng *rand.Rand) error {
	for g, group := range c.groups {
		q := exchange(group.Size, 0, 0)
		for range (group.Size + 19) / 20 {
			u, v := rng.IntN(group.Size), rng.IntN(group.Size)
			q[u], q[v] = q[v], q[u]
		}
		c.move(g, q)
	}
	return c.measure()
}

// enough is the share of the objective by which a sweep must lower it for another one to follow.
const enough = 5e-4

// descend goes over the groups until none can be improved, or all of them together by too little, and returns the number of sweeps.
func (c *commuting) descend(ctx context.Context, most int, progress func(done, of int, objective float64)) (sweeps int, err error) {
	failed := make([]int, len(c.groups)) // by how many assignments in a row a group could not be improved
	for sweeps = 1; sweeps <= most; sweeps++ {
		before := c.total()
		for g := range c.groups {
			if err := c.step(ctx, g, &failed[g]); err != nil {
				return sweeps, err
			}
		}
		if err := c.measure(); err != nil { // takes out the rounding of many small changes
			return sweeps, err
		}
		if progress != nil {
			progress(sweeps, most, -c.total())
		}
		if c.total() >= before-enough*math.Abs(before) {
			return sweeps, nil
		}
	}
	return most, nil
}

// step improves a group by an assignment, unless two have failed, and by swaps.
func (c *commuting) step(ctx context.Context, g int, failed *int) error {
	gradient, err := c.gradient(g)
	if err != nil {
		return err
	}
	tell := func(moved bool) {
		if moved && c.observe != nil {
			c.observe()
		}
	}
	if *failed < 2 {
		moved, err := c.assign(ctx, g, gradient)
		if err != nil {
			return err
		}
		if *failed++; moved {
			*failed = 0
			tell(true)
			if gradient, err = c.gradient(g); err != nil {
				return err
			}
		}
	}
	moved, err := c.swaps(ctx, g, gradient)
	tell(moved)
	return err
}

// gradient is the derivative of the objective by P_g at the present permutation, [units, units]: what it would rise by, to first order, if the present unit v of
// B came to stand at u. Terms that are the same for every permutation are left out: of a map into which the group goes in it is
//
//	2 (S_AA − S_AB)(G_BB − G_AB) + 2 (G_AA − G_AB)(S_BB − S_AB),   S = E[h hᵀ], G = W Wᵀ,
//
// and of a map that makes the group's units −2 W_Aᵀ M W_B, in which the objective is linear.
func (c *commuting) gradient(g int) ([]float64, error) {
	units := c.groups[g].Size
	out := make([]float64, units*units)
	for _, at := range c.roles[g] {
		m := at.m
		if !at.in {
			if err := c.makes(m); err != nil {
				return nil, err
			}
			made, err := c.multiply(m.at, transposed(m.mb, m.out, m.n), m.out, m.n, m.out)
			if err != nil {
				return nil, err
			}
			for i := range made {
				made[i] *= -2
			}
			at.role.gather(made, m.out, out)
			continue
		}
		if err := c.grams(m); err != nil {
			return nil, err
		}
		x, y := make([]float64, m.n*m.n), make([]float64, m.n*m.n)
		for _, pair := range [][4][]float64{{m.saa, m.sab, m.gbb, m.gab}, {m.gaa, m.gab, m.sbb, m.sab}} {
			for i := range x {
				x[i], y[i] = 2*(pair[0][i]-pair[1][i]), pair[2][i]-pair[3][i]
			}
			phi, err := c.multiply(x, y, m.n, m.n, m.n)
			if err != nil {
				return nil, err
			}
			at.role.gather(phi, m.n, out)
		}
	}
	return out, nil
}

// try moves a group if that lowers the objective.
func (c *commuting) try(g int, q []int) (moved bool, err error) {
	before := c.total()
	old := make([]float64, len(c.maps))
	for i, m := range c.maps {
		old[i] = m.value
	}
	for _, at := range c.roles[g] {
		if at.in {
			err = c.grams(at.m)
		} else if err = c.makes(at.m); err == nil && !c.twice[g] {
			at.m.value += at.change(q)
		}
		if err != nil {
			return false, err
		}
	}
	c.move(g, q)
	for _, at := range c.roles[g] {
		if !at.in && !c.twice[g] {
			continue
		}
		if err := c.grams(at.m); err != nil {
			return false, err
		}
		at.m.measure()
	}
	if c.total() < before-slight*math.Abs(before) {
		return true, nil
	}
	c.move(g, inverse(q))
	for i, m := range c.maps {
		m.value = old[i]
	}
	return false, nil
}

// slight is the share of the objective below which a gain may be rounding.
const slight = 1e-11

// change is by how much a map that makes the units would change if they moved.
func (at part) change(q []int) float64 {
	sum := 0.0
	for u, v := range q {
		if u != v {
			for i, x := range at.role.at[u] {
				sum -= 2 * (at.made(x, at.role.at[v][i]) - at.made(x, x))
			}
		}
	}
	return sum
}

// made is one number of W_Aᵀ M W_B.
func (at part) made(x, y int) float64 {
	n, sum := at.m.n, 0.0
	b := at.m.mb[y*n : (y+1)*n]
	for k, v := range at.m.at[x*n : (x+1)*n] {
		sum += v * b[k]
	}
	return sum
}

// assign takes the permutation that the gradient likes best, if the objective falls there. Else fewer and fewer units move: only those that the
// gradient would pay more than a price for.
func (c *commuting) assign(ctx context.Context, g int, gradient []float64) (bool, error) {
	n := c.groups[g].Size
	gain := make([]float64, len(gradient))
	var prices Assigner
	price := 0.0
	for range 6 {
		for i, v := range gradient {
			gain[i] = -v
		}
		for u := range n {
			gain[u*n+u] += price
		}
		q, err := prices.assign(ctx, gain, n)
		if err != nil {
			return false, fmt.Errorf("group %q: %w", c.groups[g].Name, err)
		}
		var paid []float64
		for u, v := range q {
			if u != v {
				paid = append(paid, gradient[u*n+u]-gradient[u*n+v])
			}
		}
		if len(paid) == 0 {
			return false, nil
		}
		if moved, err := c.try(g, q); moved || err != nil {
			return moved, err
		}
		slices.Sort(paid)
		price = max(2*price, paid[len(paid)/2])
	}
	return false, nil
}

// swaps exchanges pairs of units, the best first and each unit at most once, as long as that lowers the objective.
func (c *commuting) swaps(ctx context.Context, g int, gradient []float64) (changed bool, err error) {
	n := c.groups[g].Size
	least := -slight * math.Abs(c.total())
	type swap struct {
		u, v int
		by   float64
	}
	found := make([][]swap, n)
	parallel(n, func(u int) {
		for v := range u {
			by := gradient[u*n+v] + gradient[v*n+u] - gradient[u*n+u] - gradient[v*n+v]
			for _, at := range c.roles[g] {
				by += at.curvature(u, v)
			}
			if by < least {
				found[u] = append(found[u], swap{u, v, by})
			}
		}
	})
	best := slices.Concat(found...)
	slices.SortStableFunc(best, func(a, b swap) int { return cmp.Compare(a.by, b.by) })
	moved := make([]bool, n)
	for i, s := range best {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		if moved[s.u] || moved[s.v] {
			continue
		}
		if c.twice[g] { // the change is not a quadratic one: ask the whole
			if i >= 2*n {
				break
			}
			better, err := c.try(g, exchange(n, s.u, s.v))
			if err != nil {
				return changed, err
			}
			changed = changed || better
			moved[s.u], moved[s.v] = better, better
			continue
		}
		by := 0.0
		for _, at := range c.roles[g] {
			by += at.slope(s.u, s.v) + at.curvature(s.u, s.v)
		}
		if by < least {
			for _, at := range c.roles[g] {
				at.m.value += at.slope(s.u, s.v) + at.curvature(s.u, s.v)
			}
			c.swap(g, s.u, s.v)
			changed, moved[s.u], moved[s.v] = true, true, true
		}
	}
	return changed, ctx.Err()
}

// slope is the first-order change of the part by a swap of two units, from their rows and columns.
func (at part) slope(u, v int) float64 {
	sum := 0.0
	m, n := at.m, at.m.n
	for i, a := range at.role.at[u] {
		b := at.role.at[v][i]
		if !at.in {
			sum -= 2 * (at.made(a, b) + at.made(b, a) - at.made(a, a) - at.made(b, b))
			continue
		}
		s := 0.0
		saaA, saaB, sabA, sabB := m.saa[a*n:(a+1)*n], m.saa[b*n:(b+1)*n], m.sab[a*n:(a+1)*n], m.sab[b*n:(b+1)*n]
		gaaA, gaaB, gabA, gabB := m.gaa[a*n:(a+1)*n], m.gaa[b*n:(b+1)*n], m.gab[a*n:(a+1)*n], m.gab[b*n:(b+1)*n]
		sbbA, sbbB, gbbA, gbbB := m.sbb[a*n:(a+1)*n], m.sbb[b*n:(b+1)*n], m.gbb[a*n:(a+1)*n], m.gbb[b*n:(b+1)*n]
		for k := range n {
			s += (saaA[k] - sabA[k] - saaB[k] + sabB[k]) * (gbbA[k] - m.gab[k*n+a] - gbbB[k] + m.gab[k*n+b])
			s += (gaaA[k] - gabA[k] - gaaB[k] + gabB[k]) * (sbbA[k] - m.sab[k*n+a] - sbbB[k] + m.sab[k*n+b])
		}
		sum -= 2 * s
	}
	return sum
}

// curvature is the second-order change by a swap. With the first-order one it is exact: in one group the objective is quadratic. For d_i the
// difference of the i-th places of the two units it is Σ_ij (d_iᵀ S_AA d_j)(d_jᵀ G_BB d_i) + (d_iᵀ G_AA d_j)(d_jᵀ S_BB d_i) + 2 (d_jᵀ G_AB d_i)(d_iᵀ S_AB d_j).
func (at part) curvature(u, v int) float64 {
	if !at.in {
		return 0
	}
	m, n, x, y := at.m, at.m.n, at.role.at[u], at.role.at[v]
	d := func(of []float64, i, j int) float64 {
		return of[x[i]*n+x[j]] - of[x[i]*n+y[j]] - of[y[i]*n+x[j]] + of[y[i]*n+y[j]]
	}
	sum := 0.0
	for i := range x {
		for j := range x {
			sum += d(m.saa, i, j)*d(m.gbb, j, i) + d(m.gaa, i, j)*d(m.sbb, j, i) + 2*d(m.gab, j, i)*d(m.sab, i, j)
		}
	}
	return sum
}

// move permutes a group further: new unit u is the present unit q[u]. Values stay as they were.
func (c *commuting) move(group int, q []int) {
	old := slices.Clone(c.p[group])
	for u, v := range q {
		c.p[group][u] = old[v]
	}
	for _, at := range c.roles[group] {
		m := at.m
		if at.in {
			from := at.role.from(q, m.n)
			permuteRows(m.b, m.out, from)
			permuteColumns(m.sab, m.n, from)
			permuteColumns(m.gab, m.n, from)
			for _, x := range [][]float64{m.sbb, m.gbb} {
				permuteRows(x, m.n, from)
				permuteColumns(x, m.n, from)
			}
			m.staleM = true
		} else {
			from := at.role.from(q, m.out)
			permuteColumns(m.b, m.out, from)
			permuteRows(m.mb, m.n, from)
			m.staleG = true
		}
	}
}

// swap is move of two units, in place.
func (c *commuting) swap(group, u, v int) {
	c.p[group][u], c.p[group][v] = c.p[group][v], c.p[group][u]
	for _, at := range c.roles[group] {
		m := at.m
		for i, a := range at.role.at[u] {
			b := at.role.at[v][i]
			if at.in {
				swapRows(m.b, m.out, a, b)
				swapColumns(m.sab, m.n, a, b)
				swapColumns(m.gab, m.n, a, b)
				for _, x := range [][]float64{m.sbb, m.gbb} {
					swapRows(x, m.n, a, b)
					swapColumns(x, m.n, a, b)
				}
				m.staleM = true
			} else {
				swapColumns(m.b, m.out, a, b)
				swapRows(m.mb, m.n, a, b)
				m.staleG = true
			}
		}
	}
}

// gather adds to the unit matrix [units, units] the entries of a matrix [n, n] at the places of two units.
func (r role) gather(of []float64, n int, to []float64) {
	units := len(r.at)
	for u, at := range r.at {
		for v, bt := range r.at {
			sum := 0.0
			for i, x := range at {
				sum += of[x*n+bt[i]]
			}
			to[u*units+v] += sum
		}
	}
}

// from is where each place of an axis of size n comes from.
func (r role) from(q []int, n int) []int {
	out := exchange(n, 0, 0)
	for u, at := range r.at {
		for i, x := range at {
			out[x] = r.at[q[u]][i]
		}
	}
	return out
}

// exchange is the permutation of n that exchanges two, inverse the one that takes another back.
func exchange(n, u, v int) []int {
	q := make([]int, n)
	for i := range q {
		q[i] = i
	}
	q[u], q[v] = q[v], q[u]
	return q
}

func inverse(q []int) []int {
	out := make([]int, len(q))
	for u, v := range q {
		out[v] = u
	}
	return out
}

func permuteRows(m []float64, width int, from []int) {
	old := slices.Clone(m)
	for i, j := range from {
		if i != j {
			copy(m[i*width:(i+1)*width], old[j*width:(j+1)*width])
		}
	}
}

func permuteColumns(m []float64, width int, from []int) {
	row := make([]float64, width)
	for start := 0; start < len(m); start += width {
		copy(row, m[start:start+width])
		for i, j := range from {
			m[start+i] = row[j]
		}
	}
}

func swapRows(m []float64, width, a, b int) {
	for k := range width {
		m[a*width+k], m[b*width+k] = m[b*width+k], m[a*width+k]
	}
}

func swapColumns(m []float64, width, a, b int) {
	for k := 0; k < len(m); k += width {
		m[k+a], m[k+b] = m[k+b], m[k+a]
	}
}
