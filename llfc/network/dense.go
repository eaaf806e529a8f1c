package network

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Dense is h·w + b for a flat value, h [batch, in], w [in, units], b [units]. Parameters: name/w, name/b. Tap: name. It makes new
// units, and the rows of w go with those of its input. It panics if the input is an image: call Flatten or Mean first.
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
	x = x.apply(name, "dense", []int{units}, out, w, true, len(in), func(w, h *graph.Node) *graph.Node { return product(h, w) })
	x.seeing(func(h *graph.Node) *graph.Node { return graph.InsertAxes(h, 1) })
	return x
}

// Flatten makes [H, W, C], or a value of any other rank, flat, channel fastest: unit (h·W + w)·C + c keeps the identity of channel c, so
// a permutation of channels becomes one of blocks. A flat value stays as it is. No tap, no parameters.
func (x X) Flatten() X {
	if len(x.dims) == 1 {
		return x
	}
	if volume(x.dims) > maxUnits {
		panic(tooLarge("layer %q: flattening %v gives more than %d features", x.name, x.dims, maxUnits))
	}
	size := size(x.dims)
	y := x.next(x.name, "flatten")
	y.units = slices.Repeat(x.units, size/len(x.units))
	y.dims = []int{size}
	if x.node != nil {
		y.node = graph.Reshape(x.node, x.node.Shape().Dim(0), size)
	}
	return y
}
