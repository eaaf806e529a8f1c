package finite

import (
	"math"
	"testing"
)

func TestFinite(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -math.MaxFloat64, math.SmallestNonzeroFloat64} {
		if !Is(v) || !All(1, v) || Except([]float64{v}) != -1 {
			t.Errorf("%v is a number", v)
		}
	}
	for _, v := range []float64{inf, -inf, nan} {
		if Is(v) || Is(float32(v)) || All(1, v) || Except([]float64{1, v, nan}) != 1 {
			t.Errorf("%v is none", v)
		}
	}
	if !Is(float32(math.MaxFloat32)) || !All[float64]() || Except[float32](nil) != -1 {
		t.Error("the largest number, and none at all")
	}
}
