package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"

	"layerwise/llfc/network"
)

var describeVerb = verb{
	name: "describe", args: "NETWORK|FILE [flags]", about: "Prints a network's parameters, taps, symmetry and cost",
	example: "layerwise describe resnet20 --width 32 --json",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		asJSON := c.Bool("json", false, "print JSON")
		input := c.sizes("input", "the `shape` of one sample, such as 28,28,1")
		classes := c.count("classes", 0, 1, "the `number` of logits")
		shaped := c.networkFlags(
			specFlag{"input", func(s *network.Spec) { s.Input = *input }},
			specFlag{"classes", func(s *network.Spec) { s.Classes = *classes }},
		)
		if err := c.parse(1); err != nil {
			return err
		}
		spec, err := c.spec(c.given[0])
		if err != nil {
			return err
		}
		if spec, err = shaped(ctx, spec); err != nil {
			return err
		}
		n, err := network.NewContext(ctx, spec)
		if err != nil {
			return err
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

// spec returns the network with that name, or the network of that checkpoint.
func (c *command) spec(name string) (network.Spec, error) {
	if spec, err := network.Default(name); err == nil {
		return spec, nil
	}
	if _, err := os.Stat(name); err != nil {
		return network.Spec{}, c.wrong("%q is neither a file nor a network; known: %s", name, networkNames())
	}
	given := ""
	c.Visit(func(f *flag.Flag) {
		if f.Name != "json" {
			given = f.Name
		}
	})
	if given != "" {
		return network.Spec{}, c.wrong("--%s is for the name of a network; the sizes of %s are in the file", given, name)
	}
	ckpt, err := c.checkpoint(name)
	return ckpt.Network, err
}
