// Command compare times compare.Nets on two files of synthetic weights, related and then independent, beside reading the same bytes, and prints a table
// and the peak of memory. The files are read once before the clock starts, so they come from the cache.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/compare"
	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

func main() { harness.Main("compare", run) }

func run() error {
	width := flag.Int("width", 1024, "units of a layer")
	layers := flag.Int("layers", 32, "layers of width×width numbers")
	rounds := flag.Int("rounds", 5, "times that each is run, in turn; the best counts")
	flag.Parse()
	dir, err := os.MkdirTemp("", "layerwise-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var paths []string
	for i, name := range []string{"a", "b", "c"} { // b is a with noise, c knows nothing of them
		paths = append(paths, filepath.Join(dir, name+".safetensors"))
		if err := network.Save(paths[i], weights(*width, *layers, uint64(i)), nil); err != nil {
			return err
		}
	}
	size := 0.0 // of two files
	for _, p := range paths[:2] {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		size += float64(info.Size())
	}
	least, work := map[string]float64{}, map[string]float64{} // seconds of the wall, and of all processors
	peak, before, err := 0.0, 0.0, error(nil)
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak begins anew
		return err
	}
	time := func(what string, f func() error) error {
		wall, cpu, err := harness.Time(f)
		if old, ok := least[what]; !ok || wall < old {
			least[what] = wall
		}
		if old, ok := work[what]; !ok || cpu < old {
			work[what] = cpu
		}
		return err
	}
	if before, err = harness.PeakMB(); err != nil {
		return err
	}
	for range *rounds {
		if err := time("reading", func() error { return read(paths[:2]) }); err != nil {
			return err
		}
		for what, other := range map[string]string{"related": paths[1], "independent": paths[2]} {
			if err := time(what, func() error { return nets(what, paths[0], other) }); err != nil {
				return err
			}
		}
	}
	if peak, err = harness.PeakMB(); err != nil {
		return err
	}
	fmt.Printf("two files of %.0f MB, %d tensors of %d×%d; best of %d in turn\n\n| what | seconds | GB/s | processor seconds | GB for each |\n| --- | ---: | ---: | ---: | ---: |\n", size/2e6, *layers, *width, *width, *rounds)
	for _, what := range []string{"reading", "related", "independent"} {
		fmt.Printf("| %s | %.3f | %.2f | %.3f | %.2f |\n", what, least[what], size/1e9/least[what], work[what], size/1e9/work[what])
	}
	fmt.Printf("\npeak of memory %.0f MB, %.0f MB of it before the first comparison\n", peak, before)
	return nil
}

// weights are those of a chain; those of seed 1 are those of seed 0 with as much noise as an eighth.
func weights(width, layers int, seed uint64) network.Params {
	var p network.Params
	for l := range layers {
		rng, noise := rand.New(rand.NewPCG(uint64(l), seed/2)), rand.New(rand.NewPCG(uint64(l), 9))
		t := network.Tensor{Name: fmt.Sprintf("layers.%d.weight", l), Dims: []int{width, width}, Data: make([]float32, width*width)}
		for i := range t.Data {
			t.Data[i] = float32(rng.NormFloat64())
			if seed == 1 {
				t.Data[i] += float32(noise.NormFloat64() / 8)
			}
		}
		p = append(p, t)
	}
	return p
}

func read(paths []string) error {
	buf := make([]byte, 1<<18)
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buf)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func nets(what, pathA, pathB string) error {
	a, err := formats.Open(pathA, "")
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := formats.Open(pathB, "")
	if err != nil {
		return err
	}
	defer b.Close()
	r, err := compare.Nets(context.Background(), compare.FromFile(a), compare.FromFile(b), compare.Options{})
	if err != nil {
		return err
	}
	if got := string(r.Verdict.Kind); got != what {
		return fmt.Errorf("a pair that is %s was called %s", what, r.Verdict)
	}
	return nil
}
