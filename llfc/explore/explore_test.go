package explore

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
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

// What stands on the page follows from the maps on it: 1 − cos of an image at a layer, made again from f(θ_α), f(θ_A) and f(θ_B).
func TestPair(t *testing.T) {
	l := must[*llfc.Lab](t)(llfc.OpenOn("go"))
	t.Cleanup(l.Close)
	l.Runs = t.TempDir()
	for name, spec := range map[string]network.Spec{
		"mlp":    {Architecture: "mlp", Widths: []int{16, 12}, Init: "torch"},
		"resnet": {Architecture: "resnet", Depth: 8, Width: 2, Norm: "batch", Shortcut: "pad", Init: "kaiming"},
	} {
		s := llfc.Setting{Name: "tiny", Network: spec, Data: "synthetic", TrainSamples: 100, TestSamples: 40, Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 1}}
		p := must[llfc.Pair](t)(l.Independent(t.Context(), s, 1))
		_, test, err := l.Sets(t.Context(), s.Data, 0, s.TestSamples)
		if err != nil {
			t.Fatal(err)
		}
		page, err := Pair(t.Context(), l, p, test, Options{Alphas: measure.Alphas(5), Shown: 4})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Alphas) != 5 || len(page.Shown) != 4 || len(page.Names) != 40 || len(page.Cos) != 5 || len(page.Cos[0][0]) != 40 {
			t.Errorf("%s: %d α, %d images shown of %d, %d tables", name, len(page.Alphas), len(page.Shown), len(page.Names), len(page.Cos))
		}
		f, err := l.Model(p.A.Network)
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for i, layer := range page.Layers {
			tap := f.About.Taps[slices.IndexFunc(f.About.Taps, func(tap network.Tap) bool { return tap.Name == layer })]
			for _, shown := range page.Shown {
				if rows := len(shown.A[i]); len(tap.Dims) == 3 && (rows != tap.Dims[0] || len(shown.A[i][0]) != tap.Dims[1]) || len(tap.Dims) == 1 && rows*len(shown.A[i][0]) != tap.Dims[0] {
					t.Fatalf("%s, %s: a map of %d × %d of features %v", name, layer, rows, len(shown.A[i][0]), tap.Dims)
				}
				if len(tap.Dims) == 3 { // one channel of several
					continue
				}
				for k, alpha := range page.Alphas {
					ff, fg, gg := 0.0, 0.0, 0.0
					a, b, h := slices.Concat(shown.A[i]...), slices.Concat(shown.B[i]...), slices.Concat(shown.Line[k][i]...)
					for j := range h {
						g := alpha*a[j] + (1-alpha)*b[j]
						ff, fg, gg = ff+h[j]*h[j], fg+h[j]*g, gg+g*g
					}
					want := 1 - fg/math.Sqrt(ff*gg)
					if got := page.Cos[k][i][shown.Image]; math.Abs(got-want) > 1e-6 && !math.IsNaN(got) { // of float32 features
						t.Errorf("%s, %s, α = %g, image %d: 1 − cos %g, of the maps %g", name, layer, alpha, shown.Image, got, want)
					}
					compared++
				}
			}
		}
		if compared < 20 {
			t.Errorf("%s: only %d values were compared", name, compared)
		}
		var out bytes.Buffer
		if err := page.Write(&out); err != nil || out.Len() < 50000 {
			t.Errorf("%s: %d bytes, %v", name, out.Len(), err)
		}
	}
}

func TestWorst(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		layers [][]float64
		n      int
		want   string
	}{
		{[][]float64{{0, 0, 0}, {.1, .3, .2}}, 2, "[1 2]"},      // an exact layer has none
		{[][]float64{{.3, .1, .2}, {.1, .3, .2}}, 3, "[0 1 2]"}, // of each layer in turn, each image once
		{[][]float64{{.1, nan, .2}}, 9, "[2 0]"},                // as many as there are
		{[][]float64{{.5, .5, .5}}, 2, "[0 1]"},                 // equal ones in their order
		{[][]float64{{1e-14, 0, nan}}, 2, "[0]"},                // A and B are one network: some image
	} {
		if got := fmt.Sprint(worst(c.layers, c.n)); got != c.want {
			t.Errorf("%v: %s, expected %s", c.layers, got, c.want)
		}
	}
}
