package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"layerwise/llfc/network"
)

var describeVerb = verb{
	name: "describe", args: "NETWORK|FILE [flags]", about: "Prints a network's parameters, taps, symmetry and cost",
	example: "layerwise describe mlp --json",
	kept:    "nothing was written",
	run: func(_ context.Context, c *command) error {
		asJSON := c.Bool("json", false, "print JSON")
		widths := c.sizes("widths", "`units` of the hidden layers, such as 512,512,512")
		input := c.sizes("input", "the `shape` of one sample, such as 28,28,1")
		if err := c.parse(1); err != nil {
			return err
		}
		spec, err := c.spec(c.given[0])
		if err != nil {
			return err
		}
		if len(*widths) > 0 {
			spec.Widths = *widths
		}
		if len(*input) > 0 {
			spec.Input = *input
		}
		n, err := network.New(spec)
		if err != nil {
			return c.wrong("%w", err)
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

// spec takes the default of an architecture, or reads the network of a checkpoint.
func (c *command) spec(name string) (network.Spec, error) {
	var known []string
	for _, a := range network.Architectures() {
		if a.Name == name {
			return network.Default(name)
		}
		known = append(known, a.Name)
	}
	if _, err := os.Stat(name); err != nil {
		return network.Spec{}, c.wrong("%q is neither a network (%s) nor a file: %w", name, strings.Join(known, ", "), err)
	}
	if c.set("widths") || c.set("input") {
		return network.Spec{}, c.wrong("--widths and --input are for an architecture; the sizes of %s are in the file", name)
	}
	ckpt, err := c.checkpoint(name)
	if err != nil {
		return network.Spec{}, fmt.Errorf("describe: %w", err)
	}
	return ckpt.Network, nil
}
