package llfc

import (
	"math"
	"testing"

	"layerwise/llfc/measure"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// Features of many taps from one pass are those of each tap by itself; the blend is of the ends; the first linear layer interpolates exactly.
func TestFeatures(t *testing.T) {
	l := must[*Lab](t)(OpenOn("go"))
	t.Cleanup(l.Close)
	l.Runs = t.TempDir()
	ctx := t.Context()
	s := Setting{Name: "tiny", Network: network.Spec{Architecture: "mlp", Widths: []int{16, 12}, Init: "torch"}, Data: "synthetic", TrainSamples: 100, TestSamples: 40,
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 1}}
	p := must[Pair](t)(l.Independent(ctx, s, 1))
	_, test, err := l.Sets(ctx, s.Data, 0, s.TestSamples)
	if err != nil {
		t.Fatal(err)
	}
	taps, samples := []string{"fc1", "fc2/relu", "logits"}, []int{7, 0, 39}
	f := must[*Features](t)(l.Features(ctx, p, test, samples, taps, 0, 0.3, 1))
	m := must[*network.Model](t)(l.Model(p.A.Network))
	x := must[network.Tensor](t)(l.input(test, p.B.Normalize, samples))
	near := func(what string, got, want []float32, most float64) {
		t.Helper()
		if len(got) != len(want) || len(got) == 0 {
			t.Fatalf("%s: %d values, expected %d", what, len(got), len(want))
		}
		for i := range got {
			if d := math.Abs(float64(got[i] - want[i])); d > most {
				t.Fatalf("%s: value %d is %g, expected %g", what, i, got[i], want[i])
			}
		}
	}
	for i, tap := range taps {
		near(tap+" of A", f.A[i].Data, must[network.Tensor](t)(m.Features(p.A.Theta, x, tap)).Data, 0)
		near(tap+" of B at α = 0", f.Line[0][i].Data, f.B[i].Data, 0)
		near(tap+" of A at α = 1", f.Line[2][i].Data, f.A[i].Data, 0)
		for j, v := range f.Blend(1, i).Data {
			if want := 0.3*float64(f.A[i].Data[j]) + 0.7*float64(f.B[i].Data[j]); math.Abs(float64(v)-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("blend at %s: %g, expected %g", tap, v, want)
			}
		}
	}
	near("fc1", f.Line[1][0].Data, f.Blend(1, 0).Data, 1e-5)
	r := must[*measure.Result](t)(l.Measured(ctx, p, measure.Options{}, test)) // of the whole set: its logits err as often as the network
	wrong := 0
	all := make([]int, test.Len())
	for i := range all {
		all[i] = i
	}
	logits := must[*Features](t)(l.Features(ctx, p, test, all, []string{"logits"})).A[0]
	for i, label := range test.Labels {
		row := logits.Data[i*logits.Dims[1] : (i+1)*logits.Dims[1]]
		for _, v := range row {
			if v > row[label] {
				wrong++
				break
			}
		}
	}
	if e := r.Errors().Values; math.Abs(float64(wrong)/float64(test.Len())-e[len(e)-1]) > 1e-12 {
		t.Errorf("%d of %d images are wrong by the features, error %g", wrong, test.Len(), e[len(e)-1])
	}
	for what, call := range map[string]func() (*Features, error){
		"no such tap":    func() (*Features, error) { return l.Features(ctx, p, test, samples, []string{"fc9"}) },
		"no such sample": func() (*Features, error) { return l.Features(ctx, p, test, []int{40}, taps) },
		"no samples":     func() (*Features, error) { return l.Features(ctx, p, test, nil, taps) },
		"no such α":      func() (*Features, error) { return l.Features(ctx, p, test, samples, taps, math.NaN()) },
	} {
		if _, err := call(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
