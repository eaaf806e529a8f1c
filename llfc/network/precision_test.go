package network

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend"
)

// roundedDot is h·w for h = w = (v, …, v) of length n as a rounded linear map, with the gradient of w's first element.
func roundedDot(t *testing.T, name string, v float32, n int) (y, grad float32) {
	t.Helper()
	b, _, err := backend.Open(name)
	if err != nil && name != "go" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	e, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
		w, h := graph.BroadcastToDims(in[0], n, 2), graph.BroadcastToDims(in[0], 1, n)
		out := rounded(dtypes.BFloat16, func(w, h *graph.Node) *graph.Node { return product(h, w) })(w, h)
		g := graph.Gradient(graph.ReduceAllSum(graph.MulScalar(out, 1.0078125)), w)[0] // 1 + 2⁻⁷, a bfloat16
		if out.DType() != dtypes.Float32 || g.DType() != dtypes.Float32 {
			t.Errorf("the result is %s, the gradient %s", out.DType(), g.DType())
		}
		return []*graph.Node{graph.Slice(out, graph.AxisElem(0), graph.AxisElem(0)), graph.Slice(g, graph.AxisElem(0), graph.AxisElem(0))}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call(v)
	if err != nil {
		t.Fatal(err)
	}
	defer Free(out...)
	a, err := tensors.CopyFlatData[float32](out[0])
	if err != nil {
		t.Fatal(err)
	}
	g, err := tensors.CopyFlatData[float32](out[1])
	if err != nil {
		t.Fatal(err)
	}
	return a[0], g[0]
}

// bfloat16 has 8 bits: 1 + 2⁻⁹ becomes 1, and 3 · 1.0078125 = 3.0234375 becomes 3.03125 on the way back. Sums are longer than that:
// 4096 ones, added up in bfloat16, would stay at 256.
func TestRoundedMap(t *testing.T) {
	for _, name := range []string{"go", "xla:cpu"} {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				v       float32
				n       int
				y, grad float32
			}{{1, 4096, 4096, 1.0078125}, {1 + 1.0/512, 64, 64, 1.0078125}, {3, 2, 18, 3.03125}} {
				if y, grad := roundedDot(t, name, c.v, c.n); y != c.y || grad != c.grad {
					t.Errorf("%d products of %g: sum %g, gradient %g; expected %g, %g", c.n, c.v, y, grad, c.y, c.grad)
				}
			}
		})
	}
}
