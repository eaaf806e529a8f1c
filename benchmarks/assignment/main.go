// Command assignment times match.Assign on a file of float64 gains [n, n]; compare.py runs it beside SciPy.
package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strconv"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/match"
)

func main() { harness.Main("assignment", run) }

func run() error {
	if len(os.Args) != 4 {
		return fmt.Errorf("usage: assignment GAINS N REPEATS")
	}
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	repeats, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	gain := make([]float64, len(raw)/8)
	for i := range gain {
		gain[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	var out struct {
		Cold, Warm [][2]float64 // seconds, wall and processor; warm: solved again from the prices of the last time
		Answer     []int
	}
	for range repeats {
		var a match.Assigner
		for _, times := range []*[][2]float64{&out.Cold, &out.Warm} {
			wall, cpu, err := harness.Time(func() (err error) {
				out.Answer, err = a.Assign(gain, n)
				return err
			})
			if err != nil {
				return err
			}
			*times = append(*times, [2]float64{wall, cpu})
		}
	}
	return harness.Print(out)
}
