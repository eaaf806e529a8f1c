package network

import "github.com/gomlx/gomlx/core/graph"

// convolvePoints is a 1×1 convolution: one matrix product over the positions that the stride keeps.
func convolvePoints(h, w *graph.Node, k Kernel) *graph.Node {
	if s := k.stride(); s > 1 {
		every := graph.AxisRange().Stride(s)
		h = graph.Slice(h, graph.AxisRange(), every, every)
	}
	s, d := h.Shape().Dimensions, w.Shape().Dimensions
	y := graph.MatMul(graph.Reshape(h, s[0]*s[1]*s[2], s[3]), graph.Reshape(w, d[2], d[3]))
	return graph.Reshape(y, s[0], s[1], s[2], d[3])
}

// convolveBlocks gathers what a block of neighbouring outputs of a row sees, and makes them with one matrix product: a kernel on few channels
// is too narrow a product by itself. The zeros of the wider kernel cost less than the patches they save.
func convolveBlocks(h, w *graph.Node, k Kernel) *graph.Node {
	s, d := k.stride(), w.Shape().Dimensions
	h = padded(h, k.Pad)
	rows, cols := (h.Shape().Dim(1)-k.Size)/s+1, (h.Shape().Dim(2)-k.Size)/s+1
	m := block(cols, d[3])
	width := (m-1)*s + k.Size
	seen := make([]*graph.Node, width)
	for i := range seen {
		seen[i] = graph.Slice(h, graph.AxisRange(), graph.AxisRange(), every(i, cols/m, m*s))
	}
	h = whole(graph.Concatenate(seen, -1)) // [batch, H, cols/m, width·in]
	seen = make([]*graph.Node, k.Size)
	for i := range seen {
		seen[i] = graph.Slice(h, graph.AxisRange(), every(i, rows, s))
	}
	h = whole(graph.Concatenate(seen, -1)) // [batch, rows, cols/m, size·width·in]
	kernels := make([]*graph.Node, m)
	for i := range kernels {
		moved := graph.PadAxis{Start: i * s, End: (m - 1 - i) * s}
		kernels[i] = graph.InsertAxes(graph.Pad(w, zero(w), graph.PadAxis{}, moved, graph.PadAxis{}, graph.PadAxis{}), 3)
	}
	n := h.Shape().Dim(0)
	y := graph.MatMul(graph.Reshape(h, n*rows*cols/m, k.Size*width*d[2]), graph.Reshape(graph.Concatenate(kernels, 3), k.Size*width*d[2], m*d[3]))
	return graph.Reshape(y, n, rows, cols, d[3])
}

// block is how many outputs of a row go together: as many as divide it evenly, up to 8 and to 256 numbers.
func block(cols, out int) int {
	m := max(min(8, 256/out), 1)
	for cols%m != 0 {
		m--
	}
	return m
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
	h = padded(h, k.Pad)
	s := k.stride()
	n, m := (h.Shape().Dim(1)-k.Size)/s+1, (h.Shape().Dim(2)-k.Size)/s+1
	out := make([]*graph.Node, 0, k.Size*k.Size)
	for i := range k.Size {
		for j := range k.Size {
			out = append(out, graph.Slice(h, graph.AxisRange(), every(i, n, s), every(j, m, s)))
		}
	}
	return out
}

// every takes n elements of an axis from the given one on, a stride apart.
func every(from, n, stride int) graph.SliceAxisSpec {
	return graph.AxisRange(from, from+(n-1)*stride+1).Stride(stride)
}

// padded puts zeros around the images.
func padded(h *graph.Node, pad int) *graph.Node {
	if pad == 0 {
		return h
	}
	p := graph.PadAxis{Start: pad, End: pad}
	return graph.Pad(h, zero(h), graph.PadAxis{}, p, p, graph.PadAxis{})
}
