package measure

import (
	"math"
	"testing"
)

// The deviation is that over results, and a result without a value is left out.
func TestAcross(t *testing.T) {
	layers := []Layer{{"fc1", "linear"}, {"fc2", "linear"}}
	result := func(values ...float64) *Result {
		r := &Result{Layers: layers}
		for i, v := range values {
			r.Rows = append(r.Rows, Row{baseline, layers[i], math.NaN(), Stat{v, 7, 100, 0}, nil})
		}
		return r
	}
	p := must[Profile](t)(Across(baseline, math.NaN(), result(1, 4), result(2, math.NaN()), result(6, 8)))
	if s := p.Stats[0]; s != (Stat{3, math.Sqrt(7), 3, 0}) || p.Layers[0] != "fc1" {
		t.Errorf("%+v", p)
	}
	if s := p.Stats[1]; s != (Stat{6, math.Sqrt(8), 2, 1}) {
		t.Errorf("%+v", s)
	}
	one := must[Profile](t)(Across(baseline, math.NaN(), result(1, 4)))
	if !math.IsNaN(one.Stats[0].Std) {
		t.Errorf("the deviation of one result is %g", one.Stats[0].Std)
	}
	_, err := Across(baseline, math.NaN())
	expect(t, err, "no results")
	_, err = Across(coef, 0.5, result(1, 4))
	expect(t, err, "coef was not measured")
	_, err = Across(baseline, math.NaN(), result(1, 4), result(1))
	expect(t, err, "different layers")
}
