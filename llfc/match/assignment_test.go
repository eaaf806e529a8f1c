package match

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func ExampleAssign() {
	p, err := Assign([]float64{ // worker × task
		1, 9, 8,
		1, 9, 1,
		2, 9, 6,
	}, 3)
	fmt.Println(p, err) // 8 + 9 + 2
	// Output: [2 1 0] <nil>
}

// bruteForce returns the largest Σ gain[u][p[u]] over all p.
func bruteForce(gain []float64, n int) float64 {
	best := math.Inf(-1)
	taken := make([]bool, n)
	var place func(u int, sum float64)
	place = func(u int, sum float64) {
		if u == n {
			best = max(best, sum)
			return
		}
		for j := range n {
			if !taken[j] {
				taken[j] = true
				place(u+1, sum+gain[u*n+j])
				taken[j] = false
			}
		}
	}
	place(0, 0)
	return best
}

func objective(gain []float64, p []int) float64 {
	sum := 0.0
	for u, j := range p {
		sum += gain[u*len(p)+j]
	}
	return sum
}

// certify fails unless p is a permutation and w proves it optimal: no row could gain more than tolerance by another
// column at those prices, so no permutation gains more than n·tolerance (weak duality).
func certify(t *testing.T, gain []float64, p []int, w []float64, tolerance float64) {
	t.Helper()
	n := len(p)
	if sorted := slices.Sorted(slices.Values(p)); n > 0 && (sorted[0] != 0 || sorted[n-1] != n-1 || len(slices.Compact(sorted)) != n) {
		t.Fatalf("%v is not a permutation", p)
	}
	for u, c := range p {
		for j := range n {
			if more := gain[u*n+j] - w[j] - (gain[u*n+c] - w[c]); more > tolerance {
				t.Fatalf("row %d has column %d, but would profit %g more from column %d", u, c, more, j)
			}
		}
	}
}

var kinds = map[string]func(r *rand.Rand, n int) []float64{
	"gaussian": func(r *rand.Rand, n int) []float64 { return fill(n*n, r.NormFloat64) },
	"integer": func(r *rand.Rand, n int) []float64 {
		return fill(n*n, func() float64 { return float64(r.IntN(2000) - 1000) })
	},
	"ties":     func(r *rand.Rand, n int) []float64 { return fill(n*n, func() float64 { return float64(r.IntN(3)) }) },
	"constant": func(r *rand.Rand, n int) []float64 { return fill(n*n, func() float64 { return -4 }) },
	"tiny": func(r *rand.Rand, n int) []float64 {
		return fill(n*n, func() float64 { return 1e-300 * r.NormFloat64() })
	},
	"huge": func(r *rand.Rand, n int) []float64 {
		return fill(n*n, func() float64 { return 1e280 * r.NormFloat64() })
	},
	"dead units": func(r *rand.Rand, n int) []float64 { // zero rows and columns
		g := fill(n*n, r.NormFloat64)
		for k := range g {
			if (k/n)%3 == 1 || (k%n)%3 == 2 {
				g[k] = 0
			}
		}
		return g
	},
	"aligned": func(r *rand.Rand, n int) []float64 {
		g := fill(n*n, r.NormFloat64)
		for u, j := range r.Perm(n) {
			g[u*n+j] += math.Sqrt(float64(n))
		}
		return g
	},
	"low rank, positive": func(r *rand.Rand, n int) []float64 { // as products of ReLU features are
		const k = 20
		a := fill(2*n*k, func() float64 { return math.Abs(r.NormFloat64()) })
		g := make([]float64, n*n)
		for u := range n {
			for j := range n {
				for i := range k {
					g[u*n+j] += a[u*k+i] * a[(n+j)*k+i]
				}
			}
		}
		return g
	},
	"sorted": func(r *rand.Rand, n int) []float64 { // rank one: the classic worst case of shortest paths
		g := make([]float64, n*n)
		for k := range g {
			g[k] = float64((k/n + 1) * (k%n + 1))
		}
		return g
	},
}

func fill(n int, next func() float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = next()
	}
	return out
}

