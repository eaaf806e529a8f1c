package main

import (
	"context"
	"fmt"

	"layerwise/internal/atomicfile"
	"layerwise/llfc"
	"layerwise/llfc/explore"
)

var exploreVerb = verb{
	name: "explore", args: "A.safetensors B.safetensors --out FILE [flags]", about: "Writes one page to look around in a pair: a slider for α, the layers, the worst images with their feature maps",
	example: "layerwise explore a.safetensors b.safetensors --data mnist --samples 2000 --out out/ab.html",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		c.asNumbersFlag()
		set := c.pathAfter("images:", "data", "the data `set`; by default the one that the networks were trained on")
		alphas := c.alphas("alphas", nil, "`values` of α in [0, 1]; 1 is A; by default 0, 0.1 … 1. 0, 0.5 and 1 are always among them")
		samples := c.count("samples", 2000, 0, "the `number` of test samples on the page, drawn stratified by class; 0 is all")
		shown := c.count("maps", 12, 1, "the `number` of images whose feature maps are on the page: the worst of each layer in turn")
		out := c.path("out", "", "write the page to `file`; it needs no network and works from disk")
		if err := c.parse(2); err != nil {
			return err
		}
		if err := c.need("out"); err != nil {
			return err
		}
		a, b, err := c.pair()
		if err != nil {
			return err
		}
		if *set == "" {
			if *set, err = c.trainedOn(a, b); err != nil {
				return err
			}
		}
		if err := c.checkData("data", *set); err != nil {
			return err
		}
		l, err := c.begin(ctx, *out, c.inputs(*set))
		if err != nil {
			return err
		}
		defer l.Close()
		_, test, err := l.Sets(ctx, *set, 0, *samples)
		if err != nil {
			return err
		}
		for i, ckpt := range []llfc.Checkpoint{a, b} {
			if err := ckpt.Suits(test); err != nil {
				return c.classes("--data "+*set+" for "+c.given[i], err)
			}
		}
		p := llfc.Pair{Name: c.given[0] + " and " + c.given[1], A: a, B: b, Data: *set}
		page, err := explore.Pair(ctx, l, p, test, explore.Options{Alphas: *alphas, Shown: *shown})
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		if err := atomicfile.Write(*out, page.Write); err != nil {
			return err
		}
		c.note(test.Note)
		fmt.Fprintln(c.out, *out)
		return nil
	},
}
