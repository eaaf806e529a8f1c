package network

import (
	"math"
	"strconv"

	"github.com/gomlx/gomlx/core/graph"
)

// ReLU is max(z, 0), with gradient 0 at 0. Tap: the name of the input + "/relu". Like all activations it keeps shape and units.
func (x X) ReLU() X { return x.Elementwise("relu", relu) }

// GELU is z·Φ(z) with Φ the distribution function of the normal distribution (Hendrycks & Gimpel 2016), by the error function. Tap: the
// name of the input + "/gelu".
func (x X) GELU() X {
	return x.Elementwise("gelu", func(z *graph.Node) *graph.Node {
		return graph.Mul(z, graph.MulScalar(graph.AddScalar(graph.Erf(graph.MulScalar(z, math.Sqrt2/2)), 1), 0.5))
	})
}

// SiLU is z/(1 + e⁻ᶻ), also called swish. Tap: the name of the input + "/silu".
func (x X) SiLU() X {
	return x.Elementwise("silu", func(z *graph.Node) *graph.Node { return graph.Mul(z, graph.Logistic(z)) })
}

// Sigmoid is 1/(1 + e⁻ᶻ). Tap: the name of the input + "/sigmoid".
func (x X) Sigmoid() X { return x.Elementwise("sigmoid", graph.Logistic) }

// Tanh is the hyperbolic tangent. Tap: the name of the input + "/tanh".
func (x X) Tanh() X { return x.Elementwise("tanh", graph.Tanh) }

// Elementwise is an activation of your own: f acts on every number of z [batch, Dims...] by itself, and so keeps shape and units. op is a
// name or name@version, which the network's identity holds in place of the code: change it with f, also where f depends on a
// constant ("leaky-0.1"). Tap: the name of the input + "/" + the name. In a graph it panics if the result of f has another shape.
func (x X) Elementwise(op string, f func(z *graph.Node) *graph.Node) X {
	y := x.next(x.name+"/"+opName(x.name, op), "elementwise "+strconv.Quote(op))
	apply := func(z *graph.Node) *graph.Node {
		return guarded(y.name, z.Shape().Dimensions[1:], func() *graph.Node { return f(z) })
	}
	x.trace.Acts = append(x.trace.Acts, Act{Name: y.name, In: x.node, Apply: apply})
	if x.node != nil {
		y.node = apply(x.node)
	}
	return y.tap(y.name, "act")
}

// relu by Where: MaxScalar and the library's own ReLU have gradient 1 at 0 on some backends.
func relu(z *graph.Node) *graph.Node {
	zero := graph.ScalarZero(z.Graph(), z.DType())
	return graph.Where(graph.GreaterThan(z, zero), z, zero)
}