func scale(gain []float64) (s float64) {
	for _, v := range gain {
		s = max(s, math.Abs(v))
	}
	return s
}

func TestAssignIsBruteForce(t *testing.T) {
	for kind, next := range kinds {
		r := rand.New(rand.NewPCG(3, 4))
		for n := range 8 {
			tries := 60
			if n == 7 {
				tries = 20
			}
			for range tries {
				g := next(r, n)
				p, err := Assign(g, n)
				if err != nil {
					t.Fatal(err)
				}
				got, want := objective(g, p), bruteForce(g, n)
				if n == 0 {
					want = 0
				}
				if exact := kind == "integer" || kind == "ties" || kind == "sorted" || kind == "constant"; exact && got != want || math.Abs(got-want) > 1e-14*float64(n)*scale(g) {
					t.Fatalf("%s, n = %d: %v has %v, the best is %v\n%v", kind, n, p, got, want, g)
				}
			}
		}
	}
}

func TestAssignProvesItself(t *testing.T) {
	for kind, next := range kinds {
		for _, n := range []int{1, 15, 16, 17, 64, 200, 333} {
			r := rand.New(rand.NewPCG(uint64(n), 5))
			g := next(r, n)
			var a Assigner
			p, err := a.Assign(g, n)
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 1e-13 * scale(g)
			if kind == "integer" || kind == "ties" || kind == "sorted" || kind == "constant" {
				tolerance = 0 // all sums are exact
			}
			certify(t, g, p, a.Prices(), tolerance)
			if q, _ := Assign(g, n); !slices.Equal(p, q) {
				t.Errorf("%s, n = %d: the same gains gave two answers", kind, n)
			}
		}
	}
}

func TestAssignWarmStart(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	var a Assigner
	const n = 150
	g := kinds["gaussian"](r, n)
	for range 5 {
		for i := range g {
			g[i] += 0.05 * r.NormFloat64()
		}
		p, err := a.Assign(g, n)
		if err != nil {
			t.Fatal(err)
		}
		certify(t, g, p, a.Prices(), 1e-12)
	}
	for kind, next := range kinds { // prices of another world, of another scale, of another size
		for _, n := range []int{150, 40} {
			if kind == "huge" || kind == "tiny" {
				continue // the tolerance below would be of the old prices, not of the gains
			}
			g := next(r, n)
			p, err := a.Assign(g, n)
			if err != nil {
				t.Fatal(err)
			}
			certify(t, g, p, a.Prices(), 1e-10*max(1, scale(g)))
		}
	}
}

func TestAssignRefuses(t *testing.T) {
	for want, g := range map[string][]float64{
		"row 1, column 0 is NaN": {1, 2, math.NaN(), 4}, "row 0, column 1 is +Inf": {1, math.Inf(1), 3, 4},
		"row 1, column 1 is -Inf": {1, 2, 3, math.Inf(-1)}, "3 gains, expected 2×2": {1, 2, 3},
	} {
		if p, err := AssignRectangular(g, 2, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, %v, want %s", g, p, err, want)
		}
		if p, err := Assign(g, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, %v, want %s", g, p, err, want)
		}
	}
	if _, err := Assign(nil, -1); err == nil {
		t.Error("n = -1 was taken")
	}
	if _, err := AssignRectangular(nil, -1, 0); err == nil {
		t.Error("-1 rows were taken")
	}
	const n = 600 // read in several parts: the first in the order of the rows is named
	g := make([]float64, n*n)
	g[400*n+7], g[500*n+9] = math.NaN(), math.Inf(1)
	if _, err := Assign(g, n); err == nil || !strings.Contains(err.Error(), "row 400, column 7 is NaN") {
		t.Error(err)
	}
}

// scipyKinds are the kinds of gains in testdata/scipy.py, in its order.
var scipyKinds = []string{"uniform", "integer", "ties", "sparse", "constant", "low rank", "rank one", "aligned", "dead units", "nearly equal", "huge", "tiny"}

