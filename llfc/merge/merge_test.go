package merge

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/internal/finite"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Backends and models are opened once for all tests: XLA takes seconds to compile.
var (
	opened map[string]compute.Backend
	models = map[string]*network.Model{}
)

// engines are the backends that every law is tried on: pure Go, and XLA where its plugin is.
func engines(t *testing.T) map[string]compute.Backend {
	t.Helper()
	if opened != nil {
		return opened
	}
	opened = map[string]compute.Backend{}
	for _, name := range []string{"go", "xla:cpu"} {
		b, _, err := backend.Open(name)
		switch {
		case err == nil:
			opened[name] = b
		case name == "go":
			t.Fatal(err)
		default:
			t.Logf("without XLA: %v", err)
		}
	}
	return opened
}

// scene is a network, two sets of weights and a training set.
type scene struct {
	f     *network.Model
	a, b  network.Params
	train *feed.Feed
}

func specs() map[string]network.Spec {
	return map[string]network.Spec{
		"mlp":       {Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 4, Widths: []int{20, 12}, Init: "torch"},
		"lenet":     {Architecture: "lenet", Input: []int{20, 16, 2}, Classes: 4, Init: "torch"},
		"resnet":    {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 4, Depth: 8, Width: 4, Norm: "batch", Shortcut: "conv1", Init: "kaiming"},
		"resnet-ln": {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 4, Depth: 8, Width: 5, Norm: "layer", Shortcut: "conv3", Init: "lecun"},
	}
}

func newScene(t *testing.T, b compute.Backend, s network.Spec) scene {
	t.Helper()
	key := b.Name() + s.JSON()
	if models[key] == nil {
		models[key] = must[*network.Model](t)(network.Compile(b, must[network.Network](t)(network.New(s))))
	}
	f := models[key]
	set := must[*data.Set](t)(data.Blobs(s.Classes, 16, s.Input, 3))
	d := must[*feed.Feed](t)(feed.New(b, set, feed.Standard(set)))
	t.Cleanup(d.Free)
	return scene{f, jitter(t, f, 1), jitter(t, f, 2), d}
}

// jitter makes a θ with nothing special about it, batch statistics included.
func jitter(t *testing.T, f *network.Model, seed uint64) network.Params {
	t.Helper()
	theta := must[network.Params](t)(f.Init(int64(seed)))
	rng := rand.New(rand.NewPCG(seed, 9))
	for i, p := range f.About.Params {
		for j := range theta[i].Data {
			switch z := rng.NormFloat64(); p.Role {
			case network.Weight, network.Bias:
				theta[i].Data[j] = float32(z * math.Sqrt(2/float64(p.FanIn)))
			case network.Variance:
				theta[i].Data[j] = float32(math.Exp(z / 2))
			default:
				theta[i].Data[j] += float32(z / 4)
			}
		}
	}
	return theta
}

// scenes tries a law on the pure-Go backend, and the MLP on XLA too: XLA takes seconds to compile a convolution, and TestBackendsAgree
// shows that it gives the same for them.
func scenes(t *testing.T, names []string, each func(t *testing.T, s scene)) {
	for on, b := range engines(t) {
		for _, name := range names {
			if on != "go" && name != "mlp" {
				continue
			}
			t.Run(name+" on "+on, func(t *testing.T) { each(t, newScene(t, b, specs()[name])) })
		}
	}
}

func (s scene) merger(t *testing.T, p Policy) *Merger {
	t.Helper()
	return must[*Merger](t)(New(s.f, s.a, s.b, s.train, p))
}

func (s scene) at(t *testing.T, alpha float64, p Policy) network.Params {
	t.Helper()
	return must[network.Params](t)(s.merger(t, p).At(context.Background(), alpha))
}

// input is the samples of an index, normalised: what the merger sees, made on the host.
func (s scene) input(index []int32) network.Tensor {
	x := network.Tensor{Name: "x", Dims: append([]int{len(index)}, s.f.Network.Spec.Input...)}
	norm := feed.Standard(s.train.Set)
	for _, i := range index {
		for j, p := range s.train.Set.Sample(int(i)) {
			c := j % s.train.Set.Shape[2]
			x.Data = append(x.Data, (float32(p)/s.train.Set.Max-norm.Mean[c])/norm.Std[c])
		}
	}
	return x
}

func (s scene) all() network.Tensor {
	var index []int32
	for i := range s.train.Len() {
		index = append(index, int32(i))
	}
	return s.input(index)
}

