package network

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Kernel is a square convolution kernel: Size × Size, moved by Stride (0 means 1) over an input padded by Pad zeros on every side.
type Kernel struct {
	Size, Stride, Pad int
	NoBias            bool
}

func (k Kernel) stride() int { return max(k.Stride, 1) }

// out returns the size of an axis after the kernel, PyTorch's way: ⌊(in + 2·pad − size) / stride⌋ + 1.
func (k Kernel) out(in int) int { return (in+2*k.Pad-k.Size)/k.stride() + 1 }

// Conv is a convolution with bias, h [batch, H, W, in], w [size, size, in, units], b [units]. Parameters: name/w, name/b. Tap: name.
func (x X) Conv(name string, units int, k Kernel) X {
	if len(x.dims) != 3 {
		panic(fmt.Errorf("layer %q: a convolution needs an input [H, W, C], got %v from %q", name, x.dims, x.name))
	}
	if units < 1 || k.Size < 1 || k.Pad < 0 || k.Stride < 0 {
		panic(fmt.Errorf("layer %q: %d units with kernel %+v; sizes must be positive", name, units, k))
	}
	h, w := x.dims[0], x.dims[1]
	if h+2*k.Pad < k.Size || w+2*k.Pad < k.Size {
		panic(fmt.Errorf("layer %q: a kernel of size %d does not fit into %d×%d padded by %d", name, k.Size, h, w, k.Pad))
	}
	in, out := x.units, x.trace.units.fresh(name, units)
	fan := k.Size * k.Size
	dims := []int{k.out(h), k.out(w), units}
	weight := x.param(Param{
		Name: name + "/w", Dims: []int{k.Size, k.Size, len(in), units}, Role: Weight, FanIn: fan * len(in), FanOut: fan * units,
	}, [][]int{nil, nil, in, out})
	x.trace.FLOPs += int64(dims[0]*dims[1]*units) * (2*int64(fan*len(in)) + 1)
	shifted := x.trace.options.Shifted
	return x.linear(name, dims, out, weight, !k.NoBias, fan*len(in), func(w, h *graph.Node) *graph.Node { return convolve(h, w, k, shifted) })
}

// MaxPool is the maximum over k × k windows side by side; what does not fill a window is left out, as in PyTorch.
// Tap: the name of the input + "/pool".
func (x X) MaxPool(k int) X {
	if len(x.dims) != 3 || k < 1 || x.dims[0] < k || x.dims[1] < k {
		panic(fmt.Errorf("layer %q: cannot pool %d×%d windows of an input of shape %v", x.name, k, k, x.dims))
	}
	y := x.next(x.name + "/pool")
	y.dims = []int{x.dims[0] / k, x.dims[1] / k, x.dims[2]}
	if x.node != nil {
		y.node = maxPool(x.node, k)
	}
	return y.tap(y.name, "pool")
}
