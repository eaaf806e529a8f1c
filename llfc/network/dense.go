package network

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Dense is h·w + b for a flat value, h [batch, in], w [in, units], b [units]. Parameters: name/w, name/b. Tap: name.
func (x X) Dense(name string, units int) X {
	if len(x.dims) != 1 {
		panic(fmt.Errorf("layer %q: a dense layer needs a flat input, got %v from %q; call Flatten first", name, x.dims, x.name))
	}
	if units < 1 {
		panic(fmt.Errorf("layer %q: %d units; at least 1 is needed", name, units))
	}
	in, out := x.units, x.trace.units.fresh(name, units)
	w := x.param(Param{Name: name + "/w", Dims: []int{len(in), units}, Role: Weight, FanIn: len(in), FanOut: units}, [][]int{in, out})
	x.trace.FLOPs += 2*int64(len(in))*int64(units) + int64(units)
	return x.apply(name, []int{units}, out, w, true, len(in), func(w, h *graph.Node) *graph.Node { return product(h, w) })
}

// Flatten makes [H, W, C] flat, channel fastest: unit (h·W + w)·C + c keeps the identity of channel c, so a permutation
// of channels becomes one of blocks. A flat value stays as it is.
func (x X) Flatten() X {
	if len(x.dims) == 1 {
		return x
	}
	if volume(x.dims) > maxUnits {
		panic(tooLarge("layer %q: flattening %v gives more than %d features", x.name, x.dims, maxUnits))
	}
	size := size(x.dims)
	y := x.next(x.name)
	y.units = slices.Repeat(x.units, size/len(x.units))
	y.dims = []int{size}
	if x.node != nil {
		y.node = graph.Reshape(x.node, x.node.Shape().Dim(0), size)
	}
	return y
}

// Add is the sum of two values of the same shape, which joins their units one by one.
func (x X) Add(y X) X {
	if !slices.Equal(x.dims, y.dims) {
		panic(fmt.Errorf("layer %q: cannot add %q of shape %v to %q of shape %v", x.name, y.name, y.dims, x.name, x.dims))
	}
	z := x.next(x.name + "+" + y.name)
	x.trace.spans = append(x.trace.spans, [2]int{y.born, z.born})
	for i, u := range x.units {
		x.trace.units.join(u, y.units[i])
	}
	z.node = nil
	if x.node != nil && y.node != nil {
		z.node = graph.Add(x.node, y.node)
	}
	return z
}

// ReLU is max(z, 0), with gradient 0 at 0. Tap: the name of z + "/relu".
func (x X) ReLU() X {
	y := x.next(x.name + "/relu")
	x.trace.Acts = append(x.trace.Acts, Act{Name: y.name, In: x.node, Apply: relu})
	if x.node != nil {
		y.node = relu(x.node)
	}
	return y.tap(y.name, "act")
}

// relu by Where: MaxScalar and the library's own ReLU have gradient 1 at 0 on some backends.
func relu(z *graph.Node) *graph.Node {
	zero := graph.ScalarZero(z.Graph(), z.DType())
	return graph.Where(graph.GreaterThan(z, zero), z, zero)
}
