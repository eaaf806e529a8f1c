// Command xnnpack evaluates a network and measures a pair on XLA's CPU plugin, when an order on its standard input says so; compare.py
// runs it with XNNPACK and without.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

func main() {
	spec := flag.String("network", "", "the network, in the JSON that a checkpoint carries")
	batch := flag.Int("batch", 128, "images a batch")
	images := flag.Int("images", 1024, "images that a pair is measured on")
	flag.Parse()
	harness.Main("xnnpack", func() error { return run(*spec, *batch, *images) })
}

// order is what the driver asks for.
type order struct {
	Do      string  `json:"do"`      // "evaluate" or "measure"
	Seconds float64 `json:"seconds"` // how long to work; 0 is one batch, or one pass over all images
}

// bench is a network with two sets of weights, and images on the device.
type bench struct {
	f       *network.Model
	d       *feed.Feed
	a, b    network.Params
	batch   int
	forward *harness.Forward // of a
	x       *tensors.Tensor  // the first batch
}

func run(text string, batch, images int) error {
	spec, err := network.ParseSpec(text)
	if err != nil {
		return err
	}
	f, info, err := harness.Model("xla:cpu", spec)
	if err != nil {
		return err
	}
	set := harness.Noise(spec.Input, spec.Classes, images)
	d, err := feed.New(f.Backend, set, feed.Standard(set))
	if err != nil {
		return err
	}
	defer d.Free()
	t := &bench{f: f, d: d, batch: batch}
	if t.a, t.b, err = harness.Nearby(f); err != nil {
		return err
	}
	if t.forward, err = harness.NewForward(f, t.a); err != nil {
		return err
	}
	defer t.forward.Free()
	index, _ := feed.Indices(images, batch)
	x, y, err := d.Read(index[0])
	if err != nil {
		return err
	}
	defer network.Free(x, y)
	t.x = x
	// The flags as they stand once the plugin is loaded: the driver sees to it that they are those it set.
	return harness.Serve(map[string]string{"versions": info.String(), "xla_flags": os.Getenv("XLA_FLAGS")}, t.do)
}

func (t *bench) do(o order) (any, error) {
	switch o.Do {
	case "evaluate":
		return harness.For(o.Seconds, t.batch, func() error {
			_, err := t.forward.Logits(t.x)
			return err
		})
	case "measure":
		return harness.For(o.Seconds, t.d.Len(), func() error {
			_, err := measure.Pair(context.Background(), t.f, t.a, t.b, t.d, measure.Options{Alphas: measure.Alphas(11), Batch: t.batch})
			return err
		})
	}
	return nil, fmt.Errorf("unknown order %q; known: evaluate, measure", o.Do)
}
