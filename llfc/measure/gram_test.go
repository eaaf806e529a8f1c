package measure

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func gramOf(x, y []float64) (g Gram) {
	for i := range x {
		g = g.add(Gram{x[i] * x[i], x[i] * y[i], y[i] * y[i]})
	}
	return g
}

// 1 − cos keeps its digits near 0: against 200-bit arithmetic on the same Gram numbers.
func TestOneMinusCosAgainstBigFloat(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, eps := range []float64{1, 1e-3, 1e-6, 1e-7} {
		for range 200 {
			x, y := make([]float64, 50), make([]float64, 50)
			for i := range x {
				x[i] = rng.NormFloat64()
				y[i] = 3*x[i] + eps*rng.NormFloat64()
			}
			g := gramOf(x, y)
			f := func(v float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(v) }
			norms := f(0).Sqrt(f(0).Mul(f(g.XX), f(g.YY)))
			exact, _ := f(0).Sub(f(1), f(0).Quo(f(g.XY), norms)).Float64()
			exact = max(0, exact) // rounded sums may make |cos| pass 1
			if got := g.OneMinusCos(); math.Abs(got-exact) > 1e-15*exact {
				t.Fatalf("ε = %g: %g, expected %g", eps, got, exact)
			}
		}
	}
}

func TestGramCorners(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		g                    Gram
		oneMinus, coef, dist float64
	}{
		{Gram{4, 4, 4}, 0, 1, 0},
		{Gram{4, -4, 4}, 2, -1, 4},
		{Gram{4, 0, 9}, 1, 0, 13.0 / 6},
		{Gram{4, 2, 1}, 0, 2, 0.5},     // y = x/2: parallel, but not near
		{Gram{0, 0, 4}, nan, 0, nan},   // x is zero
		{Gram{4, 0, 0}, nan, nan, nan}, // y is zero
		{Gram{4e-300, 2e-300, 4e-300}, 0.5, 0.5, 1},
		{Gram{4e300, 2e300, 4e300}, 0.5, 0.5, 1},
		{Gram{4e300, 4e-0, 4e-300}, 0, 1e300, 1e300},
	} {
		near := func(a, b float64) bool {
			return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-14*math.Abs(b)+1e-15
		}
		if got := c.g; !near(got.OneMinusCos(), c.oneMinus) || !near(got.Coef(), c.coef) || !near(got.Dist(), c.dist) {
			t.Errorf("%+v: 1 − cos %g, coef %g, dist %g; expected %g, %g, %g", c.g, got.OneMinusCos(), got.Coef(), got.Dist(), c.oneMinus, c.coef, c.dist)
		}
	}
}

// Identity 7: dist = r + 1/r − 2cos with r the ratio of norms, and dist ≥ 2(1 − cos).
func TestDistAndCos(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		x, y := make([]float64, 9), make([]float64, 9)
		for i := range x {
			x[i], y[i] = rng.NormFloat64(), 2*rng.NormFloat64()
		}
		g := gramOf(x, y)
		r := math.Sqrt(g.XX / g.YY)
		if want := r + 1/r - 2*g.Cos(); math.Abs(g.Dist()-want) > 1e-13 || g.Dist() < 2*g.OneMinusCos() {
			t.Fatalf("dist %g, expected %g, at least %g", g.Dist(), want, 2*g.OneMinusCos())
		}
	}
}

func TestMoments(t *testing.T) {
	var m moments
	for _, v := range []float64{2, math.NaN(), 4, 9} {
		m.add(v)
	}
	if got, want := m.stat(), (Stat{5, math.Sqrt(13), 3, 1}); got != want {
		t.Errorf("%+v, expected %+v", got, want)
	}
	m = moments{}
	m.add(7)
	if s := m.stat(); s.Mean != 7 || !math.IsNaN(s.Std) {
		t.Errorf("one sample: %+v", s)
	}
}

func TestSettle(t *testing.T) {
	got, err := settle([]float64{1, 0.1 + 0.2, 0.3}, 0, 0.5, 1)
	if err != nil || !slices.EqualFunc(got, []float64{0, 0.3, 0.5, 1}, same) {
		t.Errorf("%v, %v", got, err)
	}
	if got := Alphas(11); got[0] != 0 || got[10] != 1 || got[5] != 0.5 || len(got) != 11 {
		t.Errorf("%v", got)
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := settle([]float64{bad}); err == nil {
			t.Errorf("α = %g was accepted", bad)
		}
	}
}

func ExampleLine_ErrorBarrier() {
	l := Line{Alphas: []float64{0, 0.5, 1}, Error: []float64{0.02, 0.30, 0.04}}
	b := l.ErrorBarrier()
	fmt.Printf("over the chord %.2f, over the mean of the ends %.2f, at the middle %.2f\n", b.Chord, b.Mean, b.Middle)
	// A line that dips has no barrier over its ends.
	dip := Line{Alphas: []float64{0, 0.25, 0.5, 1}, Error: []float64{0.2, 0.15, 0.1, 0.4}}.ErrorBarrier()
	fmt.Printf("%.2f %.2f %.2f\n", dip.Chord, dip.Mean, dip.Middle)
	// Output:
	// over the chord 0.27, over the mean of the ends 0.27, at the middle 0.27
	// 0.00 0.10 -0.20
}

func ExampleResult_WriteLayers() {
	r := &Result{Alphas: []float64{0.5}, Layers: []Layer{{"fc1", "linear"}}}
	fc1 := r.Layers[0]
	r.Rows = []Row{
		{oneMinusCos, fc1, 0.5, Stat{0.25, 0.125, 3, 1}, nil}, {coef, fc1, 0.5, Stat{0.9, math.NaN(), 3, 1}, nil},
		{baseline, fc1, math.NaN(), Stat{1, 0, 4, 0}, nil}, {"linear_cka", fc1, math.NaN(), Stat{0.75, math.NaN(), 4, 0}, nil},
	}
	r.Lines = []Line{{Split: "test", Alphas: []float64{0.5}, Loss: []float64{0.1}, Error: []float64{0.02}}}
	_ = r.WritePath(os.Stdout)
	_ = r.WriteLayers(os.Stdout)
	// Output:
	// alpha,split,loss,error,policy
	// 0.5,test,0.1,0.02,interpolate
	// layer,kind,alpha,one_minus_cos_mean,one_minus_cos_std,coef_mean,coef_std,baseline_mean,baseline_std,linear_cka_mean,linear_cka_std,samples_used,samples_skipped,policy
	// fc1,linear,0.5,0.25,0.125,0.9,NaN,1,0,0.75,,3,1,interpolate
}
