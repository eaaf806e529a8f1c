package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// Custom is an architecture of one forward function, without sizes to set. It is built in nowhere: whoever needs it is given it.
//
//	n, err := network.Custom("my-net", f).New(network.Spec{Input: []int{8, 8, 1}, Classes: 10})
//	err = lab.AddNetwork(network.Custom("my-net", f))
func Custom(name string, f Forward) Architecture {
	return Architecture{Name: name, Forward: func(s Spec) (Forward, error) { return f, s.only() }}
}

// Check returns nil if an architecture has what it needs, and one of your own does not take a built-in one's name.
func (a Architecture) Check() error {
	valid := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_", r)
	}
	switch {
	case a.Name == "" || len(a.Name) > 64 || strings.HasPrefix(a.Name, ".") || strings.ContainsFunc(a.Name, func(r rune) bool { return !valid(r) }):
		return fmt.Errorf("network %.70q: the name must be 1 to 64 letters, digits or \".-_\", and not begin with a dot: folders are named by it", a.Name)
	case a.Forward == nil:
		return fmt.Errorf("network %q: no forward function", a.Name)
	case !a.builtIn && slices.ContainsFunc(Architectures(), func(b Architecture) bool { return a.Name == b.Name }):
		return fmt.Errorf("network %q: a built-in network has this name; choose another", a.Name)
	}
	return nil
}

// own builds a network that is not built in, and names it by what it describes.
func (a Architecture) own(s Spec, b bounds) (Network, error) {
	if s.Init == "" {
		s.Init = cmp.Or(a.Default.Init, defaultInit)
	}
	n, err := a.build(s, b)
	if err != nil {
		return Network{}, err
	}
	first, err := n.canonical(b)
	if err != nil {
		return Network{}, fmt.Errorf("network %q: %w", a.Name, err)
	}
	again, err := n.canonical(b)
	if err == nil && again != first {
		err = fmt.Errorf("it describes itself differently each time, first as %q, then as %q; it must not depend on chance, such as the order of a map", firstDifference(first, again), firstDifference(again, first))
	}
	if err != nil {
		return Network{}, fmt.Errorf("network %q: %w", a.Name, err)
	}
	n.Spec.Identity = identityOf(first)
	if s.Identity != "" && s.Identity != n.Spec.Identity {
		return Network{}, fmt.Errorf("network %q: the forward function describes the identity %s, but %.16s is asked for; it has changed since, or another network has its name (Network.Canonical prints what is compared)", a.Name, n.Spec.Identity, s.Identity)
	}
	return n, nil
}

// firstDifference is the first line of a that b does not have in its place.
func firstDifference(a, b string) string {
	there := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i >= len(there) || line != there[i] {
			return line
		}
	}
	return ""
}

// guarded runs code of the forward function's author in a graph: its panics name the layer, and are errors, as a graph needs, and its result
// has the shape that was promised.
func guarded(layer string, dims []int, f func() *graph.Node) *graph.Node {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			panic(fmt.Errorf("layer %q: %w", layer, r))
		default:
			panic(fmt.Errorf("layer %q: %v", layer, r))
		}
	}()
	y := f()
	if y == nil {
		panic(fmt.Errorf("no node came back, expected one of shape [batch, %v]", dims))
	}
	if err := checkShape(y, dims); err != nil {
		panic(err)
	}
	return y
}

// opName returns the name of a custom operation from name or name@version.
func opName(layer, op string) string {
	name, _, _ := strings.Cut(op, "@")
	if name == "" || strings.Contains(name, "/") {
		panic(fmt.Errorf("layer %q: an operation of the name %q; it must not be empty nor hold a slash, and can end in @version", layer, op))
	}
	return name
}

// checkDims panics if a tensor cannot have this shape.
func checkDims(layer string, dims []int) {
	n := 1
	for _, d := range dims {
		if d < 1 {
			panic(fmt.Errorf("layer %q: the shape %v; every size must be at least 1", layer, dims))
		}
		if d > maxWeights/n {
			panic(tooLarge("layer %q: the shape %v; a tensor may have at most %d numbers", layer, dims, maxWeights))
		}
		n *= d
	}
}

// maxWeights bounds what a tensor of a custom operation may hold.
const maxWeights = 1 << 31
