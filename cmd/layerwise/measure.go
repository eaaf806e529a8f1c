package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
)

var measureVerb = verb{
	name: "measure", args: "A B --out DIR [flags]", about: "Measures the path between two networks and, layer by layer, how linear their features are",
	example: "layerwise measure a.safetensors b.safetensors --data mnist --alphas 0,0.25,0.5,0.75,1 --samples 1000 --out out/ab",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		c.asNumbersFlag()
		set := c.pathAfter("images:", "data", "the data `set`; by default the one that the networks were trained on")
		alphas := c.alphas("alphas", []float64{0, 0.25, 0.5, 0.75, 1}, "`values` of α in [0, 1]; 1 is A. 0, 0.5 and 1 are always among them")
		samples := c.count("samples", 0, 0, "the `number` of test samples to measure on, drawn stratified by class; 0 is all")
		trainSamples := c.count("train-samples", 10000, 0, "the `number` of training samples for the path, drawn stratified by class; 0 is all")
		perSample := c.Bool("per-sample", false, "also write the values of every sample, to samples.csv")
		batch := c.count("batch", 0, 0, "the `number` of samples on the device at once; 0 chooses one")
		var optional []string
		for _, q := range measure.Quantities(false) {
			if q.Optional {
				optional = append(optional, q.Name)
			}
		}
		also := c.String("also", "", "further quantities to measure, their `names` with commas between them: "+strings.Join(optional, ", "))
		policy := c.policyFlags()
		strangers := c.strangerFlags()
		out := c.path("out", "", "write path.csv, layers.csv, calibration.csv and conditions.csv to `dir`")
		if err := c.parse(2); err != nil {
			return err
		}
		if err := c.need("out"); err != nil {
			return err
		}
		further := names(*also)
		for _, name := range further {
			if !slices.Contains(optional, name) {
				return c.wrong("--also %s: unknown quantity; known: %s", name, strings.Join(optional, ", "))
			}
		}
		by, err := policy()
		if err != nil {
			return err
		}
		foreign, err := strangers.given()
		if err != nil {
			return err
		}
		var a, b llfc.Checkpoint
		if !foreign {
			if a, b, err = c.pair(); err != nil {
				return err
			}
			if *set == "" {
				if *set, err = c.trainedOn(a, b); err != nil {
					return err
				}
			}
		} else if *set == "" {
			return c.wrong("files that other programs wrote do not say what they were trained on; give --data")
		}
		if err := c.checkData("data", *set); err != nil {
			return err
		}
		var written []file
		for _, path := range measure.Files(*out) {
			written = append(written, file{"--out", path})
		}
		if err := c.apart(written, c.inputs(*set)); err != nil {
			return err
		}
		l, err := c.lab(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		var notes []string
		if foreign {
			if a, b, notes, err = strangers.pair(ctx, l, *set); err != nil {
				return err
			}
		}
		train, test, err := l.Feed(ctx, *set, a.Normalize, *trainSamples, *samples)
		if err != nil {
			return err
		}
		defer train.Free()
		defer test.Free()
		for i, ckpt := range []llfc.Checkpoint{a, b} {
			if err := ckpt.Suits(test.Set); err != nil {
				return c.classes("--data "+*set+" for "+c.given[i], err)
			}
			note, err := l.Other(ctx, ckpt, *set)
			if err != nil {
				return err
			}
			notes = append(notes, note)
		}
		f, err := l.Model(a.Network)
		if err != nil {
			return err
		}
		if _, err := merge.New(f, a.Theta, b.Theta, train, by); err != nil { // the networks or the number of samples do not allow the policy
			return c.unfit(by, err)
		}
		if err := c.outDir("out", measure.CheckFolder); err != nil {
			return err
		}
		p := llfc.Pair{Name: c.given[0] + " and " + c.given[1], A: a, B: b, Data: *set}
		r, err := l.Measure(ctx, p, measure.Options{Alphas: *alphas, Batch: *batch, PerSample: *perSample, Conditions: true, Also: further, Policy: by, Train: train}, test, train)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		if err := r.Save(*out); err != nil {
			return err
		}
		if err := summary(c, r); err != nil {
			return err
		}
		for _, note := range append(notes, test.Set.Note) {
			c.note(note)
		}
		fmt.Fprintln(c.out, *out)
		return nil
	},
}

// trainedOn is the data set that a pair was trained on, if one of the two files records it. A permuted network does not.
func (c *command) trainedOn(a, b llfc.Checkpoint) (string, error) {
	for _, ckpt := range []llfc.Checkpoint{a, b} {
		if ckpt.Run == nil {
			continue
		}
		if name := ckpt.Run.Data.Name; strings.HasPrefix(name, "images:") { // a run keeps the name of the folder, not its path
			return "", c.wrong("the networks were trained on %s; say where it is: --data images:PATH", name)
		}
		return ckpt.Run.Data.Name, nil
	}
	return "", c.wrong("%s and %s do not say what they were trained on; give --data", c.given[0], c.given[1])
}

// summary prints the main numbers, each with the policy that it was measured under.
func summary(c *command, r *measure.Result) error {
	for _, line := range r.Lines {
		e, l := line.ErrorBarrier(), line.LossBarrier()
		last := len(line.Error) - 1
		given := ""
		if len(line.Given) > 0 {
			given = fmt.Sprintf(" (as they were given, by interpolate: %.2f %%, %.2f %%)", 100*line.Given[1].Error, 100*line.Given[0].Error)
		}
		fmt.Fprintf(c.out, "%s, %d samples, policy %s: error of A %.2f %%, of B %.2f %%%s; error barrier over the mean of the ends %.2f %%, over the chord %.2f %%, at the middle %.2f %%; loss barrier %.4f, %.4f, %.4f nats\n",
			line.Split, line.Samples, line.Policy, 100*line.Error[last], 100*line.Error[0], given, 100*e.Mean, 100*e.Chord, 100*e.Middle, l.Mean, l.Chord, l.Middle)
	}
	half, err := r.LLFC(0.5)
	if err != nil {
		return err
	}
	base := r.Baseline()
	widest := 0
	for _, layer := range half.Layers {
		widest = max(widest, len(layer))
	}
	for i, layer := range half.Layers {
		fmt.Fprintf(c.out, "%-*s  1 − cos at α = 0.5: %.3g, between A and B: %.3g; policy %s\n", widest, layer, half.Stats[i].Mean, base.Stats[i].Mean, r.Policy)
	}
	return nil
}
