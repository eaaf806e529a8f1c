// Command match times match.Weights on two checkpoints; compare.py runs it beside numpy and SciPy. It also draws the networks
// and tells their symmetry, so that both sides match the same weights by the same groups. SPEC is a network as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

func main() { harness.Main("match", run) }

func run() error {
	usage := errors.New("usage: match describe SPEC | match draw SPEC SEED OUT | match plant SPEC A SEED OUT | match run SPEC A B REPEATS")
	commands := map[string]struct {
		arguments int
		run       func(n network.Network, s network.Symmetry, arguments []string) error
	}{"describe": {0, describe}, "draw": {2, draw}, "plant": {3, plant}, "run": {3, search}}
	if len(os.Args) < 3 {
		return usage
	}
	c, ok := commands[os.Args[1]]
	if !ok || len(os.Args) != 3+c.arguments {
		return usage
	}
	var spec network.Spec
	if err := json.Unmarshal([]byte(os.Args[2]), &spec); err != nil {
		return err
	}
	n, err := network.New(spec)
	if err != nil {
		return err
	}
	s, err := n.Symmetry()
	if err != nil {
		return err
	}
	return c.run(n, s, os.Args[3:])
}

// describe prints the symmetry, and how many floating-point operations it takes to sum every product of every group once.
func describe(n network.Network, s network.Symmetry, _ []string) error {
	t, err := n.Describe()
	if err != nil {
		return err
	}
	elements := map[string]int{}
	out := struct {
		Symmetry   network.Symmetry
		Parameters int
		GFLOP      float64
	}{Symmetry: s}
	for _, p := range t.Params {
		elements[p.Name] = 1
		for _, d := range p.Dims {
			elements[p.Name] *= d
		}
		out.Parameters += elements[p.Name]
	}
	for _, g := range s.Groups {
		for _, place := range g.Places {
			if !slices.Contains(s.Buffers, place.Tensor) {
				size := 0
				for _, p := range t.Params {
					if p.Name == place.Tensor {
						size = p.Dims[place.Axis]
					}
				}
				columns := elements[place.Tensor] / size * len(place.At[0])
				out.GFLOP += 2e-9 * float64(g.Size) * float64(g.Size) * float64(columns)
			}
		}
	}
	return harness.Print(out)
}

// draw writes weights as they are before training.
func draw(n network.Network, _ network.Symmetry, arguments []string) error {
	seed, err := strconv.ParseInt(arguments[0], 10, 64)
	if err != nil {
		return err
	}
	theta, err := n.Init(seed)
	if err != nil {
		return err
	}
	return network.Save(arguments[1], theta, nil)
}

// plant writes A with its units in another order and noise of half a standard deviation in every tensor.
func plant(_ network.Network, s network.Symmetry, arguments []string) error {
	a, _, err := network.Load(arguments[0])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseInt(arguments[1], 10, 64)
	if err != nil {
		return err
	}
	b, err := s.Apply(s.Random(seed), a)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	for _, t := range b {
		sum, squares := 0.0, 0.0
		for _, v := range t.Data {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		mean := sum / float64(len(t.Data))
		noise := 0.5 * math.Sqrt(max(0, squares/float64(len(t.Data))-mean*mean))
		for i := range t.Data {
			t.Data[i] += float32(noise * r.NormFloat64())
		}
	}
	return network.Save(arguments[2], b, nil)
}

// search times the search.
func search(_ network.Network, s network.Symmetry, arguments []string) error {
	a, _, err := network.Load(arguments[0])
	if err != nil {
		return err
	}
	b, _, err := network.Load(arguments[1])
	if err != nil {
		return err
	}
	repeats, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	var out struct {
		Seconds, CPU []float64
		Result       match.Result
		AllocatedMB  float64 // by the last search, in all
	}
	for range repeats {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		wall, cpu, err := harness.Time(func() (err error) {
			out.Result, err = match.Weights(context.Background(), s, a, b, match.Config{})
			return err
		})
		if err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		out.AllocatedMB = float64(after.TotalAlloc-before.TotalAlloc) / 1e6
		out.Seconds, out.CPU = append(out.Seconds, wall), append(out.CPU, cpu)
	}
	return harness.Print(out)
}
