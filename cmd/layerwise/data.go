package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"layerwise/data"
	"layerwise/llfc"
)

var dataVerb = verb{
	name: "data", args: "[--get NAME]", about: "Lists the data sets and where they are; --get downloads one",
	example: "layerwise data --get mnist",
	kept:    "what was downloaded is kept, and the same command goes on from there",
	run: func(ctx context.Context, c *command) error {
		get := c.pathAfter("images:", "get", "download the data `set` if it is missing, and check it")
		if err := c.parse(0); err != nil {
			return err
		}
		o := data.DefaultOptions()
		if c.set("get") {
			if err := c.checkData("get", *get); err != nil {
				return err
			}
			o.Progress, o.Note = llfc.DownloadProgress(), c.note
			train, test, err := data.Load(ctx, *get, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s\n%s\n", train, test)
			c.note(train.Note)
			return nil
		}
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, a := range data.Status(o) {
			where := strings.TrimSpace(a.State + " " + a.Where)
			if !a.Ready {
				where += "; " + a.Get
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", a.Name, a.About, where)
		}
		fmt.Fprintln(w, "images:PATH\tany folder or archive (tar, tar.gz, zip) of split/class/file.png or .jpg\tyour own")
		if err := ctx.Err(); err != nil {
			return err
		}
		return w.Flush()
	},
}
