package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Columns are the headers of Table.
var Columns = []string{"tensor", "in_b", "dtype", "shape", "numbers", "identical", "norm_a", "norm_b", "relative_distance", "one_minus_cos",
	"sigma1_a", "sigma1_b", "stable_rank_a", "stable_rank_b", "spectra_distance", "left_angles", "right_angles"}

// Table is a row for each tensor: text for files and reports. digits is how many significant ones, −1 all. Angles are in degrees, the smallest first;
// spectra_distance is ‖σ_A − σ_B‖ / ‖σ_A‖ of the leading singular values. An empty cell is a quantity that the tensor does not have.
func (r *Result) Table(digits int) [][]string {
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	var out [][]string
	for _, row := range r.Rows {
		cells := []string{row.Name, row.NameB, row.DType, Shape(row.Shape), strconv.Itoa(row.Count), strconv.FormatBool(row.Identical)}
		if row.Float && row.Finite {
			cells = append(cells, number(row.NormA), number(row.NormB), number(row.Distance), number(row.OneMinusCos))
		}
		if s := row.Spectra; s != nil {
			cells = append(cells, number(s.A[0]), number(s.B[0]), number(s.StableA), number(s.StableB), number(s.Distance()), degrees(s.Left), degrees(s.Right))
		}
		for len(cells) < len(Columns) {
			cells = append(cells, "")
		}
		out = append(out, cells)
	}
	return out
}

// Distance is ‖σ_A − σ_B‖ / ‖σ_A‖ of the leading singular values.
func (s *Spectra) Distance() float64 {
	dd, aa := 0.0, 0.0
	for i, v := range s.A {
		dd += (v - s.B[i]) * (v - s.B[i])
		aa += v * v
	}
	return math.Sqrt(dd / aa)
}

func degrees(angles []float64) string {
	text := make([]string, len(angles))
	for i, a := range angles {
		text[i] = strconv.FormatFloat(a, 'f', 1, 64)
	}
	return strings.Join(text, " ")
}

// Shape prints sizes: 64×3×3×3; a single number has none and prints as "scalar".
func Shape(dims []int) string {
	if len(dims) == 0 {
		return "scalar"
	}
	text := make([]string, len(dims))
	for i, d := range dims {
		text[i] = fmt.Sprint(d)
	}
	return strings.Join(text, "×")
}
