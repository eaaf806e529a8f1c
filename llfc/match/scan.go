package match

import "math"

// The three inner loops of the assignment solver, over one row of gains g [n] and the prices w [n] of its columns.
// scan_simd.go has them with vectors; both give the same bits, since neither max, min nor equality rounds and the
// sums are the same.

// profits sets x[j] = g[j] − w[j] and returns the largest and the second largest of them, equal if it occurs twice.
func profits(g, w, x []float64) (best, second float64) {
	best, second = math.Inf(-1), math.Inf(-1)
	w, x = w[:len(g)], x[:len(g)]
	for j, v := range g {
		v -= w[j]
		x[j] = v
		if v > best { // the built-in max is slower: it minds NaN
			best, second = v, best
		} else if v > second {
			second = v
		}
	}
	return best, second
}

// relax sets d[j] = min(d[j], w[j] − g[j] + off) and returns the smallest.
func relax(g, w, d []float64, off float64) (least float64) {
	least = math.Inf(1)
	w, d = w[:len(g)], d[:len(g)]
	for j, v := range g {
		if v = w[j] - v + off; v < d[j] {
			d[j] = v
		}
		if d[j] < least {
			least = d[j]
		}
	}
	return least
}

// index returns the first j ≥ from with x[j] == value, or len(x).
func index(x []float64, value float64, from int) int {
	for j := from; j < len(x); j++ {
		if x[j] == value {
			return j
		}
	}
	return len(x)
}
