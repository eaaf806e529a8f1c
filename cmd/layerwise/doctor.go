package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"layerwise/data"
	"layerwise/llfc/backend"
)

var doctorVerb = verb{
	name: "doctor", args: "[--json]", about: "Prints what is found on this machine, and for each missing thing the command that mends it",
	example: "layerwise doctor",
	run: func(ctx context.Context, c *command) error {
		asJSON := c.Bool("json", false, "print JSON")
		if err := c.parse(0); err != nil {
			return err
		}
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		var sets []backend.Row
		for _, a := range data.Status(data.DefaultOptions()) {
			row := backend.Row{Item: "data " + a.Name, State: backend.OK, Found: a.State + " " + a.Where}
			if !a.Ready {
				row.State, row.Mend = backend.Note, "layerwise data --get "+a.Name
			}
			if a.State == "corrupt" {
				row.State, row.Mend = backend.Missing, a.Get
			}
			sets = append(sets, row)
		}
		rows := backend.Doctor(ctx, backend.Root(dir), sets...)
		if *asJSON {
			e := json.NewEncoder(c.out)
			e.SetIndent("", "  ")
			return e.Encode(rows)
		}
		missing := false
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, r := range rows {
			fmt.Fprintf(w, "%s\t%s\t%s\n", r.State, r.Item, r.Found)
			if r.Mend != "" {
				fmt.Fprintf(w, "\t\t→ %s\n", r.Mend)
			}
			missing = missing || r.State == backend.Missing
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if missing {
			return errors.New("something is missing; the arrows show what mends it")
		}
		return nil
	},
}
