package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend"
)

// nets are the architectures that every law is tried on, with sizes of their own beside the defaults.
func nets(t *testing.T) map[string]Network {
	t.Helper()
	out := map[string]Network{}
	for name, s := range map[string]Spec{
		"mlp":        {Architecture: "mlp", Input: []int{4, 4, 1}, Classes: 3, Widths: []int{7, 5}, Init: "torch"},
		"mlp flat":   {Architecture: "mlp", Input: []int{9}, Classes: 4, Widths: []int{8}, Init: "he"},
		"lenet":      {Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 10, Init: "torch"},
		"lenet rgb":  {Architecture: "lenet", Input: []int{20, 16, 3}, Classes: 5, Init: "lecun"},
		"vgg":        {Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 4, Depth: 11, Width: 3, Init: "he"},
		"vgg-bn":     {Architecture: "vgg", Input: []int{32, 32, 2}, Classes: 4, Depth: 13, Width: 2, Norm: "batch", Head: []int{6, 5}, Dropout: 0.5, Init: "kaiming-out"},
		"resnet":     {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 4, Depth: 14, Width: 4, Norm: "batch", Shortcut: "pad", Init: "kaiming"},
		"resnet 1":   {Architecture: "resnet", Input: []int{9, 8, 3}, Classes: 4, Depth: 8, Width: 3, Norm: "batch", Shortcut: "conv1", Init: "kaiming"},
		"resnet-ln":  {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 4, Depth: 8, Width: 5, Norm: "layer", Shortcut: "conv3", Init: "lecun"},
		"bottleneck": {Architecture: "bottleneck", Input: []int{16, 16, 3}, Classes: 4, Depth: 26, Width: 3, Norm: "batch", Stem: "imagenet", Init: "kaiming"},
	} {
		n, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = n
	}
	out["residual"] = residual()
	return out
}

// residual has what the shipped architectures lack so far: two values that meet again.
func residual() Network {
	return Network{
		Spec: Spec{Architecture: "residual", Input: []int{6, 6, 2}, Classes: 3, Init: "torch"},
		Forward: func(x X) X {
			x = x.Conv("stem", 5, Kernel{Size: 3, Pad: 1}).ReLU()
			y := x.Conv("block/conv1", 8, Kernel{Size: 3, Pad: 1}).ReLU().Conv("block/conv2", 5, Kernel{Size: 3, Pad: 1, NoBias: true})
			x = y.Add(x).ReLU().As("block")
			return x.MaxPool(2).Flatten().Dense("logits", x.Classes())
		},
	}
}

func backends(t *testing.T) map[string]compute.Backend {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]compute.Backend{"go": b}
}

func models(t *testing.T, each func(t *testing.T, f *Model)) {
	for backend, b := range backends(t) {
		for name, n := range nets(t) {
			t.Run(name+" on "+backend, func(t *testing.T) {
				f, err := Compile(b, n)
				if err != nil {
					t.Fatal(err)
				}
				each(t, f)
			})
		}
	}
}

func input(f *Model, batch int, seed uint64) Tensor {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := Tensor{Name: "input", Dims: append([]int{batch}, f.Network.Spec.Input...)}
	x.Data = make([]float32, size(x.Dims))
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x
}

