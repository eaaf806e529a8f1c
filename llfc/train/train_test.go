package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// bench is a backend with the networks compiled on it, which tests of one name share.
type bench struct {
	compute.Backend
	models map[string]*network.Model
}

// each runs a test on the pure-Go backend, and on XLA where its plugin is installed.
func each(t *testing.T, test func(t *testing.T, b bench)) {
	for _, name := range []string{"go", "xla:cpu"} {
		t.Run(name, func(t *testing.T) {
			b, _, err := backend.Open(name)
			if err != nil {
				if name == "go" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			test(t, bench{b, map[string]*network.Model{}})
		})
	}
}

// task is a small network on separable blobs.
func task(t *testing.T, b bench, spec network.Spec) (*network.Model, network.Params, *feed.Feed) {
	t.Helper()
	set, err := data.Blobs(3, 20, []int{12, 12, 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	spec.Input, spec.Classes, spec.Init = []int{12, 12, 1}, 3, "torch"
	f := b.models[spec.JSON()]
	if f == nil {
		n, err := network.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		if f, err = network.Compile(b.Backend, n); err != nil {
			t.Fatal(err)
		}
		b.models[spec.JSON()] = f
	}
	theta, err := f.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := feed.New(b.Backend, set, feed.Standard(set))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Free)
	return f, theta, d
}

var small = network.Spec{Architecture: "mlp", Widths: []int{16, 16}, Dropout: 0.2}

func adam() Config {
	return Config{Optimiser: Optimiser{Name: "adam", Rate: 1e-2}, Batch: 8, Epochs: 5, Streams: []Stream{{Order: 3, Dropout: 4}}}
}

func sgd() Config {
	c := adam()
	c.Optimiser = Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 1e-3}
	c.Schedule = Schedule{Name: "cosine", Warmup: 1}
	return c
}

// augmented varies the blobs, whose classes survive it.
func augmented(a feed.Augment) Config {
	c := adam()
	c.Augment, c.Streams[0].Augment = a, 5
	return c
}

func TestLearns(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		for _, spec := range []network.Spec{small, {Architecture: "lenet"}} {
			for _, c := range []Config{adam(), sgd()} {
				f, theta, d := task(t, b, spec)
				tr, err := NewTrainer(f, d, c)
				if err != nil {
					t.Fatal(err)
				}
				s, _ := Start(f.Network, theta, c)
				var losses []float32
				before := theta.Clone()
				if _, err = tr.Run(context.Background(), s, c.Steps(d.Len()), func(p Progress) error {
					losses = append(losses, p.Loss...)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if len(losses) != 35 || losses[0] < 0.5 || losses[34] > losses[0]/3 {
					t.Errorf("%s: %d losses from %g to %g; it did not learn", c.Optimiser.Name, len(losses), losses[0], losses[len(losses)-1])
				}
				if !theta.Equal(before) {
					t.Error("training changed θ₀ in place")
				}
			}
		}
	})
}

// Stopped anywhere, in groups of any size, and continued by another trainer: the same bits as in one go.
func TestResumeIsBitIdentical(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		for _, c := range []Config{adam(), sgd(), augmented(feed.Augment{Crop: 2, Flip: true}), augmented(feed.ZoomFlipRotate())} {
			spec := small
			if c.Optimiser.Name == "sgd" {
				spec = residual
			}
			f, theta, d := task(t, b, spec)
			end := c.Steps(d.Len())
			whole := run(t, f, d, c, mustStart(t, f, theta, c), end)
			s := mustStart(t, f, theta, c)
			for _, until := range []int{1, 2, 9, 20, end} {
				s = run(t, f, d, c, s, until)
				back, err := s.Restore(s.Tensors(), s.Step)
				if err != nil {
					t.Fatal(err)
				}
				s = back
			}
			if !s.Tensors().Equal(whole.Tensors()) {
				t.Errorf("%s: the resumed run differs from the whole one", c.Optimiser.Name)
			}
		}
	})
}

