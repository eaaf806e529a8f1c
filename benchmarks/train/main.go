// Command train times the training step of the MLP 784-512-512-512-10 on MNIST-shaped bytes held in memory: Adam, cross-entropy,
// a new shuffled batch each step. It prints one line of JSON for each batch size; compare.py puts PyTorch beside it.
package main

import (
	"context"
	"flag"
	"strconv"
	"strings"
	"time"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

func main() {
	name := flag.String("backend", "", "backend to time")
	seconds := flag.Float64("seconds", 6, "time for each batch size, after a warm-up")
	batches := flag.String("batches", "60,128,500", "the batch sizes to time")
	flag.Parse()
	harness.Main("train", func() error { return run(*name, *batches, *seconds) })
}

func run(name, batches string, seconds float64) error {
	spec, err := network.Default("mlp")
	if err != nil {
		return err
	}
	f, info, err := harness.Model(name, spec)
	if err != nil {
		return err
	}
	set := harness.Noise(spec.Input, spec.Classes, 60000) // the size of MNIST
	d, err := feed.New(f.Backend, set, feed.Standard(set))
	if err != nil {
		return err
	}
	defer d.Free()
	for _, text := range strings.Split(batches, ",") {
		batch, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		rate, err := stepsPerSecond(f, d, batch, seconds)
		if err != nil {
			return err
		}
		if err := harness.Print(map[string]any{"backend": info.Name, "batch": batch, "steps_per_second": rate}); err != nil {
			return err
		}
	}
	return nil
}

func stepsPerSecond(f *network.Model, d *feed.Feed, batch int, seconds float64) (float64, error) {
	c := train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 1e-3}, Batch: batch, Epochs: 1000, Streams: []train.Stream{{Order: 1}}}
	theta, err := f.Init(1)
	if err != nil {
		return 0, err
	}
	t, err := train.NewTrainer(f, d, c)
	if err != nil {
		return 0, err
	}
	s, err := train.Start(f.Network, theta, c)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var from train.Progress
	var began time.Time
	rate := 0.0
	_, err = t.Run(ctx, s, c.Steps(d.Len()), func(p train.Progress) error {
		switch {
		case p.Step < 300: // compiling, and groups of steps growing to their size
		case began.IsZero():
			began, from = time.Now(), p
		case time.Since(began).Seconds() > seconds:
			rate = float64(p.Step-from.Step) / time.Since(began).Seconds()
			cancel()
		}
		return nil
	})
	if rate > 0 {
		return rate, nil
	}
	return 0, err
}
