package llfc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/measure"
)

func TestAfford(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	l.Data = data.Options{Cache: t.TempDir(), Mirrors: []string{"http://127.0.0.1:1"}} // a download would fail with another error
	paper := MLPMNISTPermuted()

	s := must[Setting](t)(l.Afford(ctx, paper, "quick"))
	if s.Data != "digits" || s.Train.Batch != 60 || s.Network.Widths[0] != 512 || !strings.Contains(s.Name, "digits") {
		t.Errorf("without MNIST: %+v", s)
	}
	if was, is := paper.Train.Steps(60000), must[Run](t)(l.Run(ctx, s, 1)).Steps(); is > was || is < was-was/20 {
		t.Errorf("%d steps became %d", was, is)
	}
	if l.Data.Offline {
		t.Error("the lab is left offline")
	}
	digits := MLPMNIST()
	digits.Data = "digits"
	if s := must[Setting](t)(l.Afford(ctx, digits, "")); fmt.Sprint(s) != fmt.Sprint(digits) {
		t.Errorf("a setting whose data are at hand was changed to %+v", s)
	}
	if s := must[Setting](t)(l.Afford(ctx, paper, "smoke")); s.Data != "digits" || s.Network.Widths[2] != 32 || s.TestSamples != 100 {
		t.Errorf("smoke: %+v", s)
	}
	if paper.Network.Widths[0] != 512 {
		t.Error("the caller's widths were changed")
	}
	if _, err := l.Afford(ctx, paper, "huge"); err == nil || !strings.Contains(err.Error(), "smoke, quick") {
		t.Errorf("an unknown scale: %v", err)
	}

	// Damaged files are no reason to fall back in silence.
	bad := filepath.Join(l.Data.Cache, "mnist")
	if err := os.MkdirAll(bad, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"} {
		if err := os.WriteFile(filepath.Join(bad, f), []byte("<html>"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	l.Data.Dirs = []string{l.Data.Cache}
	var corrupt *data.CorruptError
	if _, err := l.Afford(ctx, paper, ""); !errors.As(err, &corrupt) {
		t.Errorf("damaged MNIST: %v", err)
	}
}

func TestTest(t *testing.T) {
	ctx := context.Background()
	l, said := open(t)
	s := tiny()
	p := must[Pair](t)(l.Spawned(ctx, s, 1, 1))
	trained := said.String()
	r := must[*measure.Result](t)(l.Test(ctx, s, p, measure.Options{}))
	if r.Set != "synthetic/test" || r.Samples != s.TestSamples || said.String() != trained {
		t.Errorf("measured on %d samples of %s, saying %q", r.Samples, r.Set, strings.TrimPrefix(said.String(), trained))
	}
	whole := s
	whole.TestSamples = 0
	_, wrong, err := l.Evaluate(ctx, p.A, s.Data)
	if err != nil {
		t.Fatal(err)
	}
	errs := must[*measure.Result](t)(l.Test(ctx, whole, p, measure.Options{})).Errors()
	if a := errs.Values[errs.Len()-1]; a != wrong {
		t.Errorf("A errs on %g of the test set, Evaluate says %g", a, wrong)
	}
}

func TestCompare(t *testing.T) {
	s := MLPMNIST()
	s.Train.Epochs, s.TrainSamples = 3, 600
	headers, rows := Compare([]string{"paper", "here"}, MLPMNIST(), s)
	if fmt.Sprint(headers) != "[setting paper here]" {
		t.Errorf("headers %q", headers)
	}
	differ := map[string]string{}
	for _, r := range rows {
		if len(r) != 3 {
			t.Fatalf("row %q", r)
		}
		if r[1] != r[2] {
			differ[r[0]] = r[1] + " → " + r[2]
		}
	}
	if fmt.Sprint(differ) != "map[epochs:30 → 3 training samples:all → 600]" {
		t.Errorf("what differs: %v", differ)
	}
}
