package figures

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
	"layerwise/plotting"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// pairs measures a spawned and an independent pair of tiny networks, on the pure-Go backend.
func pairs(t *testing.T, o measure.Options) []Pair {
	t.Helper()
	ctx := context.Background()
	l := must[*llfc.Lab](t)(llfc.OpenOn("go"))
	t.Cleanup(l.Close)
	l.Runs = t.TempDir()
	s := llfc.Setting{Name: "tiny", Network: network.Spec{Architecture: "mlp", Widths: []int{16, 12}, Init: "torch"}, Data: "synthetic", TrainSamples: 200, TestSamples: 60,
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 2}}
	var out []Pair
	for _, p := range []llfc.Pair{must[llfc.Pair](t)(l.Spawned(ctx, s, 0, 1)), must[llfc.Pair](t)(l.Independent(ctx, s, 1))} {
		out = append(out, Pair{p.Name, must[*measure.Result](t)(l.Test(ctx, s, p, o))})
	}
	return out
}

// TestFigures draws every figure and compares the numbers behind it with the result's own.
func TestFigures(t *testing.T) {
	all := pairs(t, measure.Options{Alphas: measure.Alphas(5), Conditions: true, PerSample: true})
	p := all[1]
	weak, com := must[measure.Weak](t)(p.WeakAdditivity()), must[measure.Commutativity](t)(p.Commutativity())
	profile := func(v measure.Profile, err error) measure.Profile { return must[measure.Profile](t)(v, err) }
	blend, _ := p.Lemma1()
	for _, c := range []struct {
		name   string
		fig    *plotting.Figure
		series string
		row    string
		want   float64
	}{
		{"paths", must[*plotting.Figure](t)(Paths("", all...)), p.Name, "0.25", p.Errors().Values[1]},
		{"lemma 1", must[*plotting.Figure](t)(Lemma1("", p)), "of the blended logits", "0.75", blend.Values[3]},
		{"llfc", must[*plotting.Figure](t)(LLFC("", p.Result)), "α = 0.75", "fc2", profile(p.LLFC(0.75)).Stats[2].Mean},
		{"baseline", must[*plotting.Figure](t)(LLFC("", p.Result)), "A and B", "logits", p.Baseline().Stats[4].Mean},
		{"coef", must[*plotting.Figure](t)(Coef("", p.Result)), "α = 0.25", "fc1/relu", profile(p.Coef(0.25)).Stats[1].Mean},
		{"half", must[*plotting.Figure](t)(Half("", all...)), p.Name, "fc2/relu", profile(p.LLFC(0.5)).Stats[3].Mean},
		{"baselines", must[*plotting.Figure](t)(Baselines("", all...)), all[0].Name, "fc1", all[0].Baseline().Stats[0].Mean},
		{"weak, by layer", must[*plotting.Figure](t)(WeakLayers("", all...)), p.Name, "fc2/relu", weak.Max.Stats[1].Mean},
		{"policies", must[*plotting.Figure](t)(Policies("", p.Lines...)), p.Lines[0].Policy.String(), "0.25", p.Errors().Values[1]},
		{"half, first pair", must[*plotting.Figure](t)(Half("", all...)), all[0].Name, "fc2/relu", profile(all[0].LLFC(0.5)).Stats[3].Mean},
		{"coef, half", must[*plotting.Figure](t)(CoefHalf("", all...)), p.Name, "fc2", profile(p.Coef(0.5)).Stats[2].Mean},
		{"Dist_com", must[*plotting.Figure](t)(Commutativity("", p.Result)), "Dist_com", "logits", com.Com.Stats[2].Mean},
		{"Dist_W", must[*plotting.Figure](t)(Commutativity("", p.Result)), "Dist_W", "fc2", com.W.Stats[1].Mean},
		{"Dist_H", must[*plotting.Figure](t)(Commutativity("", p.Result)), "Dist_H", "fc2", com.H.Stats[1].Mean},
	} {
		found := false
		for _, r := range c.fig.Table().Rows {
			if r[0] == c.series && r[1] == c.row {
				found = true
				if r[2] != fmt.Sprint(c.want) {
					t.Errorf("%s: %s at %s is %s, expected %v", c.name, c.series, c.row, r[2], c.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: nothing for %s at %s among %v", c.name, c.series, c.row, c.fig.Table().Rows)
		}
		if err := c.fig.Write(&strings.Builder{}, "svg"); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	row := must[*plotting.Figure](t)(Weak("σ", all...))
	if err := row.Write(&strings.Builder{}, "svg"); err != nil {
		t.Error(err)
	}
	if panels := row.Panels(); len(panels) != weak.Max.Len() || panels[1].Title != "fc2/relu" {
		t.Errorf("weak additivity has %d panels for %v", len(panels), weak.Max.Layers)
	}
}

// TestKinds: of a network with blocks a line joins the blocks, of one without all layers; other kinds on request.
func TestKinds(t *testing.T) {
	of := func(name string, depth int) (layers []measure.Layer, names []string) {
		spec := must[network.Spec](t)(network.Default(name))
		if depth > 0 {
			spec.Depth = depth
		}
		for _, tap := range must[network.Description](t)(must[network.Network](t)(network.New(spec)).Description()).Taps[1:] {
			layers, names = append(layers, measure.Layer{Name: tap.Name, Kind: tap.Kind}), append(names, tap.Name)
		}
		return layers, names
	}
	for _, c := range []struct {
		name  string
		depth int
		kinds Kinds
		want  string
	}{
		{"resnet20", 8, nil, "[[layer1.0 layer2.0 layer3.0] [logits]]"},
		{"resnet20-ln", 8, nil, "[[layer1.0 layer2.0 layer3.0] [logits]]"},
		{"resnet20", 8, Kinds{"act", "block"}, "[[conv1/bn/relu layer1.0/conv1/bn/relu layer2.0/conv1/bn/relu layer3.0/conv1/bn/relu] [layer1.0 layer2.0 layer3.0] [logits]]"},
		{"resnet20", 8, Kinds{"linear"}, "[[conv1 layer1.0/conv1 layer1.0/conv2 layer2.0/conv1 layer2.0/conv2 layer3.0/conv1 layer3.0/conv2 logits]]"},
		{"resnet20", 8, Kinds{"sum", "sum"}, "[[layer1.0/sum layer2.0/sum layer3.0/sum] [logits]]"},
		{"vgg11-bn", 0, nil, "[]"},
		{"mlp", 0, nil, "[]"},
		{"mlp", 0, Kinds{"act"}, "[[fc1/relu fc2/relu fc3/relu] [logits]]"},
	} {
		layers, names := of(c.name, c.depth)
		var got [][]string
		for _, line := range must[[][]int](t)(c.kinds.Joined(layers, names)) {
			got = append(got, nil)
			for _, i := range line {
				got[len(got)-1] = append(got[len(got)-1], names[i])
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s, %q: %v, want %s", c.name, c.kinds, got, c.want)
		}
	}
	layers, names := of("mlp", 0)
	if _, err := (Kinds{"block"}).Joined(layers, names); err == nil || err.Error() != `figures: no layer of kind "block"; there is ["act" "linear"]` {
		t.Errorf("a kind that is not there: %v", err)
	}
}

// TestBeside: a panel for each pair under its name, on one y axis.
func TestBeside(t *testing.T) {
	all := pairs(t, measure.Options{Alphas: measure.Alphas(5), Conditions: true})
	for name, draw := range map[string]func(string, Pair) (*plotting.Figure, error){"commutativity": CommutativityOf, "lemma 1": Lemma1} {
		row := must[*plotting.Figure](t)(Beside(draw, all...))
		x, y := row.Panels()[0], row.Panels()[1]
		if x.Title != all[0].Name || y.Title != all[1].Name || x.YRange != y.YRange || x.YRange[1] == 0 {
			t.Errorf("%s: %q to %v beside %q to %v", name, x.Title, x.YRange, y.Title, y.YRange)
		}
	}
	if _, err := Beside(Lemma1); err == nil {
		t.Error("a figure of no pairs")
	}
	e := all[1].Errors().Values
	if got, want := all[1].AboveEnds(), slices.Max(e)-e[0]-e[len(e)-1]; got != want {
		t.Errorf("above the ends %g, expected %g", got, want)
	}
}

// ExampleHeights has a line whose ends err 2 and 4 %, and 13 % half way: 10 % over the chord, 5 on the mean. Measuring statistics anew
// halves it.
func ExampleHeights() {
	line := func(policy string, middle float64) measure.Line {
		return measure.Line{Policy: merge.Policy{Name: policy}, Alphas: []float64{0, 0.5, 1}, Error: []float64{0.02, middle, 0.04}, Loss: []float64{1, 1, 1}}
	}
	_, rows := Heights("vgg", line("interpolate", 0.13), line("reset", 0.08))
	for _, r := range rows {
		fmt.Println(strings.Join(r, ", "))
	}
	// Output:
	// vgg, interpolate, 10.00 %, 5.00 %, 0.00 %
	// vgg, reset, 5.00 %, 2.50 %, 50.00 %
}

// TestUnmeasured: what was not measured is an error that says what to ask for.
func TestUnmeasured(t *testing.T) {
	bare := pairs(t, measure.Options{}) // α = ½ alone
	for name, c := range map[string]struct {
		draw func() (*plotting.Figure, error)
		says string
	}{
		"llfc":          {func() (*plotting.Figure, error) { return LLFC("", bare[0].Result) }, "0.25"},
		"coef":          {func() (*plotting.Figure, error) { return Coef("", bare[0].Result) }, "0.25"},
		"weak":          {func() (*plotting.Figure, error) { return Weak("", bare...) }, "Conditions"},
		"commutativity": {func() (*plotting.Figure, error) { return Commutativity("", bare[0].Result) }, "Conditions"},
		"half of none":  {func() (*plotting.Figure, error) { return Half("none") }, "at least one"},
		"paths of none": {func() (*plotting.Figure, error) { return Paths("none") }, "at least one"},
	} {
		if f, err := c.draw(); err == nil || f != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: figure %v, error %v, expected one that says %q", name, f, err, c.says)
		}
	}
	kept := pairs(t, measure.Options{Conditions: true})
	if _, err := Weak("", kept...); err == nil || !strings.Contains(err.Error(), "PerSample") {
		t.Errorf("samples not kept: %v", err)
	}
}

func TestSamples(t *testing.T) {
	_, set, err := data.Load(context.Background(), "digits", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := must[*plotting.Figure](t)(Samples("digits", set, 3))
	rows := f.Table().Rows
	if len(rows) != 3*64 || rows[64][0] != set.Classes[set.Labels[1]] {
		t.Fatalf("%d pixels, the second picture is called %q", len(rows), rows[64][0])
	}
	for i, v := range set.Sample(1) { // 16 is white
		if want := fmt.Sprint(int(v) * 255 / 16); rows[64+i][3] != want {
			t.Errorf("pixel %d is %s, expected %s", i, rows[64+i][3], want)
		}
	}
	colour := &data.Set{Name: "c", Shape: []int{1, 2, 3}, Classes: []string{"x"}, Max: 255, Labels: []int32{0}, Pixels: []uint8{255, 0, 0, 0, 255, 0}}
	var grey []string
	for _, r := range must[*plotting.Figure](t)(Samples("colour", colour, 1)).Table().Rows {
		grey = append(grey, r[3])
	}
	if fmt.Sprint(grey) != "[76 150]" { // of red 0.299·255, of green 0.587·255
		t.Errorf("a red and a green pixel have the grey values %v", grey)
	}
	if _, err := Samples("none", set, 0); err == nil {
		t.Error("no samples were drawn without an error")
	}
}

func ExampleAt() {
	p := measure.Profile{Layers: []string{"fc1", "fc1/relu", "logits"}, Stats: []measure.Stat{{Mean: 0}, {Mean: 0.01463}, {Mean: 0.0024}}}
	fmt.Println(At(p, "fc1/relu", "fc9", "logits"), "and", Percent(0.0191))
	// Output: 0.0146 / – / 0.0024 and 1.91 %
}
