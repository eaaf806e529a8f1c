//go:build !goexperiment.simd || !amd64

package compare

func right(w, v, u []float32, m, n int) { rightPlain(w, v, u, m, n) }

func left(w, u, v []float32, m, n int) { leftPlain(w, u, v, m, n) }
