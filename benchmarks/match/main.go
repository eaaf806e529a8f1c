// Command match times match.Weights on two MLP checkpoints; compare.py runs it beside numpy and SciPy.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "match:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: match A B REPEATS")
	}
	a, _, err := network.Load(args[0])
	if err != nil {
		return err
	}
	b, _, err := network.Load(args[1])
	if err != nil {
		return err
	}
	repeats, err := strconv.Atoi(args[2])
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
		start := time.Now()
		if out.Result, err = match.Weights(context.Background(), s, a, b, match.Config{}); err != nil {
			return err
		}
		out.Seconds = append(out.Seconds, time.Since(start).Seconds())
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
