package llfc

import (
	"strings"
	"testing"

	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

// Children of one run are merged at the weights, the file says of what, and statistics are measured anew where there is data.
func TestMerged(t *testing.T) {
	ctx := t.Context()
	l, _ := open(t)
	s := tiny()
	s.Network = network.Spec{Architecture: "vgg", Depth: 11, Width: 4, Norm: "batch", Init: "kaiming"}
	s.Data, s.TrainSamples = "digits32", 60
	s.Train.Batch = 20
	p := must[Pair](t)(l.Spawned(ctx, s, 1, 1))
	models := []Checkpoint{p.A, p.B}
	plain := must[Checkpoint](t)(l.Merged(ctx, merge.Recipe{Name: "mean"}, nil, models, nil, merge.Policy{}))
	if !strings.Contains(plain.Meta[metaMerged], p.A.Theta.SHA256()) || plain.Run != nil {
		t.Errorf("what was merged is not recorded: %v", plain.Meta)
	}
	train, _, err := l.Sets(ctx, s.Data, s.TrainSamples, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := must[*feed.Feed](t)(feed.New(l.Backend, train, p.A.Normalize))
	defer d.Free()
	anew := must[Checkpoint](t)(l.Merged(ctx, merge.Recipe{Name: "task", Lambda: 0.5}, &p.A, models, d, merge.Policy{Samples: 60}))
	f := must[*network.Model](t)(l.Model(p.A.Network))
	for i, param := range f.About.Params {
		if same := (network.Params{anew.Theta[i]}).Equal(network.Params{plain.Theta[i]}); param.Buffer() && same {
			t.Errorf("%s was not measured anew", param.Name)
		}
	}
	if about := anew.Meta[metaMerged]; !strings.Contains(about, `"reset samples=60`) || !strings.Contains(about, `"lambda":0.5`) {
		t.Errorf("what was done is not recorded: %s", about)
	}
	other := p.B
	other.Normalize = feed.Normalization{Mean: []float32{9}, Std: []float32{9}}
	for want, of := range map[string][]Checkpoint{"no models": nil, "normalise their input differently": {p.A, other}} {
		if _, err := l.Merged(ctx, merge.Recipe{Name: "mean"}, nil, of, nil, merge.Policy{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
