package llfc

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"

	"layerwise/data"
	"layerwise/llfc/measure"
)

// A stitching is made once, and asked for with other cuts, another set or another pair it is another.
func TestStitchedIsKept(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	s := tiny()
	p := must[Pair](t)(l.Spawned(ctx, s, 0, 1))
	train, test, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	stitched := func(p Pair, o measure.StitchOptions, on *data.Set) *measure.Stitched {
		t.Helper()
		o.Progress = func(done, total int) {
			if done == total {
				made++
			}
		}
		return must[*measure.Stitched](t)(l.Stitched(ctx, p, o, on))
	}
	first := stitched(p, measure.StitchOptions{}, test)
	if again := stitched(p, measure.StitchOptions{}, test); made != 1 || !reflect.DeepEqual(first, again) {
		t.Errorf("made %d times; %+v, then %+v", made, first, again)
	}
	turned := Pair{Name: "turned", A: p.B, B: p.A, Data: p.Data}
	if other := stitched(turned, measure.StitchOptions{}, test); !reflect.DeepEqual(other.Scores[measure.AToB], first.Scores[measure.BToA]) {
		t.Errorf("B to A is %+v, and of the turned pair A to B %+v", first.Scores[measure.BToA], other.Scores[measure.AToB])
	}
	stitched(p, measure.StitchOptions{Cuts: []string{"fc1/relu"}}, test)
	if r := stitched(p, measure.StitchOptions{}, train); made != 4 || r.Set != train.Name+"/train" {
		t.Errorf("made %d times, expected 4; on %s", made, r.Set)
	}
	if files, err := filepath.Glob(filepath.Join(l.Runs, "stitched", "*.kept")); err != nil || len(files) != 4 {
		t.Errorf("%d files, expected 4: %v", len(files), err)
	}
	other := p
	other.B.Network.Widths = []int{17}
	if _, err := l.Stitched(ctx, other, measure.StitchOptions{}, test); err == nil {
		t.Error("two different networks were stitched")
	}
}
