package network

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/backend/native"
)

// hasNative tells whether the backend of x has native operations and they take its type.
func hasNative(x *graph.Node) bool {
	return x.DType() == dtypes.Float32 && native.Has(x.Graph().Backend())
}

// convolveNative is convolve by native operations, with their gradients.
func convolveNative(x, w *graph.Node, k Kernel) *graph.Node {
	call := func(target string, body func(a, b *graph.Node) *graph.Node, a, b *graph.Node) *graph.Node {
		op := native.Op{Target: target, Attributes: []int{k.stride(), k.Pad}}
		return native.Call(op, func(in []*graph.Node) []*graph.Node { return []*graph.Node{body(in[0], in[1])} }, a, b)[0]
	}
	forward := func(x, w *graph.Node) *graph.Node {
		return call("forward", func(x, w *graph.Node) *graph.Node { return convolveBackend(x, w, k) }, x, w)
	}
	return withGradient(x, w, forward, func(x, w, dy *graph.Node) (dx, dw *graph.Node) {
		s := x.Shape().Dimensions
		dx = call("input_gradient", func(dy, w *graph.Node) *graph.Node { return inputGradient(dy, w, k, s[1], s[2]) }, dy, w)
		return dx, call("weight_gradient", func(x, dy *graph.Node) *graph.Node { return weightGradient(x, dy, k) }, x, dy)
	})
}

// inputGradient is the gradient of a convolution of images of h × v as one convolution of dy, spread out by the stride, with the kernel turned.
func inputGradient(dy, w *graph.Node, k Kernel, h, v int) *graph.Node {
	s, before := k.stride(), k.Size-1-k.Pad
	pad := func(size, out int) [2]int { return [2]int{before, size - 1 - (out-1)*s + k.Pad} }
	pads := [][2]int{pad(h, dy.Shape().Dim(1)), pad(v, dy.Shape().Dim(2))}
	return graph.ConvGeneral(dy, turn(w), imageAxes, nil, pads, []int{s, s}, nil, 1, 1)
}

// weightGradient is the gradient of a convolution as one convolution over the batch: channels of x are its images, dy is its kernel.
func weightGradient(x, dy *graph.Node, k Kernel) *graph.Node {
	s := k.stride()
	seen := func(out int) int { return (out-1)*s + k.Size } // what the kernel reaches of a padded axis
	var pads [][2]int
	at := []graph.SliceAxisSpec{graph.AxisRange()}
	for axis := 1; axis <= 2; axis++ {
		size, need := x.Shape().Dim(axis), seen(dy.Shape().Dim(axis))-k.Pad
		at = append(at, graph.AxisRange(0, min(size, need)))
		pads = append(pads, [2]int{k.Pad, max(need-size, 0)})
	}
	over := graph.ConvolveAxesConfig{
		InputBatch: 3, InputChannels: 0, InputSpatial: []int{1, 2},
		KernelInputChannels: 0, KernelOutputChannels: 3, KernelSpatial: []int{1, 2},
		OutputBatch: 2, OutputChannels: 3, OutputSpatial: []int{0, 1},
	}
	return graph.ConvGeneral(graph.Slice(x, at...), dy, over, nil, pads, nil, []int{s, s}, 1, 1)
}

// imageAxes are those of images [batch, H, W, channels] and kernels [H, W, in, out].
var imageAxes = graph.ConvolveAxesConfig{
	InputBatch: 0, InputChannels: 3, InputSpatial: []int{1, 2},
	KernelInputChannels: 2, KernelOutputChannels: 3, KernelSpatial: []int{0, 1},
	OutputBatch: 0, OutputChannels: 3, OutputSpatial: []int{1, 2},
}

// normNative is γ·(h − μ)/√(v + ε) + β with the moments of h over all axes but the last, which it returns. Sums over h are native, and what is done to
// each of its numbers is left to XLA, which does it together with what comes before and after.
func normNative(h, gamma, beta *graph.Node) (y, mean, variance *graph.Node) {
	n := float64(h.Shape().Size() / h.Shape().Dim(-1))
	m := native.Call(native.Op{Target: "moments"}, func(in []*graph.Node) []*graph.Node {
		h, count := in[0], graph.Const(in[0].Graph(), []float32{float32(n)})
		mean := graph.Div(channelSums(h), count)
		centred := graph.Sub(h, graph.ExpandLeftToRank(mean, h.Rank()))
		return []*graph.Node{mean, graph.Div(channelSums(graph.Square(centred)), count)}
	}, graph.StopGradient(h))
	mean, variance = graph.StopGradient(m[0]), graph.StopGradient(m[1])
	y = withOwnGradients([]*graph.Node{h, gamma, beta}, func(in []*graph.Node) *graph.Node {
		return affine(in[0], mean, variance, in[1], in[2])
	}, func(in []*graph.Node, dy *graph.Node) []*graph.Node {
		h, gamma := in[0], in[1]
		s := native.Call(native.Op{Target: "norm_sums"}, func(in []*graph.Node) []*graph.Node {
			dy, h, mean := in[0], in[1], in[2]
			return []*graph.Node{channelSums(dy), channelSums(graph.Mul(dy, graph.Sub(h, graph.ExpandLeftToRank(mean, h.Rank()))))}
		}, dy, h, mean)
		scale := graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, batchEpsilon)))
		slope := graph.Mul(s[1], scale) // the gradient of γ
		// dh = γ·scale·(dy − Σdy/n − (h − μ)·scale·slope/n), as a multiple of dy, one of h and a constant for each channel
		outer := graph.Mul(gamma, scale)
		inner := graph.Neg(graph.DivScalar(graph.Mul(graph.Mul(outer, scale), slope), n))
		rest := graph.Neg(graph.Add(graph.DivScalar(graph.Mul(outer, s[0]), n), graph.Mul(inner, mean)))
		each := func(v *graph.Node) *graph.Node { return graph.ExpandLeftToRank(v, h.Rank()) }
		dh := graph.Add(graph.Mul(dy, each(outer)), graph.Add(graph.Mul(h, each(inner)), each(rest)))
		return []*graph.Node{dh, slope, s[0]}
	})
	return y, mean, variance
}

// channelSums is the sum over all axes but the last. It is a matrix product because a function of a graph cannot reduce: the library makes what a
// reduction calls for the main function only.
func channelSums(h *graph.Node) *graph.Node {
	channels := h.Shape().Dim(-1)
	rows := h.Shape().Size() / channels
	ones := graph.BroadcastToDims(graph.Const(h.Graph(), [][]float32{{1}}), 1, rows)
	return graph.Reshape(product(ones, graph.Reshape(h, rows, channels)), channels)
}
