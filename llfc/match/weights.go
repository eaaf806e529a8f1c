package match

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"layerwise/internal/finite"
	"layerwise/llfc/network"
)

// Config says how to search. The zero value is a single run with up to 100 sweeps.
type Config struct {
	Seed      int64 // of the order in which the further runs visit the groups
	Restarts  int   // further runs, each from the identity and in random order; the first run is described at Weights
	MaxSweeps int   // of one run; 0 is 100. A run ends by itself after the first sweep that changes nothing

	Steps int     `json:",omitempty"` // of methods that search step by step; 0 is what the method says
	Mix   float64 `json:",omitempty"` // of mudsc: the share of the activations' similarity
}

// Result is the best permutation found, and how all the runs went.
type Result struct {
	Permutation network.Permutation
	Objective   float64   // Σ ⟨A, π(B)⟩ over the tensors that vote: ‖θ_A − π(θ_B)‖² is a constant less twice this
	Identity    float64   // the objective of moving nothing, for scale
	Objectives  []float64 // of each run, first run first: their spread tells how much the start matters
	Sweeps      []int     // of each run
	Seconds     float64   // that the search took; 0 where nobody looked at a clock
}

// Weights looks for the π that minimises ‖θ_A − π(θ_B)‖² (weight matching, §5.2 of the paper; Ainsworth et al.,
// arXiv 2209.04836): coordinate ascent on Σ ⟨A, π(B)⟩, where each step finds the best permutation of one group, the
// others held, by an assignment. Biases vote, buffers do not. The steps end at a local optimum: no permutation of one
// single group improves it.
//
// The first run visits the groups in network order, and its first sweep counts only those tensors whose other units
// are already matched: on the way from the input, each layer then starts from a matched one below. The best of all
// runs is returned; should none beat the identity, a run from there is added, so the result is never worse than it. Where ctx ends, the
// best so far is returned with its error, should it beat the identity.
func Weights(ctx context.Context, s network.Symmetry, a, b network.Params, c Config) (Result, error) {
	return weightsTold(ctx, s, a, b, c, nil)
}

// weightsTold is Weights, whose runs are told of.
func weightsTold(ctx context.Context, s network.Symmetry, a, b network.Params, c Config, tell func(done, of int, objective float64)) (Result, error) {
	m, err := newMatcher(s, a, b)
	if err != nil {
		return Result{}, fmt.Errorf("match: %w", err)
	}
	if err := m.room(c.Restarts); err != nil {
		return Result{}, fmt.Errorf("match: %w", err)
	}
	if c.MaxSweeps <= 0 {
		c.MaxSweeps = 100
	}
	r := Result{Objective: math.Inf(-1), Identity: m.identity}
	rng := rand.New(rand.NewPCG(uint64(c.Seed), 0x77656967)) // "weig"
	for run := 0; run <= c.Restarts || r.Objective < r.Identity; run++ {
		sweeps, ended := m.ascend(ctx, run == 0, c.MaxSweeps, rng)
		if ended != nil && !interrupted(ended) {
			return Result{}, fmt.Errorf("match: run %d: %w", run, ended)
		}
		p := m.permutation()
		value, err := m.objective(p)
		if err != nil {
			return Result{}, fmt.Errorf("match: %w", err)
		}
		if ended != nil && r.Permutation == nil && value <= r.Identity {
			return Result{}, fmt.Errorf("match: run %d: %w", run, ended)
		}
		r.Objectives, r.Sweeps = append(r.Objectives, value), append(r.Sweeps, sweeps)
		if value > r.Objective {
			r.Permutation, r.Objective = p, value
		}
		if ended != nil {
			return r, fmt.Errorf("match: run %d: %w", run, ended)
		}
		if tell != nil {
			tell(run+1, c.Restarts+1, r.Objective)
		}
		if run > c.Restarts { // ascended from the identity: no worse, up to the rounding of a sum
			break
		}
	}
	return r, nil
}

// matcher is a search under way.
type matcher struct {
	symmetry network.Symmetry
	a, b     network.Params
	votes    []string // tensors of the objective
	identity float64  // the objective of moving nothing
	groups   []*group
	total    []float64                                    // [n, n] scratch
	observe  func(group string, gained float64, all bool) // for tests, after each change; all: every term counted
}

// group is the state of one group: new unit u is old unit p[u] of B.
type group struct {
	network.Group
	p       []int
	terms   []*term
	prices  Assigner
	solved  bool
	changed int // the clock when p last changed
	visited int // the clock when p was last solved for with all terms
	twice   bool
}

func newMatcher(s network.Symmetry, a, b network.Params) (*matcher, error) {
	if err := a.SameLayout(b); err != nil {
		return nil, fmt.Errorf("the two networks differ: %w", err)
	}
	m := &matcher{symmetry: s, a: a, b: b}
	for _, g := range s.Groups {
		m.groups = append(m.groups, &group{Group: g})
	}
	for _, name := range s.Tensors() {
		if !slices.Contains(s.Buffers, name) {
			m.votes = append(m.votes, name)
		}
	}
	var err error
	if m.identity, err = m.objective(s.Identity()); err != nil { // also when the symmetry does not fit the weights
		return nil, err
	}
	for i, g := range m.groups {
		fixed := &term{n: g.Size} // all places that no other group moves, side by side
		for _, place := range g.Places {
			if !slices.Contains(m.votes, place.Tensor) {
				continue
			}
			ta, _ := a.Get(place.Tensor)
			tb, _ := b.Get(place.Tensor)
			t := &term{n: g.Size, dims: ta.Dims, axis: place.Axis, at: place.At}
			for h, other := range m.groups {
				for _, q := range other.Places {
					if q.Tensor == place.Tensor && q.Axis != place.Axis {
						t.others = append(t.others, mover{h, q})
						g.twice = g.twice || h == i
					}
				}
			}
			t.a, t.b = t.gather(ta.Data), t.gather(tb.Data)
			t.k = len(t.a) / max(1, t.n)
			if len(t.others) > 0 {
				g.terms = append(g.terms, t)
			} else {
				fixed.join(t)
			}
		}
		g.terms = append(g.terms, fixed)
	}
	return m, nil
}

