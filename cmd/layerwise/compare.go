package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"layerwise/internal/atomicfile"
	"layerwise/llfc/compare"
	"layerwise/llfc/formats"
	"layerwise/llfc/network"
	"layerwise/plotting"
)

var compareVerb = verb{
	name: "compare", args: "A B [flags]", about: "Says how two files of weights are related, tensor by tensor, without knowing the network: identical, partly frozen, related, permuted or independent",
	example: "layerwise compare a.pt b.safetensors --csv tensors.csv",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		key := c.keyFlag()
		draws := c.count("draws", 9999, 1, "the `number` of permutations drawn for the null distribution of the test of independence")
		seed := c.Int64("seed", 0, "the `seed` of the draws")
		search := c.count("search", 8<<20, 0, "look for a permutation of hidden units in networks of up to so many `numbers`; 0 never looks")
		asMarkdown := c.Bool("markdown", false, "print the tensors as a table in Markdown")
		csv := c.path("csv", "", "also write the tensors to `file`, all digits")
		if err := c.parse(2); err != nil {
			return err
		}
		if *csv != "" {
			if err := c.apart([]file{{"--csv", *csv}}, c.inputs("")); err != nil {
				return err
			}
			if err := c.outFile("csv"); err != nil {
				return err
			}
		}
		a, err := c.weights(c.given[0], *key)
		if err != nil {
			return err
		}
		defer a.Close()
		b, err := c.weights(c.given[1], *key)
		if err != nil {
			return err
		}
		defer b.Close()
		o := compare.Options{Draws: *draws, Seed: *seed, Search: *search, Symmetry: ownSymmetry(a, b)}
		if *search == 0 {
			o.Search = -1
		}
		r, err := compare.Nets(ctx, compare.FromFile(a), compare.FromFile(b), o)
		if err != nil {
			return fmt.Errorf("%s and %s: %w", c.given[0], c.given[1], err)
		}
		if *csv != "" {
			err := atomicfile.Write(*csv, func(w io.Writer) error {
				return plotting.Table{Headers: compare.Columns, Rows: r.Table(-1)}.CSV(w)
			})
			if err != nil {
				return err
			}
		}
		return c.compared(a, b, r, *asMarkdown)
	},
}

// ownSymmetry is that of the network which both files name, as this program writes it; nil if they do not.
func ownSymmetry(a, b *formats.File) *network.Symmetry {
	text := a.Meta["network"]
	if text == "" || text != b.Meta["network"] {
		return nil
	}
	spec, err := network.ParseSpec(text)
	if err != nil {
		return nil
	}
	numbers := 0 // a made-up description must not cost more than its weights
	for _, t := range a.Tensors {
		numbers += t.Count()
	}
	n, err := network.NewWithin(spec, numbers)
	if err != nil {
		return nil
	}
	s, err := n.Symmetry()
	if err != nil {
		return nil
	}
	return &s
}

// compared prints what was found.
func (c *command) compared(a, b *formats.File, r *compare.Result, asMarkdown bool) error {
	fmt.Fprintf(c.out, "%s\n", r.Verdict)
	if n := len(r.Verdict.Frozen); n > 0 {
		fmt.Fprintf(c.out, "frozen: %s\n", some(r.Verdict.Frozen))
	}
	for _, f := range []*formats.File{a, b} {
		for _, note := range f.Notes {
			c.note(f.Path + ": " + note)
		}
	}
	if r.ByOrder {
		c.note("the names differ; partners are the tensors of the same shape, in their order")
	}
	for i, only := range [][]string{r.OnlyA, r.OnlyB} {
		if len(only) > 0 {
			c.note(fmt.Sprintf("only in %s: %s", c.given[i], some(only)))
		}
	}
	switch {
	case r.Test != nil && r.Known:
		c.note("independence was tested along the hidden units of the network that both files name: " + some(r.Groups))
	case r.Test != nil:
		c.note("independence was tested along hidden units guessed from shapes that chain: " + some(r.Groups))
	}
	if asMarkdown {
		text, err := plotting.Table{Headers: compare.Columns, Rows: r.Table(3)}.Markdown()
		fmt.Fprint(c.out, "\n", text)
		return err
	}
	widest := 0
	for _, row := range r.Rows {
		widest = min(60, max(widest, len(row.Name)))
	}
	for _, row := range r.Rows {
		fmt.Fprintf(c.out, "%-*s  %s\n", widest, row.Name, rowText(row))
	}
	return nil
}

func rowText(r compare.Row) string {
	text := compare.Shape(r.Shape)
	switch {
	case r.Identical:
		return text + "  identical"
	case !r.Float:
		return text + "  differs; " + r.DType + " is not compared as weights"
	case !r.Finite:
		return text + "  holds what is no number"
	}
	text += fmt.Sprintf("  distance %.3g, cos %.4f", r.Distance, 1-r.OneMinusCos)
	if s := r.Spectra; s != nil {
		text += fmt.Sprintf(", σ₁ %.3g and %.3g, stable rank %.3g and %.3g", s.A[0], s.B[0], s.StableA, s.StableB)
		if len(s.Left) > 0 && len(s.Right) > 0 {
			text += fmt.Sprintf(", angles %.0f°–%.0f° left, %.0f°–%.0f° right", s.Left[0], s.Left[len(s.Left)-1], s.Right[0], s.Right[len(s.Right)-1])
		}
	}
	return text
}

// some lists the first few of many.
func some(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(names[:most], "; "), len(names)-most)
}
