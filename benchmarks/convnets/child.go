package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// order is what the driver asks for.
type order struct {
	Do      string  `json:"do"`      // "train" or "evaluate"
	Seconds float64 `json:"seconds"` // how long to work; 0 is one batch
}

// child works off orders until there are no more. Training is one run of the Trainer, which pauses between groups of steps for the next
// order; that is why it reads orders itself, where other benchmarks use harness.Serve.
type child struct {
	f      *network.Model
	d      *feed.Feed
	config train.Config
	in     *json.Decoder

	forward *harness.Forward
	x       *tensors.Tensor // a batch that stays on the device
}

// serve waits for the first order to train, which begins the run. Between its steps the run takes all later orders.
func (c *child) serve(ctx context.Context) error {
	seconds, err := c.untilTraining()
	if err != nil {
		return ending(err)
	}
	clock := harness.Start()
	theta, err := c.f.Init(1)
	if err != nil {
		return err
	}
	t, err := train.NewTrainer(c.f, c.d, c.config)
	if err != nil {
		return err
	}
	s, err := train.Start(c.f.Network, theta, c.config)
	if err != nil {
		return err
	}
	from := 0
	_, err = t.Run(ctx, s, c.config.Steps(c.d.Len()), func(p train.Progress) error {
		if clock.Seconds() < seconds {
			return nil
		}
		w, err := clock.Work((p.Step - from) * c.config.Batch)
		if err != nil {
			return err
		}
		if err := harness.Print(w); err != nil {
			return err
		}
		seconds, err = c.untilTraining()
		clock, from = harness.Start(), p.Step
		return err
	})
	return ending(err)
}

// ending is nil where the driver has no more orders.
func ending(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// untilTraining carries out orders up to the next one to train, and returns how long that one is to last.
func (c *child) untilTraining() (float64, error) {
	for {
		var o order
		if err := c.in.Decode(&o); err != nil {
			return 0, err
		}
		switch o.Do {
		case "train":
			return o.Seconds, nil
		case "evaluate":
			if err := c.evaluate(o.Seconds); err != nil {
				return 0, err
			}
		default:
			return 0, fmt.Errorf("unknown order %q; known: train, evaluate", o.Do)
		}
	}
}

// evaluate times the forward pass. The first one compiles, which counts.
func (c *child) evaluate(seconds float64) error {
	w, err := harness.For(seconds, c.config.Batch, func() error {
		if c.forward == nil {
			if err := c.open(); err != nil {
				return err
			}
		}
		_, err := c.forward.Logits(c.x)
		return err
	})
	if err != nil {
		return err
	}
	return harness.Print(w)
}

func (c *child) open() error {
	theta, err := c.f.Init(1)
	if err != nil {
		return err
	}
	if c.forward, err = harness.NewForward(c.f, theta); err != nil {
		return err
	}
	index, _ := feed.Indices(c.d.Len(), c.config.Batch)
	x, y, err := c.d.Read(index[0])
	if err != nil {
		return err
	}
	network.Free(y)
	c.x = x
	return nil
}
