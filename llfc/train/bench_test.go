//go:build unix

package train

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// BenchmarkSteps times training at batch 128 in float32, in mixed precision and on several devices. cpu-ms/step is the work of all
// threads, which other programs on the machine disturb less than images/s.
func BenchmarkSteps(b *testing.B) {
	for _, name := range []string{"xla:cpu", "go"} {
		for _, spec := range []network.Spec{
			{Architecture: "mlp", Input: []int{28, 28, 1}, Widths: []int{512, 512, 512}},
			{Architecture: "resnet", Input: []int{32, 32, 3}, Depth: 20, Width: 16, Norm: "batch", Shortcut: "pad"},
		} {
			for how, c := range map[string]Config{"float32": {}, "bf16": {Precision: "bf16"}, "over2": {Devices: 2}, "over4": {Devices: 4}} {
				b.Run(fmt.Sprintf("%s/%s/%s", name, spec.Architecture, how), func(b *testing.B) { steps(b, name, spec, c) })
			}
		}
	}
}

func steps(b *testing.B, name string, spec network.Spec, c Config) {
	on, _, err := backend.Open(name)
	if err != nil {
		b.Skip(err)
	}
	if on.NumDevices() < c.Devices {
		b.Skipf("%d devices", on.NumDevices())
	}
	spec.Classes, spec.Init = 10, "he"
	n, err := network.New(spec)
	if err != nil {
		b.Fatal(err)
	}
	f, err := network.Compile(on, n)
	if err != nil {
		b.Fatal(err)
	}
	d, err := feed.New(on, noise(spec.Input, 2048), feed.Normalization{Mean: make([]float32, spec.Input[2]), Std: ones(spec.Input[2])})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Free()
	c.Optimiser, c.Batch, c.Epochs = Optimiser{Name: "sgd", Rate: 0.01, Momentum: 0.9}, 128, 1e6
	c.Streams = []Stream{{Order: 1}}
	tr, err := NewTrainer(f, d, c)
	if err != nil {
		b.Fatal(err)
	}
	theta, err := f.Init(1)
	if err != nil {
		b.Fatal(err)
	}
	s, err := Start(n, theta, c)
	if err != nil {
		b.Fatal(err)
	}
	run := func(steps int) {
		if s, err = tr.Run(context.Background(), s, s.Step+steps, nil); err != nil {
			b.Fatal(err)
		}
	}
	run(2) // compiles
	before := cpu(b)
	b.ResetTimer()
	run(b.N)
	b.StopTimer()
	b.ReportMetric(1000*(cpu(b)-before)/float64(b.N), "cpu-ms/step")
	b.ReportMetric(float64(b.N*c.Batch)/b.Elapsed().Seconds(), "images/s")
}

// cpu is the time that all threads of this process have computed, in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func noise(shape []int, n int) *data.Set {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &data.Set{Name: "noise", Split: "train", Shape: shape, Max: 255, Labels: make([]int32, n), Mean: make([]float32, shape[2]), Std: ones(shape[2])}
	s.Pixels = make([]uint8, n*shape[0]*shape[1]*shape[2])
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.Uint32())
	}
	for range 10 {
		s.Classes = append(s.Classes, "x")
	}
	for i := range s.Labels {
		s.Labels[i] = rng.Int32N(10)
	}
	return s
}

func ones(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}
