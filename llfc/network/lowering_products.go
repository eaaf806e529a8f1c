package network

import "github.com/gomlx/gomlx/core/graph"

// convolvePoints is a 1×1 convolution: one matrix product over the positions that the stride keeps.
func convolvePoints(h, w *graph.Node, k Kernel) *graph.Node {
	if s := k.stride(); s > 1 {
		every := graph.AxisRange().Stride(s)
		h = graph.Slice(h, graph.AxisRange(), every, every, graph.AxisRange())
	}
	s, d := h.Shape().Dimensions, w.Shape().Dimensions
	y := graph.MatMul(graph.Reshape(h, s[0]*s[1]*s[2], s[3]), graph.Reshape(w, d[2], d[3]))
	return graph.Reshape(y, s[0], s[1], s[2], d[3])
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
