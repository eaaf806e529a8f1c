package llfc

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// Runs in people's stores are found by these names, two of which the committed results were made under: no field of a run or a spec may
// change them.
func TestNamesOfRunsStay(t *testing.T) {
	s := MLPMNIST()
	mnist := func(s Setting, unit bool) Run {
		r := Run{Version: runVersion, Network: s.Network, InitSeed: 1, Train: s.Train.Fork(0, train.Stream{Order: 1, Dropout: 1}),
			Data:      DataID{Name: "mnist", Samples: 60000, SHA256: "caffdb03bc1ae432af1c7c5077e8993f56005e2622053af9c0cce9142603cf3c"},
			Normalize: feed.Normalization{Mean: []float32{0.1307}, Std: []float32{0.3081}}}
		r.Network.Input, r.Network.Classes = []int{28, 28, 1}, 10
		if unit {
			r.Normalize = feed.Normalization{Mean: []float32{0}, Std: []float32{1}}
		}
		return r
	}
	l, _ := open(t)
	for want, r := range map[string]Run{
		"mlp-mnist-05ef0e219c20d3a1":     mnist(s, false),
		"mlp-mnist-4ee52a3fc1a96792":     mnist(MLPMNISTPermuted(), true),
		"mlp-synthetic-cf901a3e52dd58d4": runOf(t, l, tiny(), 1),
	} {
		if got := r.Name(); got != want {
			t.Errorf("the run is named %s, it was %s: %s", got, want, r.JSON())
		}
	}
}

// rows is a network of one's own that reads an image row by row: a map on every row, so that features have the shape [rows, units].
func rows(units int) network.Architecture {
	return network.Custom("rows", func(x network.X) network.X {
		h, w, out := x.Dims()[0], x.Dims()[1], x.NewUnits("row", units)
		x = x.Linear("row", network.Map{
			Op: "rows", Weight: []network.Axis{network.Positions(w), out}, Out: []network.Axis{network.Positions(h), out},
			Apply: func(k, in *graph.Node) *graph.Node {
				return graph.Reshape(graph.MatMul(graph.Reshape(in, -1, w), k), -1, h, units)
			},
		}).BatchNorm().SiLU()
		return x.Flatten().Dense("fc", 12).ReLU().Dense("logits", x.Classes())
	})
}

// stripes is a data set of one's own: stripes that go across, down, or both ways.
func stripes(split string, n int) *data.Set {
	s := &data.Set{Name: "stripes", Split: split, Shape: []int{6, 6, 1}, Classes: []string{"across", "down", "both"}}
	for i := range n {
		s.Labels = append(s.Labels, int32(i%3))
		for p := range 36 {
			down, across := (p+i/3)%2, (p/6+i/3)%2
			value := []int{across, down, across ^ down}[i%3]
			s.Pixels = append(s.Pixels, uint8(200*value+(i*p*7)%50))
		}
	}
	return s
}

func ownSetting() Setting {
	return Setting{Name: "own", Network: network.Spec{Architecture: "rows"}, Data: "stripes",
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 4}}
}

func addOwn(t *testing.T, l *Lab, units int) {
	t.Helper()
	if err := l.AddNetwork(rows(units)); err != nil {
		t.Fatal(err)
	}
	if err := l.AddData(stripes("", 240), stripes("", 60)); err != nil {
		t.Fatal(err)
	}
}

