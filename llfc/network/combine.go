package network

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Add is the sum of two values of one shape, which makes their units one, place by place: no permutation moves one without the other. No
// tap: name the sum with As. It panics if the shapes differ.
func (x X) Add(y X) X { return x.with("add", "+", y, graph.Add) }

// Mul is the product of two values of one shape, number by number, as in a gate. It makes their units one, as Add does. No tap: name the
// product with As. It panics if the shapes differ.
func (x X) Mul(y X) X { return x.with("mul", "*", y, graph.Mul) }

// with combines two values place by place.
func (x X) with(op, sign string, y X, f func(x, y *graph.Node) *graph.Node) X {
	x.meets(y)
	if !slices.Equal(x.dims, y.dims) {
		panic(fmt.Errorf("layer %q: cannot %s %q of shape %v and %q of shape %v", x.name, op, y.name, y.dims, x.name, x.dims))
	}
	z := x.next(x.name+sign+y.name, fmt.Sprintf("%s %d", op, y.born))
	z.uses(y)
	for i, u := range x.units {
		x.trace.units.join(u, y.units[i])
	}
	z.node = nil
	if x.node != nil && y.node != nil {
		z.node = f(x.node, y.node)
	}
	return z
}

// Concat puts the units of other values of the same positions after those of x: [..., C] and [..., D] give [..., C+D]. No tap: name it with
// As. Units stay, each where its value stands. It panics if the positions differ.
func (x X) Concat(others ...X) X {
	z := x
	for _, y := range others {
		x := z
		x.meets(y)
		last := len(x.dims) - 1
		if len(x.dims) != len(y.dims) || !slices.Equal(x.dims[:last], y.dims[:last]) {
			panic(fmt.Errorf("layer %q: cannot put %q of shape %v beside %q of shape %v: all sizes but the last must agree", x.name, y.name, y.dims, x.name, x.dims))
		}
		if len(y.units) > maxUnits-len(x.units) {
			panic(tooLarge("layer %q: %d units beside %d; a network may have at most %d", x.name, len(y.units), len(x.units), maxUnits))
		}
		z = x.next(x.name+","+y.name, fmt.Sprintf("concat %d", y.born))
		z.uses(y)
		z.units = slices.Concat(x.units, y.units)
		z.dims = append(slices.Clone(x.dims[:last]), len(z.units))
		z.node = nil
		if x.node != nil && y.node != nil {
			z.node = graph.Concatenate([]*graph.Node{x.node, y.node}, -1)
		}
	}
	return z
}

// meets checks that y comes from the same run of the forward function.
func (x X) meets(y X) {
	if y.trace != x.trace {
		panic(errors.New("a value of another run of a forward function: a forward function must make all of its values from its argument"))
	}
}

// uses records that y has gone into x.
func (x X) uses(y X) { x.trace.spans = append(x.trace.spans, [2]int{y.born, x.born}) }