func mustStart(t *testing.T, f *network.Model, theta network.Params, c Config) State {
	t.Helper()
	s, err := Start(f.Network, theta, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, f *network.Model, d *feed.Feed, c Config, s State, until int) State {
	t.Helper()
	tr, err := NewTrainer(f, d, c)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = tr.Run(context.Background(), s, until, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// A spawn with the same seeds stays one network; with others it parts, and a is the run without a fork.
func TestSpawn(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		c := adam()
		f, theta, d := task(t, b, small)
		plain, err := Train(context.Background(), f, theta, d, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []int{0, 10} {
			a, same, err := Spawn(context.Background(), f, theta, d, c, step, c.Streams[0])
			if err != nil {
				t.Fatal(err)
			}
			if !a.Equal(plain) || !same.Equal(plain) {
				t.Errorf("step %d: the same seeds give another network", step)
			}
			_, other, err := Spawn(context.Background(), f, theta, d, c, step, Stream{Order: 9, Dropout: 4})
			if err != nil {
				t.Fatal(err)
			}
			if other.Equal(plain) {
				t.Errorf("step %d: another order gives the same network", step)
			}
		}
	})
}

// PyTorch's rules, by hand in float64, for the first steps of one weight with gradient 2w.
func TestRulesAgainstHandComputation(t *testing.T) {
	adam := Optimiser{Name: "adam", Rate: 0.1, WeightDecay: 0.01}
	sgd := Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 0.01}
	want := map[string]float64{}
	w, m, v := 1.0, 0.0, 0.0
	for step := 1; step <= 3; step++ {
		g := 2*w + 0.01*w
		m, v = 0.9*m+0.1*g, 0.999*v+0.001*g*g
		w -= 0.1 * (m / (1 - math.Pow(0.9, float64(step)))) / (math.Sqrt(v/(1-math.Pow(0.999, float64(step)))) + 1e-8)
	}
	want["adam"] = w
	w, v = 1, 0
	for range 3 {
		v = 0.9*v + 2*w + 0.01*w
		w -= 0.1 * v
	}
	want["sgd"] = w
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Optimiser{adam, sgd} {
		if got := threeSteps(t, b, o); math.Abs(got-want[o.Name]) > 1e-6 {
			t.Errorf("%s: w = %.8f after 3 steps, expected %.8f", o.Name, got, want[o.Name])
		}
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		step int
		want float64
	}{
		{Schedule{}, 50, 1},
		{Schedule{Name: "step", At: []int{4, 8}, Factor: 0.1}, 39, 1},
		{Schedule{Name: "step", At: []int{4, 8}, Factor: 0.1}, 40, 0.1},
		{Schedule{Name: "step", At: []int{4, 8}, Factor: 0.1}, 80, 0.01},
		{Schedule{Name: "cosine"}, 0, 1},
		{Schedule{Name: "cosine"}, 50, 0.5},
		{Schedule{Name: "cosine", Warmup: 2}, 0, 0.05},
		{Schedule{Name: "cosine", Warmup: 2}, 19, 1},
		{Schedule{Name: "cosine", Warmup: 2}, 60, 0.5},
		{Schedule{Name: "constant", Warmup: 1}, 4, 0.5},
	} {
		got, err := c.s.factor(c.step, 10, 10)
		if err != nil || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v at step %d: %g, %v; expected %g", c.s, c.step, got, err, c.want)
		}
	}
}

func TestFork(t *testing.T) {
	c := Config{Streams: []Stream{{Order: 1}}}
	for _, x := range []struct {
		step  int
		order int64
		want  []Stream
	}{
		{0, 2, []Stream{{Order: 2}}}, {7, 1, []Stream{{Order: 1}}}, {7, 2, []Stream{{Order: 1}, {From: 7, Order: 2}}},
	} {
		if got := c.Fork(x.step, Stream{Order: x.order}).Streams; !slices.Equal(got, x.want) {
			t.Errorf("fork at %d to %d: %v, expected %v", x.step, x.order, got, x.want)
		}
	}
	if len(c.Streams) != 1 {
		t.Error("Fork changed its receiver")
	}
	if got := c.Fork(7, Stream{Order: 1, Augment: 9}).Streams; len(got) != 1 {
		t.Errorf("a seed of augmentation, without any, forks to %v", got)
	}
	c.Augment.Flip = true
	if got, want := c.Fork(7, Stream{Order: 1, Augment: 9}).Streams, []Stream{{Order: 1}, {From: 7, Order: 1, Augment: 9}}; !slices.Equal(got, want) {
		t.Errorf("a fork of the augmentation alone: %v, expected %v", got, want)
	}
}

