package llfc

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// HalfWidth is half the width of the 95 % interval of the mean under Student's t distribution, the usual choice for a handful of seeds; NaN
// of fewer than two values.
func HalfWidth(values []float64) float64 {
	n := float64(len(values))
	if n < 2 {
		return math.NaN()
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}
	return t.Quantile(0.975) * stat.StdDev(values, nil) / math.Sqrt(n)
}
