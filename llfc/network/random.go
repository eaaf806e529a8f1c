package network

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/internal/draw"
)

// Dropout sets a share of the units to zero in training and scales the rest by 1/(1−share); elsewhere it does nothing. The mask
// depends on Options.Seed and the place in the network only, so a resumed run draws the same masks on every backend. No tap. Units
// stay. It panics if the share does not lie in [0, 1).
func (x X) Dropout(share float64) X {
	if !(share >= 0 && share < 1) {
		panic(fmt.Errorf("layer %q: a dropout share of %g; it must lie in [0, 1)", x.name, share))
	}
	if share == 0 {
		return x
	}
	t := x.trace
	y := x.next(x.name, fmt.Sprintf("dropout %g", share))
	if x.node == nil || !t.options.Train {
		return y
	}
	if t.options.Seed == nil {
		panic(fmt.Errorf("layer %q: dropout in training needs Options.Seed", x.name))
	}
	bits := draw.Bits(t.options.Seed, uint32(y.born), x.node.Shape().Dimensions...)
	keep := graph.GreaterOrEqual(bits, graph.Const(bits.Graph(), uint32(share*(1<<32))))
	y.node = graph.Where(keep, graph.DivScalar(x.node, 1-share), graph.ZerosLike(x.node))
	return y
}
