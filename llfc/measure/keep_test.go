package measure

import (
	"math"
	"slices"
	"testing"
)

// TestKeep: what is kept has the numbers of its layers, at every α, and the result itself is left as it was.
func TestKeep(t *testing.T) {
	profile := func(of float64) Profile {
		return Profile{Layers: []string{"a", "b", "c"}, Stats: []Stat{{Mean: of}, {Mean: of + 1, Std: math.Pi}, {Mean: of + 2}}}
	}
	r := &Result{Alphas: []float64{0, 1}, Layers: []Layer{{"a", "linear"}, {"b", "act"}, {"c", "linear"}}, Raw: &Raw{},
		linear: []Profile{profile(0), profile(10)}, coef: []Profile{profile(20), profile(30)}, baseline: profile(40)}
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
		if !slices.Equal(p.Layers, []string{"b", "c"}) || !slices.Equal(p.Stats, []Stat{{Mean: of + 1, Std: math.Pi}, {Mean: of + 2}}) {
			t.Errorf("from %g: %v", of, p)
		}
	}
	if !slices.Equal(k.Layers, []Layer{{"b", "act"}, {"c", "linear"}}) || k.Raw != nil {
		t.Errorf("layers %v, raw values %v", k.Layers, k.Raw)
	}
	if r.Raw == nil || len(r.Layers) != 3 || len(r.linear[0].Stats) != 3 || len(r.Baseline().Stats) != 3 {
		t.Error("the result itself was changed")
	}
}
