package main

import (
	"context"
	"errors"
	"fmt"

	"layerwise/llfc"
)

const trainingKept = "what was trained is kept, and the same command goes on from there"

var trainVerb = verb{
	name: "train", args: "--out FILE [flags]", about: "Trains a network and writes its checkpoint",
	example: "layerwise train --network mlp --data mnist --seed 1 --epochs 2 --out a.safetensors",
	kept:    trainingKept,
	run: func(ctx context.Context, c *command) error {
		setting := settingFlags(c)
		out := c.path("out", "", "write the checkpoint to `file`")
		if err := c.parse(0); err != nil {
			return err
		}
		if err := c.need("out"); err != nil {
			return err
		}
		s, seed, err := setting(ctx)
		if err != nil {
			return err
		}
		if err := c.apart([]file{{"--out", *out}}, c.inputs(s.Data)); err != nil {
			return err
		}
		if err := c.outFile("out"); err != nil {
			return err
		}
		l, err := c.lab(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		r, err := c.settle(l.Run(ctx, s, seed))
		if err != nil {
			return err
		}
		return trainTo(ctx, c, l, r, s.Data, *out)
	},
}

var spawnVerb = verb{
	name: "spawn", args: "--out-a FILE --out-b FILE [flags]", about: "Trains two networks that share their first epochs, and writes both",
	example: "layerwise spawn --network mlp --data mnist --seed 1 --spawn-epoch 1 --epochs 2 --out-a a.safetensors --out-b b.safetensors",
	kept:    trainingKept,
	run: func(ctx context.Context, c *command) error {
		setting := settingFlags(c)
		epochs := c.real("spawn-epoch", 0, 0, many, "the number of `epochs` that both share; may be a fraction; 0 shares only the initialisation")
		other := c.Int64("other-seed", 0, "the `seed` of the batch order of b after the spawn; by default the seed of a + 100")
		outA, outB := c.path("out-a", "", "write a to `file`"), c.path("out-b", "", "write b to `file`")
		if err := c.parse(0); err != nil {
			return err
		}
		if err := c.need("out-a", "out-b"); err != nil {
			return err
		}
		s, seed, err := setting(ctx)
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
			return c.wrong("--spawn-epoch %g lies after the end, --epochs %d; give one of at most that", *epochs, s.Train.Epochs)
		}
		if err := c.apart([]file{{"--out-a", *outA}, {"--out-b", *outB}}, c.inputs(s.Data)); err != nil {
			return err
		}
		if err := errors.Join(c.outFile("out-a"), c.outFile("out-b")); err != nil {
			return err
		}
		l, err := c.lab(ctx)
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
		// b first: on its way it needs the state of a at the spawn, so this trains a that far, and a goes on from there.
		if err := trainTo(ctx, c, l, b, s.Data, *outB); err != nil {
			return err
		}
		return trainTo(ctx, c, l, a, s.Data, *outA)
	},
}

// settle tells a setting that cannot be trained, a misuse, from what this machine cannot do.
func (c *command) settle(r llfc.Run, err error) (llfc.Run, error) { return r, c.fault(err) }

// trainTo trains a run, writes it to a file and evaluates it on the set that the caller named.
func trainTo(ctx context.Context, c *command, l *llfc.Lab, r llfc.Run, set, path string) error {
	theta, err := l.Train(ctx, r)
	if err != nil {
		return err
	}
	if err := llfc.SaveCheckpoint(path, theta); err != nil {
		return err
	}
	loss, wrong, err := l.Evaluate(ctx, theta, set)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s  run %s  test loss %.4f  test error %.2f %%\n", path, r.Name(), loss, 100*wrong)
	c.note(r.Data.Note)
	return nil
}
