//go:build goexperiment.simd && amd64

package match

import (
	"math"
	"simd/archsimd"
)

func scanProfits(g, w, x []float64) (best, second float64) {
	if !archsimd.X86.AVX2() || len(g) < 16 {
		return profits(g, w, x)
	}
	inf := archsimd.BroadcastFloat64x4(math.Inf(-1))
	b0, b1, b2, b3 := inf, inf, inf, inf
	s0, s1, s2, s3 := inf, inf, inf, inf
	n := len(g) &^ 15
	w, x = w[:len(g)], x[:len(g)]
	for j := 0; j < n; j += 16 {
		gj, wj, xj := g[j:j+16:j+16], w[j:j+16:j+16], x[j:j+16:j+16]
		v0 := archsimd.LoadFloat64x4(gj[0:4]).Sub(archsimd.LoadFloat64x4(wj[0:4]))
		v1 := archsimd.LoadFloat64x4(gj[4:8]).Sub(archsimd.LoadFloat64x4(wj[4:8]))
		v2 := archsimd.LoadFloat64x4(gj[8:12]).Sub(archsimd.LoadFloat64x4(wj[8:12]))
		v3 := archsimd.LoadFloat64x4(gj[12:16]).Sub(archsimd.LoadFloat64x4(wj[12:16]))
		v0.Store(xj[0:4])
		v1.Store(xj[4:8])
		v2.Store(xj[8:12])
		v3.Store(xj[12:16])
		s0, b0 = s0.Max(b0.Min(v0)), b0.Max(v0)
		s1, b1 = s1.Max(b1.Min(v1)), b1.Max(v1)
		s2, b2 = s2.Max(b2.Min(v2)), b2.Max(v2)
		s3, b3 = s3.Max(b3.Min(v3)), b3.Max(v3)
	}
	s0, b0 = s0.Max(s1).Max(b0.Min(b1)), b0.Max(b1)
	s2, b2 = s2.Max(s3).Max(b2.Min(b3)), b2.Max(b3)
	s0, b0 = s0.Max(s2).Max(b0.Min(b2)), b0.Max(b2)
	var b, s [4]float64
	b0.StoreArray(&b)
	s0.StoreArray(&s)
	archsimd.ClearAVXUpperBits()
	best, second = profits(g[n:], w[n:], x[n:])
	for k := range b {
		second = max(second, s[k], min(best, b[k]))
		best = max(best, b[k])
	}
	return best, second
}

func scanRelax(g, w, d []float64, off float64) (least float64) {
	if !archsimd.X86.AVX2() || len(g) < 16 {
		return relax(g, w, d, off)
	}
	o := archsimd.BroadcastFloat64x4(off)
	m0 := archsimd.BroadcastFloat64x4(math.Inf(1))
	m1, m2, m3 := m0, m0, m0
	n := len(g) &^ 15
	w, d = w[:len(g)], d[:len(g)]
	for j := 0; j < n; j += 16 {
		gj, wj, dj := g[j:j+16:j+16], w[j:j+16:j+16], d[j:j+16:j+16]
		v0 := archsimd.LoadFloat64x4(wj[0:4]).Sub(archsimd.LoadFloat64x4(gj[0:4])).Add(o).Min(archsimd.LoadFloat64x4(dj[0:4]))
		v1 := archsimd.LoadFloat64x4(wj[4:8]).Sub(archsimd.LoadFloat64x4(gj[4:8])).Add(o).Min(archsimd.LoadFloat64x4(dj[4:8]))
		v2 := archsimd.LoadFloat64x4(wj[8:12]).Sub(archsimd.LoadFloat64x4(gj[8:12])).Add(o).Min(archsimd.LoadFloat64x4(dj[8:12]))
		v3 := archsimd.LoadFloat64x4(wj[12:16]).Sub(archsimd.LoadFloat64x4(gj[12:16])).Add(o).Min(archsimd.LoadFloat64x4(dj[12:16]))
		v0.Store(dj[0:4])
		v1.Store(dj[4:8])
		v2.Store(dj[8:12])
		v3.Store(dj[12:16])
		m0, m1, m2, m3 = m0.Min(v0), m1.Min(v1), m2.Min(v2), m3.Min(v3)
	}
	var m [4]float64
	m0.Min(m1).Min(m2.Min(m3)).StoreArray(&m)
	archsimd.ClearAVXUpperBits()
	return min(relax(g[n:], w[n:], d[n:], off), m[0], m[1], m[2], m[3])
}

func scanIndex(x []float64, value float64, from int) int {
	if !archsimd.X86.AVX2() {
		return index(x, value, from)
	}
	v := archsimd.BroadcastFloat64x4(value)
	j := from
	for ; j+8 <= len(x); j += 8 {
		xj := x[j : j+8 : j+8]
		hit := archsimd.LoadFloat64x4(xj[0:4]).Equal(v).Or(archsimd.LoadFloat64x4(xj[4:8]).Equal(v))
		if hit.ToBits() != 0 {
			break
		}
	}
	archsimd.ClearAVXUpperBits()
	return index(x, value, j)
}
