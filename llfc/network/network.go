package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// Forward is an architecture: it names its layers as it applies them to x, and returns the logits.
type Forward func(x X) X

// Network is an architecture with its sizes settled. Parameters, taps, cost and symmetry are derived by running Forward.
type Network struct {
	Spec    Spec
	Forward Forward
}

// Options say how Forward runs; the zero value describes.
type Options struct {
	Weights    func(name string) *graph.Node // looks a parameter up by name; nil describes only
	From       string                        // a cut: the given node replaces the value of this tap, what comes before is only described
	Train      bool                          // dropout is applied, batch norms take the statistics of the batch
	Statistics bool                          // batch norms take the statistics of the batch, without dropout: what resetting their buffers needs
	Seed       *graph.Node                   // scalar Uint32 from which dropout masks are drawn; required with Train where there is dropout
	Shifted    bool                          // convolutions are sums of shifted matrix products, whatever is fastest: something to compare with
	Precision  dtypes.DType                  // what linear maps round their inputs, weights and results to; the zero value rounds nothing

	// Edit replaces the value of every tap that an operation makes by what it returns, of the same shape: all that follows sees the
	// new value. h is [batch, Dims...]. A value that As renames is edited again under its new name; one that From injects is not. nil edits nothing.
	Edit func(tap string, h *graph.Node) *graph.Node
}

// Trace is what one run of Forward has recorded.
type Trace struct {
	Params  []Param  // in the order of first use
	Taps    []Tap    // every named value, in order
	Linears []Linear // every linear map, in order
	Acts    []Act    // every nonlinearity, in order
	FLOPs   int64    // one sample's forward pass; a multiply-add counts as two
	Output  X
	Updates map[string]*graph.Node // buffer name → this batch's statistic (variances unbiased), with Options.Train or Statistics

	options Options
	inject  *graph.Node
	classes int
	numbers int             // in all parameters
	names   map[string]bool // of the taps
	bounds  bounds
	units   units
	clock   int
	spans   [][2]int // [born, used]: a value made at one time and used at a later one
	tapped  []tapped
	layouts map[string][][]int // parameter name → unit ids per axis, nil where the axis carries none
	folds   []fold
	ops     []string // one line for each operation, for the identity
}

// Param is one parameter tensor.
type Param struct {
	Name   string
	Dims   []int
	Role   Role
	FanIn  int
	FanOut int

	draw func(rng *rand.Rand) float64 // an initialiser of its own; nil where Spec.Init's serves
}

// Role says what a parameter is for, which decides how it is initialised.
type Role string

// The roles of parameters.
const (
	Weight   Role = "weight"   // of a linear map
	Bias     Role = "bias"     // of a linear map
	Scale    Role = "scale"    // γ of a norm
	Shift    Role = "shift"    // β of a norm
	Mean     Role = "mean"     // μ of a batch norm, a buffer
	Variance Role = "variance" // v of a batch norm, a buffer
)

// Buffer reports whether a parameter is a statistic of the data, which no gradient moves: it moves with its units under a
// permutation, but has no vote in finding one.
func (p Param) Buffer() bool { return p.Role == Mean || p.Role == Variance }

// Tap is a named value of the forward pass.
type Tap struct {
	Name string
	Kind string      // "input", "linear", "norm", "act", "pool", "block"
	Dims []int       // of one sample: [H, W, C] or [F]
	Cut  bool        // nothing made before this tap is used after it, so the network can start here
	Node *graph.Node // [batch, Dims...], nil when describing
}

type tapped struct {
	time  int
	units []int
}

// Linear is a linear map without its bias: Definition 4 needs W_A·H_B beside W_A·H_A.
type Linear struct {
	Name  string
	W, In *graph.Node
	Apply func(w, in *graph.Node) *graph.Node

	// Patches are what each output sees of in, [batch, positions, n]: Apply(w, in) is their product with w reshaped to [n, units]. Units of the
	// last axis of in come once for each position of the kernel, and fastest. nil for maps of one's own.
	Patches func(in *graph.Node) *graph.Node
}

// Act is an elementwise nonlinearity σ and the value it is applied to (Definition 3).
type Act struct {
	Name  string
	In    *graph.Node
	Apply func(z *graph.Node) *graph.Node
}

// Describe runs the forward function without a graph. It needs no backend.
func (n Network) Describe() (*Trace, error) { return n.describe(within(context.Background())) }