// scipyGains makes a matrix of testdata/scipy.py again.
func scipyGains(number int) (kind string, gain []float64, rows, columns int) {
	integer := func(i int) int { // splitmix64
		z := (uint64(number)<<32 + uint64(i) + 1) * 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return int((z ^ z>>31) >> 40)
	}
	kind = scipyKinds[number%len(scipyKinds)]
	rows = 1 + integer(0)%40
	columns = rows
	if number/len(scipyKinds)%4 == 3 {
		columns = 1 + integer(1)%40
	}
	gain = make([]float64, rows*columns)
	for k := range gain {
		u, v, x := k/columns, k%columns, integer(2+k)
		f := float64(x) * 0x1p-24
		switch kind {
		case "uniform":
			f -= 0.5
		case "integer":
			f = float64(x%2000 - 1000)
		case "ties":
			f = float64(x % 3)
		case "sparse":
			f = 0
			if x%8 == 0 {
				f = 1
			}
		case "constant":
			f = -4
		case "low rank":
			f = 0
			for i := range 3 {
				f += float64(integer(2+3*u+i)*integer(2+3*(rows+v)+i)) * 0x1p-48
			}
		case "rank one":
			f = float64((u + 1) * (v + 1))
		case "aligned":
			if v == (7*u+3)%columns {
				f++
			}
		case "dead units":
			if f -= 0.5; u%3 == 1 || v%3 == 2 {
				f = 0
			}
		case "nearly equal":
			f = 1e6 + float64(x%5)*0x1p-30
		case "huge":
			f = (f - 0.5) * 0x1p900
		case "tiny":
			f = (f - 0.5) * 0x1p-900
		}
		gain[k] = f
	}
	return kind, gain, rows, columns
}

func TestAssignIsSciPy(t *testing.T) {
	raw, err := os.ReadFile("testdata/scipy.f64")
	if err != nil {
		t.Fatal(err)
	}
	about, values, _ := bytes.Cut(raw, []byte("\n"))
	if string(about) != "scipy 1.17.1, numpy 2.4.6" || len(values) != 8*10000 {
		t.Fatalf("%s: %d bytes", about, len(values))
	}
	for number := range 10000 {
		want := math.Float64frombits(binary.LittleEndian.Uint64(values[8*number:]))
		kind, g, rows, columns := scipyGains(number)
		assign := func() ([]int, error) { return AssignRectangular(g, rows, columns) }
		answers := []func() ([]int, error){assign}
		if rows == columns {
			answers = append(answers, func() ([]int, error) { return Assign(g, rows) })
		}
		for _, answer := range answers {
			p, err := answer()
			if err != nil {
				t.Fatal(err)
			}
			got, tolerance := taken(t, g, p, columns), 1e-15*float64(rows)*scale(g) // the order of the sum; and the answer's own rounding
			switch kind {
			case "integer", "ties", "sparse", "constant", "rank one":
				tolerance = 0
			}
			if math.Abs(got-want) > tolerance {
				t.Errorf("%d, %s, %d×%d: %v, SciPy has %v", number, kind, rows, columns, got, want)
			}
		}
	}
}

// taken returns Σ gain[u][p[u]] of the rows that have a column, each column at most once and no fewer than there can be.
func taken(t *testing.T, gain []float64, p []int, columns int) (sum float64) {
	t.Helper()
	seen, count := make([]bool, columns), 0
	for u, j := range p {
		if j < 0 {
			continue
		}
		if seen[j] {
			t.Fatalf("%v takes column %d twice", p, j)
		}
		seen[j] = true
		count++
		sum += gain[u*columns+j]
	}
	if count != min(len(p), columns) {
		t.Fatalf("%v takes %d of %d columns", p, count, columns)
	}
	return sum
}

