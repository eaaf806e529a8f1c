package match

import (
	"fmt"
	"math"

	"layerwise/llfc/network"
)

// Check returns nil if moved = π(θ_B) computes what b = θ_B computes on the inputs x [batch, Input...], normalised as
// for training: f(π(θ_B); x) = f(θ_B; x). Float32 sums in another order differ by about 1e-6 of the logits; a tensor
// left out of the permutation moves them by about as much as they differ between inputs. An error says how far apart
// the two are: the symmetry does not fit the network, and every number computed from moved would be wrong. x needs at
// least two samples that differ.
func Check(f *network.Model, b, moved network.Params, x network.Tensor) error {
	logits, err := f.LogitsBeside(x, b, moved) // one after the other, a backend that keeps weights by address would answer twice with b's
	if err != nil {
		return fmt.Errorf("match: check: %w", err)
	}
	return sameFunction(logits[0], logits[1])
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
	if !(spread > 0) || math.IsInf(spread, 0) {
		return fmt.Errorf("match: check: the logits of %d samples spread by %g: nothing can be told from that, give other inputs", samples, spread)
	}
	for i, w := range want.Data {
		if apart := math.Abs(float64(got.Data[i]) - float64(w)); !(apart <= 1e-4*spread+1e-6*largest) {
			return fmt.Errorf("match: check: the permuted network is another function: logit %d of sample %d is %g, expected %g (the logits spread by %g); the symmetry misses a tensor, or these weights are not of this network",
				i%classes, i/classes, got.Data[i], w, spread)
		}
	}
	return nil
}
