package network

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Bytes that the tiles of a chunk of images may take. cacheBytes suits a core's second-level cache. Where the transformed kernel is larger
// than kernelBytes, adding to it once for each chunk costs more than the cache saves, and chunks only bound the memory.
const (
	cacheBytes  = 5 << 18
	kernelBytes = 3 << 20
	tileBytes   = 48 << 20
)

// imagesAtOnce is how many images winogradWeights transforms together.
func imagesAtOnce(x, dy *graph.Node) int {
	in, out := x.Shape().Dim(3), dy.Shape().Dim(3)
	image := 4 * 36 * (x.Shape().Dim(1) / 4) * (x.Shape().Dim(2) / 4) * (in + out)
	room := cacheBytes
	if 4*36*in*out > kernelBytes {
		room = tileBytes
	}
	chunks := max((image*x.Shape().Dim(0)+room-1)/room, 1)
	return (x.Shape().Dim(0) + chunks - 1) / chunks
}

// sumOverImages is the sum of f, of shape dims, over chunks of images of x and dy, both [batch, H, W, C]. XLA loops, so that one chunk is compiled for all;
// other backends get everything at once, since they lack slices at a place known only when running.
func sumOverImages(x, dy *graph.Node, images int, dims []int, f func(x, dy *graph.Node) *graph.Node) *graph.Node {
	n := x.Shape().Dim(0)
	if images >= n || deviceOf(x.Graph()) == pureGo {
		return f(x, dy)
	}
	g, end := x.Graph(), n/images*images
	sum := graph.BroadcastToDims(zero(x), dims...)
	if end < n {
		rest := graph.AxisRange(end, n)
		sum = f(graph.Slice(x, rest), graph.Slice(dy, rest))
	}
	state := []*graph.Node{x, dy, sum, integer(g, 0)}
	// What a loop is made of belongs to its own functions, the constants too: graph.Scalar and its like would share them.
	declare := func(g *graph.Graph) []*graph.Node {
		out := make([]*graph.Node, len(state))
		for i, s := range state {
			out[i] = graph.Parameter(g, fmt.Sprintf("images%d", i), s.Shape())
		}
		return out
	}
	condition := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		return []*graph.Node{graph.LessThan(declare(g)[3], integer(g, end))}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := declare(g)
		chunk := func(of *graph.Node) *graph.Node {
			at := []*graph.Node{s[3], integer(g, 0), integer(g, 0), integer(g, 0)}
			return graph.DynamicSlice(of, at, append([]int{images}, of.Shape().Dimensions[1:]...))
		}
		sum := graph.Add(s[2], f(chunk(s[0]), chunk(s[1])))
		return []*graph.Node{s[0], s[1], sum, graph.Add(s[3], integer(g, images))}
	})
	return graph.While(condition, body, state...)[2]
}

// integer and zero are constants that belong to the function being built, and to no cache of the graph.
func integer(g *graph.Graph, v int) *graph.Node {
	return graph.Reshape(graph.Const(g, []int32{int32(v)}))
}

func zero(like *graph.Node) *graph.Node {
	return graph.Reshape(graph.Const(like.Graph(), []float32{0}))
}
