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
	product, width := tile, 2
	if archsimd.X86.AVX512() {
		product, width = wideTile, 4
	}
	parallel((n+rows-1)/rows, func(task int) {
		for start := 0; start < k; start += depth {
			stop := min(start+depth, k)
			for u := task * rows; u < min((task+1)*rows, n); u += 4 {
				for v := 0; v < n; v += width {
					if u+4 > n || v+width > n {
						edge(a, b, c, n, k, u, v, width, start, stop)
						continue
					}
					product(a, b, c, n, k, u, v, start, stop)
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
		edge(a, b, c, n, k, u, v, 2, start+m, stop)
	}
}

// wideTile adds the products of 4 rows of a and 4 rows of b: 16 sums of 16 lanes, half of the registers of AVX-512.
func wideTile(a, b, c []float32, n, k, u, v, start, stop int) {
	var c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33 archsimd.Float32x16
	m := (stop - start) &^ 15
	a0, a1 := a[u*k+start:][:m], a[(u+1)*k+start:][:m]
	a2, a3 := a[(u+2)*k+start:][:m], a[(u+3)*k+start:][:m]
	b0, b1 := b[v*k+start:][:m], b[(v+1)*k+start:][:m]
	b2, b3 := b[(v+2)*k+start:][:m], b[(v+3)*k+start:][:m]
	for len(a0) >= 16 && len(a1) >= 16 && len(a2) >= 16 && len(a3) >= 16 && len(b0) >= 16 && len(b1) >= 16 && len(b2) >= 16 && len(b3) >= 16 {
		w, x := archsimd.LoadFloat32x16(b0), archsimd.LoadFloat32x16(b1)
		y, z := archsimd.LoadFloat32x16(b2), archsimd.LoadFloat32x16(b3)
		r := archsimd.LoadFloat32x16(a0)
		c00, c01, c02, c03 = r.MulAdd(w, c00), r.MulAdd(x, c01), r.MulAdd(y, c02), r.MulAdd(z, c03)
		r = archsimd.LoadFloat32x16(a1)
		c10, c11, c12, c13 = r.MulAdd(w, c10), r.MulAdd(x, c11), r.MulAdd(y, c12), r.MulAdd(z, c13)
		r = archsimd.LoadFloat32x16(a2)
		c20, c21, c22, c23 = r.MulAdd(w, c20), r.MulAdd(x, c21), r.MulAdd(y, c22), r.MulAdd(z, c23)
		r = archsimd.LoadFloat32x16(a3)
		c30, c31, c32, c33 = r.MulAdd(w, c30), r.MulAdd(x, c31), r.MulAdd(y, c32), r.MulAdd(z, c33)
		a0, a1, a2, a3 = a0[16:], a1[16:], a2[16:], a3[16:]
		b0, b1, b2, b3 = b0[16:], b1[16:], b2[16:], b3[16:]
	}
	var t [16][16]float32
	for i, s := range [16]archsimd.Float32x16{c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33} {
		s.StoreArray(&t[i])
	}
	archsimd.ClearAVXUpperBits()
	for i, x := range t {
		sum := float32(0)
		for j := range 8 {
			sum += x[j] + x[j+8]
		}
		c[(u+i/4)*n+v+i%4] += sum
	}
	if start+m < stop {
		edge(a, b, c, n, k, u, v, 4, start+m, stop)
	}
}

// edge is tile where fewer rows or columns are left.
func edge(a, b, c []float32, n, k, u, v, width, start, stop int) {
	for i := u; i < min(u+4, n); i++ {
		for j := v; j < min(v+width, n); j++ {
			s := float32(0)
			for t := start; t < stop; t++ {
				s += a[i*k+t] * b[j*k+t]
			}
			c[i*n+j] += s
		}
	}
}
