package network_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

// The networks of this file are written as a reader writes one: outside of the package, with what it exports.

// at is the value of an image at the rows from i and columns from j on, of the size of the image before it was padded.
func at(padded *graph.Node, i, j, h, w int) *graph.Node {
	return graph.Slice(padded, graph.AxisRange(), graph.AxisRange(i, i+h), graph.AxisRange(j, j+w), graph.AxisRange())
}

// depthwise is a 3×3 convolution of every channel by itself, with n results each (Howard et al. 2017).
func depthwise(x network.X, name string, n int) network.X {
	h, w, c := x.Dims()[0], x.Dims()[1], x.Axis().Each(n)
	return x.Linear(name, network.Map{
		Op:     fmt.Sprintf("depthwise-%d@1", n),
		Weight: []network.Axis{network.Positions(3), network.Positions(3), c},
		Out:    []network.Axis{network.Positions(h), network.Positions(w), c},
		Apply: func(k, in *graph.Node) *graph.Node {
			d := in.Shape().Dimensions
			in = graph.Reshape(graph.BroadcastToDims(graph.InsertAxes(in, -1), append(slices.Clone(d), n)...), d[0], h, w, c.Size())
			one := graph.PadAxis{Start: 1, End: 1}
			in = graph.Pad(in, graph.ScalarZero(in.Graph(), in.DType()), graph.PadAxis{}, one, one, graph.PadAxis{})
			var sum *graph.Node
			for i := range 9 {
				here := graph.Reshape(graph.Slice(k, graph.AxisElem(i/3), graph.AxisElem(i%3)), 1, 1, 1, c.Size())
				term := graph.Mul(at(in, i/3, i%3, h, w), here)
				if sum == nil {
					sum = term
				} else {
					sum = graph.Add(sum, term)
				}
			}
			return sum
		},
	})
}

func leaky(z *graph.Node) *graph.Node { return graph.Max(z, graph.MulScalar(z, 0.1)) }

// separable is a small MobileNet.
func separable(x network.X) network.X {
	x = x.Conv("stem", 6, network.Kernel{Size: 3, Pad: 1}).BatchNorm().ReLU()
	x = depthwise(x, "dw1", 1).BatchNorm().SiLU()
	x = x.Conv("pw1", 8, network.Kernel{Size: 1, NoBias: true}).BatchNorm().ReLU().MeanPool(2)
	x = depthwise(x, "dw2", 2).Elementwise("leaky@0.1", leaky)
	return x.Mean().Dense("logits", x.Classes())
}

// conv1 is a convolution along the steps of a series [steps, channels].
func conv1(x network.X, name string, units, size int) network.X {
	steps, in, out := x.Dims()[0], x.Axis(), x.NewUnits(name, units)
	return x.Linear(name, network.Map{
		Op:     "conv1d",
		Weight: []network.Axis{network.Positions(size), in, out},
		Out:    []network.Axis{network.Positions(steps), out},
		Apply: func(w, h *graph.Node) *graph.Node {
			h = graph.Reshape(h, h.Shape().Dim(0), steps, in.Size()) // an image of one column, too
			h = graph.Pad(h, graph.ScalarZero(h.Graph(), h.DType()), graph.PadAxis{}, graph.PadAxis{Start: size / 2, End: (size - 1) / 2}, graph.PadAxis{})
			var sum *graph.Node
			for i := range size {
				seen := graph.Slice(h, graph.AxisRange(), graph.AxisRange(i, i+steps))
				term := graph.Reshape(graph.MatMul(graph.Reshape(seen, -1, in.Size()), graph.Reshape(graph.Slice(w, graph.AxisElem(i)), in.Size(), units)), -1, steps, units)
				if sum == nil {
					sum = term
				} else {
					sum = graph.Add(sum, term)
				}
			}
			return sum
		},
	})
}

// series reads an image of one column as a series in time.
func series(x network.X) network.X {
	x = conv1(x, "conv1", 6, 5).GELU()
	x = x.Pool("max2", []int{x.Dims()[0] / 2}, func(h *graph.Node) *graph.Node {
		d := h.Shape().Dimensions
		return graph.ReduceMax(graph.Reshape(h, d[0], d[1]/2, 2, d[2]), 2)
	})
	x = conv1(x, "conv2", 7, 3).LayerNorm().Tanh()
	return x.Flatten().Dense("fc", 9).ReLU().Dense("logits", x.Classes())
}

