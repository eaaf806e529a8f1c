package measure

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// independent are two small networks trained from other initialisations in other orders, a training and a test set.
func independent(t *testing.T, b compute.Backend, spec network.Spec) (s scene, d *feed.Feed) {
	t.Helper()
	ctx := context.Background()
	trainSet, testSet, err := data.Load(ctx, "digits", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	spec.Input, spec.Classes = trainSet.Shape, len(trainSet.Classes)
	s.f = must[*network.Model](t)(network.Compile(b, must[network.Network](t)(network.New(spec))))
	d = must[*feed.Feed](t)(feed.New(b, trainSet, feed.Standard(trainSet)))
	t.Cleanup(d.Free)
	s.d = must[*feed.Feed](t)(feed.New(b, testSet, feed.Standard(trainSet)))
	t.Cleanup(s.d.Free)
	c := train.Config{Optimiser: train.Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 5e-4}, Batch: 50, Epochs: 4,
		Schedule: train.Schedule{Name: "cosine"}, Streams: []train.Stream{{Order: 1}}}
	theta := func(seed int64) network.Params {
		c.Streams[0].Order = seed
		start := must[network.Params](t)(s.f.Init(seed))
		return must[network.Params](t)(train.Train(ctx, s.f, start, d, c))
	}
	s.a, s.b = theta(1), theta(2)
	return s, d
}

func small() network.Spec {
	return network.Spec{Architecture: "resnet", Depth: 8, Width: 8, Norm: "batch", Shortcut: "pad", Init: "kaiming"}
}

// The same two networks differ by policy alone: with interpolated statistics a quarter of the way is half lost, with measured ones hardly.
// Every number names its policy, and a reset tells the ends as given beside its own.
func TestPolicies(t *testing.T) {
	s, d := independent(t, engines(t)["go"], small())
	at := map[string]Line{}
	for _, text := range []string{"interpolate", "interpolate folded", "reset", "repair", "repair folded", "rescale", "rescale folded"} {
		p := must[merge.Policy](t)(merge.Parse(text))
		lines := must[[]Line](t)(Lines(context.Background(), s.f, s.a, s.b, Options{Policy: p, Train: d, Alphas: []float64{0.25}}, s.d))
		at[text] = lines[0]
		l := lines[0]
		t.Logf("%-40s error at 0, ¼, ½, 1: %.3f; given %v", l.Policy, l.Error, l.Given)
		if (l.Given != nil) != (text == "reset") {
			t.Errorf("%s: the ends as given are %v", text, l.Given)
		}
		if p.Name != "interpolate" && (l.Policy.Samples < 1000 || l.Policy.Batch < 2) {
			t.Errorf("%s says %q, without its samples", text, l.Policy)
		}
	}
	plain := at["interpolate"]
	for i, theta := range []network.Params{s.b, s.a} {
		_, wrong, err := Evaluate(context.Background(), s.f, theta, s.d)
		if err != nil {
			t.Fatal(err)
		}
		end := i * (len(plain.Error) - 1)
		if wrong > 0.1 || plain.Error[end] != wrong || at["reset"].Given[i].Error != wrong {
			t.Errorf("error %g of an end, %g on the line, %g given", wrong, plain.Error[end], at["reset"].Given[i].Error)
		}
		for text, l := range at {
			if math.Abs(l.Error[end]-wrong) > 0.02 {
				t.Errorf("%s: the end has error %g, as given %g", text, l.Error[end], wrong)
			}
		}
	}
	quarter, half := find(plain.Alphas, 0.25), find(plain.Alphas, 0.5)
	for _, text := range []string{"reset", "repair", "repair folded", "rescale", "rescale folded"} {
		if e := at[text].Error; !(e[quarter] < plain.Error[quarter]-0.4 && e[half] < plain.Error[half]-0.05) {
			t.Errorf("%s: error %g at ¼ and %g at ½, interpolated %g and %g", text, e[quarter], e[half], plain.Error[quarter], plain.Error[half])
		}
	}
}

