package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"layerwise/llfc/reproduce"
)

var reproduceVerb = verb{
	name: "reproduce", args: "[--study NAME] [--scale NAME] [--out DIR]", about: "Runs the paper's experiments, checks its claims and writes the report",
	example: "layerwise reproduce --scale smoke --out out/smoke",
	kept:    trainingKept,
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		name := c.choice("scale", "quick", "how much to run, by `name`: smoke (seconds), quick (minutes; convnets hours), cpu-hour (convnets on all images) or paper (an hour; convnets a GPU)", reproduce.ScaleNames()...)
		study := c.choice("study", reproduce.Studies()[0], "which study, by `name`: mlp (the paper's MLP) or convnets (VGG and ResNets on CIFAR-10)", reproduce.Studies()...)
		nets := c.String("nets", "", "only these networks of --study convnets, by their `names` with commas between them")
		out := c.path("out", filepath.Join("out", "reproduce"), "write the report to `dir`; the default for --study convnets is out/convnets")
		table := c.path("markdown", "", "run nothing; print the table of this `file`, the scorecard.json of a report")
		if err := c.parse(0); err != nil {
			return err
		}
		if *table != "" {
			return printTable(c, *table)
		}
		run, err := reproduce.Plan(*study, *name, strings.FieldsFunc(*nets, func(r rune) bool { return r == ',' })...)
		if err != nil {
			return misuse{err}
		}
		if !c.set("out") && *study != reproduce.Studies()[0] {
			*out = filepath.Join("out", *study)
		}
		if err := c.need("out"); err != nil {
			return err
		}
		if err := c.outDir("out", reproduce.CheckFolder); err != nil {
			return err
		}
		l, err := c.lab(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		began := time.Now()
		report, err := run(ctx, l, func(line string) { fmt.Fprintln(c.err, line) })
		if err != nil {
			return err
		}
		took := time.Since(began)
		claims, err := report.Write(*out)
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
		fmt.Fprintf(c.out, "\n%d claims hold, %d fail, %d were not measured; scale %s, %s\nreport: %s\n", holds, fails, open, *name,
			took.Round(100*time.Millisecond), filepath.Join(*out, "index.html"))
		return nil
	},
}

// printTable prints a scorecard as the README shows it.
func printTable(c *command, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return c.wrong("--markdown: %w; reproduce --out DIR writes DIR/scorecard.json", err)
	}
	defer f.Close()
	text, err := reproduce.Markdown(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = io.WriteString(c.out, text)
	return err
}
