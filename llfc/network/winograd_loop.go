package network

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Bytes that the tiles of a chunk of images may take. cacheBytes suits a core's second-level cache. Where the transformed kernel is larger
// than kernelBytes, adding to it once for each chunk costs more than the cache saves; and a backend without loops has every chunk in its
// graph. There tileBytes bounds the memory. forwardBytes is where XLA's own forward pass is left to it, for its memory too.
const (
	cacheBytes   = 5 << 18
	kernelBytes  = 3 << 20
	tileBytes    = 32 << 20
	forwardBytes = 128 << 20
)

// bytesOfTiles is what the tiles of one image of x take, at as many channels.
func bytesOfTiles(x *graph.Node, channels int) int {
	return 4 * 36 * (up(x.Shape().Dim(1)) / 4) * (up(x.Shape().Dim(2)) / 4) * channels
}

// imagesIn is how many images have their tiles in room; chunks are about the same size.
func imagesIn(x *graph.Node, channels, room int) int {
	n := x.Shape().Dim(0)
	chunks := min(max((bytesOfTiles(x, channels)*n+room-1)/room, 1), n)
	return (n + chunks - 1) / chunks
}

// overImages applies f to chunks of the images of x, one after another.
func overImages(x *graph.Node, images int, f func(x *graph.Node) *graph.Node) *graph.Node {
	n := x.Shape().Dim(0)
	if images >= n {
		return f(x)
	}
	var parts []*graph.Node
	for i := 0; i < n; i += images {
		parts = append(parts, f(graph.Slice(x, graph.AxisRange(i, min(i+images, n)))))
	}
	return graph.Concatenate(parts, 0)
}

// sumOverImages is the sum of f, of shape dims, over chunks of images of x and dy, both [batch, H, W, C]. XLA loops, so that one chunk is
// compiled for all; the pure-Go backend cannot take slices at a place known only when running.
func sumOverImages(x, dy *graph.Node, images int, dims []int, f func(x, dy *graph.Node) *graph.Node) *graph.Node {
	n := x.Shape().Dim(0)
	if images >= n {
		return f(x, dy)
	}
	g := x.Graph()
	if deviceOf(g) == pureGo {
		var sum *graph.Node
		for i := 0; i < n; i += images {
			at := graph.AxisRange(i, min(i+images, n))
			if part := f(graph.Slice(x, at), graph.Slice(dy, at)); sum == nil {
				sum = part
			} else {
				sum = graph.Add(sum, part)
			}
		}
		return sum
	}
	end := n / images * images
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
		part := func(of *graph.Node) *graph.Node {
			at := []*graph.Node{s[3], integer(g, 0), integer(g, 0), integer(g, 0)}
			return graph.DynamicSlice(of, at, append([]int{images}, of.Shape().Dimensions[1:]...))
		}
		sum := graph.Add(s[2], f(part(s[0]), part(s[1])))
		return []*graph.Node{s[0], s[1], sum, graph.Add(s[3], integer(g, images))}
	})
	return graph.While(condition, body, state...)[2]
}

// integer and zero are constants that belong to the function being built, and to no cache of the graph.
func integer(g *graph.Graph, v int) *graph.Node {
	return graph.Reshape(graph.Const(g, []int32{int32(v)}))
}

func zero(like *graph.Node) *graph.Node {
	z := graph.Reshape(graph.Const(like.Graph(), []float32{0}))
	if z.DType() != like.DType() {
		z = graph.ConvertDType(z, like.DType())
	}
	return z
}
