package network

import (
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// How a convolution is lowered is decided only here, from the backend and the shapes, so that a resumed run repeats a run to the bit.
// The table is what measured best on CPUs (benchmarks/conv); an XLA plugin for another device keeps its own convolution.
//
//	                      XLA on the CPU                                pure Go
//	1×1                   one matrix product                            the same
//	≤ 4 input channels    blocks: a matrix product for a part of a row  the same
//	image below the       shifts: a matrix product for each position    the same
//	kernel
//	3×3, stride 1         forward XLA's own, Winograd from 128          Winograd; shifts below 8 channels
//	                      channels; dx a forward convolution of
//	                      dy; dw by Winograd
//	others                forward XLA's own, backward by shifts         shifts
//
// Where XLA on the CPU has the kernels of package native, they take everything in float32 but 3×3 convolutions at stride 1 from 128 channels, for
// which Winograd's tiles save more multiplications than the kernels win.
//
// XLA's gradient of the weights is what costs: three times its forward pass at stride 1, ten times at stride 2.
const (
	fewChannels  = 4   // up to here one matrix product of gathered inputs beats a convolution on every CPU backend
	someChannels = 8   // from here on Winograd beats a sum of matrix products
	manyChannels = 128 // from here on its forward pass beats XLA's own
)

// device tells apart the backends that need different lowerings.
type device int

const (
	pureGo device = iota
	xlaCPU
	xlaOther
)

// deviceOf reads the plugin's name off the backend's description, "xla:NAME - …".
func deviceOf(g *graph.Graph) device { return deviceKind(g.Backend()) }

func deviceKind(b compute.Backend) device {
	if b.Name() != "xla" {
		return pureGo
	}
	plugin, _, _ := strings.Cut(strings.ToLower(b.Description()), " - ")
	if strings.Contains(plugin, "cpu") {
		return xlaCPU
	}
	return xlaOther
}

// convolve is the convolution of h [batch, H, W, in] with w [size, size, in, out]. shifted asks for the sum of shifted products, whatever is fastest.
func convolve(h, w *graph.Node, k Kernel, shifted bool) *graph.Node {
	in, small := w.Shape().Dim(2), min(h.Shape().Dim(1), h.Shape().Dim(2)) < k.Size
	on := deviceOf(h.Graph())
	switch {
	case shifted:
		return convolveShifts(h, w, k)
	case on == xlaOther:
		return convolveBackend(h, w, k)
	case hasNative(h) && !(wide(h, w, k) && !small):
		return convolveNative(h, w, k)
	case k.Size == 1 && k.Pad == 0:
		return convolvePoints(h, w, k)
	case in <= fewChannels:
		return convolveBlocks(h, w, k)
	case small:
		return convolveShifts(h, w, k)
	case k.Size == 3 && k.Pad == 1 && k.stride() == 1 && winogradPays(h, w):
		return withGradient(h, w, convolve3, func(x, w, dy *graph.Node) (dx, dw *graph.Node) {
			return convolve3(dy, turn(w)), winogradWeights(x, dy)
		})
	case on == pureGo:
		return convolveShifts(h, w, k)
	}
	forward := func(x, w *graph.Node) *graph.Node { return convolveBackend(x, w, k) }
	return withGradient(h, w, forward, func(x, w, dy *graph.Node) (dx, dw *graph.Node) {
		x, w = graph.Identity(x), graph.Identity(w) // no gradient ends in a node made by StopGradient
		d := graph.Gradient(graph.ReduceAllSum(graph.Mul(convolveShifts(x, w, k), dy)), x, w)
		return d[0], d[1]
	})
}

// convolve3 is the convolution with a 3×3 kernel, stride 1 and a pad of 1.
func convolve3(x, w *graph.Node) *graph.Node {
	in, out := w.Shape().Dim(2), w.Shape().Dim(3)
	large := x.Shape().Dim(0)*bytesOfTiles(x, in+out) > forwardBytes
	if deviceOf(x.Graph()) == pureGo || min(in, out) >= manyChannels && !large {
		return winograd(x, w)
	}
	return convolveBackend(x, w, Kernel{Size: 3, Pad: 1})
}

// wide tells whether a convolution is left to Winograd's tiles where there are native kernels, which take the direct way.
func wide(h, w *graph.Node, k Kernel) bool {
	return k.Size == 3 && k.Pad == 1 && k.stride() == 1 && min(w.Shape().Dim(2), w.Shape().Dim(3)) >= manyChannels && winogradPays(h, w)
}

// winogradPays tells whether a 3×3 convolution goes by tiles: not where filling them up would double the image, and not in half
// precision, which the transforms would use up.
func winogradPays(x, w *graph.Node) bool {
	h, v := x.Shape().Dim(1), x.Shape().Dim(2)
	return x.DType() == dtypes.Float32 && min(w.Shape().Dim(2), w.Shape().Dim(3)) >= someChannels && up(h)*up(v) <= 2*h*v
}

// turn is the kernel of the transposed convolution: turned by 180°, input and output channels exchanged.
func turn(w *graph.Node) *graph.Node {
	return graph.TransposeAllAxes(graph.Reverse(w, 0, 1), 0, 1, 3, 2)
}

// withGradient is forward(x, w) with a gradient of our own: backward gets x, w and the gradient dy with respect to the result. Gradients of
// first order only.
func withGradient(x, w *graph.Node, forward func(x, w *graph.Node) *graph.Node,
	backward func(x, w, dy *graph.Node) (dx, dw *graph.Node)) *graph.Node {
	return withOwnGradients([]*graph.Node{x, w}, func(in []*graph.Node) *graph.Node { return forward(in[0], in[1]) },
		func(in []*graph.Node, dy *graph.Node) []*graph.Node {
			dx, dw := backward(in[0], in[1], dy)
			return []*graph.Node{dx, dw}
		})
}

// withOwnGradients is withGradient for any number of inputs. GoMLX knows custom gradients of one input; so each of them passes through one, on a
// path whose value is never taken.
func withOwnGradients(inputs []*graph.Node, forward func(in []*graph.Node) *graph.Node, backward func(in []*graph.Node, dy *graph.Node) []*graph.Node) *graph.Node {
	stopped := make([]*graph.Node, len(inputs))
	var dy, sum *graph.Node
	var gradients []*graph.Node
	for i, x := range inputs {
		stopped[i] = graph.StopGradient(x)
		x = first(graph.IdentityWithCustomGradient(x, func(_, _ *graph.Node) *graph.Node {
			if gradients == nil {
				gradients = backward(stopped, dy)
			}
			return gradients[i]
		}))
		if sum == nil {
			sum = x
		} else {
			sum = graph.Add(sum, x)
		}
	}
	y := graph.StopGradient(forward(stopped))
	path := graph.BroadcastToDims(sum, y.Shape().Dimensions...)
	y = graph.Where(graph.Const(y.Graph(), true), y, path)
	// This one runs first in the reverse pass: whoever asks for several gradients of one graph gets each of its own dy.
	return graph.IdentityWithCustomGradient(y, func(_, d *graph.Node) *graph.Node { dy, gradients = d, nil; return d })
}

// first is the first element, as a scalar.
func first(x *graph.Node) *graph.Node {
	at := make([]graph.SliceAxisSpec, x.Rank())
	for i := range at {
		at[i] = graph.AxisElem(0)
	}
	return graph.Reshape(graph.Slice(x, at...))
}

// convolveBackend is the backend's own convolution.
func convolveBackend(h, w *graph.Node, k Kernel) *graph.Node {
	return graph.Convolve(h, w).PaddingPerDim([][2]int{{k.Pad, k.Pad}, {k.Pad, k.Pad}}).Strides(k.stride()).Done()
}
