package match

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
)

// sumOfProducts is Σ_l ‖(W_A − W_B) (H_A − H_B)‖² over samples x, by the linear maps themselves.
func sumOfProducts(t testing.TB, f *network.Model, a, b network.Params, x network.Tensor) float64 {
	t.Helper()
	exec, err := f.Exec("test: products", func(in []*graph.Node) []*graph.Node {
		p := len(f.About.Params)
		ta, tb := f.Trace(in[:p], in[2*p], network.Options{}), f.Trace(in[p:2*p], in[2*p], network.Options{})
		var sum *graph.Node
		for i, l := range ta.Linears {
			y := l.Apply(graph.Sub(l.W, tb.Linears[i].W), graph.Sub(l.In, tb.Linears[i].In))
			s := graph.ReduceAllSum(graph.Square(graph.ConvertDType(y, dtypes.Float64)))
			if sum == nil {
				sum = s
			} else {
				sum = graph.Add(sum, s)
			}
		}
		return []*graph.Node{sum}
	})
	if err != nil {
		t.Fatal(err)
	}
	da, err := f.Upload(a)
	if err != nil {
		t.Fatal(err)
	}
	defer network.Free(da...)
	db, err := f.Upload(b)
	if err != nil {
		t.Fatal(err)
	}
	defer network.Free(db...)
	dx, err := network.Upload(f.Backend, network.Params{x})
	if err != nil {
		t.Fatal(err)
	}
	defer network.Free(dx...)
	out, err := exec.Call(network.Args(da, db, dx)...)
	if err != nil {
		t.Fatal(err)
	}
	defer network.Free(out...)
	return tensors.ToScalar[float64](out[0])
}
