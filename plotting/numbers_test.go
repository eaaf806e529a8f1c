package plotting_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui"

	"layerwise/plotting"
)

func markdown(f *plotting.Figure, err error, digits int) string {
	if err != nil {
		return err.Error()
	}
	text, err := f.Numbers(digits).Markdown()
	if err != nil {
		return err.Error()
	}
	return text
}

// Series stand side by side, one row for every x that any of them has; a figure in percent has its numbers in percent.
func ExampleFigure_Numbers() {
	f, err := plotting.Lines("", "α", "error",
		plotting.Series{Name: "spawned", Data: curve{x: []float64{0, 0.5, 1}, y: []float64{.0174, .018, .0191}}},
		plotting.Series{Name: "independent", Data: curve{x: []float64{0, 1}, y: []float64{.0202, .0191}, err: []float64{.001, 0}}})
	f.Percent = true
	fmt.Print(markdown(f, err, 3))
	// Output:
	// | α | spawned | independent |
	// | ---: | ---: | ---: |
	// | 0 | 1.74 % | 2.02 ± 0.1 % |
	// | 0.5 | 1.8 % |  |
	// | 1 | 1.91 % | 1.91 % |
}

func TestNumbers(t *testing.T) {
	layers := []string{"fc1", "logits"}
	deviating := withErrors(.5, .25, math.NaN())
	fig := func(f *plotting.Figure, err error) *plotting.Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	spread := make([]float64, 100)
	for i := range spread {
		spread[99-i] = float64(i + 1) // 1 … 100: the quantile at a share of k/100 is k
	}
	level := fig(plotting.Layers("left", "E[1 − cos]", layers, plotting.Series{Name: "a", Data: deviating}))
	for name, c := range map[string]struct {
		f    *plotting.Figure
		want [][]string // headers first
	}{
		"layers": {level, [][]string{{"layer", "a"}, {"fc1", "0.25 ± 0.12"}, {"logits", "NaN"}}},
		"bars": {fig(plotting.Bars("", "Dist", layers, plotting.Series{Data: ys(0, 2.345)})),
			[][]string{{"layer", "Dist"}, {"fc1", "0"}, {"logits", "2.3"}}},
		"ecdf": {fig(plotting.ECDF("", "Dist_σ", plotting.Sample{Values: spread})),
			[][]string{{"fraction of samples", "Dist_σ"}, {"10 %", "10"}, {"25 %", "25"}, {"50 %", "50"}, {"75 %", "75"}, {"90 %", "90"}}},
		"row": {fig(plotting.Row(level, fig(plotting.Layers("right", "", layers, plotting.Series{Name: "a", Data: ys(1, 2)})))),
			[][]string{{"panel", "layer", "a"}, {"left", "fc1", "0.25 ± 0.12"}, {"left", "logits", "NaN"}, {"right", "fc1", "1"}, {"right", "logits", "2"}}},
	} {
		got := c.f.Numbers(2)
		if all := append([][]string{got.Headers}, got.Rows...); fmt.Sprint(all) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, expected %q", name, all, c.want)
		}
	}
	mixed := fig(plotting.Row(level, fig(plotting.Lines("", "", "", plotting.Series{Name: "b", Data: ys(1)})))).Numbers(2)
	if !strings.Contains(fmt.Sprint(mixed.Headers), "series") || len(mixed.Rows) != 3 {
		t.Errorf("panels of different kinds: %q", mixed)
	}
	if got := (*plotting.Figure)(nil).Numbers(3); got.Headers != nil {
		t.Errorf("no figure: %v", got)
	}
	if err := plotting.ShowNumbers(level, 3); !gonbui.IsNotebook && !errors.Is(err, plotting.ErrNoNotebook) {
		t.Errorf("ShowNumbers outside a notebook: %v", err)
	}
}
