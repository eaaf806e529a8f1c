package native

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// Has tells whether a backend has the operations of this package.
func Has(b compute.Backend) bool {
	return b.Name() == "xla" && strings.HasPrefix(b.Description(), "xla:"+PluginName+" - ")
}

// Call leaves an operation on inputs to the backend. body computes the same, from stand-ins of the inputs; where the backend does not have the
// operation, it is what runs. It must not use constants that the library keeps for a graph, as graph.Scalar does: they belong to another function.
// The result has no gradient.
func Call(op Op, body func(in []*graph.Node) []*graph.Node, inputs ...*graph.Node) []*graph.Node {
	here := graph.Identity(inputs[0]) // a node of its own for every call, whose number no other has
	f := graph.NewFunction(here.Graph(), op.Function(int(here.Id())), func(g *graph.Graph) []*graph.Node {
		in := make([]*graph.Node, len(inputs))
		for i, x := range inputs {
			in[i] = graph.Parameter(g, fmt.Sprintf("%s%d", op.Target, i), x.Shape())
		}
		return body(in)
	})
	return f.Call(append([]*graph.Node{here}, inputs[1:]...)...)
}