// spread is the mean and deviation of each unit of a tap over samples and positions, on the host: two passes in float64.
func (s scene) spread(t *testing.T, theta network.Params, tap string, x network.Tensor) (mean, std []float64) {
	t.Helper()
	h := must[network.Tensor](t)(s.f.Features(theta, x, tap))
	units := h.Dims[len(h.Dims)-1]
	mean, std = make([]float64, units), make([]float64, units)
	n := float64(len(h.Data) / units)
	for i, v := range h.Data {
		mean[i%units] += float64(v) / n
	}
	for i, v := range h.Data {
		d := float64(v) - mean[i%units]
		std[i%units] += d * d / n
	}
	for u := range std {
		std[u] = math.Sqrt(std[u])
	}
	return mean, std
}

func (s scene) logits(t *testing.T, theta network.Params) []float32 {
	t.Helper()
	return must[network.Tensor](t)(s.f.Logits(theta, s.all())).Data
}

// apart is the largest difference, relative to the largest value.
func apart(a, b []float32) float64 {
	d, m := 0.0, 0.0
	for i := range a {
		d, m = max(d, math.Abs(float64(a[i]-b[i]))), max(m, math.Abs(float64(a[i])))
	}
	return d / m
}

// sitesOf are the values that REPAIR corrects, told from the description alone.
func sitesOf(f *network.Model) []string {
	var out []string
	norms := f.About.Norms()
	for _, l := range f.About.Linears[:len(f.About.Linears)-1] {
		if norm, ok := norms[l.Name]; ok {
			out = append(out, norm)
		} else {
			out = append(out, l.Name)
		}
	}
	return out
}

// On the samples that were used every unit has the goal mean and deviation afterwards, whatever the network; before, it has not.
func TestRepairReachesItsGoals(t *testing.T) {
	const alpha = 0.3
	scenes(t, []string{"mlp", "lenet", "resnet", "resnet-ln"}, func(t *testing.T, s scene) {
		x := s.all()
		policies := []Policy{{Name: "repair"}, {Name: "rescale"}}
		if len(s.f.About.Folds()) > 0 {
			policies = append(policies, Policy{Name: "repair", Folded: true}, Policy{Name: "rescale", Folded: true})
		}
		for _, p := range policies {
			p.Batch = s.train.Len()
			plain := must[network.Params](t)(s.merger(t, Policy{Folded: p.Folded}).At(context.Background(), alpha))
			theta := s.at(t, alpha, p)
			before := 0.0
			for _, tap := range sitesOf(s.f) {
				ma, sa := s.spread(t, s.a, tap, x)
				mb, sb := s.spread(t, s.b, tap, x)
				m, v := s.spread(t, theta, tap, x)
				_, was := s.spread(t, plain, tap, x)
				for u := range m {
					goal, std := alpha*ma[u]+(1-alpha)*mb[u], alpha*sa[u]+(1-alpha)*sb[u]
					if std < 1e-6 { // a dead unit
						continue
					}
					before = max(before, math.Abs(was[u]-std)/std)
					if math.Abs(v[u]-std) > 1e-3*std {
						t.Errorf("%s: %s, unit %d has deviation %g, expected %g", p, tap, u, v[u], std)
					}
					if d := math.Abs(m[u] - goal); p.Name == "repair" && d > 1e-3*std {
						t.Errorf("%s: %s, unit %d has mean %g, expected %g", p, tap, u, m[u], goal)
					}
				}
			}
			if before < 0.05 {
				t.Errorf("%s: the deviations were right within %.1e before", p, before)
			}
		}
	})
}

// In batches the goals are met approximately by deep layers, and by the first one as exactly as in one batch.
func TestRepairInBatches(t *testing.T) {
	const alpha = 0.5
	scenes(t, []string{"mlp", "resnet"}, func(t *testing.T, s scene) {
		x := s.all()
		theta := s.at(t, alpha, Policy{Name: "repair", Batch: 16})
		for i, tap := range sitesOf(s.f) {
			ma, sa := s.spread(t, s.a, tap, x)
			mb, sb := s.spread(t, s.b, tap, x)
			m, v := s.spread(t, theta, tap, x)
			tolerance := 0.15
			if i == 0 {
				tolerance = 1e-3
			}
			for u := range m {
				goal, std := alpha*ma[u]+(1-alpha)*mb[u], alpha*sa[u]+(1-alpha)*sb[u]
				if math.Abs(v[u]-std) > tolerance*std || math.Abs(m[u]-goal) > tolerance*std {
					t.Errorf("%s, unit %d: %g ± %g, expected %g ± %g", tap, u, m[u], v[u], goal, std)
				}
			}
		}
	})
}

