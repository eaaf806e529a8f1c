package measure

import (
	"math"
	"strings"
	"testing"
)

func TestAverage(t *testing.T) {
	at := func(v float64) *Result {
		stat := Stat{Mean: v, Std: 2 * v, Used: 5}
		layer := Layer{"a", "linear"}
		return &Result{Layers: []Layer{layer}, Alphas: []float64{0, 1}, Lines: []Line{{Split: "test", Loss: []float64{v, v}, Error: []float64{0, v}}},
			Mixed: []float64{v, 3 * v}, Rows: []Row{{oneMinusCos, layer, 1, stat, []float64{v}}, {baseline, layer, math.NaN(), stat, nil}, {distCom, layer, math.NaN(), stat, nil}}}
	}
	r, err := Average(at(1), at(4))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range r.Rows {
		if s.Mean != 2.5 || s.Std != 5 || s.Used != 5 || s.Samples != nil {
			t.Errorf("row %d: %+v, expected mean 2.5 and deviation 5", i, s)
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
	other = at(1)
	other.Rows = other.Rows[:2]
	if _, err := Average(at(1), other); err == nil || !strings.Contains(err.Error(), "different") {
		t.Errorf("other quantities gave %v", err)
	}
	if _, err := Average(); err == nil {
		t.Error("nothing has an average")
	}
}
