package main

import (
	"fmt"
	"strings"
	"testing"

	"layerwise/internal/memory"
)

// A batch is no larger than the set, and what the machine cannot hold is a failure, in one line that says how to ask for less, before it is tried.
func TestTooLargeAQuestion(t *testing.T) {
	inside(t)
	deep := strings.Repeat("2,", 150) + "2"
	ok(t, "spawn "+small+" --epochs 1 --out-a a --out-b b")
	ok(t, "measure a b --backend go --samples 100 --train-samples 100 --alphas 0.5 --batch 1073741824 --out ab")
	checkMeasured(t, "ab", []string{"fc1", "fc1/relu", "logits"}, []string{"0", "0.5", "1"}, 100)
	if free, ok := memory.Available(); !ok || free > 35<<30 {
		t.Skip("how much memory is free is not known here, or it is more than what is asked for below")
	}
	ok(t, "spawn --network mlp --widths "+deep+" --data digits --backend go --train-samples 60 --epochs 1 --out-a deep --out-b deeper")
	var alphas []string
	for i := range 100000 {
		alphas = append(alphas, fmt.Sprintf("%.5f", float64(i)/100000))
	}
	for _, c := range []struct{ line, want string }{
		{"measure deep deeper --backend go --per-sample --out x --alphas " + strings.Join(alphas, ","), "every value of 360 samples at 100001 α and 303 layers would take at least "},
		{"match a b --backend go --restarts 1073741824 --out y", "the record of 1073741824 further searches would take at least 36 GiB"},
	} {
		status, out, errs := do(t, c.line)
		if status != failure || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("layerwise %.60s: status %d, stdout %q, stderr %q; expected one line with %q", c.line, status, out, errs, c.want)
		}
	}
}
