package network

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// rounded is a linear map of w and h rounded to a type, whose sums are rounded to it too and given back as the type of h: what
// PyTorch's autocast does. Gradients pass through the same map in the same type, and reach w and h in theirs.
func rounded(to dtypes.DType, of func(w, h *graph.Node) *graph.Node) func(w, h *graph.Node) *graph.Node {
	if to == dtypes.InvalidDType {
		return of
	}
	return func(w, h *graph.Node) *graph.Node {
		return graph.ConvertDType(of(graph.ConvertDType(w, to), graph.ConvertDType(h, to)), h.DType())
	}
}

// product is h·w for matrices, h [rows, in], w [in, out]. The library's own asks for sums in float32 where the factors have half the
// bits; backends keep such sums unasked, and asking makes it multiply in float32 when it goes back for the gradients.
func product(h, w *graph.Node) *graph.Node {
	return graph.Dot(h, w).WithAccumulatorDType(dtypes.InvalidDType).MatMul()
}
