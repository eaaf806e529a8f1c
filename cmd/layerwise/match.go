package main

import (
	"context"
	"fmt"
	"os"
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
		method := c.choice("method", "weight", "how the permutation is found, by `name`: "+strings.Join(match.MethodNames(), ", "), match.MethodNames()...)
		seed := c.Int64("seed", 0, "the `seed` of the order of the further searches")
		restarts := c.count("restarts", llfc.MatchRestarts, 0, "further searches, a `number`")
		out := c.String("out", "", "write the permuted B to `file`")
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
		if sameFile(*out, c.given[0]) {
			return c.wrong("--out %s is A, which stays as it is; name another file", *out)
		}
		if err := c.outFile("out"); err != nil {
			return err
		}
		l, err := c.lab()
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

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
