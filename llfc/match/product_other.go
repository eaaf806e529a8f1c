//go:build !amd64

package match

func tile(a, b []float32, k int, c []float64, stride int) { tilePlain(a, b, k, c, stride) }
