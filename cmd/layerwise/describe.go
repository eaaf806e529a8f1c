package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/network"
)

var describeVerb = verb{
	name: "describe", args: "NETWORK|FILE [flags]", about: "Prints a network's parameters, taps, symmetry and cost",
	example: "layerwise describe mlp --json",
	run: func(_ context.Context, c *command) error {
		asJSON := c.Bool("json", false, "print JSON")
		widths := c.String("widths", "", "`units` of the hidden layers, such as 512,512,512")
		input := c.String("input", "", "the `shape` of one sample, such as 28,28,1")
		if err := c.parse(1); err != nil {
			return err
		}
		spec, err := specOf(c.given[0])
		if err != nil {
			return err
		}
		if *widths != "" {
			if spec.Widths, err = list("widths", *widths, strconv.Atoi); err != nil {
				return err
			}
		}
		if *input != "" {
			if spec.Input, err = list("input", *input, strconv.Atoi); err != nil {
				return err
			}
		}
		n, err := network.New(spec)
		if err != nil {
			return misuse{err}
		}
		d, err := n.Description()
		if err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(c.out)
			e.SetIndent("", "  ")
			return e.Encode(d)
		}
		return d.WriteText(c.out)
	},
}

// specOf reads the network of a checkpoint, or takes the default of an architecture.
func specOf(name string) (network.Spec, error) {
	if _, err := os.Stat(name); err == nil && strings.Contains(name, ".") {
		ckpt, err := llfc.LoadCheckpoint(name)
		return ckpt.Network, err
	}
	spec, err := network.Default(name)
	if err != nil {
		return spec, misuse{err}
	}
	return spec, nil
}
