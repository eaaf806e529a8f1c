package match

import (
	"context"
	"fmt"
	"math/rand/v2"

	"layerwise/llfc/network"
)

// What StraightThrough takes from Git Re-Basin, and its own number of steps.
const (
	straightRate     = 1e-2
	straightMomentum = 0.9
	straightBatch    = 1000
	straightSteps    = 100
	straightSamples  = 2000
)

// StraightThrough looks for the π whose midpoint ½(θ_A + π(θ_B)) has the lowest loss, by the straight-through estimator of Git Re-Basin (Ainsworth et
// al., §3.3): it learns weights θ̃, from θ_A on. In each step π is the weight matching of θ̃ and θ_B, begun at the last π; the loss of a
// batch is taken at ½(θ_A + θ̂), where θ̂ has the value of π(θ_B) and passes its gradient on to θ̃; SGD with rate 0.01 and momentum 0.9 on batches of 1000.
//
// The best π is kept, by the loss on Config.Samples training samples that stay the same (0 is 2000), where Git Re-Basin takes the loss of each
// step's own batch. The first π is that of Weights, so the result is no worse on these samples than it, nor than the identity. Batch norms take the statistics of
// the batch. Config.Steps 0 is 100, a weight matching each; Git Re-Basin makes 15,000 on MNIST. Result.Objective is the negated loss in nats.
func StraightThrough(ctx context.Context, p Problem) (Result, error) {
	fail := func(err error) (Result, error) { return Result{}, fmt.Errorf("match: straight-through: %w", err) }
	n, steps := p.Samples, p.Steps
	if n <= 0 {
		n = straightSamples
	}
	if steps <= 0 {
		steps = straightSteps
	}
	m, err := newMidpoint(p, n)
	if err != nil {
		return fail(err)
	}
	defer m.close()
	start, err := Weights(ctx, p.Symmetry, p.A, p.B, Config{Seed: p.Seed, Restarts: p.Restarts, MaxSweeps: p.MaxSweeps})
	if err != nil {
		return fail(err)
	}
	now := start.Permutation
	moved, err := p.Symmetry.Apply(now, p.B)
	if err != nil {
		return fail(err)
	}
	before, _, err := m.score(ctx, p.B)
	if err != nil {
		return fail(err)
	}
	loss, _, err := m.score(ctx, moved)
	if err != nil {
		return fail(err)
	}
	r := Result{Of: "−loss of ½(A + π(B))", Identity: -before, Objective: -before, Permutation: p.Symmetry.Identity()}
	if -loss > r.Objective {
		r.Permutation, r.Objective = now, -loss
	}
	done := func(step int, err error) (Result, error) {
		r.Objectives, r.Sweeps = []float64{r.Objective}, []int{step}
		return r, err
	}
	theta, speed := p.A.Clone(), p.A.Clone()
	for _, t := range speed {
		clear(t.Data)
	}
	batch := min(straightBatch, p.Training.Len(), m.batch*len(m.held)) // what fits there fits here
	perEpoch := p.Training.Len() / batch
	rng := rand.New(rand.NewPCG(uint64(p.Seed), 0x73746520)) // "ste"
	var order []int32
	for step := range steps {
		if step%perEpoch == 0 {
			order = p.order(1 + step/perEpoch)
		}
		from := step % perEpoch * batch
		grads, err := m.gradient(ctx, moved, order[from:from+batch])
		if err == nil {
			for i, g := range grads {
				for j, v := range g {
					s := straightMomentum*speed[i].Data[j] + v
					speed[i].Data[j] = s
					theta[i].Data[j] -= straightRate * s
				}
			}
			var next network.Permutation
			if next, err = rematch(ctx, p, theta, now, rng); err == nil {
				if !same(next, now) {
					now = next
					if moved, err = p.Symmetry.Apply(now, p.B); err == nil {
						loss, _, err = m.score(ctx, moved)
					}
					if err == nil && -loss > r.Objective {
						r.Permutation, r.Objective = now, -loss
					}
				}
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return done(step, err)
			}
			return fail(fmt.Errorf("step %d: %w", step, err))
		}
		if p.Progress != nil {
			p.Progress(step+1, steps, r.Objective)
		}
	}
	return done(steps, nil)
}

// rematch is the weight matching of θ and θ_B, begun at a permutation.
func rematch(ctx context.Context, p Problem, theta network.Params, from network.Permutation, rng *rand.Rand) (network.Permutation, error) {
	moved, err := p.Symmetry.Apply(from, p.B)
	if err != nil {
		return nil, err
	}
	m, err := newMatcher(p.Symmetry, theta, moved)
	if err != nil {
		return nil, err
	}
	most := p.MaxSweeps
	if most <= 0 {
		most = 100
	}
	if _, err := m.ascend(ctx, false, most, rng); err != nil {
		return nil, err
	}
	out := network.Permutation{}
	for name, q := range m.permutation() {
		out[name] = make([]int, len(q))
		for u, v := range q {
			out[name][u] = from[name][v]
		}
	}
	return out, nil
}

// same reports whether two permutations of one symmetry are equal.
func same(p, q network.Permutation) bool {
	for name := range p {
		for u, v := range p[name] {
			if q[name][u] != v {
				return false
			}
		}
	}
	return true
}
