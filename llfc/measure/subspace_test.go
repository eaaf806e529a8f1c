package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func normals(rng *rand.Rand, rows, cols int) *mat.Dense {
	out := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for j := range cols {
			out.Set(i, j, rng.NormFloat64())
		}
	}
	return out
}

func orthonormal(m *mat.Dense) *mat.Dense {
	rows, _ := m.Dims()
	f := newFrame(rows)
	f.add(m)
	return f.all()
}

// Planes in four dimensions, one turned away from the other by known angles. Small ones keep their digits, where the arc cosine has none.
func TestPrincipalAngles(t *testing.T) {
	for _, want := range [][2]float64{{90, 90}, {90, 0}, {50, 10}, {44, 1e-3}, {1e-6, 1e-9}, {1e-12, 1e-13}, {0, 0}} {
		x := mat.NewDense(4, 2, []float64{1, 0, 0, 1, 0, 0, 0, 0})
		y := mat.NewDense(4, 2, nil)
		for j, degrees := range want {
			sin, cos := math.Sincos(degrees * math.Pi / 180)
			y.Set(j, j, cos)
			y.Set(j+2, j, sin)
		}
		var turned, mixed mat.Dense
		sin, cos := math.Sincos(0.7) // another basis of the same plane
		turned.Mul(y, mat.NewDense(2, 2, []float64{cos, -sin, sin, cos}))
		for name, m := range map[string]*mat.Dense{"axes": y, "turned": &turned} {
			for i, got := range PrincipalAngles(x, m) {
				if math.Abs(got-want[i]) > 1e-9*want[i]+3e-14 {
					t.Errorf("%s: %g, expected %g", name, got, want[i])
				}
			}
		}
		q := orthonormal(normals(rand.New(rand.NewPCG(1, 1)), 4, 4))
		mixed.Mul(q, &turned)
		var qx mat.Dense
		qx.Mul(q, x)
		if got := PrincipalAngles(&qx, &mixed); math.Abs(got[0]-want[0]) > 1e-9*want[0]+5e-14 { // angles do not see a rotation of all
			t.Errorf("rotated: %g, expected %g", got, want)
		}
	}
}

// Angles of two 6 × 3 matrices of small whole numbers, by scipy.linalg.subspace_angles of SciPy 1.17.1 with NumPy 2.4.6.
func ExamplePrincipalAngles() {
	x, y := mat.NewDense(6, 3, nil), mat.NewDense(6, 3, nil)
	for i := range 6 {
		for j := range 3 {
			x.Set(i, j, float64((i*i+3*j)%7))
			y.Set(i, j, float64((2*i+j*j+i*j)%5))
		}
	}
	fmt.Printf("%.6f\n", PrincipalAngles(orthonormal(x), orthonormal(y)))
	// Output: [66.173212 46.132923 15.537880]
}

// The leading vectors of large matrices are those of a full SVD: well apart, hardly apart, equal, and of less rank than asked for.
func TestLeading(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, c := range []struct {
		name       string
		rows, cols int
		value      func(i int) float64
		rank       int
	}{
		{"falling", 150, 120, func(i int) float64 { return math.Pow(0.9, float64(i)) }, 5},
		{"flat", 120, 200, func(i int) float64 { return 1 - 0.001*float64(i) }, 5},
		{"equal", 130, 130, func(i int) float64 { return map[bool]float64{true: 2, false: 1 / float64(i+1)}[i < 5] }, 5},
		{"rank 3", 140, 110, func(i int) float64 { return map[bool]float64{true: 3 - float64(i), false: 0}[i < 3] }, 3},
		{"small", 30, 20, func(i int) float64 { return math.Pow(0.8, float64(i)) }, 5},
		{"zero", 110, 110, func(i int) float64 { return 0 }, 0},
	} {
		n := min(c.rows, c.cols)
		u, v := orthonormal(normals(rng, c.rows, n)), orthonormal(normals(rng, c.cols, n))
		scaled := mat.DenseCopyOf(u)
		for j := range n {
			for i := range c.rows {
				scaled.Set(i, j, scaled.At(i, j)*c.value(j))
			}
		}
		var m mat.Dense
		m.Mul(scaled, v.T())
		got := must[basis](t)(leading(&m, 5))
		if len(got.values) != c.rank {
			t.Errorf("%s: %d vectors, expected %d", c.name, len(got.values), c.rank)
			continue
		}
		if c.rank == 0 {
			continue
		}
		for i, value := range got.values {
			if math.Abs(value-c.value(i)) > 1e-12 {
				t.Errorf("%s: the value %d is %g, expected %g", c.name, i, value, c.value(i))
			}
		}
		left := PrincipalAngles(u.Slice(0, c.rows, 0, c.rank), got.left)
		right := PrincipalAngles(v.Slice(0, c.cols, 0, c.rank), got.right)
		if worst := max(slices.Max(left), slices.Max(right)); worst > 1e-7 { // degrees; the flat spectrum has gaps of 1e-3
			t.Errorf("%s: the subspaces are off by %g°", c.name, worst)
		}
	}
	bad := mat.NewDense(3, 3, []float64{1, 2, 3, 4, math.NaN(), 6, 7, 8, 9})
	_, err := leading(bad, 2)
	expect(t, err, "not finite")
}