// What Pair says of a policy it says of ends and middle alike: θ_0 and θ_1 have 1 − cos 0, and loss and error are those of Lines.
func TestPairUnderPolicies(t *testing.T) {
	ctx := context.Background()
	b := engines(t)["go"] // merge shows that XLA gives the same
	spec := network.Spec{Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 4, Depth: 8, Width: 4, Norm: "batch", Shortcut: "conv1", Init: "kaiming"}
	s := newScene(t, b, spec)
	for _, theta := range []network.Params{s.a, s.b} {
		for i, p := range s.f.About.Params {
			for j := range theta[i].Data {
				if v := &theta[i].Data[j]; p.FanIn == 0 { // what jitter makes of norms is not finite
					*v = float32(0.5 + 0.1*float64((3*j+i)%7))
				}
			}
		}
	}
	set := must[*data.Set](t)(data.Blobs(4, 16, spec.Input, 8))
	d := must[*feed.Feed](t)(feed.New(b, set, feed.Standard(set)))
	defer d.Free()
	folded := must[network.Params](t)(s.f.Network.Fold(s.a))
	for _, p := range []merge.Policy{{Folded: true}, {Name: "reset", Batch: 16}, {Name: "repair", Batch: 32}} {
		last, total := 0, 0
		o := Options{Alphas: []float64{0.25}, Batch: 12, Conditions: true, Policy: p, Train: d, Progress: func(done, n int) {
			if done != last+1 {
				t.Errorf("%d after %d", done, last)
			}
			last, total = done, n
		}}
		r := must[*Result](t)(Pair(ctx, s.f, s.a, s.b, s.d, o, d))
		if last != total {
			t.Errorf("%s: progress ended at %d of %d", p, last, total)
		}
		o.Progress = nil
		lines := must[[]Line](t)(Lines(ctx, s.f, s.a, s.b, o, s.d, d))
		for i, l := range lines {
			got := r.Lines[i]
			if got.Policy != r.Policy || l.Policy != r.Policy || r.Policy.Name == "" || !slices.Equal(got.Given, l.Given) {
				t.Errorf("%s: %q, %q, %q; given %v and %v", p, r.Policy, got.Policy, l.Policy, got.Given, l.Given)
			}
			for k := range l.Alphas {
				if math.Abs(l.Loss[k]-got.Loss[k]) > 1e-5 || l.Error[k] != got.Error[k] {
					t.Errorf("%s at α = %g on %s: loss %g and %g, error %g and %g", p, l.Alphas[k], l.Split, got.Loss[k], l.Loss[k], got.Error[k], l.Error[k])
				}
			}
		}
		for _, alpha := range []float64{0, 1} {
			for l, stat := range must[Profile](t)(r.LLFC(alpha)).Stats {
				if stat.Mean > 1e-12 {
					t.Errorf("%s: 1 − cos is %g in %s at α = %g", p, stat.Mean, r.Layers[l].Name, alpha)
				}
			}
		}
		half := must[Profile](t)(r.LLFC(0.5)).Stats
		first := slices.IndexFunc(r.Layers, func(l Layer) bool { return l.Kind == "norm" })
		if linear := half[first].Mean < 1e-9; linear != p.Folded {
			t.Errorf("%s: 1 − cos of the first norm is %g", p, half[first].Mean)
		}
		if p.Folded {
			w, _ := s.a.Get("conv1/w")
			f, _ := folded.Get("conv1/w")
			if c := must[Commutativity](t)(r.Commutativity()); slices.Equal(w.Data, f.Data) || c.W.Stats[0].Mean == frobeniusDist(s, t, false) {
				t.Error("Dist_W is not that of the folded weights")
			} else if d := c.W.Stats[0].Mean - frobeniusDist(s, t, true); math.Abs(d) > 1e-9 {
				t.Errorf("Dist_W is off that of the folded weights by %g", d)
			}
		}
		saved(t, r, p.Name == "reset")
	}
	_, err := Pair(ctx, s.f, s.a, s.b, s.d, Options{Policy: merge.Policy{Name: "reset"}})
	expect(t, err, "measure", "training set must be given")
	_, err = Lines(ctx, s.f, s.a, s.b, Options{Policy: merge.Policy{Name: "none"}}, s.d)
	expect(t, err, "unknown policy")
	_, err = Lines(ctx, s.f, s.a, s.b, Options{}, s.d, s.d)
	expect(t, err, "two sets have the split")
}

// frobeniusDist is Dist(W_A, W_B) of the first map.
func frobeniusDist(s scene, t *testing.T, folded bool) float64 {
	a, b := s.a, s.b
	if folded {
		a, b = must[network.Params](t)(s.f.Network.Fold(a)), must[network.Params](t)(s.f.Network.Fold(b))
	}
	v, _ := a.Get("conv1/w")
	w, _ := b.Get("conv1/w")
	return frobenius(v.Data, w.Data).Dist()
}

// saved checks that every row of every table ends in the policy.
func saved(t *testing.T, r *Result, moved bool) {
	t.Helper()
	dir := t.TempDir()
	if err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"path.csv", "layers.csv", "conditions.csv"} {
		f := must[*os.File](t)(os.Open(filepath.Join(dir, name)))
		rows := must[[][]string](t)(csv.NewReader(f).ReadAll())
		f.Close()
		given := 0
		for i, row := range rows {
			switch policy := row[len(row)-1]; {
			case i == 0 && policy == "policy", i > 0 && policy == r.Policy.String():
			case name == "path.csv" && policy == "interpolate" && (row[0] == "0" || row[0] == "1"):
				given++
			default:
				t.Errorf("%s: %q of policy %q", name, row, r.Policy)
			}
		}
		if want := map[bool]int{true: 2 * len(r.Lines)}[moved && name == "path.csv"]; given != want {
			t.Errorf("%s: %d rows of the ends as given, expected %d", name, given, want)
		}
	}
}

func TestAverageOfPolicies(t *testing.T) {
	at := func(p merge.Policy, v float64) *Result {
		return &Result{Policy: p, Lines: []Line{{Split: "test", Policy: p, Given: []Score{{v, 0}, {0, v}}}}}
	}
	reset := merge.Policy{Name: "reset", Samples: 100}
	r := must[*Result](t)(Average(at(reset, 1), at(reset, 2)))
	if got := r.Lines[0]; r.Policy != reset || got.Policy != reset || !slices.Equal(got.Given, []Score{{1.5, 0}, {0, 1.5}}) {
		t.Errorf("%+v", got)
	}
	_, err := Average(at(reset, 1), at(merge.Policy{}, 1))
	expect(t, err, "different policies", "reset samples=100", "interpolate")
}
