package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// child measures in this process and prints a report.
func child(ctx context.Context, o options) error {
	b, info, err := backend.Open(o.backend)
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
	_, test, err := data.Load(ctx, "mnist", data.DefaultOptions())
	if err != nil {
		return err
	}
	if test, err = test.Subset(o.samples, 1); err != nil {
		return err
	}
	d, err := feed.New(b, test, feed.Standard(test))
	if err != nil {
		return err
	}
	defer d.Free()
	a, c, err := weights(f)
	if err != nil {
		return err
	}
	if o.dump != "" { // in a process of its own, since it takes memory
		return dump(o.dump, test, a, c)
	}
	r := report{Name: "measure.Pair", Samples: test.Len(), Batch: o.batch, Versions: info.String()}
	if r.Batch == 0 {
		r.Batch = min(1000, test.Len())
	}
	opts := measure.Options{Alphas: measure.Alphas(o.alphas), Batch: r.Batch, Conditions: o.conditions}
	bare := passes{f: f, d: d, batch: r.Batch}
	defer bare.free()
	if err := bare.run(a, 1); err != nil {
		return err
	}
	start := time.Now()
	result, err := measure.Pair(ctx, f, a, c, d, opts)
	if err != nil {
		return err
	}
	r.First = time.Since(start).Seconds()
	for range o.rounds {
		wall, cpu, err := timed(func() error { return bare.run(a, o.alphas+2) })
		if err != nil {
			return err
		}
		r.Bare, r.BareCPU = append(r.Bare, wall), append(r.BareCPU, cpu)
		if wall, cpu, err = timed(func() error { _, err := measure.Pair(ctx, f, a, c, d, opts); return err }); err != nil {
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
	if r.PeakMB, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// weights draws A, and B near it, so that layers are neither equal nor unrelated.
func weights(f *network.Model) (a, b network.Params, err error) {
	if a, err = f.Init(1); err != nil {
		return nil, nil, err
	}
	noise, err := f.Init(2)
	if err != nil {
		return nil, nil, err
	}
	b = a.Clone()
	for i := range b {
		for j := range b[i].Data {
			b[i].Data[j] += 0.7 * noise[i].Data[j]
		}
	}
	return a, b, nil
}

// passes are forward passes and nothing else: a batch is read, its logits come to the host.
type passes struct {
	f     *network.Model
	d     *feed.Feed
	batch int
	theta []*tensors.Tensor
}

func (p *passes) free() { network.Free(p.theta...) }

func (p *passes) run(theta network.Params, times int) error {
	if p.theta == nil {
		device, err := p.f.Upload(theta)
		if err != nil {
			return err
		}
		p.theta = device
	}
	exec, err := p.f.Exec("benchmark: forward", func(in []*graph.Node) []*graph.Node {
		last := len(in) - 1
		return []*graph.Node{p.f.Trace(in[:last], in[last], network.Options{}).Output.Node()}
	})
	if err != nil {
		return err
	}
	index, _ := feed.Indices(p.d.Len(), p.batch)
	for range times {
		for _, at := range index {
			if err := p.batchOnce(exec, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *passes) batchOnce(exec *graph.Exec, at []int32) error {
	x, y, err := p.d.Read(at)
	if err != nil {
		return err
	}
	defer network.Free(x, y)
	var args []any
	for _, w := range p.theta {
		args = append(args, w)
	}
	out, err := exec.Call(append(args, x)...)
	if err != nil {
		return err
	}
	defer network.Free(out...)
	_, err = tensors.CopyFlatData[float32](out[0])
	return err
}

func timed(f func() error) (wall, cpu float64, err error) {
	start, used := time.Now(), usage()
	err = f()
	return time.Since(start).Seconds(), usage() - used, err
}

func usage() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peak is the largest resident memory of this process so far, in MB.
func peak() (float64, error) {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM")
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
