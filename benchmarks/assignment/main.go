// Command assignment times match.Assign on a file of float64 gains [n, n]; compare.py runs it beside SciPy.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"layerwise/llfc/match"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "assignment:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: assignment GAINS N REPEATS")
	}
	raw, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	repeats, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	gain := make([]float64, len(raw)/8)
	for i := range gain {
		gain[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	var out struct {
		Cold, Warm []float64 // seconds; warm: solved again from the prices of the last time
		Answer     []int
	}
	for range repeats {
		var a match.Assigner
		for _, times := range []*[]float64{&out.Cold, &out.Warm} {
			start := time.Now()
			if out.Answer, err = a.Assign(gain, n); err != nil {
				return err
			}
			*times = append(*times, time.Since(start).Seconds())
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
