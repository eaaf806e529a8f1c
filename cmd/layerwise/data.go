package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"layerwise/data"
	"layerwise/llfc"
)

var dataVerb = verb{
	name: "data", args: "[--get NAME]", about: "Lists the data sets and where they are; --get downloads one",
	example: "layerwise data --get mnist",
	run: func(ctx context.Context, c *command) error {
		get := c.String("get", "", "download the data `set` if it is missing, and check it")
		if err := c.parse(0); err != nil {
			return err
		}
		o := data.DefaultOptions()
		if *get != "" {
			o.Progress = llfc.DownloadProgress()
			train, test, err := data.Load(ctx, *get, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s\n%s\n", train, test)
			return nil
		}
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, a := range data.Status(o) {
			where := a.State
			if !a.Ready {
				where += "; " + a.Get
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", a.Name, a.About, where)
		}
		return w.Flush()
	},
}