func TestAssignRectangularIsBruteForce(t *testing.T) {
	for kind, next := range kinds {
		r := rand.New(rand.NewPCG(13, 14))
		for rows := range 6 {
			for columns := range 6 {
				for range 10 {
					n := max(rows, columns)
					g := next(r, n)
					padded, tight := make([]float64, n*n), make([]float64, 0, rows*columns) // a row or column that is not there gains nothing
					for u := range rows {
						for j := range columns {
							tight, padded[u*n+j] = append(tight, g[u*n+j]), g[u*n+j]
						}
					}
					p, err := AssignRectangular(tight, rows, columns)
					if err != nil || len(p) != rows {
						t.Fatal(p, err)
					}
					want := 0.0
					if rows > 0 && columns > 0 {
						want = bruteForce(padded, n)
					}
					if got := taken(t, tight, p, columns); math.Abs(got-want) > 1e-14*float64(n)*scale(g) {
						t.Errorf("%s, %d×%d: %v has %v, the best is %v", kind, rows, columns, p, got, want)
					}
				}
			}
		}
	}
}

// Large ones prove themselves by their prices, cold and warm.
func TestAssignLarge(t *testing.T) {
	for _, kind := range []string{"gaussian", "aligned", "low rank, positive", "integer", "ties"} {
		const n = 1000
		g := kinds[kind](rand.New(rand.NewPCG(15, 16)), n)
		var a Assigner
		for range 2 {
			p, err := a.Assign(g, n)
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 1e-13 * scale(g)
			if kind == "integer" || kind == "ties" {
				tolerance = 0
			}
			certify(t, g, p, a.Prices(), tolerance)
		}
	}
}

// Live against SciPy, where there is one: $LAYERWISE_PYTHON or python3.
func TestAssignIsSciPyLive(t *testing.T) {
	py := ""
	for _, p := range []string{os.Getenv("LAYERWISE_PYTHON"), "python3"} {
		if p != "" && py == "" && exec.Command(p, "-c", "import scipy.optimize").Run() == nil {
			py = p
		}
	}
	if py == "" {
		t.Skip("no python3 (or $LAYERWISE_PYTHON) with scipy; testdata/scipy.f64 stands in")
	}
	for kind, next := range kinds {
		const n = 120
		g := next(rand.New(rand.NewPCG(8, 9)), n)
		var in bytes.Buffer
		if err := binary.Write(&in, binary.LittleEndian, g); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(py, "-c", `
import sys, numpy as np
from scipy.optimize import linear_sum_assignment
g = np.frombuffer(sys.stdin.buffer.read()).reshape(120, 120)
print(*linear_sum_assignment(g, maximize=True)[1])`)
		cmd.Stdin = &in
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var theirs []int
		for _, s := range strings.Fields(string(out)) {
			j, _ := strconv.Atoi(s)
			theirs = append(theirs, j)
		}
		ours, err := Assign(g, n)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := objective(g, ours), objective(g, theirs); math.Abs(a-b) > 1e-12*n*scale(g) {
			t.Errorf("%s: ours has %v, SciPy's %v", kind, a, b)
		}
	}
}

// The vector loops give the bits of the plain ones, so that an answer does not depend on the processor.
func TestScansAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	for n := 1; n < 70; n++ {
		g, w := fill(n, func() float64 { return float64(r.IntN(9)) / 7 }), fill(n, r.NormFloat64)
		x, y := make([]float64, n), make([]float64, n)
		b, s := profits(g, w, x)
		if c, u := scanProfits(g, w, y); b != c || s != u || !slices.Equal(x, y) {
			t.Errorf("profits, n = %d: %v %v and %v %v", n, b, s, c, u)
		}
		if i, j := index(x, b, 0), scanIndex(x, b, 0); i != j || x[i] != b {
			t.Errorf("index, n = %d: %d and %d", n, i, j)
		}
		if j := scanIndex(x, 99, r.IntN(n)); j != n {
			t.Errorf("index of what is not there: %d of %d", j, n)
		}
		d := fill(n, func() float64 { return r.ExpFloat64() })
		d[r.IntN(n)] = math.Inf(1)
		e := slices.Clone(d)
		if a, b := relax(g, w, d, 0.3), scanRelax(g, w, e, 0.3); a != b || !slices.Equal(d, e) {
			t.Errorf("relax, n = %d: %v and %v", n, a, b)
		}
	}
}
