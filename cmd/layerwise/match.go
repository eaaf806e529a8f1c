package main

import (
	"context"
	"fmt"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

var matchVerb = verb{
	name: "match", args: "A.safetensors B.safetensors --out FILE [flags]", about: "Permutes the hidden units of B to bring its weights close to A's",
	example: "layerwise match a.safetensors b.safetensors --method weight --out b.matched.safetensors",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		c.asNumbersFlag()
		method := c.choice("method", "weight", "the matching method, by `name`: "+strings.Join(match.MethodNames(), ", "), match.MethodNames()...)
		seed := c.Int64("seed", 0, "the `seed` for the order of the further searches")
		restarts := c.count("restarts", llfc.MatchRestarts, 0, "the `number` of further searches")
		out := c.path("out", "", "write the permuted B to `file`")
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
		if err := c.apart([]file{{"--out", *out}}, c.inputs("")); err != nil {
			return err
		}
		if err := c.outFile("out"); err != nil {
			return err
		}
		l, err := c.lab(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		moved, r, err := l.Match(ctx, llfc.Pair{Name: c.given[0] + " and " + c.given[1], A: a, B: b}, *method, match.Config{Seed: *seed, Restarts: *restarts})
		if err != nil {
			return fmt.Errorf("%s and %s: %w", c.given[0], c.given[1], err)
		}
		before, err := network.Distance(a.Theta, b.Theta)
		if err != nil {
			return err
		}
		after, err := network.Distance(a.Theta, moved.Theta)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := llfc.SaveCheckpoint(*out, moved); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s\n%s  method %s  ‖θ_A − θ_B‖ %.4f → %.4f; the permuted network is the same function\n", llfc.Spread(r), *out, *method, before, after)
		return nil
	},
}
