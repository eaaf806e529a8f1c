package network

import (
	"github.com/gomlx/gomlx/core/graph"
)

// fewChannels is the number of input channels up to which gathering patches into one matrix product beats a convolution on
// every backend measured.
const fewChannels = 4

// convolve is the convolution of h [batch, H, W, in] with w [size, size, in, out]. shifted avoids the backend's own convolution:
// the pure-Go backend's is 60–80 times slower than matrix products, and XLA's CPU one falls to a naive loop where the
// image is smaller than the kernel.
func convolve(h, w *graph.Node, k Kernel, shifted bool) *graph.Node {
	in := w.Shape().Dim(2)
	switch {
	case in <= fewChannels:
		return convolvePatches(h, w, k)
	case shifted, min(h.Shape().Dim(1), h.Shape().Dim(2)) < k.Size:
		return convolveShifts(h, w, k)
	}
	return graph.Convolve(h, w).PaddingPerDim([][2]int{{k.Pad, k.Pad}, {k.Pad, k.Pad}}).Strides(k.stride()).Done()
}

// convolvePatches joins the size² shifted inputs along the channels and multiplies once.
func convolvePatches(h, w *graph.Node, k Kernel) *graph.Node {
	d := w.Shape().Dimensions
	patches := shifts(h, k)
	x := graph.Concatenate(patches, -1)
	s := x.Shape().Dimensions
	y := graph.MatMul(graph.Reshape(x, s[0]*s[1]*s[2], s[3]), graph.Reshape(w, d[0]*d[1]*d[2], d[3]))
	return graph.Reshape(y, s[0], s[1], s[2], d[3])
}

// convolveShifts adds up one matrix product for each of the size² positions of the kernel.
func convolveShifts(h, w *graph.Node, k Kernel) *graph.Node {
	d := w.Shape().Dimensions
	var y *graph.Node
	var s []int
	for i, x := range shifts(h, k) {
		s = x.Shape().Dimensions
		wi := graph.Reshape(graph.Slice(w, graph.AxisElem(i/d[1]), graph.AxisElem(i%d[1])), d[2], d[3])
		term := graph.MatMul(graph.Reshape(x, s[0]*s[1]*s[2], s[3]), wi)
		if y == nil {
			y = term
		} else {
			y = graph.Add(y, term)
		}
	}
	return graph.Reshape(y, s[0], s[1], s[2], d[3])
}

// shifts returns the strided slice of the padded input that each position of the kernel sees, row by row.
func shifts(h *graph.Node, k Kernel) []*graph.Node {
	if k.Pad > 0 {
		p := graph.PadAxis{Start: k.Pad, End: k.Pad}
		h = graph.Pad(h, graph.ScalarZero(h.Graph(), h.DType()), graph.PadAxis{}, p, p, graph.PadAxis{})
	}
	s := k.stride()
	n, m := (h.Shape().Dim(1)-k.Size)/s+1, (h.Shape().Dim(2)-k.Size)/s+1
	out := make([]*graph.Node, 0, k.Size*k.Size)
	for i := range k.Size {
		for j := range k.Size {
			rows := graph.AxisRange(i, i+(n-1)*s+1).Stride(s)
			cols := graph.AxisRange(j, j+(m-1)*s+1).Stride(s)
			out = append(out, graph.Slice(h, graph.AxisRange(), rows, cols, graph.AxisRange()))
		}
	}
	return out
}
