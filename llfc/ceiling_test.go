package llfc

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"layerwise/llfc/measure"
)

// A noise ceiling is the mean over independent pairs of what each has, of measurements that are made once. Spectra are kept too.
func TestCeilingAndSpectraAreKept(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	s := tiny()
	s.Train.Epochs = 1
	o := measure.Options{Also: []string{"linear_cka"}}
	got := must[measure.Profile](t)(l.Ceiling(ctx, s, o, "linear_cka", math.NaN(), 1, 2))
	kept := func(folder string) int {
		return len(must[[]string](t)(filepath.Glob(filepath.Join(l.Runs, folder, "*.kept"))))
	}
	if kept("measured") != 2 || got.Stats[0].Used != 2 {
		t.Errorf("%d measurements, %+v", kept("measured"), got)
	}
	var pairs []Pair
	sum := 0.0
	for _, seed := range []int64{1, 2} {
		p := must[Pair](t)(l.Independent(ctx, s, seed))
		r := must[*measure.Result](t)(l.Test(ctx, s, p, o))
		sum += must[measure.Profile](t)(r.Profile("linear_cka", math.NaN())).Stats[1].Mean
		pairs = append(pairs, p)
	}
	if math.Abs(got.Stats[1].Mean-sum/2) > 1e-12 || kept("measured") != 2 {
		t.Errorf("%g, expected %g; %d measurements", got.Stats[1].Mean, sum/2, kept("measured"))
	}
	if _, err := l.Ceiling(ctx, s, o, "linear_cka", math.NaN()); err == nil {
		t.Error("a ceiling of no pairs")
	}
	_, test, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		t.Fatal(err)
	}
	first := must[*measure.Spectra](t)(l.Spectra(ctx, pairs[0], measure.SpectraOptions{}, test))
	again := must[*measure.Spectra](t)(l.Spectra(ctx, pairs[0], measure.SpectraOptions{K: 5}, test))
	if kept("spectra") != 1 || len(first.Features) == 0 || again.Features[0].A[0] != first.Features[0].A[0] {
		t.Errorf("%d spectra; %+v and %+v", kept("spectra"), first, again)
	}
	must[*measure.Spectra](t)(l.Spectra(ctx, pairs[1], measure.SpectraOptions{}, test))
	must[*measure.Spectra](t)(l.Spectra(ctx, pairs[0], measure.SpectraOptions{K: 2}, test))
	if kept("spectra") != 3 {
		t.Errorf("%d spectra, expected 3", kept("spectra"))
	}
	if _, err := os.Stat(filepath.Join(l.Runs, "stitched")); err == nil {
		t.Error("spectra lie among stitched networks")
	}
}
