package train

import (
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// A loop on the device suits networks of matrix products only; a map of one's own at every row of an image is a convolution, whatever
// shape its weight has.
func TestWhatConvolves(t *testing.T) {
	rows := network.Custom("rows", func(x network.X) network.X {
		h, w, out := x.Dims()[0], x.Dims()[1], x.NewUnits("row", 5)
		x = x.Linear("row", network.Map{
			Op: "rows", Weight: []network.Axis{network.Positions(w), out}, Out: []network.Axis{network.Positions(h), out},
			Apply: func(k, in *graph.Node) *graph.Node { return graph.MatMul(graph.Reshape(in, -1, h, w), k) },
		})
		return x.Flatten().Dense("logits", x.Classes())
	})
	for name, want := range map[string]bool{"mlp": false, "lenet": true, "resnet20-ln": true, "rows": true} {
		s, err := network.Default(name)
		if name == "rows" {
			s, err = network.Spec{Architecture: name, Input: []int{8, 8, 1}, Classes: 3}, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		n, err := network.New(s, rows)
		if err != nil {
			t.Fatal(err)
		}
		f, err := network.Compile(nil, n)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Trainer{f: f}).convolves(); got != want {
			t.Errorf("%s convolves: %t, expected %t", name, got, want)
		}
	}
}