// A network and a data set of one's own are spawned, matched, measured under every policy, stored and found again with the calls that the
// built-in ones have.
func TestOwnNetworkAndData(t *testing.T) {
	ctx, s := context.Background(), ownSetting()
	l, _ := open(t)
	addOwn(t, l, 5)
	pair := must[Pair](t)(l.Spawned(ctx, s, 1, 1))
	if _, wrong, err := l.Evaluate(ctx, pair.A, "stripes"); err != nil || wrong > 0.1 {
		t.Errorf("%.0f %% wrong after training, %v", 100*wrong, err)
	}
	matched, how, err := l.Permuted(ctx, s, 1)
	if err != nil || how.Objective <= how.Identity {
		t.Errorf("matching went from %g to %g, %v", how.Identity, how.Objective, err)
	}
	independent := must[Pair](t)(l.Independent(ctx, s, 1))
	if _, how, err := l.Matched(ctx, independent, "activation", match.Config{}); err != nil || how.Objective <= how.Identity {
		t.Errorf("matching by activations went from %g to %g, %v", how.Identity, how.Objective, err)
	}
	for _, p := range []Pair{pair, matched} {
		for _, policy := range []merge.Policy{{}, {Name: "reset"}, {Name: "repair"}, {Name: "rescale"}, {Folded: true}} {
			r := must[*measure.Result](t)(l.Test(ctx, s, p, measure.Options{Conditions: true, Policy: policy, Alphas: []float64{0.5}}))
			half := must[measure.Profile](t)(r.LLFC(0.5))
			if got := strings.Join(half.Layers, " "); got != "row row/bn row/bn/silu fc fc/relu logits" {
				t.Errorf("%s: the layers are %s", p.Name, got)
			}
			if first := half.Stats[0].Mean; policy.Name == "" && !policy.Folded && first > 1e-12 {
				t.Errorf("%s: the first layer is off by %g, which is linear in its weights", p.Name, first)
			}
			com := must[measure.Commutativity](t)(r.Commutativity())
			if d := com.Com.Stats[0].Mean; policy.Name == "" && d > 1e-10 {
				t.Errorf("%s: the first layer does not commute: %g", p.Name, d)
			}
		}
	}

	file := filepath.Join(l.dir(*pair.A.Run), thetaFile)
	before := must[[]byte](t)(os.ReadFile(file))
	other, _ := openIn(t, l.Runs)
	_, err = other.LoadCheckpoint(file)
	complains(t, "a process without the network", err, file, `"rows"`, "Lab.AddNetwork", `network.Custom("rows", f)`)
	if _, err = LoadCheckpoint(file); err == nil {
		t.Error("the checkpoint was read without its forward function")
	}
	_, err = other.Run(ctx, s, 1)
	complains(t, "a process without the data", err, "stripes", "Lab.AddData")
	addOwn(t, other, 5)
	again := must[Pair](t)(other.Spawned(ctx, s, 1, 1))
	if !again.A.Theta.Equal(pair.A.Theta) || !again.B.Theta.Equal(pair.B.Theta) || string(must[[]byte](t)(os.ReadFile(file))) != string(before) {
		t.Error("the second lab has not read what the first one trained")
	}

	changed, _ := openIn(t, l.Runs)
	addOwn(t, changed, 6)
	r := runOf(t, changed, s, 1)
	if r.Name() == pair.A.Run.Name() || r.Network.Identity == pair.A.Network.Identity {
		t.Errorf("another forward function has the run %s", r.Name())
	}
	_, err = changed.LoadCheckpoint(file)
	complains(t, "a checkpoint of what the forward function was", err, file, "changed since", pair.A.Network.Identity)
	if SamePlace(pair.A, Checkpoint{Network: r.Network, Normalize: pair.A.Normalize}) == nil {
		t.Error("two forward functions are taken for one network")
	}
}

// What an operation says wrongly of itself ends the run before its first step.
func TestOwnNetworkIsProvedBeforeTraining(t *testing.T) {
	l, _ := open(t)
	wrong := network.Custom("ramp", func(x network.X) network.X {
		x = x.Flatten().Dense("fc", 6).Elementwise("ramp", func(z *graph.Node) *graph.Node { return graph.Add(z, graph.Iota(z.Graph(), z.Shape(), 1)) })
		return x.Dense("logits", x.Classes())
	})
	if err := l.AddNetwork(wrong); err != nil {
		t.Fatal(err)
	}
	s := tiny()
	s.Network = network.Spec{Architecture: "ramp"}
	r := runOf(t, l, s, 1)
	_, err := l.Train(context.Background(), r)
	complains(t, "an activation that tells units apart", err, "fc/ramp", "treats units differently")
	if exists(filepath.Join(l.dir(r), thetaFile)) || exists(filepath.Join(l.dir(r), stateFile)) {
		t.Error("it was trained all the same")
	}
}

