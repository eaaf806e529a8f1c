package network_test

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

// describe prints what a forward function of two classes is made of: parameters, taps after the input, and groups of units with the axes
// on which they stand. It needs no backend.
func describe(f network.Forward, input ...int) {
	n, err := network.Custom("example", f).New(network.Spec{Input: input, Classes: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := n.Description()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range d.Parameters {
		fmt.Println("parameter", p.Name, p.Shape)
	}
	for _, t := range d.Taps[1:] {
		fmt.Println(t.Kind, t.Name, t.Shape)
	}
	for _, g := range d.Groups {
		fmt.Println("group", g.Name, g.Size, "at", strings.Join(g.Places, " "))
	}
}

// The manual's program: a forward function, what follows from it, and its logits.
func Example() {
	b, _, err := backend.Open("go")
	check(err)
	defer b.Finalize()
	n, err := network.Custom("small", func(x network.X) network.X {
		x = x.Conv("conv", 8, network.Kernel{Size: 3, Pad: 1}).BatchNorm().ReLU().MaxPool(2)
		return x.Flatten().Dense("logits", x.Classes())
	}).New(network.Spec{Input: []int{8, 8, 1}, Classes: 10})
	check(err)
	s, err := n.Symmetry()
	check(err)
	f, err := network.Compile(b, n)
	check(err)
	theta, err := f.Init(1)
	check(err)
	moved, err := s.Apply(s.Random(1), theta) // f(π(θ); x) = f(θ; x)
	check(err)
	x := network.Tensor{Dims: []int{2, 8, 8, 1}, Data: make([]float32, 2*64)}
	want, err := f.Logits(theta, x)
	check(err)
	got, err := f.Logits(moved, x)
	check(err)
	fmt.Println(s, want.Dims, apart(want.Data, got.Data) < 1e-5, f.Prove(1))
	// Output:
	// conv 8 [2 10] true <nil>
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A dense layer makes new units. The rows of the next layer's weights go with them; those of the logits stay.
func ExampleX_Dense() {
	describe(func(x network.X) network.X { return x.Dense("fc", 3).Dense("logits", x.Classes()) }, 4)
	describe(func(x network.X) network.X { return x.Dense("logits", x.Classes()) }, 4, 4, 1)
	// Output:
	// parameter fc/w [4 3]
	// parameter fc/b [3]
	// parameter logits/w [3 2]
	// parameter logits/b [2]
	// linear fc [3]
	// linear logits [2]
	// group fc 3 at fc/w[1] fc/b[0] logits/w[0]
	// network "example": layer "logits": a dense layer needs a flat input, got [4 4 1] from "input"; call Flatten first
}

// A batch norm and an activation keep the units of the convolution: all of their parameters are of its group.
func ExampleX_Conv() {
	describe(func(x network.X) network.X {
		x = x.Conv("conv", 6, network.Kernel{Size: 3, Stride: 2, Pad: 1, NoBias: true}).BatchNorm().ReLU()
		return x.Mean().Dense("logits", x.Classes())
	}, 8, 8, 3)
	// Output:
	// parameter conv/w [3 3 3 6]
	// parameter conv/bn/gamma [6]
	// parameter conv/bn/beta [6]
	// parameter conv/bn/mean [6]
	// parameter conv/bn/var [6]
	// parameter logits/w [6 2]
	// parameter logits/b [2]
	// linear conv [4 4 6]
	// norm conv/bn [4 4 6]
	// act conv/bn/relu [4 4 6]
	// pool conv/bn/relu/mean [6]
	// linear logits [2]
	// group conv 6 at conv/w[3] conv/bn/gamma[0] conv/bn/beta[0] conv/bn/mean[0] conv/bn/var[0] logits/w[0]
}

// Every activation is a tap of its own; none has parameters.
func ExampleX_ReLU() {
	describe(func(x network.X) network.X {
		return x.ReLU().GELU().SiLU().Sigmoid().Tanh().As("all").Dense("logits", x.Classes())
	}, 3)
	// Output:
	// parameter logits/w [3 2]
	// parameter logits/b [2]
	// act input/relu [3]
	// act input/relu/gelu [3]
	// act input/relu/gelu/silu [3]
	// act input/relu/gelu/silu/sigmoid [3]
	// act all [3]
	// linear logits [2]
}

// The name of an activation of one's own is that of its tap; what follows @ only enters the network's identity.
func ExampleX_Elementwise() {
	square := func(z *graph.Node) *graph.Node { return graph.Mul(z, z) }
	identity := func(op string) string {
		n, err := network.Custom("example", func(x network.X) network.X {
			return x.Dense("fc", 3).Elementwise(op, square).Dense("logits", x.Classes())
		}).New(network.Spec{Input: []int{4}, Classes: 2})
		if err != nil {
			return err.Error()
		}
		t, err := n.Describe()
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(t.Taps[2].Name, " in network ", n.Spec.Identity)
	}
	fmt.Println(identity("square@1"))
	fmt.Println(identity("square@2"))
	// Output:
	// fc/square in network 16db1d6ea41ee5e1
	// fc/square in network f3757e98b338fd53
}

// Pools and Every change positions and keep units.
func ExampleX_MaxPool() {
	describe(func(x network.X) network.X {
		x = x.Conv("conv", 4, network.Kernel{Size: 1}).MaxPool(2).MeanPool(3).Every(2)
		return x.Mean().Dense("logits", x.Classes())
	}, 18, 18, 1)
	// Output:
	// parameter conv/w [1 1 1 4]
	// parameter conv/b [4]
	// parameter logits/w [4 2]
	// parameter logits/b [2]
	// linear conv [18 18 4]
	// pool conv/pool [9 9 4]
	// pool conv/pool/meanpool [3 3 4]
	// pool conv/pool/meanpool/mean [4]
	// linear logits [2]
	// group conv 4 at conv/w[3] conv/b[0] logits/w[0]
}

// A pool of one's own: the maximum over the columns of every row.
func ExampleX_Pool() {
	describe(func(x network.X) network.X {
		x = x.Conv("conv", 4, network.Kernel{Size: 1})
		x = x.Pool("rowmax", []int{x.Dims()[0]}, func(h *graph.Node) *graph.Node { return graph.ReduceMax(h, 2) })
		return x.Flatten().Dense("logits", x.Classes())
	}, 6, 5, 1)
	// Output:
	// parameter conv/w [1 1 1 4]
	// parameter conv/b [4]
	// parameter logits/w [24 2]
	// parameter logits/b [2]
	// linear conv [6 5 4]
	// pool conv/rowmax [6 4]
	// linear logits [2]
	// group conv 4 at conv/w[3] conv/b[0] logits/w[0]
}

// Flatten repeats the channels at every position: unit 1 of the convolution stands at four of the twelve rows of the dense weights.
func ExampleX_Flatten() {
	n, err := network.Custom("example", func(x network.X) network.X {
		return x.Conv("conv", 3, network.Kernel{Size: 1}).Flatten().Dense("logits", x.Classes())
	}).New(network.Spec{Input: []int{2, 2, 1}, Classes: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := n.Symmetry()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range s.Groups[0].Places {
		fmt.Println(p.Tensor, "axis", p.Axis, "unit 1 at", p.At[1])
	}
	// Output:
	// conv/w axis 3 unit 1 at [1]
	// conv/b axis 0 unit 1 at [1]
	// logits/w axis 0 unit 1 at [1 4 7 10]
}

// A residual block: the sum makes the units of the stem and of the block's last layer one group. As names the sum, which is tapped then.
func ExampleX_Add() {
	describe(func(x network.X) network.X {
		x = x.Dense("stem", 5)
		y := x.LayerNorm().Dense("in", 7).GELU().Dense("out", 5)
		return y.Add(x).As("block").Dense("logits", x.Classes())
	}, 4)
	// Output:
	// parameter stem/w [4 5]
	// parameter stem/b [5]
	// parameter stem/ln/gamma [5]
	// parameter stem/ln/beta [5]
	// parameter in/w [5 7]
	// parameter in/b [7]
	// parameter out/w [7 5]
	// parameter out/b [5]
	// parameter logits/w [5 2]
	// parameter logits/b [2]
	// linear stem [5]
	// norm stem/ln [5]
	// linear in [7]
	// act in/gelu [7]
	// linear out [5]
	// block block [5]
	// linear logits [2]
	// group stem 5 at stem/w[1] stem/b[0] stem/ln/gamma[0] stem/ln/beta[0] in/w[0] out/w[1] out/b[0] logits/w[0]
	// group in 7 at in/w[1] in/b[0] out/w[0]
}

// A gate: the units of the two factors are one. Dropout has neither parameters nor a tap.
func ExampleX_Mul() {
	describe(func(x network.X) network.X {
		return x.Dense("gate", 3).Sigmoid().Mul(x.Dense("up", 3)).As("gated").Dropout(0.5).Dense("logits", x.Classes())
	}, 4)
	// Output:
	// parameter gate/w [4 3]
	// parameter gate/b [3]
	// parameter up/w [4 3]
	// parameter up/b [3]
	// parameter logits/w [3 2]
	// parameter logits/b [2]
	// linear gate [3]
	// act gate/sigmoid [3]
	// linear up [3]
	// block gated [3]
	// linear logits [2]
	// group gate 3 at gate/w[1] gate/b[0] up/w[1] up/b[0] logits/w[0]
}

// Side by side the units stay apart: each group has its own rows of the dense weights.
func ExampleX_Concat() {
	describe(func(x network.X) network.X {
		return x.Dense("a", 3).Concat(x.Dense("b", 4)).As("both").Dense("logits", x.Classes())
	}, 5)
	// Output:
	// parameter a/w [5 3]
	// parameter a/b [3]
	// parameter b/w [5 4]
	// parameter b/b [4]
	// parameter logits/w [7 2]
	// parameter logits/b [2]
	// linear a [3]
	// linear b [4]
	// block both [7]
	// linear logits [2]
	// group a 3 at a/w[1] a/b[0] logits/w[0]
	// group b 4 at b/w[1] b/b[0] logits/w[0]
}

// A wider sum without a projection: what is added at both ends is 0, and the four units in the middle are those of the stem.
func ExampleX_ZeroUnits() {
	describe(func(x network.X) network.X {
		x = x.Dense("stem", 4)
		return x.ZeroUnits(1, 1).Add(x.Dense("wide", 6)).As("sum").Dense("logits", x.Classes())
	}, 3)
	// Output:
	// parameter stem/w [3 4]
	// parameter stem/b [4]
	// parameter wide/w [4 6]
	// parameter wide/b [6]
	// parameter logits/w [6 2]
	// parameter logits/b [2]
	// linear stem [4]
	// linear wide [6]
	// block sum [6]
	// linear logits [2]
	// group stem 4 at stem/w[1] stem/b[0] wide/w[0] wide/w[1] wide/b[0] logits/w[0]
	// group stem/zero 2 at wide/w[1] wide/b[0] logits/w[0]
}

// A linear map that weighs every unit by itself: it makes no units, so its weight and its bias go with those of its input.
func ExampleX_Linear() {
	describe(func(x network.X) network.X {
		x = x.Dense("fc", 3)
		return x.Linear("scale", network.Map{
			Op:     "scale",
			Weight: []network.Axis{x.Axis()},
			Out:    []network.Axis{x.Axis()},
			Apply:  func(w, h *graph.Node) *graph.Node { return graph.Mul(h, graph.ExpandLeftToRank(w, h.Rank())) },
		}).Dense("logits", x.Classes())
	}, 4)
	// Output:
	// parameter fc/w [4 3]
	// parameter fc/b [3]
	// parameter scale/w [3]
	// parameter scale/b [3]
	// parameter logits/w [3 2]
	// parameter logits/b [2]
	// linear fc [3]
	// linear scale [3]
	// linear logits [2]
	// group fc 3 at fc/w[1] fc/b[0] scale/w[0] scale/b[0] logits/w[0]
}

// Fixed units are not permuted, and what reads them stays as it is.
func ExampleX_Fix() {
	describe(func(x network.X) network.X {
		return x.Dense("free", 3).Dense("fixed", 4).Fix().Dense("logits", x.Classes())
	}, 5)
	// Output:
	// parameter free/w [5 3]
	// parameter free/b [3]
	// parameter fixed/w [3 4]
	// parameter fixed/b [4]
	// parameter logits/w [4 2]
	// parameter logits/b [2]
	// linear free [3]
	// linear fixed [4]
	// linear logits [2]
	// group free 3 at free/w[1] free/b[0] fixed/w[0]
}
