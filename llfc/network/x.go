package network

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// X is the value that flows through a network. It always carries a name, the shape of one sample and the identity of each unit of its
// last axis; it carries a graph node only where there is one. Every operation does its bookkeeping, and calls the graph only
// when its inputs have nodes: so describing, evaluating, training and stitching are one code.
type X struct {
	trace *Trace
	name  string
	dims  []int
	units []int // unit ids of the last axis
	node  *graph.Node
	born  int

	linear string // the linear map whose output this is, bias included, with nothing applied to it; "" otherwise
}

// Units returns the size of the last axis: channels, or features of a flat value.
func (x X) Units() int { return x.dims[len(x.dims)-1] }

// Dims returns the shape of one sample.
func (x X) Dims() []int { return slices.Clone(x.dims) }

// Classes returns the number of logits the network is to end in.
func (x X) Classes() int { return x.trace.classes }

// Node returns the graph node [batch, Dims...], nil when describing.
func (x X) Node() *graph.Node { return x.node }

// next returns the value that follows x under a new name; x counts as used now. op says which operation makes it, with all that it
// depends on: it enters the network's identity.
func (x X) next(name, op string) X {
	t := x.trace
	t.clock++
	t.ops = append(t.ops, fmt.Sprintf("%d = %s of %d", t.clock, op, x.born))
	t.spans = append(t.spans, [2]int{x.born, t.clock})
	x.name, x.born, x.linear = name, t.clock, ""
	return x
}

// tap records x under its name, and takes the injected node where the run starts here.
func (x X) tap(name, kind string) X {
	t := x.trace
	if t.names[name] {
		panic(fmt.Errorf("layer %q: the name is used twice", name))
	}
	if t.names[name] = true; len(t.Taps) == maxTaps {
		panic(tooLarge("layer %q: more layers than the %d named values that a network may have", name, maxTaps))
	}
	if err := t.bounds.ctx.Err(); err != nil {
		panic(fmt.Errorf("layer %q: %w", name, err))
	}
	switch {
	case t.inject != nil && t.options.From == name:
		checkNode(name, t.inject, x.dims)
		x.node = t.inject
	case x.node != nil && t.options.Edit != nil:
		x.node = t.options.Edit(name, x.node)
		checkNode(name, x.node, x.dims)
	}
	x.name = name
	t.Taps = append(t.Taps, Tap{Name: name, Kind: kind, Dims: x.dims, Node: x.node})
	t.tapped = append(t.tapped, tapped{time: x.born, units: x.units})
	return x
}

// param declares a parameter and returns its node, nil when describing. layout holds the unit ids along each axis.
func (x X) param(p Param, layout [][]int) *graph.Node {
	t := x.trace
	if _, twice := t.layouts[p.Name]; twice {
		panic(fmt.Errorf("layer %q: the parameter %q is declared twice", x.name, p.Name))
	}
	if n := volume(p.Dims); float64(t.numbers)+n > t.bounds.numbers {
		panic(tooLarge("parameter %q of shape %v: %.0f numbers, and with those before it more than the %.0f that %s", p.Name, p.Dims, n, t.bounds.numbers, t.bounds.of))
	}
	t.numbers += size(p.Dims)
	t.layouts[p.Name] = layout
	t.Params = append(t.Params, p)
	if x.node == nil || t.options.Weights == nil {
		return nil
	}
	w := t.options.Weights(p.Name)
	if w == nil {
		panic(fmt.Errorf("layer %q: no weights for the parameter %q", x.name, p.Name))
	}
	if !slices.Equal(w.Shape().Dimensions, p.Dims) {
		panic(fmt.Errorf("parameter %q: expected shape %v, got %v", p.Name, p.Dims, w.Shape().Dimensions))
	}
	return w
}

// apply finishes a linear map without bias: it records the map, adds the bias and taps the sum.
func (x X) apply(name, op string, dims, units []int, w *graph.Node, bias bool, fanIn int, of func(w, in *graph.Node) *graph.Node) X {
	t := x.trace
	y := x.next(name, op)
	y.dims, y.units = dims, units
	of = rounded(t.options.Precision, of)
	t.Linears = append(t.Linears, Linear{Name: name, W: w, In: x.node, Apply: of})
	if x.node != nil {
		y.node = of(w, x.node)
	}
	if bias {
		b := x.param(Param{Name: name + "/b", Dims: []int{len(units)}, Role: Bias, FanIn: fanIn, FanOut: len(units)}, [][]int{units})
		if y.node != nil {
			y.node = graph.Add(y.node, graph.ExpandLeftToRank(b, y.node.Rank()))
		}
	}
	y.linear = name
	return y.tap(name, "linear")
}

// seeing says what each output of the last linear map sees of its input.
func (x X) seeing(patches func(in *graph.Node) *graph.Node) {
	x.trace.Linears[len(x.trace.Linears)-1].Patches = patches
}

// As gives the value a name of the architecture's own ("layer1.0"). A value that its operation has tapped is tapped under the new name
// only; any other, such as a sum, is tapped now, as a "block". Shape and units stay. It panics if the name is taken.
func (x X) As(name string) X {
	t := x.trace
	last := len(t.Taps) - 1
	if t.tapped[last].time != x.born {
		return x.next(name, "block").tap(name, "block")
	}
	if a := len(t.Acts) - 1; a >= 0 && t.Acts[a].Name == t.Taps[last].Name {
		t.Acts[a].Name = name
	}
	kind := t.Taps[last].Kind
	delete(t.names, t.Taps[last].Name)
	t.Taps, t.tapped = t.Taps[:last], t.tapped[:last]
	return x.tap(name, kind)
}
