// Command match times match.Weights on two MLP checkpoints; compare.py runs it beside numpy and SciPy.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

func main() { harness.Main("match", run) }

func run() error {
	if len(os.Args) != 4 {
		return fmt.Errorf("usage: match A B REPEATS")
	}
	a, _, err := network.Load(os.Args[1])
	if err != nil {
		return err
	}
	b, _, err := network.Load(os.Args[2])
	if err != nil {
		return err
	}
	repeats, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	spec, err := network.Default("mlp")
	if err != nil {
		return err
	}
	n, err := network.New(spec)
	if err != nil {
		return err
	}
	s, err := n.Symmetry()
	if err != nil {
		return err
	}
	var out struct {
		Seconds []float64
		Result  match.Result
	}
	for range repeats {
		wall, _, err := harness.Time(func() (err error) {
			out.Result, err = match.Weights(context.Background(), s, a, b, match.Config{})
			return err
		})
		if err != nil {
			return err
		}
		out.Seconds = append(out.Seconds, wall)
	}
	return harness.Print(out)
}
