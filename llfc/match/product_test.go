package match

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAddProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for _, s := range [][2]int{{1, 1}, {3, 40}, {8, 16}, {9, 17}, {10, 3}, {33, 100}, {66, 1500}, {64, 0}} {
		n, k := s[0], s[1]
		a, b, c := random(n*k), random(n*k), random(n*n)
		d := append([]float32(nil), c...)
		addProduct(a, b, c, n, k)
		for u := range n {
			for v := range n {
				want := float64(d[u*n+v]) + dot(a[u*k:(u+1)*k], b[v*k:(v+1)*k])
				if got := float64(c[u*n+v]); math.Abs(got-want) > 1e-6*math.Sqrt(float64(k+1))*10 { // float32 sums of k terms near 1
					t.Fatalf("n = %d, k = %d, at %d, %d: %g, want %g", n, k, u, v, got, want)
				}
			}
		}
	}
}

func BenchmarkAddProduct(b *testing.B) {
	const n, k = 512, 784
	x, y, c := make([]float32, n*k), make([]float32, n*k), make([]float32, n*n)
	for name, f := range map[string]func(a, b, c []float32, n, k int){"ours": addProduct, "gonum": addProductPlain} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f(x, y, c, n, k)
			}
			b.ReportMetric(2*n*n*k/1e9*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
		})
	}
}
