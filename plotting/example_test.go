package plotting_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/plotter"
	"layerwise/plotting"
)

// curve stands for the results of the measurements: Len, XY and YError.
type curve struct{ x, y, err []float64 }

func (c curve) Len() int                { return len(c.y) }
func (c curve) XY(i int) (x, y float64) { return c.x[i], c.y[i] }
func (c curve) YError(i int) (low, high float64) {
	if c.err == nil {
		return math.NaN(), math.NaN()
	}
	return c.err[i], c.err[i]
}

func ys(values ...float64) plotter.XYs {
	out := make(plotter.XYs, len(values))
	for i, v := range values {
		out[i] = plotter.XY{X: float64(i), Y: v}
	}
	return out
}

func withErrors(share float64, values ...float64) curve {
	c := curve{y: values}
	for i, v := range values {
		c.x = append(c.x, float64(i))
		c.err = append(c.err, share*v)
	}
	return c
}

// save draws and writes a figure where cmpimg looks for it.
func save(name string, set func(f *plotting.Figure), f *plotting.Figure, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	if set != nil {
		set(f)
	}
	if err := f.Save(filepath.Join("testdata", name)); err != nil {
		fmt.Println(err)
	}
}

// path is the error of an MLP on MNIST along a path whose ends err 1.91 and 2.02 %, mean and spread over seeds.
func path(ends [2]float64, height float64) curve {
	var c curve
	for i := range 11 {
		a := float64(i) / 10
		bump := height * math.Pow(4*a*(1-a), 1.6)
		c.x = append(c.x, a)
		c.y = append(c.y, ends[0]*(1-a)+ends[1]*a+bump)
		c.err = append(c.err, 0.0008+0.12*bump)
	}
	return c
}

func ExampleLines() {
	f, err := plotting.Lines("Test error along the path from B to A", "α (0 is B, 1 is A)", "test error",
		plotting.Series{Name: "spawned at k = 0", Data: path([2]float64{.0174, .0191}, 0.0001)},
		plotting.Series{Name: "independent, weight-matched", Data: path([2]float64{.0202, .0191}, 0.0021)},
		plotting.Series{Name: "independent", Data: path([2]float64{.0202, .0191}, 0.0598), Style: plotting.BaselineStyle()})
	save("lines.png", func(f *plotting.Figure) { f.Percent = true }, f, err)
	// Output:
}

func ExampleLayers() {
	layers := []string{"fc1", "relu1", "fc2", "relu2", "fc3", "relu3", "fc4"}
	f, err := plotting.Layers("MLP on MNIST, spawned at k = 0", "E[1 − cos]", layers,
		plotting.Series{Name: "α = 0.25", Data: withErrors(.4, 0, .0078, .006, .0064, .0021, .0025, .0013)},
		plotting.Series{Name: "α = 0.5", Data: withErrors(.4, 0, .0146, .0112, .0118, .0040, .0046, .0024)},
		plotting.Series{Name: "α = 0.75", Data: withErrors(.4, 0, .0078, .006, .0064, .0021, .0025, .0013)},
		plotting.Series{Name: "1 − cos between A and B", Style: plotting.BaselineStyle(),
			Data: withErrors(.3, .21, .269, .160, .187, .055, .076, .027)})
	save("layers.png", nil, f, err)
	// Output:
}

// Long names stand upright, a logarithmic axis ends in a 0 where the first layer's exact zero is drawn, and an error bar
// longer than its value is cut off there.
func ExampleLayers_log() {
	var names []string
	var llfc, baseline []float64
	for i := range 16 {
		kind := "conv"
		if i > 12 {
			kind = "classifier"
		}
		names = append(names, fmt.Sprintf("features/%s%d", kind, i+1))
		llfc = append(llfc, 0.02*math.Exp(-float64(i-5)*float64(i-5)/30))
		baseline = append(baseline, 0.4-0.02*float64(i))
	}
	llfc[0] = 3e-14
	f, err := plotting.Layers("VGG-16 on CIFAR-10, spawned", "E[1 − cos]", names,
		plotting.Series{Name: "α = 0.5", Data: withErrors(1.1, llfc...)},
		plotting.Series{Name: "baseline, A and B", Data: withErrors(.3, baseline...), Style: plotting.BaselineStyle()})
	save("layers_log.png", func(f *plotting.Figure) { f.LogY = true }, f, err)
	// Output:
}

func ExampleLayers_coef() {
	layers := []string{"relu1", "relu2", "relu3", "logits"}
	f, err := plotting.Layers("Coefficient, weight-matched pair", "E[coef_α]", layers,
		plotting.Series{Name: "α = 0.25", Data: withErrors(.04, .92, .84, .81, .79)},
		plotting.Series{Name: "α = 0.5", Data: withErrors(.05, .89, .77, .74, .71)},
		plotting.Series{Name: "α = 0.75", Data: withErrors(.04, .92, .84, math.NaN(), .79)})
	save("coef.png", func(f *plotting.Figure) { f.Reference = []float64{1} }, f, err)
	// Output:
}

