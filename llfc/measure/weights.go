package measure

import (
	"fmt"
	"math"

	"layerwise/llfc/network"
)

// check returns nil if theta are finite weights of the network.
func check(f *network.Model, theta network.Params) error {
	if err := f.Check(theta); err != nil {
		return err
	}
	return checkFinite(theta)
}

// checkFinite looks at the weights themselves: a ReLU takes NaN for "not positive" and makes it 0, so it may never reach the loss.
func checkFinite(theta network.Params) error {
	for _, t := range theta {
		for j, v := range t.Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("tensor %q holds %v at position %d; training may have diverged, or the file is not of this kind", t.Name, v, j)
			}
		}
	}
	return nil
}
