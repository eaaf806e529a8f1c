package main

import (
	"context"
	"fmt"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

var mergeVerb = verb{
	name: "merge", args: "A.safetensors [B.safetensors …] --out FILE [flags]", about: "Makes one network of several: a mean, or a sum of task vectors",
	example: "layerwise merge a.safetensors b.safetensors --method ties --base start.safetensors --lambda 0.8 --out merged.safetensors",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		c.asNumbersFlag()
		var about []string
		for _, m := range merge.Recipes() {
			about = append(about, m.Name+": "+m.Doc)
		}
		method := c.choice("method", "mean", "how, by `name`. "+strings.Join(about, ". "), merge.RecipeNames()...)
		base := c.path("base", "", "the `file` of the network θ_0 that all were fine-tuned from")
		weights := c.reals("weights", -1000, 1000, "the `weights` of the networks, with commas between them; by default 1/n each for a mean, 1 each for task vectors")
		lambda := c.real("lambda", 1, -1000, 1000, "the `factor` λ of what is added to θ_0")
		keep := c.real("keep", 0, 0, 1, "the `share` of each task vector that ties or dare leave; 0 is 0.2 for ties, 0.1 for dare")
		seed := c.Int64("seed", 0, "the `seed` of what dare drops")
		reset := c.pathAfter("images:", "reset", "measure the statistics of batch norms anew on training samples of this data `set`; by default they are the mean of the networks'")
		samples := c.count("reset-samples", 0, 2, "the `number` of those samples; by default 10000, or all of a smaller set")
		out := c.path("out", "", "write the merged network to `file`")
		if err := c.parseAll(); err != nil {
			return err
		}
		if len(c.given) == 0 {
			return c.wrong("no networks: layerwise %s %s", c.verb.name, c.verb.args)
		}
		if err := c.need("out"); err != nil {
			return err
		}
		r := merge.Recipe{Name: *method, Weights: *weights, Keep: *keep, Seed: *seed}
		if c.set("lambda") {
			if r.Lambda = *lambda; r.Lambda == 0 {
				return c.wrong("--lambda 0 adds nothing to the base")
			}
		}
		if err := r.Check(len(c.given), *base != ""); err != nil {
			return c.wrong("%w", err)
		}
		if c.set("reset-samples") && *reset == "" {
			return c.wrong("--reset-samples is of --reset")
		}
		models, err := c.several()
		if err != nil {
			return err
		}
		read := c.inputs(*reset)
		var start *llfc.Checkpoint
		if *base != "" {
			b, err := c.checkpoint(*base)
			if err != nil {
				return err
			}
			b.ByNumber = *c.asNumbers
			if err := llfc.SamePlace(b, models[0]); err != nil {
				return c.classes(*base+" and "+c.given[0], err)
			}
			start, read = &b, append(read, file{"the base", *base})
		}
		if *reset != "" {
			if err := c.checkData("reset", *reset); err != nil {
				return err
			}
		}
		l, err := c.begin(ctx, *out, read)
		if err != nil {
			return err
		}
		defer l.Close()
		var train *feed.Feed
		if *reset != "" {
			set, _, err := l.Sets(ctx, *reset, 0, 0)
			if err != nil {
				return err
			}
			if err := models[0].Suits(set); err != nil {
				return c.classes("--reset "+*reset, err)
			}
			if train, err = feed.New(l.Backend, set, models[0].Normalize); err != nil {
				return err
			}
			defer train.Free()
		}
		merged, err := l.Merged(ctx, r, start, models, train, merge.Policy{Samples: *samples})
		if err != nil {
			return err
		}
		var apart []string
		for i, m := range models {
			d, err := network.Distance(merged.Theta, m.Theta)
			if err != nil {
				return err
			}
			apart = append(apart, fmt.Sprintf("%s %.4f", c.given[i], d))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := llfc.SaveCheckpoint(*out, merged); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s  method %s  distance to %s\n", *out, *method, strings.Join(apart, ", to "))
		return nil
	},
}
