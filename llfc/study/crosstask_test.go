package study

import (
	"math"
	"slices"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/measure"
)

// between is a pair with one layer: 1 − cos_½ and 1 − cos_AB.
func between(half, ends float64) *measure.Result {
	at := measure.Layer{Name: "fc1", Kind: "linear"}
	return &measure.Result{Alphas: []float64{0, 0.5, 1}, Layers: []measure.Layer{at}, Rows: []measure.Row{
		{Quantity: "one_minus_cos", Layer: at, Alpha: 0.5, Stat: measure.Stat{Mean: half, Used: 1}},
		{Quantity: "baseline", Layer: at, Alpha: math.NaN(), Stat: measure.Stat{Mean: ends, Used: 1}}}}
}

// Three pairs at three amounts of common training, by hand.
func TestCrossTask(t *testing.T) {
	card, err := CrossTask(
		[]*measure.Result{between(0.3, 0.5), between(0.04, 0.5), between(0.2, 0.25)}, // 3 by 1 − cos; 0.4; 2
		[]*measure.Result{between(0.1, 0.5), between(0.1, 0.5), between(0.1, 0.5)},
		[]*measure.Result{between(0.05, 0.5), between(0.06, 0.2), between(0.1, 0.5)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{{0.1, 0.3, 0.2}, {2}, {-1, 1, -math.Sqrt(3) / 2}} {
		if !slices.EqualFunc(card[i].Values, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("%s: %v, want %v", card[i].ID, card[i].Values, want)
		}
	}
	if card[0].Verdict() != llfc.Fails || card[1].Verdict() != llfc.Holds || card[2].Verdict() != llfc.Fails {
		t.Errorf("%s, %s, %s", card[0].Verdict(), card[1].Verdict(), card[2].Verdict())
	}
	for _, bad := range [][][]*measure.Result{{{between(1, 1)}}, {{between(1, 1)}, {}}} {
		if _, err := CrossTask(bad...); err == nil {
			t.Errorf("%d amounts of training were taken", len(bad))
		}
	}
}
