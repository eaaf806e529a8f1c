package merge

import (
	"math"
	"math/rand/v2"
	"slices"

	"layerwise/llfc/network"
)

// difference is the task vector τ = θ − θ_0.
func difference(theta, base network.Params) network.Params {
	out := theta.Clone()
	for i, t := range out {
		for j := range t.Data {
			t.Data[j] -= base[i].Data[j]
		}
	}
	return out
}

// add is θ_0 + λτ.
func add(base network.Params, lambda float64, tau network.Params) network.Params {
	out := base.Clone()
	for i, t := range out {
		for j, v := range t.Data {
			t.Data[j] = float32(float64(v) + lambda*float64(tau[i].Data[j]))
		}
	}
	return out
}

// sum is Σ w_i θ_i.
func sum(r Recipe, models []network.Params) network.Params {
	out := make(network.Params, len(models[0]))
	for i := range out {
		out[i] = mean(r.Weights, models, i)
	}
	return out
}

// mean is the weighted sum of one tensor.
func mean(weights []float64, models []network.Params, i int) network.Tensor {
	t := models[0][i]
	sum := make([]float64, len(t.Data))
	for k, theta := range models {
		for j, v := range theta[i].Data {
			sum[j] += weights[k] * float64(v)
		}
	}
	return rounded(t, sum)
}

// rounded is a tensor like t that holds the numbers.
func rounded(t network.Tensor, numbers []float64) network.Tensor {
	out := network.Tensor{Name: t.Name, Dims: slices.Clone(t.Dims), Data: make([]float32, len(numbers))}
	for j, v := range numbers {
		out.Data[j] = float32(v)
	}
	return out
}

// trim leaves the share of largest size over all tensors, and those of the same size as the smallest that is left.
func trim(tau network.Params, share float64) network.Params {
	sizes := make([]float32, 0, tau.Count())
	for _, t := range tau {
		for _, v := range t.Data {
			sizes = append(sizes, abs(v))
		}
	}
	slices.Sort(sizes)
	left := max(1, int(share*float64(len(sizes))))
	least := sizes[len(sizes)-left]
	out := tau.Clone()
	for _, t := range out {
		for j, v := range t.Data {
			if abs(v) < least {
				t.Data[j] = 0
			}
		}
	}
	return out
}

func abs(v float32) float32 { return float32(math.Abs(float64(v))) }

// elect gives every place the sign of Σ w_i τ_i, and the weighted mean of the τ_i that have it; 0 where the sum is.
func elect(r Recipe, taus []network.Params) network.Params {
	out := make(network.Params, len(taus[0]))
	for i, t := range taus[0] {
		merged := make([]float64, len(t.Data))
		for j := range merged {
			sum := 0.0
			for k, tau := range taus {
				sum += r.Weights[k] * float64(tau[i].Data[j])
			}
			total, weight := 0.0, 0.0
			for k, tau := range taus {
				if v := r.Weights[k] * float64(tau[i].Data[j]); v*sum > 0 {
					total, weight = total+v, weight+math.Abs(r.Weights[k])
				}
			}
			if weight > 0 {
				merged[j] = total / weight
			}
		}
		out[i] = rounded(t, merged)
	}
	return out
}

// dropped leaves a random share of each task vector, divided by that share so that its expectation stays.
func dropped(r Recipe, taus []network.Params) []network.Params {
	var out []network.Params
	for k, tau := range taus {
		rng := rand.New(rand.NewPCG(uint64(r.Seed), 0x64617265<<8|uint64(k))) // "dare"
		left := tau.Clone()
		for _, t := range left {
			for j, v := range t.Data {
				if rng.Float64() >= r.Keep {
					t.Data[j] = 0
				} else {
					t.Data[j] = float32(float64(v) / r.Keep)
				}
			}
		}
		out = append(out, left)
	}
	return out
}
