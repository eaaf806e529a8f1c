// Command recovery counts how often weight matching finds a planted permutation: B is A with its units in another order, and nothing else.
// It prints a table for residual networks, where users of Git Re-Basin's code saw 10 of 100 from one start (samuela/git-re-basin, issue 8:
// stream and inner layers of 30 and 50 units).
//
//	go run ./benchmarks/recovery [-plantings 100] [-out FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

func main() { harness.Main("recovery", run) }

// residual is a stream of d units that the input enters by a dense layer, and blocks of d, inner and d units around it.
func residual(d, inner, blocks int) network.Architecture {
	return network.Custom(fmt.Sprintf("residual-%d-%d-%d", d, inner, blocks), func(x network.X) network.X {
		x = x.Flatten().Dense("in", d).ReLU()
		for b := range blocks {
			y := x.Dense(fmt.Sprintf("block%d/up", b+1), inner).ReLU().Dense(fmt.Sprintf("block%d/down", b+1), d)
			x = y.Add(x).As(fmt.Sprintf("block%d", b+1))
		}
		return x.Dense("logits", x.Classes())
	})
}

// contestant is a network of a table row.
type contestant struct {
	name string
	net  func() (network.Network, error)
}

func dense(inputs, d, inner, blocks int) contestant {
	return contestant{
		fmt.Sprintf("dense, %d inputs, stream %d, %d blocks of %d", inputs, d, blocks, inner),
		func() (network.Network, error) {
			return residual(d, inner, blocks).New(network.Spec{Input: []int{1, 1, inputs}, Classes: 10})
		},
	}
}

func resnet(width int, shortcut string) contestant {
	return contestant{
		fmt.Sprintf("ResNet-8, width %d, shortcut %s", width, shortcut),
		func() (network.Network, error) {
			return network.New(network.Spec{Architecture: "resnet", Input: []int{32, 32, 3}, Classes: 10, Depth: 8, Width: width, Norm: "batch", Shortcut: shortcut, Init: "kaiming"})
		},
	}
}

const further = 10 // runs in random order, each from the identity

func run() error {
	plantings := flag.Int("plantings", 100, "how many permutations are planted in each network, each in weights of a seed of its own")
	out := flag.String("out", "", "write the table to this file too")
	flag.Parse()
	if flag.NArg() > 0 || *plantings < 1 {
		return errors.New("usage: recovery [-plantings N] [-out FILE]")
	}
	var page strings.Builder
	fmt.Fprintf(&page, "# Planted permutations recovered exactly\n\nMade by `go run ./benchmarks/recovery -plantings %d`. B is A, randomly initialised, with its units in another order.\n", *plantings)
	fmt.Fprintf(&page, "First run: network order, each layer from a matched one below. Random order: each of %d further runs by itself; any of the first 3 of them, and of all.\nWeights: what a caller gets with all of them. Of %d plantings.\n\n", further, *plantings)
	fmt.Fprintf(&page, "| network | first run | one run in random order | any of 3 | any of %d | Weights |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", further)
	for _, c := range []contestant{dense(8, 3, 5, 2), dense(30, 30, 50, 2), dense(30, 30, 50, 4), dense(50, 50, 30, 4), dense(8, 30, 50, 4), dense(784, 30, 50, 4),
		resnet(30, "pad"), resnet(50, "pad"), resnet(30, "conv1"), resnet(50, "conv1")} {
		row, err := recovered(c, *plantings)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintln(&page, row)
		fmt.Fprintln(os.Stderr, row)
	}
	fmt.Print(page.String())
	if *out == "" {
		return nil
	}
	return os.WriteFile(*out, []byte(page.String()), 0o666)
}

// recovered returns a row of the table.
func recovered(c contestant, plantings int) (string, error) {
	n, err := c.net()
	if err != nil {
		return "", err
	}
	s, err := n.Symmetry()
	if err != nil {
		return "", err
	}
	first, single, of3, ofAll, found := 0, 0, 0, 0, 0
	for seed := range int64(plantings) {
		a, err := n.Init(seed + 1)
		if err != nil {
			return "", err
		}
		planted := s.Random(seed + 1000)
		b, err := s.Apply(planted, a)
		if err != nil {
			return "", err
		}
		r, err := match.Weights(context.Background(), s, a, b, match.Config{Seed: seed, Restarts: further})
		if err != nil {
			return "", err
		}
		back, err := s.Apply(r.Permutation, b)
		if err != nil {
			return "", err
		}
		if !back.Equal(a) {
			continue
		}
		found++
		right := func(from, to int) (n int) { // no other permutation has the objective of the planted one
			for _, v := range r.Objectives[from:to] {
				if v >= r.Objective*(1-1e-9) {
					n++
				}
			}
			return n
		}
		first += min(1, right(0, 1))
		single += right(1, 1+further)
		of3 += min(1, right(1, 4))
		ofAll += min(1, right(1, 1+further))
	}
	return fmt.Sprintf("| %s | %d | %.0f %% | %d | %d | %d |", c.name, first, 100*float64(single)/float64(further*plantings), of3, ofAll, found), nil
}
