package match

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"layerwise/llfc/network"
)

// The temperatures of Entezari et al., for energies in percent, and our own number of steps; theirs is 50,000.
const (
	hottest          = 25000
	coldest          = 2.5
	annealingSteps   = 1000
	annealingSamples = 1000
)

// Annealing looks for the π whose midpoint ½(θ_A + π(θ_B)) makes the fewest errors, by simulated annealing (Entezari et al. 2022,
// arXiv 2110.06296): a step exchanges two random units of every group; the energy is the mean accuracy of the two ends less that of the middle, in percent;
// a step that raises it by Δ is taken with probability exp(−Δ/T), while T falls exponentially from 25,000 to 2.5. These are the published
// temperatures: nearly every step is taken, and what remains is the best of a random walk from the identity. It is here to be compared with.
//
// Accuracies are of Config.Samples training samples that stay the same (0 is 1000); batch norms take the statistics of the batch. Config.Steps 0
// is 1000. The best π seen is returned, no worse on these samples than the identity. Result.Objective is the accuracy of the middle, a fraction.
func Annealing(ctx context.Context, p Problem) (Result, error) {
	fail := func(err error) (Result, error) { return Result{}, fmt.Errorf("match: annealing: %w", err) }
	n, steps := p.Samples, p.Steps
	if n <= 0 {
		n = annealingSamples
	}
	if steps <= 0 {
		steps = annealingSteps
	}
	m, err := newMidpoint(p, n)
	if err != nil {
		return fail(err)
	}
	defer m.close()
	rng := rand.New(rand.NewPCG(uint64(p.Seed), 0x616e6e65)) // "anne"
	now := p.Symmetry.Identity()
	_, wrong, err := m.score(ctx, p.B)
	if err != nil {
		return fail(err)
	}
	r := Result{Of: "accuracy of ½(A + π(B))", Identity: 1 - wrong, Objective: 1 - wrong, Permutation: clone(now)}
	for step := range steps {
		next := clone(now)
		for _, g := range p.Symmetry.Groups {
			q := next[g.Name]
			u, v := rng.IntN(len(q)), rng.IntN(len(q))
			q[u], q[v] = q[v], q[u]
		}
		share, err := m.wrong(ctx, next)
		if err != nil {
			if ctx.Err() != nil {
				r.Objectives, r.Sweeps = []float64{r.Objective}, []int{step}
				return r, err
			}
			return fail(fmt.Errorf("step %d: %w", step, err))
		}
		heat := hottest * math.Pow(coldest/hottest, float64(step+1)/float64(steps))
		if rise := 100 * (share - wrong); rise <= 0 || rng.Float64() < math.Exp(-rise/heat) { // the ends' accuracy cancels
			now, wrong = next, share
		}
		if 1-share > r.Objective {
			r.Permutation, r.Objective = next, 1-share
		}
		if p.Progress != nil && (step+1)%max(1, steps/100) == 0 {
			p.Progress(step+1, steps, r.Objective)
		}
	}
	r.Objectives, r.Sweeps = []float64{r.Objective}, []int{steps}
	return r, nil
}

// wrong is the error of the middle at a permutation.
func (m *midpoint) wrong(ctx context.Context, by network.Permutation) (float64, error) {
	moved, err := m.p.Symmetry.Apply(by, m.p.B)
	if err != nil {
		return 0, err
	}
	_, wrong, err := m.score(ctx, moved)
	return wrong, err
}