func (n Network) describe(b bounds) (t *Trace, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("network %q: %w", n.Spec.Architecture, r.(error)) // trace panics with nothing else
		}
	}()
	return n.trace(Options{}, nil, b), nil
}

// Trace runs the forward function. x is the input [batch, Input...], or the value of the tap o.From; nil describes. Inside a graph
// function it panics with an error, as GoMLX's own operations do.
func (n Network) Trace(o Options, x *graph.Node) *Trace {
	return n.trace(o, x, within(context.Background()))
}

func (n Network) trace(o Options, x *graph.Node, b bounds) *Trace {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if !ok { // of the forward function; in a graph it would hang the executable
				e = fmt.Errorf("the forward function: %v", r)
			}
			panic(e)
		}
	}()
	if n.Forward == nil {
		panic(errors.New("the network has no forward function"))
	}
	if len(n.Spec.Input) == 0 || slices.Min(n.Spec.Input) < 1 || n.Spec.Classes < 1 {
		panic(fmt.Errorf("input shape %v and %d classes: every size must be at least 1", n.Spec.Input, n.Spec.Classes))
	}
	inputs := 1
	for _, d := range n.Spec.Input {
		if d > maxUnits/inputs {
			panic(tooLarge("input shape %v: more than the %d values that a sample may have", n.Spec.Input, maxUnits))
		}
		inputs *= d
	}
	t := &Trace{options: o, bounds: b, names: map[string]bool{}, classes: n.Spec.Classes, layouts: map[string][][]int{}, Updates: map[string]*graph.Node{}}
	in := X{trace: t, name: "input", dims: n.Spec.Input, units: t.units.fresh("input", n.Spec.Input[len(n.Spec.Input)-1])}
	t.units.pin(in.units)
	if o.From == "" {
		in.node = x
		checkNode("input", x, in.dims)
	} else {
		t.inject = x
	}
	in = in.tap("input", "input")
	t.Output = n.Forward(in)
	if t.Output.trace != t {
		panic(errors.New("the forward function returns a value that it has not made from its argument"))
	}
	t.units.pin(t.Output.units)
	if got := t.Output.dims; len(got) != 1 || got[0] != n.Spec.Classes {
		panic(fmt.Errorf("layer %q: the output has shape %v, expected [%d], one logit for each class", t.Output.name, got, n.Spec.Classes))
	}
	if last := t.Taps[len(t.Taps)-1].Name; last != t.Output.name {
		panic(fmt.Errorf("layer %q: the forward function must end in a named layer; the last one is %q", t.Output.name, last))
	}
	t.findCuts()
	if o.From != "" {
		t.checkStart(o.From)
	}
	return t
}

// findCuts marks the taps that no value jumps over.
func (t *Trace) findCuts() {
	over := make([]int, t.clock+2) // by how many more, or fewer, values are underway at a time than at the one before
	for _, s := range t.spans {
		if s[1]-s[0] > 1 {
			over[s[0]+1]++
			over[s[1]]--
		}
	}
	for i := range over[1:] {
		over[i+1] += over[i]
	}
	for i, at := range t.tapped {
		t.Taps[i].Cut = over[at.time] == 0
	}
}

func (t *Trace) checkStart(from string) {
	i := slices.IndexFunc(t.Taps, func(p Tap) bool { return p.Name == from })
	if i < 0 {
		panic(fmt.Errorf("there is no tap %q to start from; the taps are %q", from, names(t.Taps)))
	}
	if !t.Taps[i].Cut {
		panic(fmt.Errorf("tap %q is not a cut: a value made before it is used after it, so the network cannot start there", from))
	}
}

func names(taps []Tap) []string {
	out := make([]string, len(taps))
	for i, p := range taps {
		out[i] = p.Name
	}
	return out
}

func checkNode(name string, node *graph.Node, dims []int) {
	if node == nil {
		return
	}
	if err := checkShape(node, dims); err != nil {
		panic(fmt.Errorf("tap %q: %w", name, err))
	}
}

func checkShape(node *graph.Node, dims []int) error {
	if s := node.Shape(); s.Rank() != len(dims)+1 || !slices.Equal(s.Dimensions[1:], dims) {
		return fmt.Errorf("expected a node of shape [batch, %v], got %s", dims, s)
	}
	return nil
}
