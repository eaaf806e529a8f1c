package study

import (
	"math"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/measure"
)

// means is a profile with these means.
func means(values ...float64) measure.Profile {
	p := measure.Profile{Layers: make([]string, len(values))}
	for _, v := range values {
		p.Stats = append(p.Stats, measure.Stat{Mean: v})
	}
	return p
}

func equal(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestLargestSmallest(t *testing.T) {
	nan := math.NaN()
	by := func(p measure.Profile) *measure.Profile { return &p }
	for _, c := range []struct {
		p                 measure.Profile
		by                *measure.Profile
		largest, smallest float64
	}{
		{means(0, 3, 2), nil, 3, 0},
		{means(nan, 3, 5, nan), nil, 5, 3}, // layers without a value are left out
		{means(-2, -1), nil, -1, -2},
		{means(nan), nil, nan, nan},
		{means(), nil, nan, nan},
		{means(1, 3, 2), by(means(0, 6, 1)), 2, 1}, // so are divisors of 0
		{means(1, nan), by(means(2, 1)), 0.5, 1},
		{means(1), by(means(0)), nan, 1},
	} {
		if got := largest(c.p, c.by); !equal(got, c.largest) {
			t.Errorf("largest of %v by %v: %v, expected %v", c.p, c.by, got, c.largest)
		}
		if got := smallest(c.p); !equal(got, c.smallest) {
			t.Errorf("smallest of %v: %v, expected %v", c.p, got, c.smallest)
		}
	}
}

func TestCommuteShare(t *testing.T) {
	m := func(com, w, h measure.Profile) measure.Commutativity {
		return measure.Commutativity{Com: com, W: w, H: h}
	}
	for _, c := range []struct {
		m           measure.Commutativity
		worst, best float64
	}{
		{m(means(0, 1, 6), means(1, 4, 2), means(0, 2, 3)), 3, 0.5}, // 1/min(4, 2), 6/min(2, 3); the first layer is left out
		{m(means(0, 1, 1), means(1, 2, 0), means(0, 2, 0)), math.Inf(1), 0.5},
		{m(means(0, 1, 0), means(1, 2, 0), means(0, 2, 0)), math.NaN(), math.NaN()}, // 0/0 decides, whichever is asked for
		{m(means(0), means(1), means(0)), math.NaN(), math.NaN()},
	} {
		if worst, best := extremeCommute(c.m, math.Max), extremeCommute(c.m, math.Min); !equal(worst, c.worst) || !equal(best, c.best) {
			t.Errorf("%v: %v and %v, expected %v and %v", c.m, worst, best, c.worst, c.best)
		}
	}
}

// Lemma 1's line is at 0, where the rounding of a subtraction must not break it.
func TestAboveEnds(t *testing.T) {
	line := func(errors ...float64) measure.Line { return measure.Line{Samples: 10, Error: errors} }
	for _, c := range []struct {
		line measure.Line
		want float64
	}{
		{line(0.1, 0.2, 0.1), 0},
		{line(0.1, 0.5, 0.2), 0.2},
		{line(0.1, 0.1, 0.2), -0.1},
		{line(0.2, 0.1+0.2, 0.1), 0},
		{line(0, 0, 0), 0},
	} {
		if got := aboveEnds(c.line); got != c.want {
			t.Errorf("%v: %v, expected %v", c.line.Error, got, c.want)
		}
	}
	a, b := 0.1, 0.7
	if 0.8-(a+b) == 0 { // the case that the rounding is for
		t.Error("0.8 − (0.1 + 0.7) is exact here")
	} else if got := excess([]float64{0.8}, a+b, 10); got != 0 {
		t.Errorf("%v above the bound", got)
	}
}

func TestBarrier(t *testing.T) {
	l := measure.Line{Samples: 100, Alphas: []float64{0, 0.5, 1}, Error: []float64{0.06, 0.09, 0.08}}
	if got := barrier(l); got != stableBarrier { // 0.09 − (0.06 + 0.08)/2, which the mean of the ends in float64 misses
		t.Errorf("a barrier of 2 %% is %v", got)
	}
}

func TestPlusMinus(t *testing.T) {
	for want, v := range map[string][]float64{"2.00": {0.02}, "1.50": {0.01, 0.02}, "2.00 ± 2.48": {0.01, 0.02, 0.03}} { // 4.303/√3
		if got := plusMinus(v, 100, 2); got != want {
			t.Errorf("%v: %q, expected %q", v, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	card := llfc.Scorecard{
		{ID: "a/1", Subject: "a spawned pair", Statement: "a spawned pair is connected", Quantity: "the barrier | test", Kind: llfc.AtMost, Line: 0.02, Percent: true,
			Values: []float64{0.01, 0.02, 0.03}},
		{ID: "a/2", Subject: "a spawned pair", Statement: "a spawned pair commutes", Quantity: "Dist_com", Kind: llfc.AtMost, Line: 1, Values: []float64{0.5}},
		{ID: "b/1", Subject: "any pair", Statement: "any pair has a first layer", Quantity: "layers", Kind: llfc.AtLeast, Line: 1, Over: "pairs"},
	}
	var text strings.Builder
	if err := card.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	got, err := Markdown(strings.NewReader(text.String()))
	want := `| claim | quantity | line | measured | 95 % interval | verdict |
| --- | --- | ---: | ---: | --- | --- |
| **a spawned pair** … |  |  |  |  |  |
| is connected | the barrier \| test | ≤ 2 % | 2 % | [-0.484 %, 4.48 %], 3 seeds, worst 3 % | **fails** |
| commutes | Dist_com | ≤ 1 | 0.5 | 1 seed | holds |
| **any pair** … |  |  |  |  |  |
| has a first layer | layers | ≥ 1 | – | 0 pairs | **not measured** |

1 of 3 claims hold, 1 fail, 1 were not measured.
`
	if err != nil || got != want {
		t.Errorf("%v\n%s\nexpected\n%s", err, got, want)
	}
	if _, err := Markdown(strings.NewReader("{}")); err == nil {
		t.Error("no scorecard, no error")
	}
}

func TestWorstOfEachSeed(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct{ a, b, want []float64 }{
		{nil, []float64{1, 2}, []float64{1, 2}},
		{[]float64{1, 5}, []float64{3, 2}, []float64{3, 5}},
		{[]float64{1, nan}, []float64{nan, 2}, []float64{nan, nan}},
	} {
		if got := worst(c.a, c.b); !slices.EqualFunc(got, c.want, equal) {
			t.Errorf("worst of %v and %v: %v, expected %v", c.a, c.b, got, c.want)
		}
	}
	seed := func(n int64, mean float64) Trial { return Trial{Seed: n, Half: means(mean, nan)} }
	got := together([]Trial{seed(1, 5), seed(2, 3)}, []Trial{seed(2, 1), seed(3, 9)}, less(Trial.meanHalf))
	if !slices.Equal(got, []float64{2}) { // only seed 2 has both
		t.Errorf("differences %v, expected [2]", got)
	}
}