func jitter(t *testing.T, f *Model, seed uint64) Params {
	t.Helper()
	return must[Params](t)(f.jitter(seed))
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func maxDiff(a, b []float32) float64 {
	m := 0.0
	for i := range a {
		m = max(m, math.Abs(float64(a[i])-float64(b[i])))
	}
	return m
}

// relative is the largest difference over the largest value.
func relative(a, b []float32) float64 { return maxDiff(a, b) / maxDiff(a, make([]float32, len(a))) }

func TestParameterCounts(t *testing.T) {
	for name, want := range map[string]int{
		"mlp":   784*512 + 512 + 2*(512*512+512) + 5130, // 932,362: Git Re-Basin
		"lenet": 61706,                                  // authors' code
	} {
		n := must[Network](t)(New(must[Spec](t)(Default(name))))
		if got := must[Description](t)(n.Description()).Count; got != want {
			t.Errorf("%s has %d parameters, expected %d", name, got, want)
		}
	}
}

// 2 FLOPs for each weight of a dense layer and one for each bias.
func TestFLOPs(t *testing.T) {
	n := must[Network](t)(New(must[Spec](t)(Default("mlp"))))
	if got, want := must[*Trace](t)(n.Describe()).FLOPs, int64(2*(784*512+2*512*512+5120)+3*512+10); got != want {
		t.Errorf("got %d FLOPs, expected %d", got, want)
	}
}

func TestGroups(t *testing.T) {
	for name, want := range map[string]string{
		"mlp": "fc1 7, fc2 5", "mlp flat": "fc1 8", "lenet": "conv1 6, conv2 16, fc1 120, fc2 84", "lenet rgb": "conv1 6, conv2 16, fc1 120, fc2 84",
		"residual": "stem 5, block/conv1 8",
	} {
		s := must[Symmetry](t)(nets(t)[name].Symmetry())
		if got := s.String(); got != want {
			t.Errorf("%s: groups %q, expected %q", name, got, want)
		}
	}
}

// Flatten repeats a channel at every position: the 16 channels of LeNet's conv2 are blocks of 25 rows of fc1.
func TestFlattenPermutesBlocks(t *testing.T) {
	g, _ := must[Symmetry](t)(nets(t)["lenet"].Symmetry()).Group("conv2")
	for _, p := range g.Places {
		if p.Tensor == "fc1/w" {
			if len(p.At[3]) != 25 || p.At[3][1]-p.At[3][0] != 16 || p.At[3][0] != 3 {
				t.Errorf("channel 3 sits at rows %v of fc1/w, expected 3, 19, 35, …", p.At[3])
			}
			return
		}
	}
	t.Error("fc1/w is not permuted")
}

// f(π(θ); x) = f(θ; x) and H(π(θ)) = π H(θ) for random π; the control leaves out one place and must be seen.
func TestSymmetryKeepsTheFunction(t *testing.T) {
	models(t, func(t *testing.T, f *Model) {
		s := must[Symmetry](t)(f.Network.Symmetry())
		x := input(f, 16, 3)
		seen := map[string]float64{} // place → the most that leaving it out has changed
		for seed := range uint64(4) {
			theta := jitter(t, f, seed)
			p := s.Random(int64(seed))
			moved := must[Params](t)(s.Apply(p, theta))
			if back := must[Params](t)(s.Apply(s.Inverse(p), moved)); !back.Equal(theta) {
				t.Error("π⁻¹(π(θ)) is not θ")
			}
			q := s.Random(int64(seed) + 50)
			if once := must[Params](t)(s.Apply(s.Compose(q, p), theta)); !once.Equal(must[Params](t)(s.Apply(q, moved))) {
				t.Error("(ρ∘π)(θ) is not ρ(π(θ))")
			}
			for _, tap := range f.About.Taps {
				want := must[Tensor](t)(s.ApplyTap(p, must[Tensor](t)(f.Features(theta, x, tap.Name))))
				got := must[Tensor](t)(f.Features(moved, x, tap.Name))
				if d := relative(want.Data, got.Data); d > 1e-5 { // float32 sums in another order
					t.Errorf("tap %q differs by %.1e", tap.Name, d)
				}
			}
			want := must[Tensor](t)(f.Logits(theta, x))
			for g, group := range s.Groups {
				for i, place := range group.Places {
					broken := Symmetry{Groups: slices.Clone(s.Groups)}
					broken.Groups[g].Places = slices.Delete(slices.Clone(group.Places), i, i+1)
					wrong := must[Tensor](t)(f.Logits(must[Params](t)(broken.Apply(p, theta)), x))
					name := fmt.Sprintf("%s of group %q", place.Tensor, group.Name)
					seen[name] = max(seen[name], relative(want.Data, wrong.Data))
				}
			}
		}
		for place, d := range seen { // in a small group one permutation may move nothing, or dead units alone
			if d < 3e-5 {
				t.Errorf("leaving out %s is not seen: %.1e", place, d)
			}
		}
	})
}

// Starting at a cut with one's own features changes nothing, and starting at the logits gives the other network's.
func TestStitching(t *testing.T) {
	models(t, func(t *testing.T, f *Model) {
		theta, other, x := jitter(t, f, 1), jitter(t, f, 2), input(f, 8, 4)
		want := must[Tensor](t)(f.Logits(theta, x))
		cuts := 0
		for _, tap := range f.About.Taps {
			h := must[Tensor](t)(f.Features(theta, x, tap.Name))
			got, err := f.LogitsFrom(theta, h, tap.Name)
			if !tap.Cut {
				if err == nil || !strings.Contains(err.Error(), "not a cut") {
					t.Errorf("starting at %q gave %v", tap.Name, err)
				}
				continue
			}
			if cuts++; err != nil {
				t.Fatal(err)
			}
			if d := relative(want.Data, got.Data); d > 1e-6 {
				t.Errorf("from %q: differs by %.1e", tap.Name, d)
			}
			if foreign := must[Tensor](t)(f.LogitsFrom(other, h, tap.Name)); tap.Name != "logits" && relative(want.Data, foreign.Data) < 1e-3 {
				t.Errorf("from %q: the other network gives the same logits", tap.Name)
			} else if tap.Name == "logits" && !slices.Equal(foreign.Data, want.Data) {
				t.Error("stitching at the logits must give the first network's")
			}
		}
		if cuts < 2 {
			t.Errorf("only %d cuts", cuts)
		}
	})
}

func TestCutsOfAResidualBlock(t *testing.T) {
	var got []string
	for _, tap := range must[*Trace](t)(residual().Describe()).Taps {
		if tap.Cut {
			got = append(got, tap.Name)
		}
	}
	want := []string{"input", "stem", "stem/relu", "block", "block/pool", "logits"}
	if !slices.Equal(got, want) {
		t.Errorf("cuts %q, expected %q", got, want)
	}
}

func TestInitialisers(t *testing.T) {
	n := must[Network](t)(New(must[Spec](t)(Default("mlp"))))
	for name, want := range map[string]float64{"torch": 1 / math.Sqrt(3*512), "lecun": 1 / math.Sqrt(512), "he": math.Sqrt(2.0 / 512)} {
		n.Spec.Init = name
		theta := must[Params](t)(n.Init(7))
		w, _ := theta.Get("fc2/w")
		s := 0.0
		for _, v := range w.Data {
			s += float64(v) * float64(v)
		}
		if got := math.Sqrt(s / float64(len(w.Data))); math.Abs(got/want-1) > 0.01 { // 262,144 draws: 0.15 % standard error
			t.Errorf("%s: standard deviation %.5f, expected %.5f", name, got, want)
		}
		if again := must[Params](t)(n.Init(7)); !again.Equal(theta) {
			t.Errorf("%s: the same seed gives other weights", name)
		}
		if other := must[Params](t)(n.Init(8)); other.Equal(theta) {
			t.Errorf("%s: another seed gives the same weights", name)
		}
	}
	n.Spec.Init = "xavier"
	if _, err := n.Init(1); err == nil || !strings.Contains(err.Error(), "torch") {
		t.Errorf("an unknown initialiser gave %v", err)
	}
}

func TestInterpolate(t *testing.T) {
	n := nets(t)["mlp"]
	a, b := must[Params](t)(n.Init(1)), must[Params](t)(n.Init(2))
	for alpha, want := range map[float64]Params{1: a, 0: b} {
		if got := must[Params](t)(Interpolate(a, b, alpha)); !got.Equal(want) {
			t.Errorf("α = %g does not give the end", alpha)
		}
	}
	mid := must[Params](t)(Interpolate(a, b, 0.25))
	if got, want := mid[0].Data[3], 0.25*a[0].Data[3]+0.75*b[0].Data[3]; math.Abs(float64(got-want)) > 1e-7 {
		t.Errorf("α = ¼ gives %g, expected %g", got, want)
	}
	b[2].Name = "fc9/w"
	if _, err := Interpolate(a, b, 0.5); err == nil || !strings.Contains(err.Error(), "fc9/w") {
		t.Errorf("another layout gave %v", err)
	}
}

func TestAverage(t *testing.T) {
	a, b, c := Params{{"w", []int{2}, []float32{1, 1e8}}}, Params{{"w", []int{2}, []float32{2, 1}}}, Params{{"w", []int{2}, []float32{6, -1e8}}}
	got := must[Params](t)(Average(a, b, c))
	if want := (Params{{"w", []int{2}, []float32{3, 1. / 3}}}); !got.Equal(want) { // 1 is lost beside 1e8 in float32
		t.Errorf("%v, expected %v", got, want)
	}
	if one := must[Params](t)(Average(a)); !one.Equal(a) || &one[0].Data[0] == &a[0].Data[0] {
		t.Errorf("of one: %v", one)
	}
	b[0].Name = "v"
	if _, err := Average(a, b); err == nil || !strings.Contains(err.Error(), `"v"`) {
		t.Errorf("another layout gave %v", err)
	}
	if _, err := Average(); err == nil {
		t.Error("the mean of nothing")
	}
}

func TestWrongShapesNameTheLayer(t *testing.T) {
	for want, forward := range map[string]Forward{
		`layer "late"`:               func(x X) X { return x.Flatten().Conv("late", 3, Kernel{Size: 3}) },
		`layer "early"`:              func(x X) X { return x.Dense("early", 3) },
		`layer "big"`:                func(x X) X { return x.Conv("big", 3, Kernel{Size: 9}) },
		`layer "twice"`:              func(x X) X { return x.Flatten().Dense("twice", 3).Dense("twice", 3) },
		`cannot add "b"`:             func(x X) X { x = x.Flatten(); return x.Dense("a", 3).Add(x.Dense("b", 4)).As("sum") },
		`the output has shape [4]`:   func(x X) X { return x.Flatten().Dense("logits", 4) },
		`must end in a named layer`:  func(x X) X { x = x.Flatten().Dense("a", 3); return x.Add(x) },
		`it must lie in [0, 1)`:      func(x X) X { return x.Flatten().Dense("a", 3).Dropout(1) },
		`share of NaN`:               func(x X) X { return x.Flatten().Dense("a", 3).Dropout(math.NaN()) },
		`cannot pool 7×7 windows of`: func(x X) X { return x.MaxPool(7).Flatten().Dense("logits", 3) },
	} {
		n := Network{Spec: Spec{Architecture: "wrong", Input: []int{6, 6, 1}, Classes: 3}, Forward: forward}
		if _, err := n.Describe(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
	for _, s := range []Spec{{}, {Architecture: "mlp", Input: []int{4}, Classes: 2}, {Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 2, Widths: []int{3}},
		{Architecture: "lenet", Input: []int{4, 4, 1}, Classes: 2}, {Architecture: "mlp", Input: []int{0}, Classes: 2, Widths: []int{3}}} {
		if _, err := New(s); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
}

func TestSpecRoundTrip(t *testing.T) {
	for name, n := range nets(t) {
		if got := must[Spec](t)(ParseSpec(n.Spec.JSON())); got.JSON() != n.Spec.JSON() {
			t.Errorf("%s: %s came back as %s", name, n.Spec.JSON(), got.JSON())
		}
	}
	if _, err := ParseSpec(`{"architecture":"mlp","depths":3}`); err == nil {
		t.Error("an unknown field was accepted")
	}
}

// The three lowerings are one convolution: against a plain sum.
func TestConvolutionAgainstASum(t *testing.T) {
	for _, in := range []int{3, 6} { // patches, then shifts on the Go backend
		k := Kernel{Size: 3, Stride: 2, Pad: 1}
		n := Network{Spec: Spec{Input: []int{5, 7, in}, Classes: 3 * 4 * 2, Init: "torch"}, Forward: func(x X) X {
			x = x.Conv("conv", 2, k)
			return x.Flatten().As("flat")
		}}
		for name, b := range backends(t) {
			f := must[*Model](t)(Compile(b, n))
			theta, x := must[Params](t)(f.Init(1)), input(f, 2, 5)
			got := must[Tensor](t)(f.Features(theta, x, "conv"))
			if want := plainConv(x, theta[0], theta[1], k); maxDiff(got.Data, want) > 1e-6 {
				t.Errorf("%s, %d channels: differs by %.1e", name, in, maxDiff(got.Data, want))
			}
		}
	}
}

func plainConv(x, w, b Tensor, k Kernel) []float32 {
	n, h, wd, ci, co := x.Dims[0], x.Dims[1], x.Dims[2], x.Dims[3], w.Dims[3]
	var out []float32
	for s := range n {
		for i := range k.out(h) {
			for j := range k.out(wd) {
				for o := range co {
					sum := float64(b.Data[o])
					for p := range k.Size {
						for q := range k.Size {
							r, c := i*k.Stride+p-k.Pad, j*k.Stride+q-k.Pad
							for m := range ci {
								if r >= 0 && c >= 0 && r < h && c < wd {
									sum += float64(x.Data[((s*h+r)*wd+c)*ci+m]) * float64(w.Data[((p*k.Size+q)*ci+m)*co+o])
								}
							}
						}
					}
					out = append(out, float32(sum))
				}
			}
		}
	}
	return out
}

func TestOrder(t *testing.T) {
	n := nets(t)["mlp"]
	f := must[*Model](t)(Compile(backends(t)["go"], n))
	theta := must[Params](t)(f.Init(1))
	shuffled := slices.Clone(theta)
	slices.Reverse(shuffled)
	if got := must[Params](t)(f.Order(shuffled)); !got.Equal(theta) {
		t.Error("the order of the network is not restored")
	}
	if _, err := f.Order(shuffled[1:]); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing tensor gave %v", err)
	}
	if _, err := f.Order(append(slices.Clone(theta), Tensor{Name: "extra"})); err == nil || !strings.Contains(err.Error(), "extra") {
		t.Errorf("a foreign tensor gave %v", err)
	}
}

func TestExecIsKept(t *testing.T) {
	f := must[*Model](t)(Compile(backends(t)["go"], nets(t)["mlp"]))
	builds := 0
	build := func(in []*graph.Node) []*graph.Node { builds++; return []*graph.Node{graph.Neg(in[0])} }
	for range 2 {
		e := must[*graph.Exec](t)(f.Exec("test: neg", build))
		out := must[[]*tensors.Tensor](t)(e.Call(float32(3)))
		if got := tensors.ToScalar[float32](out[0]); got != -3 {
			t.Errorf("got %g, expected -3", got)
		}
		Free(out...)
	}
	if builds != 1 {
		t.Errorf("built %d times, expected once", builds)
	}
	if a, b := must[*graph.Exec](t)(f.Exec("test: neg", build)), must[*graph.Exec](t)(f.Exec("test: other", build)); a == b {
		t.Error("two keys share an executable")
	}
}

func ExampleNetwork_Symmetry() {
	n, _ := New(Spec{Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 10, Init: "torch"})
	s, _ := n.Symmetry()
	fmt.Println(s)
	g, _ := s.Group("conv2")
	for _, p := range g.Places {
		fmt.Println(p.Tensor, "axis", p.Axis, "unit 0 at", len(p.At[0]), "positions")
	}
	// Output:
	// conv1 6, conv2 16, fc1 120, fc2 84
	// conv2/w axis 3 unit 0 at 1 positions
	// conv2/b axis 0 unit 0 at 1 positions
	// fc1/w axis 0 unit 0 at 25 positions
}

func ExampleDescription_WriteText() {
	n, _ := New(Spec{Architecture: "mlp", Input: []int{2, 2, 1}, Classes: 2, Widths: []int{3}, Init: "torch"})
	d, _ := n.Description()
	d.WriteText(os.Stdout)
	// Output:
	// {"architecture":"mlp","input":[2,2,1],"classes":2,"widths":[3],"init":"torch"}
	//
	// parameter  shape  role
	// fc1/w      4×3    weight
	// fc1/b      3      bias
	// logits/w   3×2    weight
	// logits/b   2      bias
	// total      23
	//
	// tap (layer)  kind    shape  cut
	// input        input   2×2×1  true
	// fc1          linear  3      true
	// fc1/relu     act     3      true
	// logits       linear  2      true
	//
	// symmetry group  units  places
	// fc1             3      fc1/w[1] fc1/b[0] logits/w[0]
	//
	// forward pass  41 FLOP per sample
}
