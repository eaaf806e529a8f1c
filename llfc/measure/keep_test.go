package measure

import (
	"math"
	"slices"
	"testing"
)

// TestKeep: what is kept has the numbers of its layers, at every α, and the result itself is left as it was.
func TestKeep(t *testing.T) {
	layers := []Layer{{"a", "linear"}, {"b", "act"}, {"c", "linear"}}
	r := &Result{Alphas: []float64{0, 1}, Layers: layers}
	add := func(quantity string, alpha, of float64) {
		for i, l := range layers {
			r.Rows = append(r.Rows, Row{quantity, l, alpha, Stat{Mean: of + float64(i), Std: math.Pi}, []float64{1}})
		}
	}
	add(oneMinusCos, 0, 0)
	add(oneMinusCos, 1, 10)
	add(coef, 0, 20)
	add(coef, 1, 30)
	add(baseline, math.NaN(), 40)
	add(distCom, math.NaN(), 50)
	k := r.Keep(func(l Layer) bool { return l.Kind != "linear" || l.Name == "c" })
	linear, err := k.LLFC(1)
	if err != nil {
		t.Fatal(err)
	}
	coef, err := k.Coef(0)
	if err != nil {
		t.Fatal(err)
	}
	for of, p := range map[float64]Profile{10: linear, 20: coef, 40: k.Baseline()} {
		if !slices.Equal(p.Layers, []string{"b", "c"}) || !slices.Equal(p.Stats, []Stat{{Mean: of + 1, Std: math.Pi}, {Mean: of + 2, Std: math.Pi}}) {
			t.Errorf("from %g: %v", of, p)
		}
	}
	if !slices.Equal(k.Layers, []Layer{{"b", "act"}, {"c", "linear"}}) || k.Rows[0].Samples != nil {
		t.Errorf("layers %v, first row %+v", k.Layers, k.Rows[0])
	}
	if com := must[Profile](t)(k.Profile(distCom, math.NaN())); com.Len() != 3 {
		t.Errorf("a quantity of linear maps lost some: %v", com)
	}
	if r.Rows[0].Samples == nil || len(r.Layers) != 3 || len(r.Rows) != 18 || len(r.Baseline().Stats) != 3 {
		t.Error("the result itself was changed")
	}
}
