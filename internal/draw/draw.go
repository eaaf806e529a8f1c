// Package draw makes pseudo-random bits inside a graph, the same on every backend. They are a function of seed, place and position, so there
// is no state of a generator to save.
package draw

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Bits returns 32 bits for every element, uint32 of the given dimensions: the 32-bit finaliser of MurmurHash3, applied to a counter
// and the key in turn. Integer arithmetic is exact, so every backend draws the same bits. seed is a uint32 scalar. Callers
// that share a seed use different places.
func Bits(seed *graph.Node, place uint32, dims ...int) *graph.Node {
	g := seed.Graph()
	key := mix(graph.Add(seed, graph.Const(g, place*0x9e3779b9)))
	counter := graph.IotaFull(g, shapes.Make(dtypes.Uint32, dims...))
	return mix(graph.Add(mix(graph.BitwiseXor(counter, graph.BroadcastToDims(key, dims...))), graph.BroadcastToDims(key, dims...)))
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
