package match

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"layerwise/internal/finite"
	"layerwise/llfc/network"
)

// ManyMethod is a way of bringing several networks into one order at once.
type ManyMethod struct {
	Name, Doc, Source string

	// Find looks for the permutations. Where ctx ends first it returns the best that it has so far, with the context's error;
	// Joint.Permutations is nil where it has none.
	Find func(ctx context.Context, p ManyProblem) (Joint, error)
}

// ManyProblem is what such a method is given: two networks or more, all of the network that the symmetry is of.
type ManyProblem struct {
	Symmetry network.Symmetry
	Thetas   []network.Params
	Config

	Progress func(done, of int, objective float64) // may be nil
}

// ManyMethods lists the known ways.
func ManyMethods() []ManyMethod {
	return []ManyMethod{
		{Name: "universe", Doc: "minimises the distances of all pairs jointly, by steps between permutations; no seed", Source: "Crisostomi et al. 2024 (arXiv 2405.17897)",
			Find: Universe},
		{Name: "merge-many", Doc: "aligns each network to the mean of the others by weight matching, again and again", Source: "Ainsworth et al. 2023 (arXiv 2209.04836), algorithm 3",
			Find: MergeMany},
	}
}

// ManyMethodNames lists the names of ManyMethods.
func ManyMethodNames() []string {
	var out []string
	for _, m := range ManyMethods() {
		out = append(out, m.Name)
	}
	return out
}

// ManyMethodByName finds such a method.
func ManyMethodByName(name string) (ManyMethod, error) {
	for _, m := range ManyMethods() {
		if m.Name == name {
			return m, nil
		}
	}
	return ManyMethod{}, fmt.Errorf("match: unknown method %q for several networks; known: %s", name, strings.Join(ManyMethodNames(), ", "))
}

// Joint is the best permutations found: π_p of every network p, into one order that all share, which is that of the first.
type Joint struct {
	Permutations []network.Permutation
	Objective    float64   // Σ_{p<q} ⟨π_p(θ_p), π_q(θ_q)⟩ over the tensors that vote: Σ ‖π_p(θ_p) − π_q(θ_q)‖² is a constant less twice this
	Identity     float64   // the objective of moving nothing
	Objectives   []float64 // after each step of universe, between permutations; after each round of merge-many. They never fall
}

// Between brings network q in line with network p: π_p⁻¹ π_q. It is consistent: to go from r to q and on to p is to go from r to p, bit for
// bit, whatever the three.
func (j Joint) Between(s network.Symmetry, p, q int) network.Permutation {
	return s.Compose(s.Inverse(j.Permutations[p]), j.Permutations[q])
}

// Apply returns the networks in the order that they share.
func (j Joint) Apply(s network.Symmetry, thetas []network.Params) ([]network.Params, error) {
	if len(thetas) != len(j.Permutations) {
		return nil, fmt.Errorf("match: %d networks, expected %d", len(thetas), len(j.Permutations))
	}
	out := make([]network.Params, len(thetas))
	for i, p := range j.Permutations {
		var err error
		if out[i], err = s.Apply(p, thetas[i]); err != nil {
			return nil, fmt.Errorf("match: network %d: %w", i+1, err)
		}
	}
	return out, nil
}

// inFirstOrder changes the shared order to that of the first network.
func inFirstOrder(s network.Symmetry, all []network.Permutation) []network.Permutation {
	back := s.Inverse(all[0])
	out := make([]network.Permutation, len(all))
	for i, p := range all {
		out[i] = s.Compose(back, p)
	}
	return out
}

// pairs is Σ_{p<q} ⟨θ_p, θ_q⟩ over the tensors that vote.
func (v *voting) pairs(thetas []map[string]network.Tensor) (float64, error) {
	sum := 0.0
	for i := range thetas {
		for j := range i {
			sum += v.inner(thetas[i], thetas[j])
		}
	}
	if !finite.Is(sum) {
		return 0, fmt.Errorf("the weights are not finite: Σ ⟨θ_p, θ_q⟩ is %g", sum)
	}
	return sum, nil
}

func byNames(thetas []network.Params) (out []map[string]network.Tensor) {
	for _, theta := range thetas {
		out = append(out, theta.ByName())
	}
	return out
}

// start checks a problem and returns what both methods begin with.
func (p ManyProblem) start() (*voting, Joint, error) {
	if len(p.Thetas) < 2 {
		return nil, Joint{}, fmt.Errorf("%d networks, expected two at least", len(p.Thetas))
	}
	v, err := newVoting(p.Symmetry, p.Thetas...)
	if err != nil {
		return nil, Joint{}, err
	}
	j := Joint{}
	for range p.Thetas {
		j.Permutations = append(j.Permutations, p.Symmetry.Identity())
	}
	j.Identity, err = v.pairs(byNames(p.Thetas))
	j.Objective = j.Identity
	return v, j, err
}

// mergeManyRounds is the most rounds of MergeMany where Config.Steps is 0.
const mergeManyRounds = 100

// MergeMany aligns each of several networks to the mean of the others by weight matching, in random order, and again, until a round
// brings no two closer (Ainsworth et al., arXiv 2209.04836, algorithm 3). Each alignment raises Σ_{p<q} ⟨π_p(θ_p), π_q(θ_q)⟩ or
// changes nothing. Config.Steps bounds the rounds; the rest of the Config is of each weight matching, its seed also of the order.
// Where ctx ends, the best so far is returned with its error.
func MergeMany(ctx context.Context, p ManyProblem) (Joint, error) {
	fail := func(err error) (Joint, error) { return Joint{}, fmt.Errorf("match: merge-many: %w", err) }
	v, j, err := p.start()
	if err != nil {
		return fail(err)
	}
	rounds := p.Steps
	if rounds <= 0 {
		rounds = mergeManyRounds
	}
	at := append([]network.Params(nil), p.Thetas...)
	all, aligned := j.Permutations, 0
	rng := rand.New(rand.NewPCG(uint64(p.Seed), 0x6d616e79)) // "many"
	for round := 1; round <= rounds; round++ {
		changed := false
		for _, i := range rng.Perm(len(at)) {
			others := append(append([]network.Params(nil), at[:i]...), at[i+1:]...)
			mean, err := network.Average(others...)
			if err != nil {
				return fail(err)
			}
			r, err := Weights(ctx, p.Symmetry, mean, at[i], p.Config)
			switch {
			case err != nil && (!interrupted(err) || aligned == 0):
				return fail(fmt.Errorf("network %d: %w", i+1, err))
			case err != nil:
				j.Permutations = inFirstOrder(p.Symmetry, all)
				return j, fmt.Errorf("match: merge-many: %w", err)
			}
			aligned++
			if r.Objective-r.Identity <= rounding32*math.Abs(r.Objective) {
				continue
			}
			if at[i], err = p.Symmetry.Apply(r.Permutation, at[i]); err != nil {
				return fail(err)
			}
			all[i], changed = p.Symmetry.Compose(r.Permutation, all[i]), true
			if j.Objective, err = v.pairs(byNames(at)); err != nil {
				return fail(err)
			}
		}
		j.Objectives = append(j.Objectives, j.Objective)
		if p.Progress != nil {
			p.Progress(round, rounds, j.Objective)
		}
		if !changed {
			break
		}
	}
	j.Permutations = inFirstOrder(p.Symmetry, all)
	return j, nil
}
