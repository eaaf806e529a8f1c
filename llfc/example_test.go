package llfc_test

import (
	"context"
	"fmt"
	"os"

	"layerwise/llfc"
	"layerwise/llfc/measure"
)

// A preset returns a fresh value and cites where it comes from; what differs is all that shows.
func ExampleMLPMNIST() {
	s := llfc.MLPMNIST()
	s.Data, s.Train.Epochs = "digits", 5
	fmt.Println(s.Source)
	fmt.Println(s.Network.Widths, s.Train.Optimiser.Name, s.Train.Optimiser.Rate, s.Train.Batch, s.Train.Epochs)
	// Output:
	// arXiv 2307.08286, App. B.1
	// [512 512 512] adam 0.00012 60 5
}

// Two networks share their first epoch, and are measured between: the first layer is linear, so its features interpolate exactly, and
// those of the others do not.
func ExampleLab_Spawned() {
	runs, err := os.MkdirTemp("", "runs")
	check(err)
	defer os.RemoveAll(runs)
	lab, err := llfc.OpenOn("go") // Open() takes the best backend
	check(err)
	defer lab.Close()
	lab.Runs = runs // the default is the folder runs

	s := llfc.MLPMNIST()
	s.Data, s.Network.Widths, s.Train.Epochs = "synthetic", []int{16}, 2
	ctx := context.Background()
	pair, err := lab.Spawned(ctx, s, 1, 1)
	check(err)
	train, test, err := lab.Feed(ctx, pair.Data, pair.A.Normalize, 0, 0)
	check(err)
	defer train.Free()
	defer test.Free()
	r, err := lab.Measure(ctx, pair, measure.Options{Alphas: []float64{0.5}}, test)
	check(err)
	half, err := r.LLFC(0.5)
	check(err)
	fmt.Println(pair.Name)
	for i, layer := range half.Layers {
		fmt.Println(layer, half.Stats[i].Mean < 1e-12)
	}
	// Output:
	// spawned at 1 epochs, seed 1
	// fc1 true
	// fc1/relu false
	// logits false
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A claim holds if every seed keeps to its line; the interval is that of the mean.
func ExampleClaim() {
	c := llfc.Claim{
		Statement: "a spawned pair is linearly connected", Quantity: "error barrier", Kind: llfc.AtMost, Line: 0.02, Percent: true,
		Values: []float64{0.001, 0.002, 0.003},
	}
	fmt.Println(c.Measured(), c.Interval(), c.Threshold(), c.Verdict())
	// Output:
	// 0.2 % [-0.0484 %, 0.448 %], 3 seeds ≤ 2 % holds
}
