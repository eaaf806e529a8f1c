package main

import (
	"context"
	"fmt"
	"strconv"

	"layerwise/llfc"
	"layerwise/llfc/measure"
)

var measureVerb = verb{
	name: "measure", args: "A.safetensors B.safetensors --out DIR [flags]", about: "Measures the path between two networks and, layer by layer, how linear their features are",
	example: "layerwise measure a.safetensors b.safetensors --data mnist --alphas 0,0.25,0.5,0.75,1 --samples 1000 --out out/ab",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		set := c.String("data", "", "the data `set`; by default the one that A was trained on")
		alphas := c.String("alphas", "0,0.25,0.5,0.75,1", "`values` of α; 1 is A")
		samples := c.Int("samples", 0, "measure on so many test `samples`, drawn stratified; 0 is all")
		trainSamples := c.Int("train-samples", 10000, "the path on so many training `samples`; 0 is all")
		perSample := c.Bool("per-sample", false, "write every sample's values too")
		batch := c.Int("batch", 0, "`samples` on the device at once; 0 chooses")
		out := c.String("out", "", "write path.csv, layers.csv and conditions.csv to `dir`")
		if err := c.parse(2); err != nil {
			return err
		}
		if err := c.need("out"); err != nil {
			return err
		}
		at, err := list("alphas", *alphas, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
		if err != nil {
			return err
		}
		p := llfc.Pair{Name: c.given[0] + " and " + c.given[1], Data: *set}
		if p.A, err = llfc.LoadCheckpoint(c.given[0]); err != nil {
			return err
		}
		if p.B, err = llfc.LoadCheckpoint(c.given[1]); err != nil {
			return err
		}
		if p.Data == "" {
			if p.A.Run == nil {
				return misuse{fmt.Errorf("%s does not say what it was trained on; give --data", c.given[0])}
			}
			p.Data = p.A.Run.Data.Name
		}
		l, err := c.lab()
		if err != nil {
			return err
		}
		defer l.Close()
		train, test, err := l.Feed(ctx, p.Data, p.A.Normalize, *trainSamples, *samples)
		if err != nil {
			return err
		}
		defer train.Free()
		defer test.Free()
		r, err := l.Measure(ctx, p, measure.Options{Alphas: at, Batch: *batch, PerSample: *perSample, Conditions: true}, test, train)
		if err != nil {
			return err
		}
		if err := r.Save(*out); err != nil {
			return err
		}
		return summary(c, r, *out)
	},
}

// summary prints what a reader wants to know first.
func summary(c *command, r *measure.Result, out string) error {
	for _, line := range r.Lines {
		e, l := line.ErrorBarrier(), line.LossBarrier()
		last := len(line.Error) - 1
		fmt.Fprintf(c.out, "%s, %d samples: error of A %.2f %%, of B %.2f %%; error barrier over the mean of the ends %.2f %%, over the chord %.2f %%, at the middle %.2f %%; loss barrier %.4f, %.4f, %.4f nats\n",
			line.Split, line.Samples, 100*line.Error[last], 100*line.Error[0], 100*e.Mean, 100*e.Chord, 100*e.Middle, l.Mean, l.Chord, l.Middle)
	}
	half, err := r.LLFC(0.5)
	if err != nil {
		return err
	}
	base := r.Baseline()
	for i, layer := range half.Layers {
		fmt.Fprintf(c.out, "%-16s 1 − cos at α = 0.5: %.3g, between A and B: %.3g\n", layer, half.Stats[i].Mean, base.Stats[i].Mean)
	}
	fmt.Fprintf(c.out, "%s\n", out)
	return nil
}
