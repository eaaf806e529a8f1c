package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"layerwise/internal/checksum"
	"layerwise/internal/memory"
	"layerwise/llfc/compare"
	"layerwise/llfc/foreign"
	"layerwise/llfc/formats"
)

var inspectVerb = verb{
	name: "inspect", args: "FILE [flags]", about: "Lists the tensors in a file of weights that anybody wrote, without running anything in it",
	example: "layerwise inspect model.pt --key ema --json",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		asJSON := c.Bool("json", false, "print JSON")
		key := c.keyFlag()
		if err := c.parse(1); err != nil {
			return err
		}
		f, err := c.weights(c.given[0], *key)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := inspect(ctx, f)
		if err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(c.out)
			e.SetIndent("", "  ")
			return e.Encode(r)
		}
		r.write(c.out)
		return nil
	},
}

// inspected is what inspect says of a file.
type inspected struct {
	File    string            `json:"file"`
	Format  string            `json:"format"`
	Numbers int               `json:"numbers"`
	Bytes   int64             `json:"bytes"`
	SHA256  string            `json:"sha256"` // of names, types, shapes and numbers, in their order
	Fits    string            `json:"fits,omitempty"`
	Notes   []string          `json:"notes,omitempty"`
	Meta    map[string]string `json:"metadata,omitempty"`
	Tensors []inspectedTensor `json:"tensors"`
}

type inspectedTensor struct {
	Name   string `json:"name"`
	DType  string `json:"dtype"`
	Shape  []int  `json:"shape"`
	SHA256 string `json:"sha256,omitempty"` // of the numbers
	TiedTo string `json:"tied_to,omitempty"`
	hidden bool   // but in JSON
}

func inspect(ctx context.Context, f *formats.File) (inspected, error) {
	r := inspected{File: f.Path, Format: f.Format, Notes: f.Notes, Meta: f.Meta}
	whole := checksum.SHA256()
	for _, t := range f.Tensors {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		row := inspectedTensor{Name: t.Name, DType: t.DType, Shape: t.Shape, TiedTo: t.TiedTo, hidden: t.Constant && (!t.Float() || t.Count() < 2)}
		if t.Readable() {
			h := checksum.SHA256()
			if err := t.Raw(func(b []byte) error { h.Write(b); return nil }); err != nil {
				return r, fmt.Errorf("%s: %w", f.Path, err)
			}
			sum := h.Sum(nil)
			row.SHA256 = hex.EncodeToString(sum)
			fmt.Fprintf(whole, "%q %s %v %x\n", t.Name, t.DType, t.Shape, sum)
		} else {
			r.Notes = append(r.Notes, fmt.Sprintf("%.80q: numbers of the type %s are not read", t.Name, t.DType))
		}
		if t.TiedTo == "" {
			r.Numbers += t.Count()
			r.Bytes += t.Bytes()
		}
		r.Tensors = append(r.Tensors, row)
	}
	r.SHA256 = hex.EncodeToString(whole.Sum(nil))
	if text := f.Meta["network"]; text != "" {
		r.Fits = text + ", as the file says"
	} else if m, err := foreign.Fit(f, nil); err == nil {
		r.Fits = m.Spec.JSON() + ", by shapes and order"
	}
	return r, nil
}

func (r inspected) write(w io.Writer) {
	fmt.Fprintf(w, "%s  %s, %d tensors, %d numbers, %s\nsha256 %s\n", r.File, r.Format, len(r.Tensors), r.Numbers, memory.Size(float64(r.Bytes)), r.SHA256)
	if r.Fits != "" {
		fmt.Fprintf(w, "fits: %s\n", r.Fits)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Meta)) {
		fmt.Fprintf(w, "%s: %.300s\n", k, r.Meta[k])
	}
	names, shapes := 4, 5
	for _, t := range r.Tensors {
		names, shapes = min(60, max(names, len(t.Name))), max(shapes, len([]rune(compare.Shape(t.Shape))))
	}
	hidden := 0
	for _, t := range r.Tensors {
		if t.hidden {
			hidden++
			continue
		}
		end := fmt.Sprintf("sha256 %.12s", t.SHA256)
		if t.TiedTo != "" {
			end += ", tied to " + t.TiedTo
		}
		fmt.Fprintf(w, "%-*s  %-4s  %-*s  %s\n", names, t.Name, t.DType, shapes, compare.Shape(t.Shape), end)
	}
	if hidden > 0 {
		fmt.Fprintf(w, "and %d constants of the graph, integers and single numbers, which --json lists\n", hidden)
	}
}
