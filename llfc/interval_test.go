package llfc

import (
	"math"
	"testing"
)

func TestHalfWidth(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{1, 2, 3}, 4.302653 / math.Sqrt(3)},                                    // σ = 1; t(0.975, 2), any table
		{[]float64{0, 1}, 12.706205 / 2},                                                 // σ = 1/√2; t(0.975, 1)
		{[]float64{2, 4, 4, 4, 5, 5, 7, 9}, 2.364624 * math.Sqrt(32.0/7) / math.Sqrt(8)}, // Σ(v − 5)² = 32; t(0.975, 7)
		{[]float64{5, 5, 5}, 0},
	} {
		if got := HalfWidth(c.values); math.Abs(got-c.want) > 1e-6*(1+c.want) { // tables have seven digits
			t.Errorf("HalfWidth(%v) = %v, expected %v", c.values, got, c.want)
		}
	}
	for _, few := range [][]float64{nil, {1}} {
		if got := HalfWidth(few); !math.IsNaN(got) {
			t.Errorf("HalfWidth(%v) = %v, expected NaN", few, got)
		}
	}
}
