package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"layerwise/data"
	"layerwise/llfc/backend"
)

var doctorVerb = verb{
	name: "doctor", args: "[--json]", about: "Prints what is found on this machine, and for each missing thing the command that mends it",
	example: "layerwise doctor",
	kept:    "nothing was changed",
	run: func(ctx context.Context, c *command) error {
		asJSON := c.Bool("json", false, "print JSON")
		if err := c.parse(0); err != nil {
			return err
		}
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		rows := backend.Doctor(ctx, backend.Root(dir), dataRows(data.DefaultOptions())...)
		if err := ctx.Err(); err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(c.out)
			e.SetIndent("", "  ")
			err = e.Encode(rows)
		} else {
			err = c.printRows(rows)
		}
		if err != nil {
			return err
		}
		var missing []string
		for _, r := range rows {
			if r.State == backend.Missing {
				missing = append(missing, r.Item)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("doctor: to mend: %s", strings.Join(missing, ", "))
		}
		return nil
	},
}

// dataRows are the doctor's rows on the data sets. A missing one is not a fault: it is downloaded when it is first needed.
func dataRows(o data.Options) []backend.Row {
	var rows []backend.Row
	for _, a := range data.Status(o) {
		row := backend.Row{Item: "data " + a.Name, State: backend.OK, Found: strings.TrimSpace(a.State + " " + a.Where)}
		switch {
		case a.State == "corrupt":
			row.State, row.Mend = backend.Missing, a.Get
		case !a.Ready && o.Offline:
			row.State, row.Mend = backend.Note, a.Get
		case !a.Ready:
			row.State, row.Mend = backend.Note, "layerwise data --get "+a.Name
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *command) printRows(rows []backend.Row) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.State, r.Item, r.Found)
		if r.Mend != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", r.Mend)
		}
	}
	return w.Flush()
}
