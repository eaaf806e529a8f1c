package measure

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// PrincipalAngles are the angles between the spans of the columns of x and y in degrees, the largest first, by Björck and Golub (1973). The columns
// of each must be orthonormal, and as many. Angles below 45° are taken from their sines, since a cosine near 1 has lost half of their digits.
func PrincipalAngles(x, y mat.Matrix) []float64 {
	var cross, back, rest mat.Dense
	cross.Mul(x.T(), y)
	back.Mul(x, &cross)
	rest.Sub(y, &back) // what of y lies outside of the span of x
	cosines, sines := singularValues(&cross), singularValues(&rest)
	slices.Reverse(cosines) // the largest angle first, as its sine is
	out := make([]float64, len(cosines))
	for i, c := range cosines {
		angle := math.Acos(min(c, 1))
		if c*c > 0.5 {
			angle = math.Asin(min(sines[i], 1))
		}
		out[i] = angle * 180 / math.Pi
	}
	return out
}

// singularValues are those of m, the largest first, without their vectors, which cost ten times more.
func singularValues(m mat.Matrix) []float64 {
	var s mat.SVD
	if !s.Factorize(m, mat.SVDNone) {
		return nil // of a matrix that is not finite
	}
	return s.Values(nil)
}

// basis holds leading singular vectors as columns: m·right = left·diag(values).
type basis struct {
	values      []float64 // the largest first
	left, right *mat.Dense
}

// Bounds of leading.
const (
	smallMatrix = 96    // up to here all singular vectors are quickly had
	extra       = 6     // columns of a block beyond those that are wanted: equal singular values are found together
	settled     = 1e-13 // the residual at which singular vectors are taken for found, as a share of the largest value
	noRank      = 1e-12 // a singular value below this share of the largest is rounding
)

// leading returns the k leading singular vectors of m, fewer where its rank is less. Large matrices are searched by a randomised block
// Krylov method (Musco and Musco 2015) that goes on until the residuals are those of rounding, so the answer is that of a full SVD.
func leading(m *mat.Dense, k int) (basis, error) {
	rows, cols := m.Dims()
	k = min(k, rows, cols)
	if min(rows, cols) <= smallMatrix {
		return decompose(m, k, nil)
	}
	rng := rand.New(rand.NewPCG(1, 0x616e676c65)) // "angle"
	block := mat.NewDense(cols, k+extra, nil)
	for i := range cols {
		for j := range k + extra {
			block.Set(i, j, rng.NormFloat64())
		}
	}
	var first mat.Dense
	first.Mul(m, block)
	q := newFrame(rows)
	fresh := q.add(&first)
	if fresh == 0 { // all zeros
		return basis{}, nil
	}
	for rounds := 2; ; rounds *= 2 {
		for range rounds {
			var down, up mat.Dense
			if fresh == 0 {
				break
			}
			down.Mul(m.T(), q.last(fresh))
			up.Mul(m, &down)
			fresh = q.add(&up)
		}
		found, err := decompose(m, k, q.all())
		if err != nil || fresh == 0 || found.residual(m) <= settled*found.values[0] {
			return found, err
		}
	}
}

// decompose is the SVD of m, or of its part in the span of the orthonormal columns of q.
func decompose(m *mat.Dense, k int, q *mat.Dense) (basis, error) {
	part := m
	if q != nil {
		part = new(mat.Dense)
		part.Mul(q.T(), m)
	}
	var s mat.SVD
	if !s.Factorize(part, mat.SVDThin) {
		return basis{}, errors.New("measure: the singular values of a matrix were not found: its numbers are not finite")
	}
	values := s.Values(nil)
	if !(values[0] > 0) {
		return basis{}, nil
	}
	k = min(k, len(values))
	for k > 1 && values[k-1] <= noRank*values[0] {
		k--
	}
	var u, v mat.Dense
	s.UTo(&u)
	s.VTo(&v)
	n, _ := u.Dims()
	c, _ := v.Dims()
	left := mat.DenseCopyOf(u.Slice(0, n, 0, k))
	if q != nil {
		var whole mat.Dense
		whole.Mul(q, left)
		left = &whole
	}
	return basis{values[:k], left, mat.DenseCopyOf(v.Slice(0, c, 0, k))}, nil
}

// residual is the largest ‖m·v − σu‖ of the vectors.
func (b basis) residual(m *mat.Dense) float64 {
	if len(b.values) == 0 {
		return 0
	}
	var image mat.Dense
	image.Mul(m, b.right)
	worst := 0.0
	for j, value := range b.values {
		u := mat.Col(nil, j, b.left)
		floats.Scale(-value, u)
		floats.Add(u, mat.Col(nil, j, &image))
		worst = max(worst, floats.Norm(u, 2))
	}
	return worst
}

// frame is a growing set of orthonormal columns.
type frame struct {
	rows    int
	columns [][]float64
}

func newFrame(rows int) *frame { return &frame{rows: rows} }

// add makes the columns of m orthonormal to those there are and to each other, and returns how many are left of them.
func (f *frame) add(m *mat.Dense) (n int) {
	_, cols := m.Dims()
	for j := range cols {
		v := mat.Col(nil, j, m)
		before := floats.Norm(v, 2)
		for range 2 { // twice is enough (Kahan, in Parlett 1998)
			for _, c := range f.columns {
				floats.AddScaled(v, -floats.Dot(c, v), c)
			}
		}
		after := floats.Norm(v, 2)
		if len(f.columns) == f.rows || !(after > noRank*before) {
			continue
		}
		floats.Scale(1/after, v)
		f.columns, n = append(f.columns, v), n+1
	}
	return n
}

// last are the last n columns, all those of the frame.
func (f *frame) last(n int) *mat.Dense { return f.dense(f.columns[len(f.columns)-n:]) }
func (f *frame) all() *mat.Dense       { return f.dense(f.columns) }

func (f *frame) dense(columns [][]float64) *mat.Dense {
	out := mat.NewDense(f.rows, len(columns), nil)
	for j, c := range columns {
		out.SetCol(j, c)
	}
	return out
}
