package plotting

import (
	"math"
	"strings"
	"testing"
)

func labels(s scale) string {
	var out []string
	for _, t := range s.ticks {
		if t.Label != "" {
			out = append(out, t.Label)
		}
	}
	return strings.Join(out, " ")
}

func TestTicks(t *testing.T) {
	axis := func(floor float64, percent bool, values ...float64) scale {
		s := newSpan(floor)
		for _, v := range values {
			s.add(v)
		}
		return logarithmic(s, percent)
	}
	for _, c := range []struct {
		name, want string
		scale      scale
	}{
		{"unit", "0.0 0.2 0.4 0.6 0.8 1.0", linear(0, 1, 5, false)},
		{"quarters", "0.00 0.25 0.50 0.75 1.00", linear(0, 1, 4, false)},
		{"percent", "0% 2% 4% 6% 8%", linear(0, 0.085, 5, true)},
		{"small percent", "0.0% 0.5% 1.0% 1.5%", linear(0, 0.0199, 5, true)},
		{"through zero", "−1.0 −0.5 0.0 0.5 1.0", linear(-1, 1, 5, false)},
		{"large", "0 1000 2000 3000", linear(0, 3000, 4, false)},
		{"tiny", "0 2e−6 4e−6 6e−6 8e−6", linear(0, 9e-6, 5, false)},
		{"one value", "0.90 0.95 1.00 1.05 1.10", linear(1, 1, 5, false)},
		{"decades", "0.001 0.01 0.1", axis(0, false, 0.0009, 0.5)},
		{"two decades", "0.05 0.1 0.2 0.5 1", axis(0, false, 0.05, 1)},
		{"many decades", "1e−12 1e−9 1e−6 0.001 1", axis(0, false, 1e-12, 1)},
		{"exact zero", "0 0.001 0.01 0.1", axis(1e-12, false, 0, 0.0009, 0.5)},
		{"nearly zero", "≈0 0.001 0.01 0.1", axis(1e-12, false, 3e-14, 0.0009, 0.5)},
		{"only zeros", "0 0.1 0.2 0.5 1", axis(1e-12, false, 0)},
		{"log percent", "0.1% 1% 10%", axis(0, true, 0.0009, 0.2)},
	} {
		if got := labels(c.scale); got != c.want {
			t.Errorf("%s: ticks %q, want %q", c.name, got, c.want)
		}
		for _, k := range c.scale.ticks {
			if k.Value < c.scale.min-1e-9 || k.Value > c.scale.max+1e-9*math.Abs(c.scale.max) {
				t.Errorf("%s: tick %q at %g outside [%g, %g]", c.name, k.Label, k.Value, c.scale.min, c.scale.max)
			}
		}
	}
}

// A zero is drawn at the axis, the smallest number above it.
func TestZeroAtAxis(t *testing.T) {
	s := newSpan(1e-12)
	for _, v := range []float64{0, 1e-13, 2e-3, 0.4} {
		s.add(v)
	}
	axis := logarithmic(s, false)
	if axis.at(0) != axis.min || axis.at(1e-13) != axis.min {
		t.Errorf("zeros at %g and %g, axis at %g", axis.at(0), axis.at(1e-13), axis.min)
	}
	if axis.at(2e-3) <= axis.min || axis.at(0.4) >= axis.max {
		t.Errorf("values at %g and %g leave [%g, %g]", axis.at(2e-3), axis.at(0.4), axis.min, axis.max)
	}
}
