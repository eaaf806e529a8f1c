package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"layerwise/llfc"
	"layerwise/llfc/study"
	"layerwise/plotting"
)

var reproduceVerb = verb{
	name: "reproduce", args: "[--figure N] [--table N] [--subjects NAMES] [--scale NAME] [--out DIR]", about: "Runs the papers' experiments, checks their claims and writes the report",
	example: "layerwise reproduce --scale smoke --out out/smoke",
	kept:    trainingKept,
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		scale := c.scaleFlag("quick")
		ids := c.String("subjects", "", "what to study, `names` with commas; --list shows them; by default the paper's MLP")
		figure := c.String("figure", "", "only these figures of the paper, their `numbers` with commas; networks and measurements are shared with every other report")
		tables := c.String("table", "", "only these tables of the paper, their `numbers` with commas")
		item := c.String("item", "", "only these entries of --list, by `id`, with commas: lemma-1, theorem-1, figure-7")
		list := c.Bool("list", false, "run nothing: list the figures, tables and statements of the paper, and the subjects of every scale")
		out := c.path("out", filepath.Join("out", "reproduce"), "write the report to `dir`; with --figure, --table, --item or --subjects by default to a folder of their names in out")
		var themes []string
		for _, t := range plotting.Themes() {
			themes = append(themes, t.Name)
		}
		theme := c.choice("theme", "", "draw the files of figures for a reader, by `name`: paper, in the letters and widths of a NeurIPS column; slides; by default for a screen", themes...)
		table := c.path("markdown", "", "run nothing: print the table of a report's scorecard.json, this `file`")
		c.former("study", "subjects")
		c.former("nets", "subjects")
		if err := c.parse(0); err != nil {
			return err
		}
		if *list {
			return errors.Join(listItems(c), listSubjects(c))
		}
		if *table != "" {
			return printTable(c, *table)
		}
		named := names(*ids)
		if c.set("subjects") && len(named) == 0 {
			return c.wrong("--subjects %q names none; layerwise reproduce --list shows them", *ids)
		}
		items, err := chosenItems(c, *figure, *tables, *item)
		if err != nil {
			return err
		}
		subjects, err := study.Select(*scale, named...)
		if len(items) > 0 {
			subjects, err = study.SelectFor(*scale, items, named...)
		}
		if err != nil {
			return c.wrong("--subjects: %w; layerwise reproduce --list shows them", err)
		}
		if folder := append(study.IDs(items), named...); len(folder) > 0 && !c.set("out") {
			*out = filepath.Join("out", strings.Join(folder, "+"))
		}
		if err := c.need("out"); err != nil {
			return err
		}
		if err := c.outDir("out", study.CheckFolder); err != nil {
			return err
		}
		l, err := c.lab(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		s, err := study.Run(ctx, l, *scale, subjects, func(t study.Trial) { fmt.Fprintln(c.err, t) })
		if err != nil {
			return err
		}
		s.Items = items
		for _, t := range plotting.Themes() {
			if t.Name == *theme {
				s.Theme = t
			}
		}
		claims, err := s.Write(*out)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, claim := range claims {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s", claim.Verdict(), claim.ID, claim.Measured(), claim.Threshold(), claim.Quantity)
			if e := claim.Elsewhere; e != nil {
				fmt.Fprintf(w, "\tat the paper's scale it %s", e)
			}
			fmt.Fprintln(w)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		holds, fails, open := claims.Count()
		fmt.Fprintf(c.out, "\n%d claims hold, %d fail, %d were not measured; scale %s, %s\nreport: %s\n", holds, fails, open, *scale,
			s.Took.Round(100*time.Millisecond), filepath.Join(*out, "index.html"))
		return nil
	},
}

// chosenItems are the entries of the registry that the flags name.
func chosenItems(c *command, figure, tables, item string) ([]study.Item, error) {
	var ids []string
	for _, f := range []struct{ flag, value, kind string }{{"figure", figure, study.ItemFigure}, {"table", tables, study.ItemTable}, {"item", item, ""}} {
		given := names(f.value)
		if c.set(f.flag) && len(given) == 0 {
			return nil, c.wrong("--%s %q names none; layerwise reproduce --list shows them", f.flag, f.value)
		}
		for _, id := range given {
			if f.kind != "" {
				id = f.kind + "-" + id
			}
			if _, err := study.Items(id); err != nil {
				return nil, c.wrong("--%s: %w; layerwise reproduce --list shows them", f.flag, err)
			}
			ids = append(ids, id)
		}
	}
	return study.Items(ids...)
}

// listItems prints the registry.
func listItems(c *command) error {
	fmt.Fprintln(c.out, "of the paper, by --figure N, --table N or --item ID:")
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, i := range study.Registry() {
		fmt.Fprintf(w, "  %s\t%s\n", i.ID, i)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// listSubjects prints what every scale has.
func listSubjects(c *command) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for i, scale := range llfc.Scales() {
		subjects, err := study.Subjects(scale.Name)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "--scale %s: %s\n", scale.Name, scale.About)
		for _, s := range subjects {
			fmt.Fprintf(w, "  %s\t%s\n", s.ID, s)
		}
	}
	return w.Flush()
}

// printTable prints a scorecard as the README shows it.
func printTable(c *command, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return c.wrong("--markdown: %w; reproduce --out DIR writes DIR/scorecard.json", err)
	}
	defer f.Close()
	text, err := study.Markdown(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = io.WriteString(c.out, text)
	return err
}
