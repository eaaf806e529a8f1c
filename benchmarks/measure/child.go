package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"time"

	"layerwise/benchmarks/harness"
	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// child measures in this process and prints a report.
func child(ctx context.Context, o options) error {
	spec, err := network.Default("mlp")
	if err != nil {
		return err
	}
	f, info, err := harness.Model(o.backend, spec)
	if err != nil {
		return err
	}
	_, test, err := data.Load(ctx, "mnist", data.DefaultOptions())
	if err != nil {
		return err
	}
	if test, err = test.Subset(o.samples, 1); err != nil {
		return err
	}
	d, err := feed.New(f.Backend, test, feed.Standard(test))
	if err != nil {
		return err
	}
	defer d.Free()
	a, c, err := harness.Nearby(f)
	if err != nil {
		return err
	}
	if o.dump != "" { // never in a process that measures, since it takes memory
		return dump(o.dump, test, a, c)
	}
	r := report{Name: "measure.Pair", Samples: test.Len(), Batch: o.batch, Versions: info.String()}
	if r.Batch == 0 {
		r.Batch = min(1000, test.Len())
	}
	opts := measure.Options{Alphas: measure.Alphas(o.alphas), Batch: r.Batch, Conditions: o.conditions}
	forward, err := harness.NewForward(f, a)
	if err != nil {
		return err
	}
	defer forward.Free()
	if err := passes(forward, d, r.Batch, 1); err != nil {
		return err
	}
	start := time.Now()
	result, err := measure.Pair(ctx, f, a, c, d, opts)
	if err != nil {
		return err
	}
	r.First = time.Since(start).Seconds()
	for range o.rounds {
		wall, cpu, err := harness.Time(func() error { return passes(forward, d, r.Batch, o.alphas+2) })
		if err != nil {
			return err
		}
		r.Bare, r.BareCPU = append(r.Bare, wall), append(r.BareCPU, cpu)
		if wall, cpu, err = harness.Time(func() error { _, err := measure.Pair(ctx, f, a, c, d, opts); return err }); err != nil {
			return err
		}
		r.Seconds, r.CPU = append(r.Seconds, wall), append(r.CPU, cpu)
	}
	for _, alpha := range opts.Alphas {
		p, err := result.LLFC(alpha)
		if err != nil {
			return err
		}
		var means []float64
		for _, s := range p.Stats {
			means = append(means, s.Mean)
		}
		r.LLFC = append(r.LLFC, means)
	}
	if r.PeakMB, err = harness.PeakMB(); err != nil {
		return err
	}
	return harness.Print(r)
}

// passes are forward passes over all images: a batch is read, its logits come to the host.
func passes(forward *harness.Forward, d *feed.Feed, batch, times int) error {
	index, _ := feed.Indices(d.Len(), batch)
	for range times {
		for _, at := range index {
			x, y, err := d.Read(at)
			if err != nil {
				return err
			}
			_, err = forward.Logits(x)
			network.Free(x, y)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// dump writes what the PyTorch side reads: both θ and the normalised images as float32, labels as int32, little-endian.
func dump(dir string, s *data.Set, a, b network.Params) error {
	var x []float32
	for i, p := range s.Pixels {
		c := i % s.Shape[2]
		x = append(x, (float32(p)/s.Max-s.Mean[c])/s.Std[c])
	}
	var flatA, flatB []float32
	for i := range a {
		flatA, flatB = append(flatA, a[i].Data...), append(flatB, b[i].Data...)
	}
	for name, v := range map[string]any{"x": x, "y": s.Labels, "a": flatA, "b": flatB} {
		var buf bytes.Buffer
		if err := binary.Write(&buf, binary.LittleEndian, v); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), buf.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}