// Merging A with A gives A's function, in batches of any size.
func TestRepairOfANetworkWithItself(t *testing.T) {
	scenes(t, []string{"mlp", "lenet", "resnet", "resnet-ln"}, func(t *testing.T, s scene) {
		s.b = s.a
		for _, p := range []Policy{{Name: "repair", Batch: 16}, {Name: "rescale", Batch: 16}} {
			theta := s.at(t, 0.5, p)
			if d := apart(s.logits(t, s.a), s.logits(t, theta)); d > 2e-5 {
				t.Errorf("%s moves the logits by %.1e", p, d)
			}
		}
	})
}

// The statistics that a reset finds at the first norm are those of the values that go into it: means over batches of the batch's mean and
// unbiased variance. What else there is of θ_α is blended.
func TestResetMeasuresTheStatistics(t *testing.T) {
	const alpha = 0.25
	scenes(t, []string{"resnet"}, func(t *testing.T, s scene) {
		m := s.merger(t, Policy{Name: "reset", Batch: 16, Samples: 48})
		theta := must[network.Params](t)(m.At(context.Background(), alpha))
		blend := must[network.Params](t)(network.Interpolate(s.a, s.b, alpha))
		for i, p := range s.f.About.Params {
			if d := apart(blend[i].Data, theta[i].Data); p.Buffer() != (d > 1e-3) || !p.Buffer() && d > 1e-6 {
				t.Errorf("%s is off the blend by %.1e", p.Name, d)
			}
		}
		if len(m.index) != 3 {
			t.Fatalf("%d batches, expected 3", len(m.index))
		}
		norm := s.f.About.Norms()["conv1"]
		mean, variance := make([]float64, 4), make([]float64, 4)
		for _, index := range m.index {
			mu, std := s.spread(t, blend, "conv1", s.input(index))
			n := float64(16 * 8 * 8)
			for u := range mu {
				mean[u] += mu[u] / 3
				variance[u] += std[u] * std[u] * n / (n - 1) / 3
			}
		}
		gotMean, _ := theta.Get(norm + "/mean")
		gotVar, _ := theta.Get(norm + "/var")
		for u := range mean {
			if math.Abs(mean[u]-float64(gotMean.Data[u])) > 1e-5 || math.Abs(variance[u]-float64(gotVar.Data[u])) > 1e-5*variance[u]+1e-5 {
				t.Errorf("unit %d: %g and %g, expected %g and %g", u, gotMean.Data[u], gotVar.Data[u], mean[u], variance[u])
			}
		}
	})
}

// Statistics that are exact already stay as they are, and with one batch every norm's output has mean β and deviation |γ|.
func TestResetOfExactStatistics(t *testing.T) {
	scenes(t, []string{"resnet"}, func(t *testing.T, s scene) {
		p := Policy{Name: "reset", Batch: s.train.Len()}
		exact := s.at(t, 1, p)
		x := s.all()
		for _, norm := range s.f.About.Norms() {
			mean, std := s.spread(t, exact, norm, x)
			beta, _ := exact.Get(norm + "/beta")
			gamma, _ := exact.Get(norm + "/gamma")
			variance, _ := exact.Get(norm + "/var")
			for u := range mean {
				if variance.Data[u] < 1e-2 { // ε = 1e-5 would show
					continue
				}
				// The buffer is unbiased, the batch's own variance is not: with 256 values they are 0.2 % apart, once more after every norm.
				if g := math.Abs(float64(gamma.Data[u])); math.Abs(mean[u]-float64(beta.Data[u])) > 5e-3*g || math.Abs(std[u]-g) > 1e-2*g {
					t.Errorf("%s, unit %d: %g ± %g, expected %g ± %g", norm, u, mean[u], std[u], beta.Data[u], gamma.Data[u])
				}
			}
		}
		s.a, s.b = exact, exact
		for _, alpha := range []float64{0, 0.5, 1} {
			again := s.at(t, alpha, p)
			for i, w := range again {
				if d := apart(exact[i].Data, w.Data); d > 1e-5 {
					t.Errorf("α = %g: %s moved by %.1e", alpha, w.Name, d)
				}
			}
		}
	})
}