// A line for the blocks and one for the ReLUs inside them; the logits stand apart, and the stem in the numbers only.
func ExampleLayers_joined() {
	names := []string{"stem"}
	joined := [][]int{nil, nil, nil}
	var llfc, baseline []float64
	for i := range 6 {
		names = append(names, fmt.Sprintf("layer%d/relu", i+1), fmt.Sprintf("layer%d", i+1))
		joined[0], joined[1] = append(joined[0], 2*i+1), append(joined[1], 2*i+2)
	}
	names = append(names, "logits")
	joined[2] = []int{13}
	for i := range names {
		zig := 1 + 1.5*float64(i%2)
		llfc, baseline = append(llfc, 0.01*zig+0.001*float64(i)), append(baseline, 0.1*zig+0.01*float64(i))
	}
	llfc[0] = 0.3 // out of the drawing, and so of its axis
	f, err := plotting.Layers("ResNet-14, spawned", "E[1 − cos]", names,
		plotting.Series{Name: "α = 0.5", Data: withErrors(.3, llfc...)},
		plotting.Series{Name: "A and B", Data: withErrors(.2, baseline...), Style: plotting.BaselineStyle()})
	save("joined.png", func(f *plotting.Figure) { f.Joined = joined }, f, err)
	// Output:
}

// lognormal returns the quantiles of a log-normal distribution: a sample without chance.
func lognormal(median, spread float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = median * math.Exp(spread*math.Sqrt2*math.Erfinv(2*(float64(i)+0.5)/float64(n)-1))
	}
	return out
}

func ExampleECDF() {
	f, err := plotting.ECDF("Weak additivity at relu1", "Dist_σ(x)",
		plotting.Sample{Name: "spawned", Values: lognormal(.030, .35, 10000)},
		plotting.Sample{Name: "weight-matched", Values: lognormal(.088, .35, 10000)},
		plotting.Sample{Name: "independent", Values: lognormal(.431, .3, 10000), Style: plotting.BaselineStyle()})
	save("ecdf.png", func(f *plotting.Figure) { f.LogX = true }, f, err)
	// Output:
}

func ExampleBars() {
	f, err := plotting.Bars("Commutativity, spawned pair", "Dist", []string{"fc1", "fc2", "fc3", "fc4"},
		plotting.Series{Name: "Dist_com", Data: ys(0, .025, .014, .001)},
		plotting.Series{Name: "Dist_W", Data: ys(.22, .30, .28, .08)},
		plotting.Series{Name: "Dist_H", Data: ys(0, .53, .37, .16)})
	save("bars.png", nil, f, err)
	// Output:
}

func ExampleBars_log() {
	f, err := plotting.Bars("Commutativity, weight-matched pair", "Dist", []string{"fc1", "fc2", "fc3", "fc4"},
		plotting.Series{Name: "Dist_com", Data: withErrors(.3, 0, .20, .047, .026)},
		plotting.Series{Name: "Dist_W", Data: withErrors(.1, 1.22, 1.49, 1.30, .59)},
		plotting.Series{Name: "Dist_H", Data: withErrors(.1, 0, .96, .63, math.NaN())})
	save("bars_log.png", func(f *plotting.Figure) { f.LogY = true }, f, err)
	// Output:
}

func ExampleRow() {
	panel := func(title string, half, baseline []float64) *plotting.Figure {
		f, err := plotting.Layers(title, "", []string{"relu1", "relu2", "relu3", "logits"},
			plotting.Series{Name: "α = 0.5", Data: withErrors(.4, half...)},
			plotting.Series{Name: "baseline, A and B", Data: withErrors(.3, baseline...), Style: plotting.BaselineStyle()})
		if err != nil {
			fmt.Println(err)
			return nil
		}
		f.YRange = [2]float64{0, 1.1}
		return f
	}
	spawned := panel("Spawned", []float64{.0146, .0118, .0046, .0024}, []float64{.269, .187, .076, .027})
	matched := panel("Weight-matched", []float64{.041, .035, .011, .006}, []float64{.488, .317, .159, .038})
	independent := panel("Independent", []float64{.165, .189, .103, .126}, []float64{.836, .715, .620, .038})
	spawned.YLabel = "E[1 − cos]"
	f, err := plotting.Row(spawned, matched, independent)
	save("row.png", nil, f, err)
	// Output:
}

func TestGolden(t *testing.T) {
	for name, example := range map[string]func(){
		"lines.png":      ExampleLines,
		"layers.png":     ExampleLayers,
		"layers_log.png": ExampleLayers_log,
		"coef.png":       ExampleLayers_coef,
		"joined.png":     ExampleLayers_joined,
		"ecdf.png":       ExampleECDF,
		"bars.png":       ExampleBars,
		"bars_log.png":   ExampleBars_log,
		"row.png":        ExampleRow,
	} {
		t.Run(name, func(t *testing.T) {
			// Fonts and rasteriser are pure Go; 1 % allows for the last bit of floating point on other processors.
			cmpimg.CheckPlotApprox(example, t, 0.01, name)
		})
	}
}
