//go:build goexperiment.simd && amd64

package match

import (
	"simd/archsimd"
)

// addProduct adds a·bᵀ to c, for a and b [n, k] and c [n, n], row-major.
func addProduct(a, b, c []float32, n, k int) {
	if !archsimd.X86.AVX2() || !archsimd.X86.FMA() || n < 8 || k < 16 {
		addProductPlain(a, b, c, n, k)
		return
	}
	const rows = 32 // of a, in each task
	parallel((n+rows-1)/rows, func(task int) {
		for start := 0; start < k; start += depth {
			stop := min(start+depth, k)
			for u := task * rows; u < min((task+1)*rows, n); u += 4 {
				for v := 0; v < n; v += 2 {
					if u+4 > n || v+2 > n {
						edge(a, b, c, n, k, u, v, start, stop)
						continue
					}
					tile(a, b, c, n, k, u, v, start, stop)
				}
			}
		}
	})
}

const depth = 1024 // columns at a time: 4 rows of a stay in the first cache, b in the second

// tile adds the products of 4 rows of a and 2 rows of b, over the columns from start to stop.
func tile(a, b, c []float32, n, k, u, v, start, stop int) {
	var c00, c01, c10, c11, c20, c21, c30, c31 archsimd.Float32x8
	m := (stop - start) &^ 7
	a0, a1 := a[u*k+start:][:m], a[(u+1)*k+start:][:m]
	a2, a3 := a[(u+2)*k+start:][:m], a[(u+3)*k+start:][:m]
	b0, b1 := b[v*k+start:][:m], b[(v+1)*k+start:][:m]
	for len(a0) >= 8 && len(a1) >= 8 && len(a2) >= 8 && len(a3) >= 8 && len(b0) >= 8 && len(b1) >= 8 {
		x, y := archsimd.LoadFloat32x8(b0), archsimd.LoadFloat32x8(b1)
		r := archsimd.LoadFloat32x8(a0)
		c00, c01 = r.MulAdd(x, c00), r.MulAdd(y, c01)
		r = archsimd.LoadFloat32x8(a1)
		c10, c11 = r.MulAdd(x, c10), r.MulAdd(y, c11)
		r = archsimd.LoadFloat32x8(a2)
		c20, c21 = r.MulAdd(x, c20), r.MulAdd(y, c21)
		r = archsimd.LoadFloat32x8(a3)
		c30, c31 = r.MulAdd(x, c30), r.MulAdd(y, c31)
		a0, a1, a2, a3, b0, b1 = a0[8:], a1[8:], a2[8:], a3[8:], b0[8:], b1[8:]
	}
	var t [8][8]float32
	c00.StoreArray(&t[0])
	c01.StoreArray(&t[1])
	c10.StoreArray(&t[2])
	c11.StoreArray(&t[3])
	c20.StoreArray(&t[4])
	c21.StoreArray(&t[5])
	c30.StoreArray(&t[6])
	c31.StoreArray(&t[7])
	archsimd.ClearAVXUpperBits()
	for i, x := range t {
		at := (u+i/2)*n + v + i%2
		c[at] += (x[0] + x[1]) + (x[2] + x[3]) + ((x[4] + x[5]) + (x[6] + x[7]))
	}
	if start+m < stop {
		edge(a, b, c, n, k, u, v, start+m, stop)
	}
}

// edge is tile where fewer rows or columns are left.
func edge(a, b, c []float32, n, k, u, v, start, stop int) {
	for i := u; i < min(u+4, n); i++ {
		for j := v; j < min(v+2, n); j++ {
			s := float32(0)
			for t := start; t < stop; t++ {
				s += a[i*k+t] * b[j*k+t]
			}
			c[i*n+j] += s
		}
	}
}