// What becomes of the ends: interpolate, repair and rescale give A and B bit for bit, folded their folded weights, and a reset keeps
// their weights and measures their statistics, so that they are other functions than A and B.
func TestEnds(t *testing.T) {
	scenes(t, []string{"resnet"}, func(t *testing.T, s scene) {
		folded := must[network.Params](t)(s.f.Network.Fold(s.a))
		for want, ps := range map[*network.Params][]Policy{
			&s.a:    {{}, {Name: "repair", Batch: 32}, {Name: "rescale", Batch: 32}},
			&folded: {{Folded: true}, {Name: "repair", Folded: true, Batch: 32}},
		} {
			for _, p := range ps {
				m := s.merger(t, p)
				if m.MovesEnds() || !must[network.Params](t)(m.At(context.Background(), 1)).Equal(*want) {
					t.Errorf("%s: θ_1 is not A", p)
				}
			}
		}
		if got := s.at(t, 0, Policy{}); !got.Equal(s.b) {
			t.Error("θ_0 is not B")
		}
		m := s.merger(t, Policy{Name: "reset", Batch: 32})
		if _, _, err := m.Ends(); err == nil {
			t.Error("the ends of a reset were given before they were measured")
		}
		zero := must[network.Params](t)(m.At(context.Background(), 0))
		for i, p := range s.f.About.Params {
			if same := slices.Equal(zero[i].Data, s.b[i].Data); same == p.Buffer() {
				t.Errorf("%s: unchanged is %t", p.Name, same)
			}
		}
		if !m.MovesEnds() || apart(s.logits(t, s.b), s.logits(t, zero)) < 1e-3 {
			t.Error("a reset has left B's function alone")
		}
	})
}

// The blend itself is exact at the ends, so that they may be left out.
func TestBlendIsExactAtTheEnds(t *testing.T) {
	scenes(t, []string{"mlp", "resnet"}, func(t *testing.T, s scene) {
		l := must[*Line](t)(s.merger(t, Policy{}).Line(context.Background()))
		defer l.Close()
		for alpha, want := range map[float64]network.Params{1: s.a, 0: s.b} {
			theta := must[[]*tensors.Tensor](t)(l.Fresh(context.Background(), alpha))
			defer network.Free(theta...)
			if got := must[network.Params](t)(network.Download(theta, want)); !got.Equal(want) {
				t.Errorf("α = %g does not give the end, bit for bit", alpha)
			}
		}
	})
}

// The output of the first norm is linear along a folded line, and is not along the raw one.
func TestFoldedLineIsLinearAtTheFirstNorm(t *testing.T) {
	scenes(t, []string{"resnet"}, func(t *testing.T, s scene) {
		x := s.all()
		h := func(theta network.Params) network.Tensor {
			return must[network.Tensor](t)(s.f.Features(theta, x, s.f.About.Norms()["conv1"]))
		}
		want := must[network.Params](t)(network.Interpolate(network.Params{h(s.a)}, network.Params{h(s.b)}, 0.25))[0]
		if d := apart(want.Data, h(s.at(t, 0.25, Policy{Folded: true})).Data); d > 1e-5 {
			t.Errorf("folded: off by %.1e", d)
		}
		if d := apart(want.Data, h(s.at(t, 0.25, Policy{})).Data); d < 1e-2 {
			t.Errorf("raw: linear within %.1e", d)
		}
	})
}

// Several α in one pass are what each is alone; a second request costs nothing.
func TestOnePassForAllAlpha(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["resnet"])
	alphas := []float64{0, 0.25, 0.5, 0.75, 1}
	for _, p := range []Policy{{Name: "reset", Batch: 16}, {Name: "repair", Batch: 16}} {
		m := s.merger(t, p)
		steps, ticks := m.Steps(alphas), 0
		if err := m.Prepare(context.Background(), alphas, func() { ticks++ }); err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"reset": 20, "repair": 12}[p.Name]; steps != want || ticks != want || m.Steps(alphas) != 0 {
			t.Errorf("%s: %d steps foretold, %d made, %d left; expected %d", p, steps, ticks, m.Steps(alphas), want)
		}
		for _, alpha := range alphas {
			if got := must[network.Params](t)(m.At(context.Background(), alpha)); !got.Equal(s.at(t, alpha, p)) {
				t.Errorf("%s: θ at α = %g depends on its neighbours", p, alpha)
			}
		}
	}
}

