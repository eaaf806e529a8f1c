package match

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"layerwise/internal/finite"
	"layerwise/llfc/network"
)

// Check returns nil if moved = π(θ_B) computes what b = θ_B computes on the inputs x [batch, Input...], normalised as
// for training: f(π(θ_B); x) = f(θ_B; x). Float32 sums in another order differ by about 1e-6 of the logits; a tensor
// left out of the permutation moves them by about as much as they differ between inputs. An error says how far apart
// the two are: the symmetry does not fit the network, and every number computed from moved would be wrong. x needs at
// least two samples that differ.
func Check(f *network.Model, b, moved network.Params, x network.Tensor) error {
	for _, theta := range []network.Params{b, moved} {
		if err := f.CheckWeights(theta); err != nil {
			return fmt.Errorf("match: check: %w", err)
		}
	}
	logits, err := f.LogitsBeside(x, b, moved) // one after the other, a backend that keeps weights by address would answer twice with b's
	if err != nil {
		return fmt.Errorf("match: check: %w", err)
	}
	if err := sameFunction(logits[0], logits[1]); err != nil {
		if errors.Is(err, errConstant) && distinct(x) {
			err = fmt.Errorf("%w: the output of B does not depend on its input, so whether the permuted B is the same function cannot be told, and no matching of it means anything. A layer of it is dead, or the weights after one are all zero; train it again, at a lower rate, or give another checkpoint", err)
		} else if errors.Is(err, errConstant) {
			err = fmt.Errorf("%w: the inputs are all the same; give at least two that differ", err)
		}
		return fmt.Errorf("match: check: %w", err)
	}
	return nil
}

// rounding is what float32 sums in another order differ by, as a share of the logits.
const rounding = 1e-6

var errConstant = errors.New("the logits are the same")

// distinct reports whether x [batch, ...] has two samples that differ.
func distinct(x network.Tensor) bool {
	size := len(x.Data) / max(1, x.Dims[0])
	for i := size; i+size <= len(x.Data); i += size {
		if !slices.Equal(x.Data[:size], x.Data[i:i+size]) {
			return true
		}
	}
	return false
}

// sameFunction compares logits [batch, classes]. The unit of distance is the spread of a class over the samples, so
// that large biases, which no permutation of hidden units touches, do not hide what is wrong with the rest.
func sameFunction(want, got network.Tensor) error {
	samples, classes := want.Dims[0], want.Dims[1]
	spread, largest := 0.0, 0.0
	for c := range classes {
		low, high := math.Inf(1), math.Inf(-1)
		for i := range samples {
			v := float64(want.Data[i*classes+c])
			low, high = min(low, v), max(high, v)
			largest = max(largest, math.Abs(v))
		}
		spread = max(spread, high-low)
	}
	switch {
	case !finite.Is(spread):
		return fmt.Errorf("the logits of %d samples spread by %g: the weights are too large, or the inputs are not finite", samples, spread)
	case spread <= rounding*largest:
		return fmt.Errorf("%w for %d samples", errConstant, samples)
	}
	for i, w := range want.Data {
		if apart := math.Abs(float64(got.Data[i]) - float64(w)); !(apart <= 1e-4*spread+rounding*largest) {
			return fmt.Errorf("the permuted network is another function: logit %d of sample %d is %g, expected %g (the logits spread by %g); the symmetry misses a tensor, or these weights are not of this network",
				i%classes, i/classes, got.Data[i], w, spread)
		}
	}
	return nil
}

// Noise is 64 standard normal inputs [64, dims...], always the same, for Check.
func Noise(dims []int) network.Tensor {
	rng := rand.New(rand.NewPCG(1, 1))
	x := network.Tensor{Name: "input", Dims: append([]int{64}, dims...)}
	n := 1
	for _, d := range x.Dims {
		n *= d
	}
	for range n {
		x.Data = append(x.Data, float32(rng.NormFloat64()))
	}
	return x
}