// scaled multiplies every unit by a weight of its own.
func scaled(x network.X, name string) network.X {
	units := x.Axis()
	return x.Linear(name, network.Map{
		Op: "scale@ones", NoBias: true, Weight: []network.Axis{units}, Out: []network.Axis{units},
		Init:  func(*rand.Rand) float64 { return 1 },
		Apply: func(w, h *graph.Node) *graph.Node { return graph.Mul(h, graph.ExpandLeftToRank(w, h.Rank())) },
	})
}

// gated has a gate, two values side by side and a residual.
func gated(x network.X) network.X {
	x = x.Flatten()
	h := x.Dense("gate", 10).Sigmoid().Mul(x.Dense("up", 10)).As("gated")
	h = h.Concat(x.Dense("skip", 5).ReLU()).As("both").LayerNorm()
	y := h.Dense("mix", 8).GELU().Dropout(0.1).Dense("back", 15)
	h = h.Add(scaled(y, "layerscale")).As("block")
	return h.Dense("logits", x.Classes())
}

// grouped is a 1×1 convolution in two groups that see half of the channels each, which ties units to their numbers.
func grouped(x network.X) network.X {
	x = x.Conv("stem", 6, network.Kernel{Size: 3, Pad: 1}).ReLU().Fix()
	h, w := x.Dims()[0], x.Dims()[1]
	out := network.Join(x.NewUnits("left", 4), x.NewUnits("right", 4))
	x = x.Linear("grouped", network.Map{
		Op: "grouped-2", Weight: []network.Axis{network.Positions(3), out}, Out: []network.Axis{network.Positions(h), network.Positions(w), out},
		Apply: func(w, h *graph.Node) *graph.Node {
			d := h.Shape().Dimensions
			flat := graph.Reshape(h, -1, d[3])
			half := func(i int) *graph.Node {
				return graph.MatMul(graph.Slice(flat, graph.AxisRange(), graph.AxisRange(3*i, 3*i+3)), graph.Slice(w, graph.AxisRange(), graph.AxisRange(4*i, 4*i+4)))
			}
			return graph.Reshape(graph.Concatenate([]*graph.Node{half(0), half(1)}, -1), d[0], d[1], d[2], 8)
		},
	}).ReLU()
	return x.Flatten().Dense("logits", x.Classes())
}

// shared has operations that begin the units of two groups, and two that have one name.
func shared(x network.X) network.X {
	x = x.Flatten()
	c := x.Dense("c", 7)
	h := c.Add(x.Dense("a", 3).Concat(x.Dense("b", 4))).As("sum").Tanh()
	for range 2 {
		in, out := h.Axis(), h.NewUnits("same", 5)
		h = h.Linear(fmt.Sprintf("m%d", h.Units()), network.Map{Op: "dense", Weight: []network.Axis{in, out}, Out: []network.Axis{out},
			Apply: func(w, h *graph.Node) *graph.Node { return graph.MatMul(h, w) }}).ReLU()
	}
	return h.Dense("logits", x.Classes())
}

type guest struct {
	forward network.Forward
	input   []int
	groups  string
	flops   int64
}

