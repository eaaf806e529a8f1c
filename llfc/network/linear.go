package network

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/gomlx/gomlx/core/graph"
)

// Map is a linear map of your own, with a weight and an optional bias, as Dense and Conv are. Its axes say which units they carry, and
// from that the symmetry follows. A depthwise convolution, whose every channel keeps its unit:
//
//	in := x.Axis()
//	x = x.Linear("dw", network.Map{
//		Op:     "depthwise",
//		Weight: []network.Axis{network.Positions(3), network.Positions(3), in},
//		Out:    []network.Axis{network.Positions(h), network.Positions(w), in},
//		Apply:  func(w, in *graph.Node) *graph.Node { … },
//	})
//
// and a convolution along one axis, which makes new units:
//
//	in, out := x.Axis(), x.NewUnits("conv", 16)
//	… Weight: []network.Axis{network.Positions(5), in, out}, Out: []network.Axis{network.Positions(length), out} …
type Map struct {
	// Op is a name or name@version of the kind of map. The network's identity holds it in place of the code of Apply and Init: change
	// it with them.
	Op     string
	Weight []Axis // of the parameter; the last must be the last of Out
	Out    []Axis // of one sample of the result; all but the last are Positions. If the last is too, its units are ones that no permutation moves
	NoBias bool

	// FanIn and FanOut scale the initialisers; 0 counts the weights that meet in one number of the result, and those that one
	// number of the input meets, from the axes.
	FanIn, FanOut int
	// Init draws one number of the weight; nil leaves it to Spec.Init.
	Init func(rng *rand.Rand) float64
	// Apply returns the map's value [batch, Out...] for w [Weight...] and in [batch, Dims...], without the bias. It must be linear in
	// each of the two (Definition 4 is about that), which Model.Prove checks.
	Apply func(w, in *graph.Node) *graph.Node
}

// Linear applies a linear map of your own. Parameters: name/w and, along the last axis of the result, name/b. Tap: name. It panics where an
// axis does not fit, where units of the input stand on no axis (call Fix on the input if the map tells units apart by their number),
// and in a graph where Apply returns another shape.
func (x X) Linear(name string, m Map) X {
	fail := func(format string, args ...any) {
		panic(fmt.Errorf("layer %q: the linear map %q: %s", name, m.Op, fmt.Sprintf(format, args...)))
	}
	opName(name, m.Op)
	if m.Apply == nil {
		fail("no Apply")
	}
	if len(m.Weight) == 0 || len(m.Out) == 0 {
		fail("%d axes of the weight and %d of the result; each needs at least 1", len(m.Weight), len(m.Out))
	}
	weight, dims := sizes(m.Weight), sizes(m.Out)
	checkDims(name, weight)
	checkDims(name, dims)
	for _, a := range slices.Concat(m.Weight, m.Out) {
		if a.trace != nil && a.trace != x.trace {
			fail("an axis of another run of a forward function")
		}
	}
	last := m.Out[len(m.Out)-1]
	if w := m.Weight[len(m.Weight)-1]; w.size != last.size || !slices.Equal(w.units, last.units) {
		fail("the last axis of the weight, of size %d, is not the last axis of the result, of size %d with the same units", w.size, last.size)
	}
	for _, a := range m.Out[:len(m.Out)-1] {
		if a.trace != nil {
			fail("an axis of the result before the last carries units; only the last may")
		}
	}
	carried := map[int]bool{}
	for _, a := range append(slices.Clone(m.Weight), last) {
		for _, u := range a.units {
			carried[u] = true
		}
	}
	for _, u := range x.units {
		if !carried[u] && !x.trace.units.pinned[u] {
			fail("no axis carries the units of its input %q; give the axis on which they stand as x.Axis(), or call Fix on the input if they are told apart by their number", x.name)
		}
	}
	fanIn, fanOut := meeting(m.Weight, last), meeting(m.Weight, x.Axis())
	x.trace.FLOPs += int64(size(dims)) * (2*int64(fanIn) + 1)
	if m.FanIn > 0 {
		fanIn = m.FanIn
	}
	if m.FanOut > 0 {
		fanOut = m.FanOut
	}
	layout := make([][]int, len(m.Weight))
	for i, a := range m.Weight {
		layout[i] = a.units
	}
	units := last.units
	if last.trace == nil {
		units = x.trace.units.fresh(name, last.size)
		x.trace.units.pin(units)
	}
	w := x.param(Param{Name: name + "/w", Dims: weight, Role: Weight, FanIn: fanIn, FanOut: fanOut, draw: m.Init}, layout)
	op := "linear " + strconv.Quote(m.Op)
	if m.Init != nil {
		op += " with its own initialiser"
	}
	return x.apply(name, op, dims, units, w, !m.NoBias, fanIn, func(w, in *graph.Node) *graph.Node {
		return guarded(name, dims, func() *graph.Node { return m.Apply(w, in) })
	})
}

// meeting is the number of weights that meet in one unit of an axis: the sizes of all axes that carry none of its units.
func meeting(weight []Axis, units Axis) int {
	carried := map[int]bool{}
	for _, u := range units.units {
		carried[u] = true
	}
	n := 1
	for i, a := range weight {
		if units.trace == nil && i == len(weight)-1 || slices.ContainsFunc(a.units, func(u int) bool { return carried[u] }) {
			continue
		}
		n *= a.size
	}
	return n
}
