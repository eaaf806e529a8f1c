// Command measure times measure.Pair beside bare forward passes and beside the store-everything way in PyTorch, and prints a
// markdown table:
//
//	go run ./benchmarks/measure -python python3
//
// Each row has its own processes, so that its peak of memory is its own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"layerwise/benchmarks/harness"
)

type options struct {
	backend, python, script string
	samples, alphas, rounds int
	batch                   int
	conditions              bool
	child, dump             string
}

func main() {
	var o options
	flag.StringVar(&o.backend, "backend", "", "backend, as the toolkit names them; empty is the best found")
	flag.StringVar(&o.python, "python", "", "a Python with torch and numpy; empty leaves PyTorch out")
	flag.StringVar(&o.script, "script", "benchmarks/measure/torch_side.py", "the PyTorch side")
	flag.IntVar(&o.samples, "samples", 10000, "MNIST test images, at most 10,000")
	flag.IntVar(&o.alphas, "alphas", 11, "evenly spaced α, both ends among them")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each program")
	flag.IntVar(&o.batch, "batch", 0, "samples a batch; 0 is the toolkit's choice")
	flag.BoolVar(&o.conditions, "conditions", false, "time weak additivity and commutativity too (PyTorch does not)")
	flag.StringVar(&o.child, "child", "", "used by the program itself")
	flag.StringVar(&o.dump, "dump", "", "used by the program itself")
	flag.Parse()
	harness.Main("measure", func() error { return run(o) })
}

func run(o options) error {
	if o.samples < 1 || o.samples > 10000 || o.alphas < 2 || o.rounds < 1 {
		return errors.New("-samples must be 1 to 10,000, -alphas at least 2, -rounds at least 1")
	}
	if o.child == "go" {
		return child(context.Background(), o)
	}
	return table(o)
}

// report is what a program says of itself, in JSON.
type report struct {
	Name     string      `json:"name"`
	Samples  int         `json:"samples"`
	Batch    int         `json:"batch"`
	Seconds  []float64   `json:"seconds"` // each round's wall time
	CPU      []float64   `json:"cpu"`     // user and system time of all threads
	Bare     []float64   `json:"bare"`    // wall time of as many bare forward passes, measured in turn
	BareCPU  []float64   `json:"bare_cpu"`
	First    float64     `json:"first"` // the first call, which compiles
	PeakMB   float64     `json:"peak_mb"`
	LLFC     [][]float64 `json:"llfc"` // mean 1 − cos, [α][layer]
	Versions string      `json:"versions"`
}

func table(o options) error {
	dir, err := os.MkdirTemp("", "measure-benchmark-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	goChild := func(samples, rounds int) (report, error) {
		return start(self, "-child", "go", "-backend", o.backend, "-samples", strconv.Itoa(samples), "-rounds", strconv.Itoa(rounds),
			"-alphas", strconv.Itoa(o.alphas), "-batch", strconv.Itoa(o.batch), "-conditions="+strconv.FormatBool(o.conditions))
	}
	// A peak differs by a tenth from one process to the next, so it is the median of three that each measure twice.
	few, err := peaks(func() (report, error) { return goChild(min(1000, o.samples), 1) })
	if err != nil {
		return err
	}
	many, err := peaks(func() (report, error) { return goChild(o.samples, 1) })
	if err != nil {
		return err
	}
	ours, err := goChild(o.samples, o.rounds)
	if err != nil {
		return err
	}
	fmt.Printf("MLP 784-512-512-512-10, %d MNIST test images, %d α, batch %d; %s; %s, %d cores; medians of %d rounds.\n\n",
		o.samples, o.alphas, ours.Batch, ours.Versions, runtime.GOARCH, runtime.NumCPU(), o.rounds)
	fmt.Println("| program | wall s | CPU s | peak memory MB |")
	fmt.Println("| --- | --- | --- | --- |")
	fmt.Printf("| %d bare forward passes | %.2f | %.2f | |\n", o.alphas+2, harness.Median(ours.Bare), harness.Median(ours.BareCPU))
	fmt.Printf("| measure.Pair | %.2f | %.2f | %.0f |\n", harness.Median(ours.Seconds), harness.Median(ours.CPU), many)
	fmt.Printf("| measure.Pair, %d images | | | %.0f |\n", min(1000, o.samples), few)
	var lines []string
	lines = append(lines, fmt.Sprintf("Pair / bare passes: wall %.2f, CPU %.2f (aim ≤ 1.3); first call, which compiles: %.1f s.",
		harness.Ratio(ours.Seconds, ours.Bare), harness.Ratio(ours.CPU, ours.BareCPU), ours.First),
		fmt.Sprintf("Peak memory, %d images over %d: %.2f (aim 0.9–1.1, and < 1000 MB).", o.samples, min(1000, o.samples), many/few))
	if o.python != "" {
		dump := exec.Command(self, "-child", "go", "-dump", dir, "-backend", o.backend, "-samples", strconv.Itoa(o.samples))
		dump.Stderr = os.Stderr
		if err := dump.Run(); err != nil {
			return fmt.Errorf("writing what PyTorch reads: %w", err)
		}
		for _, way := range []string{"store", "stream"} {
			r, err := start(o.python, o.script, way, dir, strconv.Itoa(o.samples), strconv.Itoa(o.alphas), strconv.Itoa(ours.Batch), strconv.Itoa(o.rounds))
			if err != nil {
				return err
			}
			fmt.Printf("| %s, %s | %.2f | %.2f | %.0f |\n", r.Versions, r.Name, harness.Median(r.Seconds), harness.Median(r.CPU), r.PeakMB)
			lines = append(lines, fmt.Sprintf("%s / Pair: wall %.1f, CPU %.1f; largest difference of a layer's mean 1 − cos: %.1e.",
				r.Name, harness.Median(r.Seconds)/harness.Median(ours.Seconds), harness.Median(r.CPU)/harness.Median(ours.CPU), difference(r.LLFC, ours.LLFC)))
		}
	}
	fmt.Println()
	for _, l := range lines {
		fmt.Println("- " + l)
	}
	return nil
}

// peaks is the median peak memory of three processes, in MB.
func peaks(run func() (report, error)) (float64, error) {
	var mb []float64
	for range 3 {
		r, err := run()
		if err != nil {
			return 0, err
		}
		mb = append(mb, r.PeakMB)
	}
	return harness.Median(mb), nil
}

// start runs a program and reads its report.
func start(name string, args ...string) (report, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return report{}, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		return report{}, fmt.Errorf("%s printed %.80q: %w", filepath.Base(name), out, err)
	}
	return r, nil
}

// difference is the largest one of a layer's mean at any α.
func difference(a, b [][]float64) (d float64) {
	for i := range a {
		for j := range a[i] {
			d = max(d, math.Abs(a[i][j]-b[i][j]))
		}
	}
	return d
}
