package native_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/backend"
	"layerwise/llfc/backend/native"
)

// open is a backend with native operations.
func open(t *testing.T) compute.Backend {
	t.Helper()
	b, info, err := backend.Open("xla:cpu")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(b.Finalize)
	if !strings.HasPrefix(info.Kernels, "native") {
		t.Skip(info.Kernels)
	}
	return b
}

// marked calls an operation; what its function would compute is something else, so that the answer tells who gave it.
func marked(op native.Op, x ...*graph.Node) *graph.Node {
	f := graph.NewFunction(x[0].Graph(), op.Function(0), func(g *graph.Graph) []*graph.Node {
		a := graph.Parameter(g, "a", x[0].Shape())
		graph.Parameter(g, "b", x[1].Shape())
		return []*graph.Node{graph.Neg(a)}
	})
	return f.Call(x...)[0]
}

// The handler takes the place of the function, and what it finds wrong comes back as an error of the call.
func TestHandlers(t *testing.T) {
	b := open(t)
	run := func(stride int) (any, error) {
		e, err := graph.NewExec(b, func(x, w *graph.Node) *graph.Node {
			return marked(native.Op{Target: "forward", Attributes: []int{stride, 0}}, x, w)
		})
		if err != nil {
			return nil, err
		}
		out, err := e.Call([][][][]float32{{{{2}, {3}}}}, [][][][]float32{{{{5}}}})
		if err != nil {
			return nil, err
		}
		return out[0].Value(), nil
	}
	got, err := run(1)
	if err != nil {
		t.Fatal(err)
	}
	if v := got.([][][][]float32)[0][0]; v[0][0] != 10 || v[1][0] != 15 {
		t.Errorf("2 and 3 times 5 are %v", v)
	}
	if got, err := run(2); err == nil || !strings.Contains(err.Error(), "do not fit together") {
		t.Errorf("a result of the wrong size: %v, %v", got, err)
	}
}

// One operation on the same inputs may stand in a graph twice.
func TestCallTwice(t *testing.T) {
	b := open(t)
	e, err := graph.NewExec(b, func(x, w *graph.Node) *graph.Node {
		once := func() *graph.Node {
			return native.Call(native.Op{Target: "forward", Attributes: []int{1, 0}}, func(in []*graph.Node) []*graph.Node {
				return []*graph.Node{graph.Convolve(in[0], in[1]).NoPadding().Done()}
			}, x, w)[0]
		}
		return graph.Add(once(), once())
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call([][][][]float32{{{{2}}}}, [][][][]float32{{{{5}}}})
	if err != nil {
		t.Fatal(err)
	}
	if v := out[0].Value().([][][][]float32)[0][0][0][0]; v != 20 {
		t.Errorf("twice 2 times 5 is %v", v)
	}
}

func TestLoadOnce(t *testing.T) {
	open(t)
	if err := native.Load("/no/such/plugin.so"); err == nil || !strings.Contains(err.Error(), "another plugin") {
		t.Errorf("a second plugin: %v", err)
	}
}