func TestBackendsAgree(t *testing.T) {
	for _, name := range []string{"resnet", "mlp"} {
		for _, p := range []Policy{{}, {Name: "reset", Samples: 60, Batch: 20, Seed: 4}, {Name: "repair", Batch: 32}, {Name: "rescale", Batch: 32}} {
			if p.Name == "reset" && name == "mlp" {
				continue
			}
			thetas := map[string]network.Params{}
			for on, b := range engines(t) {
				thetas[on] = newScene(t, b, specs()[name]).at(t, 0.5, p)
			}
			for on, theta := range thetas {
				for i, w := range thetas["go"] {
					if d := apart(w.Data, theta[i].Data); d > 1e-4 {
						t.Errorf("%s, %s: %s is off by %.1e on %s", name, p, w.Name, d, on)
					}
				}
			}
		}
	}
}

// Other samples, another order and augmentation give other statistics; the same seed gives the same.
func TestSeedsAndAugmentation(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["resnet"])
	base := Policy{Name: "reset", Samples: 32, Batch: 16}
	with := func(change func(p *Policy)) network.Params {
		p := base
		change(&p)
		return s.at(t, 0.5, p)
	}
	was := with(func(*Policy) {})
	if !was.Equal(with(func(*Policy) {})) {
		t.Error("the same policy gave two results")
	}
	for what, change := range map[string]func(p *Policy){
		"seed":         func(p *Policy) { p.Seed = 1 },
		"samples":      func(p *Policy) { p.Samples = 64 },
		"augmentation": func(p *Policy) { p.Augment = feed.CropFlip() },
	} {
		if got := with(change); got.Equal(was) {
			t.Errorf("another %s changed nothing", what)
		}
	}
	varied := func(seed int64) network.Params {
		return with(func(p *Policy) { p.Augment, p.Seed = feed.CropFlip(), seed })
	}
	if !varied(2).Equal(varied(2)) || varied(2).Equal(varied(3)) {
		t.Error("augmentation does not follow the seed")
	}
}

// Batches are equally large and nothing is drawn twice; the policy tells what was settled.
func TestDraw(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["resnet"]) // 64 samples
	for _, c := range []struct{ samples, batch, wantSamples, wantBatch int }{
		{0, 0, 64, 64}, {50, 20, 48, 16}, {64, 64, 64, 64}, {3, 2, 0, 0}, {10, 3, 8, 2},
	} {
		m, err := New(s.f, s.a, s.b, s.train, Policy{Name: "reset", Samples: c.samples, Batch: c.batch})
		if c.wantSamples == 0 {
			expect(t, err, "at least 2 samples")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p := m.Policy(); p.Samples != c.wantSamples || p.Batch != c.wantBatch {
			t.Errorf("%d samples in batches of %d became %s", c.samples, c.batch, p)
		}
		seen := slices.Concat(m.index...)
		slices.Sort(seen)
		if n := len(seen); n != c.wantSamples || len(slices.Compact(seen)) != n {
			t.Errorf("%d samples in batches of %d: drawn %v", c.samples, c.batch, seen)
		}
	}
}

func expect(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("expected an error with %q, got %v", p, err)
		}
	}
}

