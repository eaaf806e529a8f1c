package network

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Kernel is a square convolution kernel: Size × Size, moved by Stride (0 means 1) over an input padded by Pad zeros on every side.
type Kernel struct {
	Size, Stride, Pad int
	Late              bool // one zero less before than after the image: TensorFlow's and Flax's "SAME" with stride 2 on even sizes
	NoBias            bool
}

func (k Kernel) stride() int { return max(k.Stride, 1) }

// out returns the size of an axis after the kernel, PyTorch's way: ⌊(in + 2·pad − size) / stride⌋ + 1.
func (k Kernel) out(in int) int {
	in += 2*k.Pad - k.Size
	if k.Late {
		in--
	}
	return in/k.stride() + 1
}

// by returns the kernel with a stride; late padding only matters with strides above 1.
func (k Kernel) by(stride int) Kernel {
	k.Stride, k.Late = stride, k.Late && stride > 1
	return k
}

// late pads an image the way of Kernel.Late, for a kernel without padding.
func (k Kernel) late(h *graph.Node) (*graph.Node, Kernel) {
	p := graph.PadAxis{Start: k.Pad - 1, End: k.Pad}
	k.Pad, k.Late = 0, false
	return graph.Pad(h, graph.ScalarZero(h.Graph(), h.DType()), graph.PadAxis{}, p, p, graph.PadAxis{}), k
}

// Conv is a convolution with bias, h [batch, H, W, in], w [size, size, in, units], b [units]. Parameters: name/w, name/b. Tap: name. It makes
// new units, and the third axis of w goes with those of its input. It panics if the input is not an image, or the kernel does not fit into it.
func (x X) Conv(name string, units int, k Kernel) X {
	if len(x.dims) != 3 {
		panic(fmt.Errorf("layer %q: a convolution needs an input [H, W, C], got %v from %q", name, x.dims, x.name))
	}
	if units < 1 || k.Size < 1 || k.Pad < 0 || k.Stride < 0 || k.Late && (k.Pad < 1 || k.stride() < 2) {
		panic(fmt.Errorf("layer %q: %d units with kernel %+v; sizes must be positive, and late padding needs a stride and a pad", name, units, k))
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
	op := fmt.Sprintf("conv, size %d, stride %d, pad %d, late %t", k.Size, k.stride(), k.Pad, k.Late)
	x = x.apply(name, op, dims, out, weight, !k.NoBias, fan*len(in), func(w, h *graph.Node) *graph.Node {
		k := k
		if k.Late {
			h, k = k.late(h)
		}
		return convolve(h, w, k, shifted)
	})
	x.seeing(func(h *graph.Node) *graph.Node {
		k := k
		if k.Late {
			h, k = k.late(h)
		}
		return graph.Reshape(graph.Concatenate(shifts(h, k), -1), h.Shape().Dim(0), dims[0]*dims[1], fan*len(in))
	})
	return x
}
