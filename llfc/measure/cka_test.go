package measure

import (
	"math"
	"testing"
)

// unbiased is HSIC₁ of two sets of features of the same samples, as Song et al. (2012) write it: sums over pairs, without a mean taken off.
func unbiased(x, y [][]float64) float64 {
	n := float64(len(x))
	kernel := func(x [][]float64) [][]float64 {
		k := make([][]float64, len(x))
		for i := range x {
			k[i] = make([]float64, len(x))
			for j := range x {
				if i != j {
					k[i][j] = dot64(x[i], x[j])
				}
			}
		}
		return k
	}
	k, l := kernel(x), kernel(y)
	trace, sumK, sumL, cross := 0.0, 0.0, 0.0, 0.0
	for i := range k {
		rowK, rowL := 0.0, 0.0
		for j := range k {
			trace += k[i][j] * l[j][i]
			rowK += k[i][j]
			rowL += l[i][j]
		}
		sumK, sumL, cross = sumK+rowK, sumL+rowL, cross+rowK*rowL
	}
	return (trace + sumK*sumL/((n-1)*(n-2)) - 2/(n-2)*cross) / (n * (n - 3))
}

// Linear CKA, streamed in batches with padding, is that of the definition on the same batches.
func TestLinearCKA(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		const batch = 12 // 32 samples: two whole batches, and one of 8 that is filled up
		r := pair(t, s, Options{Batch: batch, Also: []string{"linear_cka"}})
		p := must[Profile](t)(r.Profile("linear_cka", math.NaN()))
		for l, layer := range r.Layers {
			a, b := features(t, s, s.a, layer.Name), features(t, s, s.b, layer.Name)
			var aa, ab, bb float64
			for i := 0; i < len(a); i += batch {
				x, y := a[i:min(i+batch, len(a))], b[i:min(i+batch, len(b))]
				aa, ab, bb = aa+unbiased(x, x), ab+unbiased(x, y), bb+unbiased(y, y)
			}
			if want, got := ab/math.Sqrt(aa*bb), p.Stats[l]; math.Abs(got.Mean-want) > 1e-4 || got.Used != s.d.Len() || !math.IsNaN(got.Std) {
				t.Errorf("%s: %+v, expected %g", layer.Name, got, want)
			}
		}
		same := s
		same.b = s.a
		for _, v := range must[Profile](t)(pair(t, same, Options{Batch: batch, Also: []string{"linear_cka"}}).Profile("linear_cka", math.NaN())).Stats {
			if math.Abs(v.Mean-1) > 1e-9 {
				t.Errorf("of a network with itself: %g", v.Mean)
			}
		}
	})
}
