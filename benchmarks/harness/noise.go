package harness

import (
	"math/rand/v2"

	"layerwise/data"
)

// Noise is a data set of n random images of that shape, [H, W, C], always the same. No time depends on the values.
func Noise(shape []int, classes, n int) *data.Set {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &data.Set{Name: "noise", Split: "train", Shape: shape, Max: 255}
	for range classes {
		s.Classes = append(s.Classes, "x")
	}
	size := 1
	for _, d := range shape {
		size *= d
	}
	for range shape[len(shape)-1] {
		s.Mean, s.Std = append(s.Mean, 0.5), append(s.Std, 0.3)
	}
	s.Pixels, s.Labels = make([]uint8, n*size), make([]int32, n)
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range s.Labels {
		s.Labels[i] = rng.Int32N(int32(classes))
	}
	return s
}
