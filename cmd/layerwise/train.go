package main

import (
	"context"
	"errors"
	"fmt"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/network"
)

const trainingKept = "what was trained is kept, and the same command goes on from there"

var trainVerb = verb{
	name: "train", args: "--out FILE [flags]", about: "Trains a network and writes its checkpoint",
	example: "layerwise train --network mlp --data mnist --seed 1 --epochs 2 --out a.safetensors",
	kept:    trainingKept,
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
		if err := c.outFile("out"); err != nil {
			return err
		}
		l, err := c.lab()
		if err != nil {
			return err
		}
		defer l.Close()
		r, err := c.settle(l.Run(ctx, s, seed))
		if err != nil {
			return err
		}
		return trainTo(ctx, c, l, r, *out)
	},
}

var spawnVerb = verb{
	name: "spawn", args: "--out-a FILE --out-b FILE [flags]", about: "Trains two networks that share their first epochs, and writes both",
	example: "layerwise spawn --network mlp --data mnist --seed 1 --spawn-epoch 1 --epochs 2 --out-a a.safetensors --out-b b.safetensors",
	kept:    trainingKept,
	run: func(ctx context.Context, c *command) error {
		setting := settingFlags(c)
		epochs := c.real("spawn-epoch", 0, 0, many, "the `epochs` that both share; may be a fraction; 0 shares the initialisation alone")
		other := c.Int64("other-seed", 0, "the `seed` of the batch order of b after the spawn; by default that of a + 100")
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
		if !c.set("other-seed") {
			*other = seed + llfc.SiblingSeed
		}
		switch {
		case *other == seed:
			return c.wrong("--other-seed %d is the seed of a too: both would be the same network; give another", seed)
		case *epochs > float64(s.Train.Epochs):
			return c.wrong("--spawn-epoch %g lies behind the end, --epochs %d; give one of at most that", *epochs, s.Train.Epochs)
		case *outA == *outB:
			return c.wrong("--out-a and --out-b are both %s; give two files", *outA)
		}
		if err := errors.Join(c.outFile("out-a"), c.outFile("out-b")); err != nil {
			return err
		}
		l, err := c.lab()
		if err != nil {
			return err
		}
		defer l.Close()
		a, err := c.settle(l.Run(ctx, s, seed))
		if err != nil {
			return err
		}
		b, err := c.settle(a.Spawn(*epochs, *other))
		if err != nil {
			return err
		}
		// b first: it takes a's state at the spawn on its way, so a need not be trained that far twice.
		if err := trainTo(ctx, c, l, b, *outB); err != nil {
			return err
		}
		return trainTo(ctx, c, l, a, *outA)
	},
}

// settle tells a setting that cannot be trained, a misuse, from data that cannot be had.
func (c *command) settle(r llfc.Run, err error) (llfc.Run, error) {
	var missing *data.MissingError
	var corrupt *data.CorruptError
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &missing) || errors.As(err, &corrupt) {
		return r, err
	}
	return r, c.wrong("%w", err)
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
	var initialisers []string
	for _, in := range network.Initialisers() {
		initialisers = append(initialisers, in.Name)
	}
	arch := c.String("network", "mlp", "the `architecture`; layerwise describe NAME shows it")
	set := c.String("data", base.Data, "the data `set`; layerwise data lists them")
	seed := c.Int64("seed", 1, "the `seed` of initialisation, batch order and dropout")
	epochs := c.count("epochs", base.Train.Epochs, 1, "train for so many `epochs`")
	batch := c.count("batch", base.Train.Batch, 1, "`samples` a step")
	optimiser := c.choice("optimiser", base.Train.Optimiser.Name, "adam or sgd, by `name`", "adam", "sgd")
	rate := c.positive("rate", base.Train.Optimiser.Rate, large, "the learning `rate`")
	momentum := c.real("momentum", 0, 0, 1, "of sgd, a `share`")
	decay := c.real("weight-decay", 0, 0, large, "coupled weight decay, a `factor`")
	schedule := c.choice("schedule", "constant", "constant, step or cosine, by `name`", "constant", "step", "cosine")
	warmup := c.real("warmup", 0, 0, many, "`epochs` in which the rate grows to its value")
	at := c.sizes("step-at", "of the step schedule: the `epochs` after which the rate falls, such as 80,120")
	factor := c.positive("step-factor", 0.1, large, "of the step schedule: what the rate is multiplied by, a `factor`")
	widths := c.sizes("widths", "`units` of the hidden layers, such as 512,512,512, where the architecture lets them vary")
	initial := c.choice("init", base.Network.Init, "the initialiser, by `name`: torch, lecun or he", initialisers...)
	dropout := c.real("dropout", 0, 0, 0.999, "the `share` of hidden units dropped in training")
	unit := c.Bool("unit", false, "inputs in [0, 1] instead of the data set's normalisation")
	samples := c.count("train-samples", 0, 0, "train on so many `samples`, drawn stratified; 0 is all")
	return func() (llfc.Setting, int64, error) {
		s := base
		s.Name, s.Source, s.Data, s.Unit, s.TrainSamples = *arch+"/"+*set, "command line", *set, *unit, *samples
		spec, err := network.Default(*arch)
		if err != nil {
			return s, 0, c.wrong("--network: %w", err)
		}
		if len(*widths) > 0 {
			spec.Widths = *widths
		}
		spec.Init, spec.Dropout = *initial, *dropout
		if _, err := network.New(spec); err != nil {
			return s, 0, c.wrong("%w", err)
		}
		if err := c.checkData("data", *set); err != nil {
			return s, 0, err
		}
		s.Network = spec
		s.Train.Epochs, s.Train.Batch = *epochs, *batch
		o := &s.Train.Optimiser
		o.Name, o.Rate, o.Momentum, o.WeightDecay = *optimiser, *rate, *momentum, *decay
		if *schedule != "constant" {
			s.Train.Schedule.Name = *schedule
		}
		s.Train.Schedule.Warmup = *warmup
		switch {
		case *schedule == "step" && len(*at) == 0:
			return s, 0, c.wrong("--schedule step needs --step-at, the epochs after which the rate falls, such as 80,120")
		case *schedule == "step":
			s.Train.Schedule.Factor, s.Train.Schedule.At = *factor, *at
		case c.set("step-at") || c.set("step-factor"):
			return s, 0, c.wrong("--step-at and --step-factor are of --schedule step, not of %s", *schedule)
		}
		return s, *seed, nil
	}
}
