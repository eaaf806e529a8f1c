//go:build goexperiment.simd && amd64

package compare

import "simd/archsimd"

// right sets u [m, 8] to W v: one row of v is one vector.
func right(w, v, u []float32, m, n int) {
	if !archsimd.X86.AVX2() || !archsimd.X86.FMA() || n == 0 {
		rightPlain(w, v, u, m, n)
		return
	}
	i := 0
	for ; i+4 <= m; i += 4 { // four rows share what is read of v
		var s0, s1, s2, s3 archsimd.Float32x8
		w0, w1, w2, w3 := w[i*n:][:n], w[(i+1)*n:][:n], w[(i+2)*n:][:n], w[(i+3)*n:][:n]
		for j := range n {
			y := archsimd.LoadFloat32x8Array((*[8]float32)(v[j*width:]))
			s0 = archsimd.BroadcastFloat32x8(w0[j]).MulAdd(y, s0)
			s1 = archsimd.BroadcastFloat32x8(w1[j]).MulAdd(y, s1)
			s2 = archsimd.BroadcastFloat32x8(w2[j]).MulAdd(y, s2)
			s3 = archsimd.BroadcastFloat32x8(w3[j]).MulAdd(y, s3)
		}
		s0.StoreArray((*[8]float32)(u[i*width:]))
		s1.StoreArray((*[8]float32)(u[(i+1)*width:]))
		s2.StoreArray((*[8]float32)(u[(i+2)*width:]))
		s3.StoreArray((*[8]float32)(u[(i+3)*width:]))
	}
	archsimd.ClearAVXUpperBits()
	rightPlain(w[i*n:], v, u[i*width:], m-i, n)
}

// left sets v [n, 8] to Wᵀ u.
func left(w, u, v []float32, m, n int) {
	if !archsimd.X86.AVX2() || !archsimd.X86.FMA() || n == 0 {
		leftPlain(w, u, v, m, n)
		return
	}
	clear(v)
	i := 0
	for ; i+4 <= m; i += 4 {
		w0, w1, w2, w3 := w[i*n:][:n], w[(i+1)*n:][:n], w[(i+2)*n:][:n], w[(i+3)*n:][:n]
		y0, y1 := archsimd.LoadFloat32x8Array((*[8]float32)(u[i*width:])), archsimd.LoadFloat32x8Array((*[8]float32)(u[(i+1)*width:]))
		y2, y3 := archsimd.LoadFloat32x8Array((*[8]float32)(u[(i+2)*width:])), archsimd.LoadFloat32x8Array((*[8]float32)(u[(i+3)*width:]))
		for j := range n {
			z := (*[8]float32)(v[j*width:])
			s := archsimd.LoadFloat32x8Array(z)
			s = archsimd.BroadcastFloat32x8(w0[j]).MulAdd(y0, s)
			s = archsimd.BroadcastFloat32x8(w1[j]).MulAdd(y1, s)
			s = archsimd.BroadcastFloat32x8(w2[j]).MulAdd(y2, s)
			archsimd.BroadcastFloat32x8(w3[j]).MulAdd(y3, s).StoreArray(z)
		}
	}
	for ; i < m; i++ {
		y := archsimd.LoadFloat32x8Array((*[8]float32)(u[i*width:]))
		for j, x := range w[i*n:][:n] {
			z := (*[8]float32)(v[j*width:])
			archsimd.BroadcastFloat32x8(x).MulAdd(y, archsimd.LoadFloat32x8Array(z)).StoreArray(z)
		}
	}
	archsimd.ClearAVXUpperBits()
}
