package llfc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
	"layerwise/plotting"
)

// A network and a data set of one's own, from their first line to spawned and matched pairs, a figure, and a run that another program
// finds again.
func ExampleLab_AddNetwork() {
	runs, err := os.MkdirTemp("", "runs")
	check(err)
	defer os.RemoveAll(runs)
	ctx := context.Background()

	// A forward function: built-in layers, and an activation of one's own.
	softplus := func(z *graph.Node) *graph.Node {
		return graph.Add(graph.Max(z, graph.ZerosLike(z)), graph.Log1P(graph.Exp(graph.Neg(graph.Abs(z)))))
	}
	small := network.Custom("small", func(x network.X) network.X {
		x = x.Conv("conv", 8, network.Kernel{Size: 3, Pad: 1}).Elementwise("softplus", softplus).MeanPool(2)
		return x.Flatten().Dense("fc", 16).ReLU().Dense("logits", x.Classes())
	})
	// A data set: a bright dot in one of four quarters.
	dots := func(n int, seed uint64) *data.Set {
		s := &data.Set{Name: "dots", Shape: []int{8, 8, 1}, Classes: []string{"up left", "up right", "low left", "low right"}}
		rng := rand.New(rand.NewPCG(seed, 0))
		for i := range n {
			picture := make([]uint8, 64)
			for p := range picture {
				picture[p] = uint8(rng.IntN(100))
			}
			picture[8*(4*(i%4/2)+rng.IntN(4))+4*(i%2)+rng.IntN(4)] = 255
			s.Labels, s.Pixels = append(s.Labels, int32(i%4)), append(s.Pixels, picture...)
		}
		return s
	}
	// A lab that knows both, as every program does that uses them.
	openLab := func() *llfc.Lab {
		lab, err := llfc.OpenOn("go")
		check(err)
		lab.Runs = runs
		check(lab.AddNetwork(small))
		check(lab.AddData(dots(400, 1), dots(100, 2)))
		return lab
	}
	lab := openLab()
	defer lab.Close()
	s := llfc.Setting{
		Network: network.Spec{Architecture: "small"}, Data: "dots",
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 8},
	}
	spawned, err := lab.Spawned(ctx, s, 2, 1)
	check(err)
	matched, how, err := lab.Permuted(ctx, s, 1)
	check(err)
	fmt.Println("matching came closer:", how.Objective > how.Identity)
	for _, pair := range []llfc.Pair{spawned, matched} {
		r, err := lab.Test(ctx, s, pair, measure.Options{Conditions: true})
		check(err)
		half, err := r.LLFC(0.5)
		check(err)
		fmt.Println(pair.Name, half.Layers, "first layer exact:", half.Stats[0].Mean < 1e-12)
		_, err = plotting.Lines(pair.Name, "α", "error", plotting.Series{Name: "A to B", Data: r.Errors()})
		check(err)
	}

	again := openLab() // another program
	defer again.Close()
	found, err := again.Spawned(ctx, s, 2, 1) // trains nothing
	check(err)
	fmt.Println("found again:", found.A.Theta.Equal(spawned.A.Theta), found.A.Label())
	// Output:
	// matching came closer: true
	// spawned at 2 epochs, seed 1 [conv conv/softplus conv/softplus/meanpool fc fc/relu logits] first layer exact: true
	// permuted, seed 1 [conv conv/softplus conv/softplus/meanpool fc fc/relu logits] first layer exact: true
	// found again: true small-dots-e4c5632adcd5cd10
}
