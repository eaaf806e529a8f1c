package match

import (
	"runtime"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// addProductPlain is addProduct for processors without vectors.
func addProductPlain(a, b, c []float32, n, k int) {
	if n == 0 || k == 0 {
		return
	}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, blas32.General{Rows: n, Cols: k, Stride: k, Data: a},
		blas32.General{Rows: n, Cols: k, Stride: k, Data: b}, 1, blas32.General{Rows: n, Cols: n, Stride: n, Data: c})
}

// parallel runs do(0) … do(tasks−1) on all processors.
func parallel(tasks int, do func(task int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(tasks, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for t := int(next.Add(1)) - 1; t < tasks; t = int(next.Add(1)) - 1 {
				do(t)
			}
		})
	}
	wg.Wait()
}

// dot returns Σ xᵢyᵢ in float64.
func dot(x, y []float32) float64 {
	s := 0.0
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}
