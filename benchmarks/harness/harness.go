// Package harness is what the Go side of every benchmark repeats: [Main] and [Model] to start, [Noise] and [Nearby] for something to
// work on, [Forward] for a bare forward pass, [For] and [Clock] to time it, [Print] and [Serve] to tell the driver. The drivers, in
// Python, have benchmarks/harness.py.
package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gomlx/compute"

	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

// Main runs a benchmark; an error goes to standard error, after the benchmark's name, and the program exits with 1.
func Main(name string, run func() error) {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "benchmarks/%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Backend opens a backend by name, with huge pages, for which it may start the program again. So it comes before any output.
func Backend(name string) (compute.Backend, backend.Info, error) {
	if err := backend.Tune(name); err != nil {
		return nil, backend.Info{}, err
	}
	return backend.Open(name)
}

// Model opens a backend and compiles a network for it.
func Model(name string, spec network.Spec) (*network.Model, backend.Info, error) {
	b, info, err := Backend(name)
	if err != nil {
		return nil, info, err
	}
	n, err := network.New(spec)
	if err != nil {
		return nil, info, err
	}
	f, err := network.Compile(b, n)
	return f, info, err
}

// Nearby draws A, and B near it, so that their layers are neither equal nor unrelated.
func Nearby(f *network.Model) (a, b network.Params, err error) {
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

// Print writes one line of JSON to standard output, where the driver reads it.
func Print(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

// Serve prints about, and then an answer for each order, until there are no more. An order is a line of JSON on standard input, so
// that the driver can make several programs take turns.
func Serve[Order any](about any, answer func(Order) (any, error)) error {
	if err := Print(about); err != nil {
		return err
	}
	in := json.NewDecoder(os.Stdin)
	for {
		var o Order
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading an order: %w", err)
		}
		a, err := answer(o)
		if err != nil {
			return fmt.Errorf("%+v: %w", o, err)
		}
		if err := Print(a); err != nil {
			return err
		}
	}
}
