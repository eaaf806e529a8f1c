package measure

import (
	"strings"
	"testing"
)

func TestAverage(t *testing.T) {
	at := func(v float64) *Result {
		p := Profile{Layers: []string{"a"}, Stats: []Stat{{Mean: v, Std: 2 * v, Used: 5}}}
		return &Result{Layers: []Layer{{"a", "linear"}}, Alphas: []float64{0, 1}, Lines: []Line{{Split: "test", Loss: []float64{v, v}, Error: []float64{0, v}}},
			Mixed: []float64{v, 3 * v}, linear: []Profile{p, p}, coef: []Profile{p, p}, baseline: p, weak: &Weak{p, p, p}, commute: &Commutativity{p, p, p}}
	}
	r, err := Average(at(1), at(4))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []Profile{r.linear[1], r.coef[0], r.baseline, r.weak.Max, r.commute.Com} {
		if s := p.Stats[0]; s.Mean != 2.5 || s.Std != 5 || s.Used != 5 {
			t.Errorf("profile %d: %+v, expected mean 2.5 and deviation 5", i, s)
		}
	}
	if r.Mixed[1] != 7.5 || r.Lines[0].Error[1] != 2.5 || r.Lines[0].Error[0] != 0 {
		t.Errorf("blend %v and line %+v", r.Mixed, r.Lines[0])
	}
	other := at(1)
	other.Alphas = []float64{0, 0.5, 1}
	if _, err := Average(at(1), other); err == nil || !strings.Contains(err.Error(), "different") {
		t.Errorf("other α gave %v", err)
	}
	if _, err := Average(); err == nil {
		t.Error("nothing has an average")
	}
}
