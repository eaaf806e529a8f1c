package network

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gomlx/gomlx/core/graph"
)

// MaxPool is the maximum over k × k windows side by side, [H, W, C] → [H/k, W/k, C]; what does not fill a window is left out, as in
// PyTorch. Tap: the name of the input + "/pool". Units stay. It panics if the input is not an image, or smaller than a window.
func (x X) MaxPool(k int) X { return x.MaxPoolOver(Kernel{Size: k, Stride: k}) }

// MaxPoolOver is MaxPool over the windows of any kernel; what lies outside the image counts for nothing.
func (x X) MaxPoolOver(k Kernel) X {
	if len(x.dims) != 3 || k.Size < 1 || k.Pad < 0 || 2*k.Pad > k.Size || min(x.dims[0], x.dims[1])+2*k.Pad < k.Size {
		panic(fmt.Errorf("layer %q: cannot pool %d×%d windows of an input of shape %v, padded by %d", x.name, k.Size, k.Size, x.dims, k.Pad))
	}
	y := x.next(x.name+"/pool", fmt.Sprintf("max pool, size %d, stride %d, pad %d", k.Size, k.stride(), k.Pad))
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

// MeanPool is the mean over k × k windows side by side, [H, W, C] → [H/k, W/k, C]; what does not fill a window is left out. Tap: the name
// of the input + "/meanpool". Units stay. It panics where MaxPool does.
func (x X) MeanPool(k int) X {
	if len(x.dims) != 3 || k < 1 || min(x.dims[0], x.dims[1]) < k {
		panic(fmt.Errorf("layer %q: cannot pool %d×%d windows of an input of shape %v", x.name, k, k, x.dims))
	}
	return x.Pool("meanpool", []int{x.dims[0] / k, x.dims[1] / k}, func(h *graph.Node) *graph.Node {
		parts := shifts(h, Kernel{Size: k, Stride: k})
		sum := parts[0]
		for _, p := range parts[1:] {
			sum = graph.Add(sum, p)
		}
		return graph.DivScalar(sum, float64(len(parts)))
	})
}

// Mean is the mean over all positions, [H, W, C] → [C]. Tap: the name of the input + "/mean". Units stay. It panics if the input is flat.
func (x X) Mean() X {
	if len(x.dims) < 2 {
		panic(fmt.Errorf("layer %q: a mean over positions needs an input such as [H, W, C], got %v", x.name, x.dims))
	}
	return x.Pool("mean", nil, func(h *graph.Node) *graph.Node {
		axes := make([]int, h.Rank()-2)
		for i := range axes {
			axes[i] = i + 1
		}
		return graph.ReduceMean(h, axes...)
	})
}

// Pool is an operation of your own that works along the positions of a value and treats all units alike: another pool, a filter, padding.
// positions is the shape of one sample of the result without the units; nil leaves them only. f takes h [batch, Dims...] to
// [batch, positions..., units]. op is a name or name@version, which the network's identity holds in place of the code: change it with f.
// Tap: the name of the input + "/" + the name. Units stay. In a graph it panics if the result of f has another shape.
func (x X) Pool(op string, positions []int, f func(h *graph.Node) *graph.Node) X {
	y := x.next(x.name+"/"+opName(x.name, op), "pool "+strconv.Quote(op))
	y.dims = append(slices.Clone(positions), x.Units())
	checkDims(y.name, y.dims)
	if x.node != nil {
		y.node = guarded(y.name, y.dims, func() *graph.Node { return f(x.node) })
	}
	return y.tap(y.name, "pool")
}

// Every keeps every k-th position of an image in both directions, from the first: [H, W, C] → [⌈H/k⌉, ⌈W/k⌉, C]. No tap. Units stay. It
// panics if the input is not an image.
func (x X) Every(k int) X {
	if len(x.dims) != 3 || k < 1 {
		panic(fmt.Errorf("layer %q: cannot keep every %d-th position of an input of shape %v", x.name, k, x.dims))
	}
	if k == 1 {
		return x
	}
	y := x.next(x.name, fmt.Sprintf("every %d", k))
	y.dims = []int{(x.dims[0] + k - 1) / k, (x.dims[1] + k - 1) / k, x.dims[2]}
	if x.node != nil {
		step := graph.AxisRange().Stride(k)
		y.node = graph.Slice(x.node, graph.AxisRange(), step, step, graph.AxisRange())
	}
	return y
}

// ZeroUnits puts units that are always 0 before and after those of x, as the parameter-free shortcut of He et al. 2015 (option A) does:
// [..., C] → [..., before+C+after]. No tap. The units of x stay, the others are new. It panics if one of the numbers is negative.
func (x X) ZeroUnits(before, after int) X {
	if before < 0 || after < 0 {
		panic(fmt.Errorf("layer %q: %d and %d units to add; neither can be negative", x.name, before, after))
	}
	if before+after == 0 {
		return x
	}
	y := x.next(x.name, fmt.Sprintf("zero units %d %d", before, after))
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
