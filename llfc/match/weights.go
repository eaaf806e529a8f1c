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

	Samples int     `json:",omitempty"` // of methods that look at data: how many training samples, drawn by the seed; 0 is what the method says, else all
	Steps   int     `json:",omitempty"` // of methods that search step by step; 0 is what the method says
	Mix     float64 `json:",omitempty"` // of mudsc: the share of the activations' similarity, in (0, 1]; 0 is ½
}

// Result is the best permutation found, and how all the runs went. Objectives are the larger the better.
type Result struct {
	Permutation network.Permutation
	Of          string    `json:",omitempty"` // what the objective is, "Σ corr(H_A, π(H_B))"; empty is Σ ⟨A, π(B)⟩
	Objective   float64   // Σ ⟨A, π(B)⟩ over the tensors that vote: ‖θ_A − π(θ_B)‖² is a constant less twice this. Other methods: see Of
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
// runs is returned; should none beat the identity, a run from there is added, so the result is never worse than it.
//
// Where ctx ends first, the best so far comes with the context's error: that of the runs that ended, or of the one under way.
// Permutation is nil where nothing was found that is better than moving nothing.
//
// Beside the weights it needs the totals of every group, 8 bytes for each pair of its units.
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
		sweeps, err := m.ascend(ctx, run == 0, c.MaxSweeps, rng)
		if err != nil && ctx.Err() == nil {
			return Result{}, fmt.Errorf("match: run %d: %w", run, err)
		}
		p := m.permutation()
		value, scoreErr := m.objective(p)
		if scoreErr != nil {
			return Result{}, fmt.Errorf("match: %w", scoreErr)
		}
		if err != nil && !(value > max(r.Identity, r.Objective)) { // cut off before it found anything
			return r.cutOff(fmt.Errorf("match: run %d: %w", run, err))
		}
		r.Objectives, r.Sweeps = append(r.Objectives, value), append(r.Sweeps, sweeps)
		if value > r.Objective {
			r.Permutation, r.Objective = p, value
		}
		if err != nil {
			return r.cutOff(fmt.Errorf("match: run %d: %w", run, err))
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

// cutOff is the result of a search that was stopped.
func (r Result) cutOff(err error) (Result, error) {
	if r.Permutation == nil || r.Objective < r.Identity {
		r.Permutation, r.Objective = nil, r.Identity
	}
	return r, err
}

// matcher is a search under way.
type matcher struct {
	symmetry network.Symmetry
	a, b     network.Params
	votes    []vote  // tensors of the objective
	identity float64 // the objective of moving nothing
	groups   []*group
	product  product
	observe  func(group string, gained float64, all bool) // for tests, after each change; all: every term counted
}

// vote is a tensor of the objective, and what moves its axes.
type vote struct {
	a, b   network.Tensor
	movers []mover
}

// group is the state of one group: new unit u is old unit p[u] of B.
type group struct {
	network.Group
	p       []int
	terms   []*term
	total   []float64 // [n, n], the products of all terms that were counted
	columns int       // of all terms
	added   int       // columns that total was summed from
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
		for _, place := range g.Places {
			t, _ := a.Get(place.Tensor)
			if err := fits(place, t); err != nil {
				return nil, fmt.Errorf("group %q: %w", g.Name, err)
			}
		}
	}
	tensors := map[string]int{}
	for _, name := range s.Tensors() {
		if slices.Contains(s.Buffers, name) {
			continue
		}
		ta, _ := a.Get(name)
		tb, _ := b.Get(name)
		v := vote{a: ta, b: tb}
		for i, g := range s.Groups {
			for _, place := range g.Places {
				if place.Tensor == name {
					v.movers = append(v.movers, mover{i, place})
				}
			}
		}
		tensors[name] = len(m.votes)
		m.votes = append(m.votes, v)
	}
	var err error
	if m.identity, err = m.objective(s.Identity()); err != nil {
		return nil, err
	}
	norms := make([]float64, len(m.votes))
	parallel(len(norms), func(i int) { norms[i] = norm(m.votes[i].a.Data) * norm(m.votes[i].b.Data) })
	for i, g := range m.groups {
		for _, place := range g.Places {
			k, ok := tensors[place.Tensor]
			if !ok { // a buffer
				continue
			}
			v := m.votes[k]
			t, err := newTerm(place, v.a, v.b)
			if err != nil {
				return nil, err
			}
			t.norm = norms[k]
			for _, o := range v.movers {
				if o.place.Axis != place.Axis {
					t.others = append(t.others, o)
					g.twice = g.twice || o.group == i
				}
			}
			g.terms = append(g.terms, t)
			g.columns += len(t.rows) * len(t.at)
		}
	}
	return m, nil
}

// fits returns an error if a place is not one of the tensor.
func fits(place network.Place, t network.Tensor) error {
	if t.Name == "" {
		return fmt.Errorf("the weights have no tensor %q, which the symmetry permutes", place.Tensor)
	}
	if place.Axis >= len(t.Dims) {
		return fmt.Errorf("tensor %q has shape %v, without the axis %d", t.Name, t.Dims, place.Axis)
	}
	for _, at := range place.At {
		if most := slices.Max(at); most >= t.Dims[place.Axis] {
			return fmt.Errorf("axis %d of tensor %q has size %d, expected more than %d", place.Axis, t.Name, t.Dims[place.Axis], most)
		}
	}
	return nil
}

func (m *matcher) permutation() network.Permutation {
	p := network.Permutation{}
	for _, g := range m.groups {
		p[g.Name] = slices.Clone(g.p)
	}
	return p
}

// objective returns Σ ⟨A, π(B)⟩ over the tensors that vote, summed in float64 from the tensors themselves.
func (m *matcher) objective(p network.Permutation) (float64, error) {
	parts := make([]float64, len(m.votes))
	parallel(len(parts), func(i int) {
		v := m.votes[i]
		axes := positions(v.a.Dims)
		for _, o := range v.movers {
			move(o.place, p[m.groups[o.group].Name], axes)
		}
		parts[i] = inPlace(v.a.Dims, v.a.Data, v.b.Data, axes)
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
				return sweeps, err
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
	m.count(g, counted)
	q, err := g.prices.assign(ctx, g.total, n)
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

// count brings the total of a group up to date: the products of the columns that moved since are exchanged.
func (m *matcher) count(g *group, counted []*term) {
	n := g.Size
	if g.total == nil || g.added > 8*g.columns { // anew, which ends the rounding of many changes
		if g.total == nil {
			g.total = make([]float64, n*n)
		}
		clear(g.total)
		g.added = 0
		for _, t := range g.terms {
			t.count = nil
		}
	}
	var strips []strip
	for _, t := range counted {
		s, columns := t.news(m.groups)
		strips = append(strips, s...)
		g.added += columns
	}
	m.product.add(strips, g.total, n)
}

// gained returns by how much q is better than the group's present permutation, 0 if it is not. Where the total leaves
// no doubt it says so; else the weights do, in float64, so that no rounding of the float32 products can turn the ascent
// around. What the rounding of that sum can hide is no gain.
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
	sum, doubt := 0.0, 0.0
	for u, v := range q {
		sum += g.total[u*g.Size+v] - g.total[u*g.Size+g.p[u]]
	}
	for _, t := range counted { // |error of ⟨a, b⟩| ≤ depth·2⁻²⁴·‖a‖·‖b‖, and Σ_u ‖a_u‖·‖b_q(u)‖ ≤ ‖A‖·‖B‖
		doubt += t.norm
	}
	changes := 1 + 2*float64(g.added)/float64(g.columns) // how often a column was counted, at most twice its size
	if doubt *= 2 * depth * 0x1p-24 * changes; sum > doubt {
		return sum, nil
	}
	size := 0.0
	sum = 0
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
