package main

import (
	"context"
	"fmt"
	"strconv"

	"layerwise/llfc"
	"layerwise/llfc/network"
)

var trainVerb = verb{
	name: "train", args: "--out FILE [flags]", about: "Trains a network and writes its checkpoint",
	example: "layerwise train --network mlp --data mnist --seed 1 --epochs 2 --out a.safetensors",
	run: func(ctx context.Context, c *command) error {
		setting := settingFlags(c)
		out := c.String("out", "", "write the checkpoint to `file`")
		if err := c.parse(0); err != nil {
			return err
		}
		if err := c.need("out"); err != nil {
			return err
		}
		s, seed, err := setting()
		if err != nil {
			return err
		}
		l, err := c.lab()
		if err != nil {
			return err
		}
		defer l.Close()
		r, err := l.Run(ctx, s, seed)
		if err != nil {
			return err
		}
		return trainTo(ctx, c, l, r, *out)
	},
}

var spawnVerb = verb{
	name: "spawn", args: "--out-a FILE --out-b FILE [flags]", about: "Trains two networks that share their first epochs, and writes both",
	example: "layerwise spawn --network mlp --data mnist --seed 1 --spawn-epoch 1 --epochs 2 --out-a a.safetensors --out-b b.safetensors",
	run: func(ctx context.Context, c *command) error {
		setting := settingFlags(c)
		epochs := c.Float64("spawn-epoch", 0, "the `epochs` that both share; may be a fraction; 0 shares the initialisation alone")
		other := c.Int64("other-seed", 0, "the `seed` of the batch order of b after the spawn (default seed + 100)")
		outA, outB := c.String("out-a", "", "write a to `file`"), c.String("out-b", "", "write b to `file`")
		if err := c.parse(0); err != nil {
			return err
		}
		if err := c.need("out-a", "out-b"); err != nil {
			return err
		}
		s, seed, err := setting()
		if err != nil {
			return err
		}
		if *other == 0 {
			*other = seed + llfc.SiblingSeed
		}
		l, err := c.lab()
		if err != nil {
			return err
		}
		defer l.Close()
		a, err := l.Run(ctx, s, seed)
		if err != nil {
			return err
		}
		b, err := a.Spawn(*epochs, *other)
		if err != nil {
			return misuse{err}
		}
		// b first: it takes a's state at the spawn on its way, so a need not be trained that far twice.
		if err := trainTo(ctx, c, l, b, *outB); err != nil {
			return err
		}
		return trainTo(ctx, c, l, a, *outA)
	},
}

// trainTo trains a run, evaluates it and writes it to a file.
func trainTo(ctx context.Context, c *command, l *llfc.Lab, r llfc.Run, path string) error {
	theta, err := l.Train(ctx, r)
	if err != nil {
		return err
	}
	if err := llfc.SaveCheckpoint(path, theta); err != nil {
		return err
	}
	loss, wrong, err := l.Evaluate(ctx, theta, r.Data.Name)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  run %s  test loss %.4f  test error %.2f %%\n", path, r.Name(), loss, 100*wrong)
	return nil
}

// settingFlags declares the flags of a setting and returns what reads them.
func settingFlags(c *command) func() (llfc.Setting, int64, error) {
	c.backendFlag()
	base := llfc.MLPMNIST()
	arch := c.String("network", "mlp", "the `architecture`; layerwise describe NAME shows it")
	set := c.String("data", base.Data, "the data `set`; layerwise data lists them")
	seed := c.Int64("seed", 1, "the `seed` of initialisation, batch order and dropout")
	epochs := c.Int("epochs", base.Train.Epochs, "train for so many `epochs`")
	batch := c.Int("batch", base.Train.Batch, "`samples` a step")
	optimiser := c.String("optimiser", base.Train.Optimiser.Name, "adam or sgd, by `name`")
	rate := c.Float64("rate", base.Train.Optimiser.Rate, "the learning `rate`")
	momentum := c.Float64("momentum", 0, "of sgd, a `share`")
	decay := c.Float64("weight-decay", 0, "coupled weight decay, a `factor`")
	schedule := c.String("schedule", "constant", "constant, step or cosine, by `name`")
	warmup := c.Float64("warmup", 0, "`epochs` in which the rate grows to its value")
	at := c.String("step-at", "", "of the step schedule: the `epochs` after which the rate falls, such as 80,120")
	factor := c.Float64("step-factor", 0.1, "of the step schedule: what the rate is multiplied by, a `factor`")
	widths := c.String("widths", "", "`units` of the hidden layers, such as 512,512,512, where the architecture lets them vary")
	initial := c.String("init", "", "the initialiser, by `name`: torch, lecun or he")
	dropout := c.Float64("dropout", 0, "the `share` of hidden units dropped in training")
	unit := c.Bool("unit", false, "inputs in [0, 1] instead of the data set's normalisation")
	samples := c.Int("train-samples", 0, "train on so many `samples`, drawn stratified; 0 is all")
	return func() (llfc.Setting, int64, error) {
		s := base
		s.Name, s.Source, s.Data, s.Unit, s.TrainSamples = *arch+"/"+*set, "command line", *set, *unit, *samples
		spec, err := network.Default(*arch)
		if err != nil {
			return s, 0, misuse{err}
		}
		if *widths != "" {
			if spec.Widths, err = list("widths", *widths, strconv.Atoi); err != nil {
				return s, 0, err
			}
		}
		if *initial != "" {
			spec.Init = *initial
		}
		spec.Dropout = *dropout
		s.Network = spec
		s.Train.Epochs, s.Train.Batch = *epochs, *batch
		o := &s.Train.Optimiser
		o.Name, o.Rate, o.Momentum, o.WeightDecay = *optimiser, *rate, *momentum, *decay
		if *schedule != "constant" {
			s.Train.Schedule.Name = *schedule
		}
		s.Train.Schedule.Warmup = *warmup
		if *schedule == "step" {
			s.Train.Schedule.Factor = *factor
			if s.Train.Schedule.At, err = list("step-at", *at, strconv.Atoi); err != nil {
				return s, 0, err
			}
		}
		return s, *seed, nil
	}
}
