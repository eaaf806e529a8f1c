package harness

import (
	"math"
	"slices"
)

// Median is the middle value, or the mean of the two in the middle; NaN of none.
func Median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return math.NaN()
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Ratio is the median over rounds of a/b, each pair of which was timed in one round.
func Ratio(a, b []float64) float64 {
	var r []float64
	for i := range a {
		r = append(r, a[i]/b[i])
	}
	return Median(r)
}
