package main

import (
	"context"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"layerwise/llfc/reproduce"
)

var reproduceVerb = verb{
	name: "reproduce", args: "[--scale NAME] [--out DIR]", about: "Runs the paper's experiments, checks its claims and writes the report",
	example: "layerwise reproduce --scale smoke --out out/smoke",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		name := c.String("scale", "quick", "how much, by `name`: smoke (seconds), quick (minutes) or paper (an hour)")
		out := c.String("out", filepath.Join("out", "reproduce"), "write the report to `dir`")
		if err := c.parse(0); err != nil {
			return err
		}
		scale, err := reproduce.ScaleByName(*name)
		if err != nil {
			return misuse{err}
		}
		l, err := c.lab()
		if err != nil {
			return err
		}
		defer l.Close()
		study, err := reproduce.Run(ctx, l, scale)
		if err != nil {
			return err
		}
		claims, err := study.Write(*out)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, claim := range claims {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", claim.Verdict(), claim.ID, claim.Measured(), claim.Threshold(), claim.Quantity)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		holds, fails, open := claims.Count()
		fmt.Fprintf(c.out, "\n%d claims hold, %d fail, %d were not measured; scale %s, %s\nreport: %s\n", holds, fails, open, scale.Name, study.Took.Round(100_000_000), filepath.Join(*out, "index.html"))
		return nil
	},
}