func TestErrors(t *testing.T) {
	b := engines(t)["go"]
	s, mlp := newScene(t, b, specs()["resnet"]), newScene(t, b, specs()["mlp"])
	make := func(s scene, train *feed.Feed, p Policy) error {
		_, err := New(s.f, s.a, s.b, train, p)
		return err
	}
	expect(t, make(s, s.train, Policy{Name: "renorm"}), `unknown policy "renorm"`, "interpolate, reset, repair, rescale")
	expect(t, make(s, nil, Policy{Name: "reset"}), `"reset"`, "training set must be given")
	expect(t, make(s, s.train, Policy{Name: "reset", Folded: true}), "reset of folded", "repair folded")
	expect(t, make(mlp, mlp.train, Policy{Name: "reset"}), "no batch norm", "repair")
	expect(t, make(mlp, nil, Policy{Folded: true}), "nothing to fold")
	expect(t, make(s, mlp.train, Policy{Name: "repair"}), "shape [8 8 1]", "takes [8 8 3]")
	expect(t, make(s, s.train, Policy{Name: "reset", Samples: 100}), "100 samples", "only 64")
	expect(t, make(s, s.train, Policy{Name: "reset", Batch: 1}), "at least 2")
	expect(t, make(s, s.train, Policy{Samples: 10}), "looks at no data")
	expect(t, make(s, s.train, Policy{Name: "reset", Augment: feed.Augment{Crop: 8}}), "crop")
	_, err := New(s.f, s.a, mlp.a, nil, Policy{})
	expect(t, err, "not of the network")
	_, err = s.merger(t, Policy{}).At(context.Background(), 1.5)
	expect(t, err, "1.5 is not in [0, 1]")

	bad := s
	bad.a = s.a.Clone()
	for j := range bad.a[0].Data {
		bad.a[0].Data[j] = math.MaxFloat32
	}
	_, err = bad.merger(t, Policy{Name: "reset"}).At(context.Background(), 0.5)
	expect(t, err, "reset on synthetic/seed 3", "batch 1 of 1", "not finite, or too large")
	bad.a[0].Data[1] = float32(math.NaN())
	expect(t, make(bad, s.train, Policy{}), "weights A", bad.a[0].Name, "position 1")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.merger(t, Policy{Name: "repair"}).At(ctx, 0.5)
	expect(t, err, "canceled")

	// A map that has neither bias nor norm can be scaled, but not shifted.
	n := network.Network{Spec: network.Spec{Architecture: "bare", Input: []int{8, 8, 3}, Classes: 4, Init: "torch"}, Forward: func(x network.X) network.X {
		x = x.Conv("first", 5, network.Kernel{Size: 3, NoBias: true}).ReLU()
		return x.Mean().Dense("logits", x.Classes())
	}}
	bare := scene{f: must[*network.Model](t)(network.Compile(b, n)), train: s.train}
	bare.a, bare.b = jitter(t, bare.f, 1), jitter(t, bare.f, 2)
	expect(t, make(bare, s.train, Policy{Name: "repair"}), `"first" has neither a bias nor a norm`, "rescale")
	x := bare.all()
	_, sa := bare.spread(t, bare.a, "first", x)
	_, sb := bare.spread(t, bare.b, "first", x)
	_, got := bare.spread(t, bare.at(t, 0.5, Policy{Name: "rescale", Batch: 64}), "first", x)
	for u := range got {
		if want := (sa[u] + sb[u]) / 2; math.Abs(got[u]-want) > 1e-3*want {
			t.Errorf("unit %d has deviation %g, expected %g", u, got[u], want)
		}
	}
}

// A unit that is constant is not blown up.
func TestDeadUnits(t *testing.T) {
	scenes(t, []string{"mlp"}, func(t *testing.T, s scene) {
		s.a, s.b = s.a.Clone(), s.b.Clone()
		for _, theta := range []network.Params{s.a, s.b} { // fc1 sees its bias alone
			for j := range theta[0].Data {
				theta[0].Data[j] = 0
			}
		}
		for _, name := range []string{"repair", "rescale"} {
			theta := s.at(t, 0.5, Policy{Name: name, Batch: 16})
			for i := range theta {
				for _, v := range theta[i].Data {
					if !finite.Is(v) || math.Abs(float64(v)) > 1e3 {
						t.Fatalf("%s: %s holds %g", name, theta[i].Name, v)
					}
				}
			}
		}
	})
}

func TestParse(t *testing.T) {
	for _, p := range []Policy{
		{Name: "interpolate"}, {Name: "interpolate", Folded: true}, {Name: "reset", Samples: 500, Batch: 50, Seed: -3},
		{Name: "repair", Folded: true, Augment: feed.CropFlip()}, {Name: "rescale", Seed: 1, Augment: feed.ZoomFlipRotate()},
	} {
		if got := must[Policy](t)(Parse(p.String())); got != p {
			t.Errorf("%q was read as %+v", p, got)
		}
	}
	if p := must[Policy](t)(Parse("")); p != (Policy{}) || p.String() != "interpolate" {
		t.Errorf("nothing was read as %+v", p)
	}
	for text, want := range map[string]string{
		"mean": "unknown policy", "reset samples=many": `"samples=many" is none of`, "reset sample=3": `"sample=3"`, "reset folded": "reset of folded",
		"repair augment={": "augment", "repair augment={\"skew\":1}": "skew", "interpolate batch=4": "looks at no data", "reset samples=-1": "at least 2",
	} {
		_, err := Parse(text)
		expect(t, err, want)
	}
}
