package match

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// randomStrips are strips over tensors that are laid out in every way a place can be: units side by side or apart, rows out of order.
func randomStrips(r *rand.Rand, n int, columns ...int) (out []strip) {
	for i, k := range columns {
		s := strip{row: make([]int, n), at: make([]int32, k), from: make([]int32, k)}
		apart, between := k, 1
		if i%2 == 0 {
			apart, between = 1, n
		}
		for u, v := range r.Perm(n) {
			if i%3 == 2 {
				s.row[u] = v * apart
			} else {
				s.row[u] = u * apart
			}
		}
		for c, d := range r.Perm(k) {
			s.at[c], s.from[c] = int32(c*between), int32(d*between)
		}
		if i%4 > 1 {
			for _, d := range r.Perm(k) {
				s.was = append(s.was, int32(d*between))
			}
		}
		for range n * k {
			s.a, s.b = append(s.a, float32(r.NormFloat64())), append(s.b, float32(r.NormFloat64()))
		}
		out = append(out, s)
	}
	return out
}

func TestProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var p product
	for _, n := range []int{1, 2, 11, 12, 13, 16, 17, 40, 100} {
		for _, columns := range [][]int{{}, {1}, {0, 3}, {40, 1, 7}, {300, 100, 20, 500, 1, 64}, {2000}} {
			strips := randomStrips(r, n, columns...)
			total := make([]float64, n*n)
			want := make([]float64, n*n)
			for i := range total {
				total[i] = r.NormFloat64()
				want[i] = total[i]
				for _, s := range strips {
					for c, at := range s.at {
						y := float64(s.b[s.row[i%n]+int(s.from[c])])
						if s.was != nil {
							y -= float64(s.b[s.row[i%n]+int(s.was[c])])
						}
						want[i] += float64(s.a[s.row[i/n]+int(at)]) * y
					}
				}
			}
			p.add(strips, total, n)
			k := 0
			for _, c := range columns {
				k += c
			}
			for i := range total {
				if math.Abs(total[i]-want[i]) > 3e-6*math.Sqrt(float64(k+1)) { // float32 sums of up to 384 terms near 1
					t.Fatalf("n = %d, columns %v, at %d, %d: %g, want %g", n, columns, i/n, i%n, total[i], want[i])
				}
			}
		}
	}
}

// The vector loops add in the order of the plain one, whose multiplications are rounded on their own.
func TestTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, k := range []int{1, 2, 3, 64, 384} {
		a, b := make([]float32, tileRows*k), make([]float32, tileColumns*k)
		for _, x := range [][]float32{a, b} {
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
		}
		const stride = tileColumns + 5
		got, plain := make([]float64, tileRows*stride), make([]float64, tileRows*stride)
		tile(a, b, k, got, stride)
		tilePlain(a, b, k, plain, stride)
		for i, want := range plain {
			if math.Abs(got[i]-want) > 1e-6*math.Sqrt(float64(k)) {
				t.Errorf("k = %d, at %d, %d: %g, want %g", k, i/stride, i%stride, got[i], want)
			}
		}
	}
}

func BenchmarkProduct(b *testing.B) {
	for _, n := range []int{64, 256, 512, 1024} {
		for i, layout := range []string{"side by side", "apart"} {
			b.Run(fmt.Sprintf("%d units %s", n, layout), func(b *testing.B) {
				const k = 1152
				strips := randomStrips(rand.New(rand.NewPCG(1, 2)), n, append(make([]int, i), k)...)
				total := make([]float64, n*n)
				var p product
				for b.Loop() {
					p.add(strips, total, n)
				}
				b.ReportMetric(2*float64(n*n)*k/1e9*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
			})
		}
	}
}
