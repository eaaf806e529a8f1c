// Command convnets is the Layerwise side of compare.py: it trains and evaluates one convolutional network on noise when told to on its
// standard input, one line of JSON for an order and one for the answer, so that contestants can take turns. With -dump it writes what the others
// need to be held against it.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/gomlx/compute"

	"layerwise/data"
	"layerwise/llfc/backend"
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
	if err := run(*name, *spec, *dump, *batch); err != nil {
		fmt.Fprintln(os.Stderr, "convnets benchmark:", err)
		os.Exit(1)
	}
}

func run(name, text, folder string, batch int) error {
	if err := backend.Tune(name); err != nil {
		return err
	}
	b, info, err := backend.Open(name)
	if err != nil {
		return err
	}
	spec, err := network.ParseSpec(text)
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
	if folder != "" {
		return dump(f, folder, batch)
	}
	d, err := noiseFeed(b, spec, 16*batch)
	if err != nil {
		return err
	}
	defer d.Free()
	c := &child{f: f, d: d, config: config(batch, 1e6, 0.01, 1e-4), in: newOrders(os.Stdin)}
	if err := c.say(report{Parameters: trainable(f), Versions: info.String()}); err != nil {
		return err
	}
	return c.serve(context.Background())
}

// config is the paper's optimiser at a constant rate; on noise its 0.1 would diverge in time.
func config(batch, epochs int, rate, decay float64) train.Config {
	return train.Config{
		Optimiser: train.Optimiser{Name: "sgd", Rate: rate, Momentum: 0.9, WeightDecay: decay},
		Batch:     batch, Epochs: epochs, Streams: []train.Stream{{Order: 1}},
	}
}

// trainable counts the numbers that gradients move: all but the buffers of batch norms.
func trainable(f *network.Model) (n int) {
	for _, p := range f.About.Params {
		if p.Buffer() {
			continue
		}
		size := 1
		for _, d := range p.Dims {
			size *= d
		}
		n += size
	}
	return n
}

// noiseFeed puts n images of noise on the device; the time of a step does not depend on the values.
func noiseFeed(b compute.Backend, spec network.Spec, n int) (*feed.Feed, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &data.Set{Name: "noise", Split: "train", Shape: spec.Input, Max: 255}
	for range spec.Classes {
		s.Classes = append(s.Classes, "x")
	}
	size := 1
	for _, d := range spec.Input {
		size *= d
	}
	for range spec.Input[len(spec.Input)-1] {
		s.Mean, s.Std = append(s.Mean, 0.5), append(s.Std, 0.3)
	}
	s.Pixels, s.Labels = make([]uint8, n*size), make([]int32, n)
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range s.Labels {
		s.Labels[i] = rng.Int32N(int32(spec.Classes))
	}
	return feed.New(b, s, feed.Standard(s))
}
