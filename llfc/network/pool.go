package network

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// MaxPool is the maximum over k × k windows side by side; what does not fill a window is left out, as in PyTorch.
// Tap: the name of the input + "/pool".
func (x X) MaxPool(k int) X { return x.MaxPoolOver(Kernel{Size: k, Stride: k}) }

// MaxPoolOver is the maximum over the windows of a kernel; what lies outside the image counts for nothing. Tap: the name of the
// input + "/pool".
func (x X) MaxPoolOver(k Kernel) X {
	if len(x.dims) != 3 || k.Size < 1 || k.Pad < 0 || 2*k.Pad > k.Size || min(x.dims[0], x.dims[1])+2*k.Pad < k.Size {
		panic(fmt.Errorf("layer %q: cannot pool %d×%d windows of an input of shape %v, padded by %d", x.name, k.Size, k.Size, x.dims, k.Pad))
	}
	y := x.next(x.name + "/pool")
	y.dims = []int{k.out(x.dims[0]), k.out(x.dims[1]), x.dims[2]}
	if h := x.node; h != nil {
		if k.Pad > 0 {
			p := graph.PadAxis{Start: k.Pad, End: k.Pad}
			h = graph.Pad(h, graph.Scalar(h.Graph(), h.DType(), math.Inf(-1)), graph.PadAxis{}, p, p, graph.PadAxis{})
			k.Pad = 0
		}
		y.node = maxPool(h, k)
	}
	return y.tap(y.name, "pool")
}

// maxPool is the maximum of size² strided slices: ties give the gradient to one of them, and it is 2–10 times faster than the
// backends' own pooling.
func maxPool(h *graph.Node, k Kernel) *graph.Node {
	parts := shifts(h, k)
	y := parts[0]
	for _, p := range parts[1:] {
		y = graph.Max(y, p)
	}
	return y
}

// Mean is the mean over all positions of an image, [H, W, C] → [C]. Tap: the name of the input + "/mean".
func (x X) Mean() X {
	if len(x.dims) != 3 {
		panic(fmt.Errorf("layer %q: a mean over positions needs an input [H, W, C], got %v", x.name, x.dims))
	}
	y := x.next(x.name + "/mean")
	y.dims = x.dims[2:]
	if x.node != nil {
		y.node = graph.ReduceMean(x.node, 1, 2)
	}
	return y.tap(y.name, "pool")
}

// Every keeps every k-th position of an image in both directions, from the first.
func (x X) Every(k int) X {
	if len(x.dims) != 3 || k < 1 {
		panic(fmt.Errorf("layer %q: cannot keep every %d-th position of an input of shape %v", x.name, k, x.dims))
	}
	if k == 1 {
		return x
	}
	y := x.next(x.name)
	y.dims = []int{(x.dims[0] + k - 1) / k, (x.dims[1] + k - 1) / k, x.dims[2]}
	if x.node != nil {
		step := graph.AxisRange().Stride(k)
		y.node = graph.Slice(x.node, graph.AxisRange(), step, step, graph.AxisRange())
	}
	return y
}

// ZeroUnits puts units that are always 0 before and after those of x, as the parameter-free shortcut of He et al. 2015 (option A) does.
func (x X) ZeroUnits(before, after int) X {
	if before < 0 || after < 0 {
		panic(fmt.Errorf("layer %q: %d and %d units to add; neither can be negative", x.name, before, after))
	}
	if before+after == 0 {
		return x
	}
	y := x.next(x.name)
	fresh := x.trace.units.fresh(x.name+"/zero", before+after)
	y.units = append(append(append([]int{}, fresh[:before]...), x.units...), fresh[before:]...)
	y.dims = append(append([]int{}, x.dims[:len(x.dims)-1]...), len(y.units))
	if h := x.node; h != nil {
		pad := make([]graph.PadAxis, h.Rank())
		pad[h.Rank()-1] = graph.PadAxis{Start: before, End: after}
		y.node = graph.Pad(h, graph.ScalarZero(h.Graph(), h.DType()), pad...)
	}
	return y
}