// With one seed the augmented run is the same again, with another it is not, and a spawned pair can part by augmentation alone.
func TestAugmentation(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		f, theta, d := task(t, b, small)
		plain, err := Train(context.Background(), f, theta, d, adam())
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []feed.Augment{{Crop: 2, Flip: true}, feed.ZoomFlipRotate()} {
			c := augmented(kind)
			one, err := Train(context.Background(), f, theta, d, c)
			if err != nil {
				t.Fatal(err)
			}
			next := c.Streams[0]
			next.Augment++
			a, b, err := Spawn(context.Background(), f, theta, d, c, 10, next)
			if err != nil {
				t.Fatal(err)
			}
			if !a.Equal(one) || a.Equal(b) || a.Equal(plain) {
				t.Errorf("%+v: equal to the same again %t, to its sibling %t, to the plain run %t; expected true, false, false",
					kind, a.Equal(one), a.Equal(b), a.Equal(plain))
			}
		}
		c := augmented(feed.Augment{Crop: 12})
		if _, err := NewTrainer(f, d, c); err == nil || !strings.Contains(err.Error(), "[0, 12)") {
			t.Errorf("a crop as large as the picture gave %v", err)
		}
	})
}

// No two steps share a seed, nor do two devices, nor augmentation and dropout.
func TestSeedsOfSteps(t *testing.T) {
	seen := map[uint32]bool{}
	for step := range 1000 {
		for seed := range int64(3) {
			for device := range 2 {
				seen[mask(seed, step, device)], seen[vary(seed, step, device)] = true, true
			}
		}
	}
	if len(seen) < 12000-3 { // chance alone makes 0.02 pairs equal
		t.Errorf("%d seeds of 12000", len(seen))
	}
}

func TestOrderIsAPermutationOfItsOwn(t *testing.T) {
	a, b, c := order(100, 1, 0), order(100, 1, 1), order(100, 2, 0)
	if slices.Equal(a, b) || slices.Equal(a, c) || !slices.Equal(a, order(100, 1, 0)) {
		t.Error("the order must depend on seed and epoch, and on nothing else")
	}
	slices.Sort(a)
	for i, j := range a {
		if i != j {
			t.Fatal("not a permutation")
		}
	}
}

func TestDivergenceSaysWhere(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		f, theta, d := task(t, b, small)
		c := sgd()
		c.Optimiser.Rate, c.Schedule = 1e6, Schedule{}
		_, err := Train(context.Background(), f, theta, d, c)
		if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "at step") {
			t.Errorf("a rate of a million gave %v", err)
		}
	})
}