func (m *matcher) permutation() network.Permutation {
	p := network.Permutation{}
	for _, g := range m.groups {
		p[g.Name] = slices.Clone(g.p)
	}
	return p
}

// objective returns Σ ⟨A, π(B)⟩ over the tensors that vote, from the tensors themselves.
func (m *matcher) objective(p network.Permutation) (float64, error) {
	moved, err := m.symmetry.Apply(p, m.b)
	if err != nil {
		return 0, err
	}
	return m.score(moved)
}

// score returns Σ ⟨A, θ⟩ over the tensors that vote, summed in float64.
func (m *matcher) score(theta network.Params) (float64, error) {
	parts := make([]float64, len(m.votes))
	parallel(len(parts), func(i int) {
		ta, _ := m.a.Get(m.votes[i])
		tb, _ := theta.Get(m.votes[i])
		parts[i] = dot(ta.Data, tb.Data)
	})
	sum := 0.0
	for _, v := range parts {
		sum += v
	}
	if !finite.Is(sum) {
		return 0, fmt.Errorf("the weights are not finite: Σ ⟨A, π(B)⟩ is %g", sum)
	}
	return sum, nil
}

// ascend runs sweeps from the identity until one changes nothing, and returns their number. onward is the first run's
// way: network order, and in the first sweep only terms between solved groups.
func (m *matcher) ascend(ctx context.Context, onward bool, maxSweeps int, rng *rand.Rand) (sweeps int, err error) {
	for _, g := range m.groups {
		g.p = make([]int, g.Size)
		for u := range g.p {
			g.p[u] = u
		}
		g.prices, g.solved, g.changed, g.visited = Assigner{}, !onward, 0, -1
	}
	order := make([]int, len(m.groups))
	for i := range order {
		order[i] = i
	}
	clock := 1
	for sweeps = 1; sweeps <= maxSweeps; sweeps++ {
		if !onward {
			rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		changed := false
		for _, i := range order {
			moved, err := m.step(ctx, i, clock)
			if err != nil {
				return 0, err
			}
			changed = changed || moved
			clock++
		}
		if !changed && (sweeps > 1 || !onward) { // onward, the first sweep saw only a part
			return sweeps, nil
		}
	}
	return maxSweeps, nil
}

// step solves for one group, the others held, and reports whether its permutation changed.
func (m *matcher) step(ctx context.Context, i, clock int) (changed bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	g := m.groups[i]
	n, all, news := g.Size, true, g.visited < 0
	var counted []*term
	for _, t := range g.terms {
		known := true
		for _, o := range t.others {
			known = known && (m.groups[o.group].solved || o.group == i)
			news = news || m.groups[o.group].changed > g.visited
		}
		if all = all && known; known {
			counted = append(counted, t)
		}
	}
	g.solved = true
	if !news {
		return false, nil
	}
	m.total = slices.Grow(m.total[:0], n*n)[:n*n]
	products := make([][]float32, len(counted))
	for j, t := range counted {
		products[j] = t.products(m.groups)
	}
	parallel(n, func(u int) {
		row := m.total[u*n : (u+1)*n]
		clear(row)
		for _, p := range products {
			for j, v := range p[u*n : (u+1)*n] {
				row[j] += float64(v)
			}
		}
	})
	q, err := g.prices.assign(ctx, m.total, n)
	if err != nil {
		return false, fmt.Errorf("group %q: %w", g.Name, err)
	}
	if all {
		g.visited = clock
	}
	gained, err := m.gained(g, counted, q)
	if err != nil {
		return false, err
	}
	if !(gained > 0) {
		return false, nil
	}
	g.p, g.changed = q, clock
	if g.twice { // its own move is news to it
		g.visited = -1
	}
	if m.observe != nil {
		m.observe(g.Name, gained, all)
	}
	return true, nil
}

// gained returns by how much q is better than the group's present permutation, in float64 from the weights, so that no
// rounding of the float32 products can turn the ascent around; 0 if it is not better by more than the rounding of
// that sum.
func (m *matcher) gained(g *group, counted []*term, q []int) (float64, error) {
	if g.twice { // the step took the group's other axis as fixed: ask the whole
		old, err := m.objective(m.permutation())
		if err != nil {
			return 0, err
		}
		p := m.permutation()
		p[g.Name] = q
		value, err := m.objective(p)
		if err != nil || value-old <= 1e-13*math.Abs(old) {
			return 0, err
		}
		return value - old, nil
	}
	sum, size := 0.0, 0.0
	for u, v := range q {
		if v == g.p[u] {
			continue
		}
		for _, t := range counted {
			x, y := t.inner(u, v), t.inner(u, g.p[u])
			sum += x - y
			size += math.Abs(x) + math.Abs(y)
		}
	}
	if sum <= 1e-13*size {
		return 0, nil
	}
	return sum, nil
}