func guests() map[string]guest {
	return map[string]guest{
		"separable": {separable, []int{8, 8, 3}, "stem 6, pw1 8", 64*6*(2*27+1) + 64*6*(2*9+1) + 64*8*(2*6+1) + 16*16*(2*9+1) + 4*(2*16+1)},
		"series":    {series, []int{16, 1, 2}, "conv1 6, conv2 7, fc 9", 16*6*(2*10+1) + 8*7*(2*18+1) + 9*(2*56+1) + 4*(2*9+1)},
		"gated":     {gated, []int{3, 4, 1}, "gate 10, skip 5, mix 8", 2*10*25 + 5*25 + 8*31 + 15*17 + 15*3 + 4*31},
		"shared":    {shared, []int{3, 3, 1}, "c 3, b 4, same 5, same#2 5", 2*7*19 + 5*15 + 5*11 + 4*11},
		"grouped":   {grouped, []int{5, 5, 2}, "left 4, right 4", 25*6*(2*18+1) + 25*8*(2*3+1) + 4*(2*200+1)},
	}
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

func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// noisy draws numbers, and weights in which no symmetry hides an error.
func noisy(dims []int, seed uint64) network.Tensor {
	rng := rand.New(rand.NewPCG(seed, 7))
	n := 1
	for _, d := range dims {
		n *= d
	}
	x := network.Tensor{Dims: dims}
	for range n {
		x.Data = append(x.Data, float32(rng.NormFloat64()))
	}
	return x
}

func jittered(t *testing.T, f *network.Model, seed uint64) network.Params {
	t.Helper()
	theta := must[network.Params](t)(f.Init(int64(seed)))
	for i, p := range f.About.Params {
		spread := 0.5
		if p.Role == network.Weight {
			spread = math.Sqrt(2 / float64(p.FanIn))
		}
		for j, z := range noisy(p.Dims, 100*seed+uint64(i)).Data {
			if p.Role == network.Variance {
				theta[i].Data[j] *= float32(math.Exp(float64(z) / 2))
				continue
			}
			theta[i].Data[j] += float32(spread) * z
		}
	}
	return theta
}

// apart is the largest difference over the largest value.
func apart(a, b []float32) float64 {
	d, largest := 0.0, 0.0
	for i, v := range a {
		d, largest = max(d, math.Abs(float64(v-b[i]))), max(largest, math.Abs(float64(v)))
	}
	return d / largest
}

// f(π(θ); x) = f(θ; x) and every tap moves by its own permutation, for operations that a reader has written; the control leaves out one
// place at a time and must be seen.
func TestGuestsKeepTheirSymmetry(t *testing.T) {
	b := pureGo(t)
	for name, g := range guests() {
		n := must[network.Network](t)(network.Custom(name, g.forward).New(network.Spec{Input: g.input, Classes: 4}))
		s := must[network.Symmetry](t)(n.Symmetry())
		if got := s.String(); got != g.groups {
			t.Errorf("%s: groups %q, expected %q", name, got, g.groups)
		}
		f := must[*network.Model](t)(network.Compile(b, n))
		if f.About.FLOPs != g.flops {
			t.Errorf("%s: %d FLOPs, expected %d", name, f.About.FLOPs, g.flops)
		}
		x := noisy(append([]int{9}, g.input...), 5)
		seen := map[string]float64{}
		for seed := range uint64(3) {
			theta, p := jittered(t, f, seed), s.Random(int64(seed))
			moved := must[network.Params](t)(s.Apply(p, theta))
			for _, tap := range f.About.Taps {
				want := must[network.Tensor](t)(s.ApplyTap(p, must[network.Tensor](t)(f.Features(theta, x, tap.Name))))
				if d := apart(want.Data, must[network.Tensor](t)(f.Features(moved, x, tap.Name)).Data); d > 1e-5 {
					t.Errorf("%s: tap %q differs by %.1e", name, tap.Name, d)
				}
			}
			want := must[network.Tensor](t)(f.Logits(theta, x))
			for i, group := range s.Groups {
				for j, place := range group.Places {
					broken := network.Symmetry{Groups: slices.Clone(s.Groups)}
					broken.Groups[i].Places = slices.Delete(slices.Clone(group.Places), j, j+1)
					wrong := must[network.Tensor](t)(f.Logits(must[network.Params](t)(broken.Apply(p, theta)), x))
					key := fmt.Sprintf("axis %d of %s, group %s", place.Axis, place.Tensor, group.Name)
					seen[key] = max(seen[key], apart(want.Data, wrong.Data))
				}
			}
		}
		for place, d := range seen {
			if d < 1e-4 {
				t.Errorf("%s: leaving out %s is not seen: %.1e", name, place, d)
			}
		}
		if err := f.Prove(1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Starting at a cut with a network's own value of it gives its logits.
func TestGuestsStitch(t *testing.T) {
	b := pureGo(t)
	for name, g := range guests() {
		n := must[network.Network](t)(network.Custom(name, g.forward).New(network.Spec{Input: g.input, Classes: 4}))
		f := must[*network.Model](t)(network.Compile(b, n))
		theta, x, cuts := jittered(t, f, 1), noisy(append([]int{5}, g.input...), 2), 0
		want := must[network.Tensor](t)(f.Logits(theta, x))
		for _, tap := range f.About.Taps {
			if !tap.Cut {
				continue
			}
			cuts++
			h := must[network.Tensor](t)(f.Features(theta, x, tap.Name))
			if d := apart(want.Data, must[network.Tensor](t)(f.LogitsFrom(theta, h, tap.Name)).Data); d > 1e-6 {
				t.Errorf("%s: from %q the logits differ by %.1e", name, tap.Name, d)
			}
		}
		if cuts < 3 {
			t.Errorf("%s: %d cuts", name, cuts)
		}
	}
}

// Folding a batch norm into a map of one's own leaves the function as it is.
func TestGuestsFold(t *testing.T) {
	n := must[network.Network](t)(network.Custom("separable", separable).New(network.Spec{Input: []int{8, 8, 3}, Classes: 4}))
	f := must[*network.Model](t)(network.Compile(pureGo(t), n))
	if got := f.About.Folds()["dw1"]; got != "dw1/bn" {
		t.Fatalf("dw1 folds %q, expected dw1/bn", got)
	}
	theta, x := jittered(t, f, 1), noisy([]int{5, 8, 8, 3}, 2)
	folded := must[network.Params](t)(n.Fold(theta))
	if d := apart(must[network.Tensor](t)(f.Logits(theta, x)).Data, must[network.Tensor](t)(f.Logits(folded, x)).Data); d > 1e-5 {
		t.Errorf("folding changes the logits by %.1e", d)
	}
	if w, _ := theta.Get("dw1/w"); slices.Equal(w.Data, folded[slices.IndexFunc(folded, func(t network.Tensor) bool { return t.Name == "dw1/w" })].Data) {
		t.Error("nothing was folded into dw1")
	}
}

// What an operation of one's own says wrongly of itself is found before anything is trained, with the layer's name.
func TestProveFindsWhatIsNotSo(t *testing.T) {
	b := pureGo(t)
	dense := func(x network.X, units int, apply func(w, h *graph.Node) *graph.Node) network.X {
		out := x.NewUnits("mine", units)
		return x.Linear("mine", network.Map{Op: "mine", Weight: []network.Axis{x.Axis(), out}, Out: []network.Axis{out}, Apply: apply})
	}
	ends := func(x network.X) network.X { return x.ReLU().Dense("logits", x.Classes()) }
	for want, forward := range map[string]network.Forward{
		`layer "mine": the map is not linear in its input`: func(x network.X) network.X {
			return ends(dense(x.Flatten().Dense("a", 6), 5, func(w, h *graph.Node) *graph.Node { return graph.MatMul(graph.Square(h), w) }))
		},
		`layer "mine": the map is not linear in its weights`: func(x network.X) network.X {
			return ends(dense(x.Flatten().Dense("a", 6), 5, func(w, h *graph.Node) *graph.Node { return graph.MatMul(h, graph.Abs(w)) }))
		},
		`layer "mine": permuting the units`: func(x network.X) network.X { // reads its input from the last unit to the first
			return ends(dense(x.Flatten().Dense("a", 6), 5, func(w, h *graph.Node) *graph.Node { return graph.MatMul(graph.Reverse(h, 1), w) }))
		},
		`layer "a/ramp": permuting the units`: func(x network.X) network.X {
			return x.Flatten().Dense("a", 6).Elementwise("ramp", func(z *graph.Node) *graph.Node {
				return graph.Add(z, graph.Iota(z.Graph(), z.Shape(), 1))
			}).Dense("logits", x.Classes())
		},
	} {
		n := must[network.Network](t)(network.Custom("wrong", forward).New(network.Spec{Input: []int{3, 3, 1}, Classes: 4}))
		err := must[*network.Model](t)(network.Compile(b, n)).Prove(1)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, got %v", want, err)
		}
	}
}

// A map whose axes do not fit is refused when the network is described, without a backend.
func TestMapsThatDoNotFit(t *testing.T) {
	same := func(_, h *graph.Node) *graph.Node { return h }
	var foreign network.X
	network.Network{Spec: network.Spec{Input: []int{4}, Classes: 4}, Forward: func(x network.X) network.X { foreign = x; return x }}.Describe()
	for want, forward := range map[string]network.Forward{
		"no Apply":                        func(x network.X) network.X { return x.Linear("m", network.Map{Op: "m"}) },
		`an operation of the name ""`:     func(x network.X) network.X { return x.Linear("m", network.Map{}) },
		`an operation of the name "a/b"`:  func(x network.X) network.X { return x.Elementwise("a/b", leaky) },
		`an operation of the name "@1.0"`: func(x network.X) network.X { return x.Elementwise("@1.0", leaky) },
		"0 axes of the weight": func(x network.X) network.X {
			return x.Linear("m", network.Map{Op: "m", Apply: same})
		},
		"is not the last axis of the result": func(x network.X) network.X {
			out := x.NewUnits("m", 3)
			return x.Linear("m", network.Map{Op: "m", Weight: []network.Axis{out, x.Axis()}, Out: []network.Axis{out}, Apply: same})
		},
		"no axis carries the units of its input": func(x network.X) network.X {
			x = x.Dense("a", 4)
			out := x.NewUnits("m", 3)
			return x.Linear("m", network.Map{Op: "m", Weight: []network.Axis{network.Positions(4), out}, Out: []network.Axis{out}, Apply: same})
		},
		"before the last carries units": func(x network.X) network.X {
			return x.Linear("m", network.Map{Op: "m", Weight: []network.Axis{x.Axis()}, Out: []network.Axis{x.Axis(), x.Axis()}, Apply: same})
		},
		"every size must be at least 1": func(x network.X) network.X {
			return x.Linear("m", network.Map{Op: "m", Weight: []network.Axis{network.Positions(0), x.Axis()}, Out: []network.Axis{x.Axis()}, Apply: same})
		},
		"0 units; at least 1":            func(x network.X) network.X { x.NewUnits("m", 0); return x },
		"all carry units of one run":     func(x network.X) network.X { network.Join(x.Axis(), network.Positions(2)); return x },
		"must make all of its values":    func(x network.X) network.X { return x.Add(foreign) },
		"that it has not made":           func(x network.X) network.X { return foreign },
		"all sizes but the last":         func(x network.X) network.X { return x.Concat(x.Pool("up", []int{2}, leaky)) },
		"cannot mul":                     func(x network.X) network.X { return x.Mul(x.Dense("a", 7)).As("y") },
		"cannot pool 9×9":                func(x network.X) network.X { return x.MeanPool(9) },
		"the forward function: a string": func(x network.X) network.X { panic("a string") },
	} {
		_, err := network.Custom("wrong", forward).New(network.Spec{Input: []int{4}, Classes: 4})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}

// What a forward function of one's own asks for beyond any machine is refused as a built-in network's sizes are.
func TestGuestsTooLarge(t *testing.T) {
	same := func(_, h *graph.Node) *graph.Node { return h }
	for want, forward := range map[string]network.Forward{
		`layer "m": the shape`: func(x network.X) network.X {
			return x.Linear("m", network.Map{Op: "m", Weight: []network.Axis{network.Positions(1 << 40), x.Axis()}, Out: []network.Axis{x.Axis()}, Apply: same})
		},
		`layer "input/up": the shape`: func(x network.X) network.X { return x.Pool("up", []int{1 << 40, 1 << 40}, leaky).Mean() },
		"each unit 4194304 times":     func(x network.X) network.X { x.Axis().Each(1 << 22); return x },
		"each unit 2097152 times":     func(x network.X) network.X { x.Axis().Times(1 << 21); return x },
		"an axis of a size above": func(x network.X) network.X {
			network.Join(network.Positions(1<<22), network.Positions(1))
			return x
		},
		"4194304 units": func(x network.X) network.X { x.NewUnits("m", 1<<22); return x },
		"4194304 units beside": func(x network.X) network.X {
			for i := range 40 {
				x = x.Concat(x).As(fmt.Sprint(i))
			}
			return x
		},
	} {
		_, err := network.Custom("large", forward).New(network.Spec{Input: []int{4}, Classes: 4})
		var large *network.TooLargeError
		if !errors.As(err, &large) || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}

// A network of one's own is described several times; none of them outlasts its context.
func TestDescribingAGuestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	mine := network.Custom("mine", func(x network.X) network.X {
		x = x.Dense("logits", x.Classes())
		cancel()
		return x
	})
	if _, err := network.NewContext(ctx, network.Spec{Architecture: "mine", Input: []int{4}, Classes: 3}, mine); !errors.Is(err, context.Canceled) {
		t.Errorf("expected %v, got %v", context.Canceled, err)
	}
}

// In a graph, code that returns another shape or panics with a string ends in an error with the layer's name, and not in a hung executable.
func TestGuestCodeThatFails(t *testing.T) {
	b := pureGo(t)
	for want, f := range map[string]func(z *graph.Node) *graph.Node{
		`layer "fc/mine": expected a node of shape [batch, [5]]`: func(z *graph.Node) *graph.Node { return graph.ReduceAllSum(z) },
		`layer "fc/mine": no node came back`:                     func(z *graph.Node) *graph.Node { return nil },
		`layer "fc/mine": a string`:                              func(z *graph.Node) *graph.Node { panic("a string") },
	} {
		n := must[network.Network](t)(network.Custom("fails", func(x network.X) network.X {
			return x.Dense("fc", 5).Elementwise("mine", f).Dense("logits", x.Classes())
		}).New(network.Spec{Input: []int{4}, Classes: 3}))
		m := must[*network.Model](t)(network.Compile(b, n))
		if _, err := m.Logits(must[network.Params](t)(m.Init(1)), noisy([]int{2, 4}, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}
