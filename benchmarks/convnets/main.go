// Command convnets is the Layerwise side of compare.py: it trains and evaluates one convolutional network on noise, when an order on its
// standard input says so. With -dump it writes what the others need to compare their results with its own.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

func main() {
	name := flag.String("backend", "", "backend to time")
	spec := flag.String("network", "", "the network, in the JSON that a checkpoint carries")
	batch := flag.Int("batch", 128, "images a batch")
	dump := flag.String("dump", "", "write weights, a batch, its logits and the weights after one step to this folder, and stop")
	flag.Parse()
	harness.Main("convnets", func() error { return run(*name, *spec, *dump, *batch) })
}

func run(name, text, folder string, batch int) error {
	spec, err := network.ParseSpec(text)
	if err != nil {
		return err
	}
	f, info, err := harness.Model(name, spec)
	if err != nil {
		return err
	}
	if folder != "" {
		return dump(f, folder, batch)
	}
	about, err := f.Network.Description()
	if err != nil {
		return err
	}
	d, err := noiseFeed(f, 16*batch)
	if err != nil {
		return err
	}
	defer d.Free()
	if err := harness.Print(map[string]any{"parameters": about.Count, "versions": info.String()}); err != nil {
		return err
	}
	c := &child{f: f, d: d, config: config(batch, 1e6, 0.01, 1e-4), in: json.NewDecoder(os.Stdin)}
	return c.serve(context.Background())
}

// config is the paper's optimiser at a constant rate; on noise, 0.1 would diverge in the end.
func config(batch, epochs int, rate, decay float64) train.Config {
	return train.Config{
		Optimiser: train.Optimiser{Name: "sgd", Rate: rate, Momentum: 0.9, WeightDecay: decay},
		Batch:     batch, Epochs: epochs, Streams: []train.Stream{{Order: 1}},
	}
}

// noiseFeed puts n images of noise on the device.
func noiseFeed(f *network.Model, n int) (*feed.Feed, error) {
	s := harness.Noise(f.Network.Spec.Input, f.Network.Spec.Classes, n)
	return feed.New(f.Backend, s, feed.Standard(s))
}
