package network

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Epsilons of the norms: PyTorch's for batches, Flax's for layers.
const (
	batchEpsilon = 1e-5
	layerEpsilon = 1e-6
)

// BatchNorm is γ·(h − μ)/√(v + ε) + β for each unit of the last axis, ε = 1e-5 (Ioffe & Szegedy 2015). In training μ and v are those of the
// batch, over samples and positions, v with the divisor n, and Trace.Updates reports both; elsewhere they are the buffers.
// Parameters: name/gamma, name/beta, name/mean, name/var, with name the name of the input + "/bn". Tap: name. Units stay, and all four
// parameters go with them.
func (x X) BatchNorm() X {
	t := x.trace
	name := x.name + "/bn"
	n := len(x.units)
	layout := [][]int{x.units}
	y := x.next(name, fmt.Sprintf("batch norm, epsilon %g", batchEpsilon))
	gamma := x.param(Param{Name: name + "/gamma", Dims: []int{n}, Role: Scale}, layout)
	beta := x.param(Param{Name: name + "/beta", Dims: []int{n}, Role: Shift}, layout)
	mean := x.param(Param{Name: name + "/mean", Dims: []int{n}, Role: Mean}, layout)
	variance := x.param(Param{Name: name + "/var", Dims: []int{n}, Role: Variance}, layout)
	x.normed(name, true)
	if x.node != nil {
		switch ofBatch := t.options.Train || t.options.Statistics; {
		case ofBatch && hasNative(x.node):
			y.node, mean, variance = normNative(x.node, gamma, beta)
			t.report(name, x.node, mean, variance)
		case ofBatch:
			mean, variance = plainMoments(x.node)
			t.report(name, x.node, mean, variance)
			fallthrough
		default:
			y.node = affine(x.node, mean, variance, gamma, beta)
		}
	}
	return y.tap(name, "norm")
}

// plainMoments returns mean and variance of h over all axes but the last.
func plainMoments(h *graph.Node) (mean, variance *graph.Node) {
	axes := make([]int, h.Rank()-1)
	for i := range axes {
		axes[i] = i
	}
	mean = graph.ReduceMean(h, axes...)
	variance = graph.Sub(graph.ReduceMean(graph.Square(h), axes...), graph.Square(mean))
	// The difference of two large numbers can come out below 0 by rounding.
	return mean, graph.Where(graph.GreaterThan(variance, graph.ScalarZero(h.Graph(), h.DType())), variance, graph.ZerosLike(variance))
}

// report notes the moments of h under the names of a norm's buffers.
func (t *Trace) report(name string, h, mean, variance *graph.Node) {
	n := h.Shape().Size() / h.Shape().Dim(-1)
	if n > 1 { // PyTorch keeps the unbiased variance and normalises by the other
		variance = graph.MulScalar(variance, float64(n)/float64(n-1))
	}
	t.Updates[name+"/mean"], t.Updates[name+"/var"] = graph.StopGradient(mean), graph.StopGradient(variance)
}

// affine is γ·(h − μ)/√(v + ε) + β, as one product and one sum.
func affine(h, mean, variance, gamma, beta *graph.Node) *graph.Node {
	scale := graph.Div(gamma, graph.Sqrt(graph.AddScalar(variance, batchEpsilon))) // Rsqrt has no gradient
	shift := graph.Sub(beta, graph.Mul(mean, scale))
	return graph.Add(graph.Mul(h, graph.ExpandLeftToRank(scale, h.Rank())), graph.ExpandLeftToRank(shift, h.Rank()))
}

// LayerNorm is γ·(h − m)/√(s² + ε) + β with the mean and variance over the last axis of each sample, and at each position of an image: the
// norm of Git Re-Basin's networks, which no permutation disturbs. ε = 1e-6. Parameters: name/gamma, name/beta, with name the
// name of the input + "/ln". Tap: name. Units stay, and both parameters go with them.
func (x X) LayerNorm() X {
	name := x.name + "/ln"
	n := len(x.units)
	y := x.next(name, fmt.Sprintf("layer norm, epsilon %g", layerEpsilon))
	gamma := x.param(Param{Name: name + "/gamma", Dims: []int{n}, Role: Scale}, [][]int{x.units})
	beta := x.param(Param{Name: name + "/beta", Dims: []int{n}, Role: Shift}, [][]int{x.units})
	x.normed(name, false)
	if h := x.node; h != nil {
		centred := graph.Sub(h, graph.ReduceAndKeep(h, graph.ReduceMean, -1))
		variance := graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, -1)
		y.node = graph.Div(centred, graph.Sqrt(graph.AddScalar(variance, layerEpsilon)))
		y.node = graph.Add(graph.Mul(y.node, graph.ExpandLeftToRank(gamma, h.Rank())), graph.ExpandLeftToRank(beta, h.Rank()))
	}
	return y.tap(name, "norm")
}

// Norm applies the norm that a Spec names: "batch", "layer", or "" for none. It panics at any other name.
func (x X) Norm(kind string) X {
	switch kind {
	case "":
		return x
	case "batch":
		return x.BatchNorm()
	case "layer":
		return x.LayerNorm()
	}
	panic(fmt.Errorf("layer %q: unknown norm %q; known: batch, layer, or none at all", x.name, kind))
}
