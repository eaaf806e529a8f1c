package network

import (
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend"
)

// The masks of an MLP with two dropouts, as they were first drawn: other masks would make old runs mean other weights. The weights
// are such that the logits are the product of both masks, scaled by 4.
func TestDropoutMasksArePinned(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(Spec{Architecture: "mlp", Input: []int{1, 1, 1}, Classes: 6, Widths: []int{6, 6}, Dropout: 0.5, Init: "torch"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Compile(b, n)
	if err != nil {
		t.Fatal(err)
	}
	theta, err := f.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	var weights []any
	for _, p := range theta {
		for i := range p.Data {
			p.Data[i] = 0
			if p.Name == "fc1/b" || len(p.Dims) == 2 && p.Dims[0] == 6 && i%7 == 0 { // ones, identities
				p.Data[i] = 1
			}
		}
		weights = append(weights, tensors.FromFlatDataAndDimensions(p.Data, p.Dims...))
	}
	e, err := graph.NewExec(b, func(in []*graph.Node) *graph.Node {
		last := len(in) - 2
		return f.Trace(in[:last], in[last], Options{Train: true, Seed: in[last+1]}).Output.Node()
	})
	if err != nil {
		t.Fatal(err)
	}
	for seed, want := range map[uint32][]float32{
		5:          {0, 0, 0, 4, 4, 4, 0, 0, 0, 0, 0, 0},
		0xfeedbeef: {0, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0},
	} {
		out, err := e.Call(append(slices.Clone(weights), tensors.FromFlatDataAndDimensions(make([]float32, 2), 2, 1, 1, 1), seed)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := tensors.MustCopyFlatData[float32](out[0]); !slices.Equal(got, want) {
			t.Errorf("seed %d: %v, expected %v", seed, got, want)
		}
	}
}
