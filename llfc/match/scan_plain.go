//go:build !goexperiment.simd || !amd64

package match

func scanProfits(g, w, x []float64) (best, second float64) { return profits(g, w, x) }

func scanRelax(g, w, d []float64, off float64) (least float64) { return relax(g, w, d, off) }

func scanIndex(x []float64, value float64, from int) int { return index(x, value, from) }