// What is kept of a measurement or a matching is of one forward function, also where the checkpoints do not say of which.
func TestKeptIsOfOneForwardFunction(t *testing.T) {
	ctx, runs := context.Background(), t.TempDir()
	spec := network.Spec{Architecture: "curved", Input: []int{6, 6, 1}, Classes: 3}
	losses := map[string]float64{}
	for _, version := range []string{"1", "2", "1"} {
		l, _ := openIn(t, runs)
		if err := l.AddNetwork(network.Custom("curved", func(x network.X) network.X {
			curve := map[string]func(*graph.Node) *graph.Node{"1": graph.Tanh, "2": graph.Sin}[version]
			return x.Flatten().Dense("fc", 6).Elementwise("curve@"+version, curve).Dense("logits", x.Classes())
		})); err != nil {
			t.Fatal(err)
		}
		if err := l.AddData(stripes("", 6), stripes("", 60)); err != nil {
			t.Fatal(err)
		}
		_, test, err := l.Sets(ctx, "stripes", 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		n := must[network.Network](t)(l.Network(spec))
		end := func(seed int64) Checkpoint {
			return Checkpoint{Theta: must[network.Params](t)(n.Init(seed)), Network: spec, Normalize: feed.Standard(test)}
		}
		p := Pair{Name: "drawn", A: end(1), B: end(2)}
		if _, _, err := l.Matched(ctx, p, "weight", match.Config{Seed: 1}); err != nil {
			t.Fatal(err)
		}
		got := must[*measure.Result](t)(l.Measured(ctx, p, measure.Options{Alphas: []float64{0.5}}, test)).Lines[0].Loss[0]
		if was, seen := losses[version]; seen && got != was {
			t.Errorf("version %s: loss %g, and %g when it was asked for again", version, was, got)
		}
		losses[version] = got
	}
	if losses["1"] == losses["2"] {
		t.Errorf("both forward functions have the loss %g", losses["1"])
	}
	for _, folder := range []string{"measured", "matched"} {
		if kept := must[[]string](t)(filepath.Glob(filepath.Join(runs, folder, "*.kept"))); len(kept) != 2 {
			t.Errorf("%s: %d are kept, expected one for each of 2 forward functions", folder, len(kept))
		}
	}
}

// A permutation found on samples is of the normalisation that the networks see them with, and of two networks that see them with one.
func TestKeptPermutationIsOfOneNormalization(t *testing.T) {
	ctx, s := context.Background(), ownSetting()
	l, runs := open(t)
	addOwn(t, l, 5)
	p := must[Pair](t)(l.Independent(ctx, s, 1))
	other := p.B.Normalize
	other.Mean = []float32{other.Mean[0] + 1}
	moved := p
	moved.A.Normalize, moved.B.Normalize = other, other
	for _, p := range []Pair{p, moved, p} {
		if _, _, err := l.Matched(ctx, p, "activation", match.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	if kept := must[[]string](t)(filepath.Glob(filepath.Join(l.Runs, "matched", "*.kept"))); len(kept) != 2 {
		t.Errorf("%d permutations are kept in %s, expected one for each of 2 normalisations", len(kept), runs)
	}
	apart := p
	apart.A.Normalize = other
	for _, method := range []string{"weight", "activation"} {
		_, _, err := l.Matched(ctx, apart, method, match.Config{})
		complains(t, "ends of two normalisations", err, "normalise their input differently")
	}
}

func TestAddWhatDoesNotFit(t *testing.T) {
	l, _ := open(t)
	addOwn(t, l, 3)
	named := func(s *data.Set, name string) *data.Set { s.Name = name; return s }
	wide := named(stripes("test", 3), "new")
	wide.Shape = []int{4, 9, 1}
	broken := named(stripes("test", 3), "new")
	broken.Labels[2] = 7
	for want, err := range map[string]error{
		"the lab has one of this name":  l.AddNetwork(rows(3)),
		"a built-in network":            l.AddNetwork(network.Custom("vgg", func(x network.X) network.X { return x })),
		`the lab has a set "stripes"`:   l.AddData(stripes("", 3), stripes("", 3)),
		`a built-in data set is called`: l.AddData(named(stripes("", 3), "mnist"), named(stripes("", 3), "mnist")),
		"folders are named by it":       l.AddData(named(stripes("", 3), "a/b"), named(stripes("", 3), "a/b")),
		"one is missing":                l.AddData(stripes("", 3), nil),
		"are not of one set":            l.AddData(named(stripes("", 3), "new"), wide),
		"sample 2 has label 7":          l.AddData(named(stripes("", 3), "new"), broken),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}
