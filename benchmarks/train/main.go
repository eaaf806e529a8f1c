// Command train times the training step of the MLP 784-512-512-512-10 on MNIST-shaped bytes held in memory: Adam, cross-entropy,
// a new shuffled batch each step. It prints one line of JSON for each batch size; compare.py puts PyTorch beside it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

func main() {
	name := flag.String("backend", "", "backend to time")
	seconds := flag.Float64("seconds", 6, "time each batch size so long, after a warm-up")
	batches := flag.String("batches", "60,128,500", "the batch sizes to time")
	flag.Parse()
	if err := run(*name, *batches, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "train benchmark:", err)
		os.Exit(1)
	}
}

func run(name, batches string, seconds float64) error {
	if err := backend.Tune(name); err != nil {
		return err
	}
	b, info, err := backend.Open(name)
	if err != nil {
		return err
	}
	spec, err := network.Default("mlp")
	if err != nil {
		return err
	}
	n, err := network.New(spec)
	if err != nil {
		return err
	}
	f, err := network.Compile(b, n)
	if err != nil {
		return err
	}
	set := noise(60000)
	d, err := feed.New(b, set, feed.Standard(set))
	if err != nil {
		return err
	}
	for _, text := range strings.Split(batches, ",") {
		batch, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		rate, err := stepsPerSecond(f, d, batch, seconds)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"what": "layerwise", "backend": info.Name, "batch": batch, "steps_per_second": rate}); err != nil {
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

// noise has the size of MNIST; the time of a step does not depend on the values.
func noise(n int) *data.Set {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &data.Set{Name: "noise", Split: "train", Shape: []int{28, 28, 1}, Max: 255, Mean: []float32{0.5}, Std: []float32{0.3}}
	for range 10 {
		s.Classes = append(s.Classes, "x")
	}
	s.Pixels, s.Labels = make([]uint8, n*784), make([]int32, n)
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range s.Labels {
		s.Labels[i] = rng.Int32N(10)
	}
	return s
}