// A cancelled run hands over what it has done, and that continues to the same end.
func TestCancelKeepsTheState(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		f, theta, d := task(t, b, small)
		c := adam()
		end := c.Steps(d.Len())
		tr, err := NewTrainer(f, d, c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		s, err := tr.Run(ctx, mustStart(t, f, theta, c), end, func(p Progress) error {
			if p.Step >= 3 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || s.Step < 3 || s.Step == end {
			t.Fatalf("cancelled at step %d with %v", s.Step, err)
		}
		if got, want := run(t, f, d, c, s, end), run(t, f, d, c, mustStart(t, f, theta, c), end); !got.Theta.Equal(want.Theta) {
			t.Error("the continued run differs")
		}
	})
}

func TestBadConfigs(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"batch of 61":         func(c *Config) { c.Batch = 61 },
		"0 epochs":            func(c *Config) { c.Epochs = 0 },
		"begin at step 0":     func(c *Config) { c.Streams = nil },
		"unknown optimiser":   func(c *Config) { c.Optimiser.Name = "lion" },
		"rate must be":        func(c *Config) { c.Optimiser.Rate = 0 },
		"unsupported value":   func(c *Config) { c.Optimiser.WeightDecay = math.NaN() },
		"value: +Inf":         func(c *Config) { c.Schedule.Warmup = math.Inf(1) },
		"adam has no":         func(c *Config) { c.Optimiser.Momentum = 0.9 },
		"unknown schedule":    func(c *Config) { c.Schedule.Name = "triangle" },
		"does not fit into":   func(c *Config) { c.Schedule = Schedule{Name: "cosine", Warmup: 5} },
		"unknown precision":   func(c *Config) { c.Precision = "fp8" },
		"batch of 8 cannot":   func(c *Config) { c.Devices = 3 },
		"-1 devices":          func(c *Config) { c.Devices = -1 },
		"written as 0":        func(c *Config) { c.Devices = 1 },
		"step schedule needs": func(c *Config) { c.Schedule = Schedule{Name: "step"} },
	} {
		c := adam()
		change(&c)
		if err := c.Check(60); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}

// A run is named by its config's text: what a config does not ask for must not be in it, or runs of before would be trained again.
func TestPlainConfigsKeepTheirNames(t *testing.T) {
	got, err := json.Marshal(adam())
	want := `{"optimiser":{"name":"adam","rate":0.01},"schedule":{},"batch":8,"epochs":5,"streams":[{"from":0,"order":3,"dropout":4}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; expected %s", got, err, want)
	}
	if got, err := json.Marshal(over(2, mixed(adam()))); err != nil || !strings.HasSuffix(string(got), `,"precision":"bf16","devices":2}`) {
		t.Errorf("precision and devices do not name the run: %s, %v", got, err)
	}
}

func TestRestoreRefusesAnotherLayout(t *testing.T) {
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{2}, Classes: 2, Widths: []int{2}, Init: "torch"})
	if err != nil {
		t.Fatal(err)
	}
	theta, err := n.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(n, theta, adam())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Restore(s.Tensors()[:6], 1); err == nil {
		t.Error("a missing slot was accepted")
	}
	if _, err := s.Restore(append(s.Tensors(), network.Tensor{Name: "x"}), 1); err == nil {
		t.Error("a foreign tensor was accepted")
	}
}

var residual = network.Spec{Architecture: "resnet", Depth: 8, Width: 4, Norm: "batch", Shortcut: "pad"}

// After one step the running statistics of the first norm are 0.9 of what they were and 0.1 of the batch's, variances unbiased; they
// have no optimiser state.
func TestRunningStatistics(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		f, theta, d := task(t, b, residual)
		c := sgd()
		s := run(t, f, d, c, mustStart(t, f, theta, c), 1)
		for _, slot := range s.Slots {
			if strings.Contains(slot.Name, "/mean#") || strings.Contains(slot.Name, "/var#") {
				t.Errorf("a buffer has the optimiser's %q", slot.Name)
			}
		}
		tr, err := NewTrainer(f, d, c)
		if err != nil {
			t.Fatal(err)
		}
		index := make([]int32, c.Batch)
		tr.batch(0, index)
		x, y, err := d.Read(index)
		if err != nil {
			t.Fatal(err)
		}
		defer network.Free(x, y)
		in, err := network.Download([]*tensors.Tensor{x}, network.Params{{Name: "input", Dims: []int{c.Batch, 12, 12, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		h, err := f.Features(theta, in[0], "conv1")
		if err != nil {
			t.Fatal(err)
		}
		mean, _ := s.Theta.Get("conv1/bn/mean")
		variance, _ := s.Theta.Get("conv1/bn/var")
		for u := range 4 {
			n, sum, squares := 0.0, 0.0, 0.0
			for i := u; i < len(h.Data); i += 4 {
				v := float64(h.Data[i])
				n, sum, squares = n+1, sum+v, squares+v*v
			}
			m := sum / n
			if want := 0.1 * m; math.Abs(float64(mean.Data[u])-want) > 1e-6 {
				t.Errorf("unit %d: the running mean is %g, expected %g", u, mean.Data[u], want)
			}
			if want := 0.9 + 0.1*(squares-n*m*m)/(n-1); math.Abs(float64(variance.Data[u])-want) > 1e-6 {
				t.Errorf("unit %d: the running variance is %g, expected %g", u, variance.Data[u], want)
			}
		}
	})
}
