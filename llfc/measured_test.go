package llfc

import (
	"context"
	"strings"
	"testing"

	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
)

// A policy that looks at training samples gets them: those given, those of a measured split "train", or what the pair was trained on.
func TestMeasureUnderAPolicy(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	s := tiny()
	p := must[Pair](t)(l.Spawned(ctx, s, 1, 1))
	train, test, err := l.Feed(ctx, s.Data, p.B.Normalize, s.TrainSamples, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer train.Free()
	defer test.Free()
	o := measure.Options{Policy: merge.Policy{Name: "repair", Samples: 40, Batch: 20}}
	middle := func(r *measure.Result, err error) float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if r.Policy != o.Policy {
			t.Errorf("measured by %q, asked for %q", r.Policy, o.Policy)
		}
		return r.Lines[0].Loss[1]
	}
	own := middle(l.Measure(ctx, p, o, test))
	beside := middle(l.Measure(ctx, p, o, test, train))
	part := s
	part.TrainSamples, part.TestSamples = 40, 0
	tested := middle(l.Test(ctx, part, p, o))
	small, _, err := l.Feed(ctx, s.Data, p.B.Normalize, 40, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer small.Free()
	given := o
	given.Train = train
	if want := middle(l.Measure(ctx, p, given, test)); own != want || beside != want {
		t.Errorf("loss %g with the pair's data, %g with the measured split, %g with what was given", own, beside, want)
	}
	given.Train = small
	if few := middle(l.Measure(ctx, p, given, test)); tested != own || few == own {
		t.Errorf("loss %g for a setting with fewer samples, expected %g, with what the pair was trained on; %g with those few", tested, own, few)
	}
	if plain := must[*measure.Result](t)(l.Measure(ctx, p, measure.Options{}, test)); plain.Lines[0].Loss[1] == own || plain.Policy.String() != "interpolate" {
		t.Errorf("%s: loss %g, and %g by repair", plain.Policy, plain.Lines[0].Loss[1], own)
	}
	p.Data, p.A.Run, p.B.Run = "", nil, nil
	if _, err := l.Measure(ctx, p, o, test); err == nil || !strings.Contains(err.Error(), "training set must be given") {
		t.Errorf("without a training set: %v", err)
	}
	o.Policy.Name = "mean"
	if _, err := l.Measure(ctx, p, o, test); err == nil || !strings.Contains(err.Error(), "unknown policy") {
		t.Errorf("an unknown policy: %v", err)
	}
}
