package network

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Dropout sets a share of the units to zero in training and scales the rest by 1/(1−share); elsewhere it does nothing. The mask
// depends on (Options.Seed, place in the network) alone, so a resumed run draws the same masks on every backend.
func (x X) Dropout(share float64) X {
	if !(share >= 0 && share < 1) {
		panic(fmt.Errorf("layer %q: a dropout share of %g; it must lie in [0, 1)", x.name, share))
	}
	if share == 0 {
		return x
	}
	t := x.trace
	y := x.next(x.name)
	if x.node == nil || !t.options.Train {
		return y
	}
	if t.options.Seed == nil {
		panic(fmt.Errorf("layer %q: dropout in training needs Options.Seed", x.name))
	}
	bits := hashIota(t.options.Seed, uint32(y.born), x.node.Shape())
	keep := graph.GreaterOrEqual(bits, graph.Const(bits.Graph(), uint32(share*(1<<32))))
	y.node = graph.Where(keep, graph.DivScalar(x.node, 1-share), graph.ZerosLike(x.node))
	return y
}

// hashIota returns 32 pseudo-random bits for every element: the 32-bit finaliser of MurmurHash3, applied to a counter and the key
// in turn. Integer arithmetic is exact, so every backend draws the same bits.
func hashIota(seed *graph.Node, place uint32, like shapes.Shape) *graph.Node {
	g := seed.Graph()
	key := mix(graph.Add(seed, graph.Const(g, place*0x9e3779b9)))
	counter := graph.IotaFull(g, shapes.Make(dtypes.Uint32, like.Dimensions...))
	return mix(graph.Add(mix(graph.BitwiseXor(counter, graph.BroadcastToDims(key, like.Dimensions...))), graph.BroadcastToDims(key, like.Dimensions...)))
}

func mix(h *graph.Node) *graph.Node {
	g := h.Graph()
	fold := func(h *graph.Node, by uint32) *graph.Node {
		return graph.BitwiseXor(h, graph.BitwiseShiftRightLogicalScalar(h, by))
	}
	h = graph.Mul(fold(h, 16), graph.Const(g, uint32(0x85ebca6b)))
	h = graph.Mul(fold(h, 13), graph.Const(g, uint32(0xc2b2ae35)))
	return fold(h, 16)
}
