package llfc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
)

func TestAfford(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	l.Data = data.Options{Cache: t.TempDir(), Mirrors: []string{"http://127.0.0.1:1"}} // a download would fail with another error
	paper := MLPMNISTPermuted()

	s := must[Setting](t)(l.Afford(ctx, paper, "paper"))
	if s.Data != "digits" || s.Train.Batch != 60 || s.Network.Widths[0] != 512 || s.Title() != "MLP/digits, Git Re-Basin's recipe" {
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
	if _, err := l.Afford(ctx, paper, "huge"); err == nil || !strings.Contains(err.Error(), "smoke, quick, cpu-hour, paper") {
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

// TestAffordPictures: networks made for CIFAR go to digits as large as its pictures, and stay what they are; only at scale smoke do they shrink.
func TestAffordPictures(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	l.Data = data.Options{Cache: t.TempDir()}
	for _, paper := range []Setting{VGGCIFAR(), ResNetCIFAR(), ResNetCIFARPermuted(2)} {
		wide := must[Setting](t)(paper.At("quick"))
		s := must[Setting](t)(l.Afford(ctx, wide, ""))
		if s.Data != "digits32" || !strings.Contains(s.Title(), "/digits32, ") || s.Network.JSON() != wide.Network.JSON() || s.Train.Augment.Flip {
			t.Errorf("without CIFAR-10: %+v", s)
		}
		was, is := wide.Train.Steps(wide.TrainSamples), must[Run](t)(l.Run(ctx, s, 1)).Steps()
		if is > was || is < was-was/20 {
			t.Errorf("%s: %d steps became %d", s.Name, was, is)
		}
		for i, at := range s.Train.Schedule.At {
			if before, after := float64(wide.Train.Schedule.At[i])/float64(wide.Train.Epochs), float64(at)/float64(s.Train.Epochs); math.Abs(after-before) > 0.05 {
				t.Errorf("%s: the rate drops after %.2f of all epochs, which was %.2f", s.Name, after, before)
			}
		}
		smoke := must[Setting](t)(l.Afford(ctx, paper, "smoke"))
		n := smoke.Network
		if smoke.Data != "digits32" || n.Width > 8 || n.Depth >= wide.Network.Depth || n.Head != nil || n.Norm != wide.Network.Norm || smoke.Train.Optimiser != paper.Train.Optimiser {
			t.Errorf("smoke: %+v", smoke)
		}
		if run := must[Run](t)(l.Run(ctx, smoke, 1)); run.Steps() > 20 {
			t.Errorf("smoke: %d steps", run.Steps())
		}
	}
}

// TestTestPath: the line alone is the line of the whole measurement, under a policy that looks at the setting's training samples too.
func TestTestPath(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	s := tiny()
	p := must[Pair](t)(l.Spawned(ctx, s, 1, 1))
	for _, policy := range []merge.Policy{{}, {Name: "repair", Batch: 100}} {
		o := measure.Options{Alphas: []float64{0.25}, Policy: policy}
		line, whole := must[measure.Line](t)(l.TestPath(ctx, s, p, o)), must[*measure.Result](t)(l.Test(ctx, s, p, o)).Lines[0]
		if fmt.Sprint(line.Alphas, line.Error, line.Samples, line.Policy) != fmt.Sprint(whole.Alphas, whole.Error, whole.Samples, whole.Policy) {
			t.Errorf("%+v, expected %+v", line, whole)
		}
		if policy.Name != "" && line.Policy.Samples != s.TrainSamples {
			t.Errorf("the policy looked at %d training samples; the setting has %d", line.Policy.Samples, s.TrainSamples)
		}
	}
}

func TestCompareConvolutional(t *testing.T) {
	s := must[Setting](t)(VGGCIFAR().At("quick"))
	_, rows := Compare([]string{"paper", "here"}, VGGCIFAR(), s)
	for _, want := range []string{"network|vgg 16, width 64, head [4096 4096]|vgg 16, width 16", "schedule|×0.1 after epochs 80, 120|×0.1 after epochs 5, 8",
		"augmentation|crop 4, flip true|crop 4, flip true"} {
		if !slices.ContainsFunc(rows, func(row []string) bool { return strings.Join(row, "|") == want }) {
			t.Errorf("no row %q in %q", want, rows)
		}
	}
}
