package network

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// Initialiser is a named distribution of θ₀.
type Initialiser struct {
	Name, Source string
	draw         func(rng *rand.Rand, p Param) float64 // of weights and biases of linear maps
}

// defaultInit is what a network of one's own begins with where nothing else is said.
const defaultInit = "torch"

// Initialisers lists the known distributions of θ₀; Spec.Init names one.
func Initialisers() []Initialiser {
	return []Initialiser{
		{defaultInit, "U(±1/√fan_in) for weights and biases, PyTorch's default for linear and convolutional layers",
			func(rng *rand.Rand, p Param) float64 { return (2*rng.Float64() - 1) / math.Sqrt(float64(p.FanIn)) }},
		{"lecun", "normal with variance 1/fan_in, cut at two standard deviations, and zero biases: Flax's default, used by Git Re-Basin",
			func(rng *rand.Rand, p Param) float64 {
				if p.Role == Bias {
					return 0
				}
				// The cut normal has standard deviation 0.8796…, which the division makes 1.
				return cutNormal(rng) / 0.87962566103423978 / math.Sqrt(float64(p.FanIn))
			}},
		{"kaiming", "weights normal with variance 2/fan_in, biases U(±1/√fan_in): the authors' ResNets",
			func(rng *rand.Rand, p Param) float64 {
				if p.Role == Bias {
					return (2*rng.Float64() - 1) / math.Sqrt(float64(p.FanIn))
				}
				return rng.NormFloat64() * math.Sqrt(2/float64(p.FanIn))
			}},
		{"kaiming-out", "convolutions normal with variance 2/fan_out, dense weights with variance 0.01², zero biases: the authors' VGGs",
			func(rng *rand.Rand, p Param) float64 {
				switch {
				case p.Role == Bias:
					return 0
				case len(p.Dims) == 2:
					return rng.NormFloat64() * 0.01
				}
				return rng.NormFloat64() * math.Sqrt(2/float64(p.FanOut))
			}},
		{"he", "normal with variance 2/fan_in and zero biases (He et al. 2015)",
			func(rng *rand.Rand, p Param) float64 {
				if p.Role == Bias {
					return 0
				}
				return rng.NormFloat64() * math.Sqrt(2/float64(p.FanIn))
			}},
	}
}

func cutNormal(rng *rand.Rand) float64 {
	for {
		if z := rng.NormFloat64(); math.Abs(z) <= 2 {
			return z
		}
	}
}

// Init draws θ₀. Each tensor has a random stream of its own, keyed by the seed and its name: the same θ₀ on every backend, and
// adding a layer leaves the others as they were.
func (n Network) Init(seed int64) (Params, error) { return n.InitContext(context.Background(), seed) }

// InitContext is Init for a large network: it ends when ctx does.
func (n Network) InitContext(ctx context.Context, seed int64) (Params, error) {
	t, err := n.describe(within(ctx))
	if err == nil {
		err = Room(nil, "drawing its weights", t.Bytes())
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, in := range Initialisers() {
		names = append(names, in.Name)
		if in.Name != n.Spec.Init {
			continue
		}
		theta := make(Params, len(t.Params))
		for i, p := range t.Params {
			h := fnv.New64a()
			h.Write([]byte(p.Name))
			rng := rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
			theta[i] = Tensor{Name: p.Name, Dims: p.Dims, Data: make([]float32, size(p.Dims))}
			switch p.Role {
			case Scale, Variance: // norms begin as the identity
				for j := range theta[i].Data {
					theta[i].Data[j] = 1
				}
				continue
			case Shift, Mean:
				continue
			}
			draw := func() float64 { return in.draw(rng, p) }
			if p.draw != nil {
				draw = func() float64 { return p.draw(rng) }
			}
			for part := range slices.Chunk(theta[i].Data, 1<<20) { // a few milliseconds
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				for j := range part {
					part[j] = float32(draw())
				}
			}
		}
		return theta, nil
	}
	return nil, fmt.Errorf("network: unknown initialiser %q; known: %q", n.Spec.Init, names)
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
