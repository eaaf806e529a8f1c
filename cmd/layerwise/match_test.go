package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

// Every method is offered, and writes a network of the same function.
func TestMatchByEveryMethod(t *testing.T) {
	inside(t)
	for i, name := range []string{"a", "b", "c"} {
		ok(t, fmt.Sprintf("train --network mlp --widths 16,12 --data digits --backend go --train-samples 200 --epochs 1 --seed %d --out %s", i+1, name))
	}
	for _, method := range match.MethodNames() {
		said := ok(t, "match a b --backend go --steps 2 --samples 50 --restarts 1 --method "+method+" --out moved/"+method)
		moved := checkpoint(t, "moved/"+method)
		if !strings.Contains(said, "method "+method+"  ") || !strings.Contains(said, "same function") || !strings.Contains(moved.Meta["matched"], `"method":"`+method+`"`) || strings.Contains(moved.Meta["matched"], "partial") {
			t.Errorf("%s said %q of %s", method, said, moved.Meta["matched"])
		}
	}
	for _, m := range match.ManyMethods() {
		dir := "out-" + m.Name
		said := ok(t, "match a b c --backend go --"+m.Name+" --out "+dir+" --mean "+dir+"/mean")
		if !strings.Contains(said, "method "+m.Name+"  ") || strings.Count(said, "the same function as") != 3 || !strings.Contains(said, "the mean of their weights") {
			t.Errorf("%s said %q", m.Name, said)
		}
		var thetas []network.Params
		for _, name := range []string{"a", "b", "c"} {
			moved, was := checkpoint(t, filepath.Join(dir, name)).Theta, checkpoint(t, name).Theta
			if moved.Equal(was) != (name == "a") {
				t.Errorf("%s: %s is in the order of the first: %v", m.Name, name, moved.Equal(was))
			}
			for i, p := range was {
				if x, y := slices.Sorted(slices.Values(p.Data)), slices.Sorted(slices.Values(moved[i].Data)); !slices.Equal(x, y) {
					t.Errorf("%s: %s of %s holds other values after the matching", m.Name, p.Name, name)
				}
			}
			thetas = append(thetas, moved)
		}
		mean := checkpoint(t, dir+"/mean")
		if want, err := network.Average(thetas...); err != nil {
			t.Fatal(err)
		} else if d, err := network.Distance(mean.Theta, want); err != nil || d > 1e-5 {
			t.Errorf("%s: the mean is another by %g, %v", m.Name, d, err)
		}
		ok(t, "measure "+dir+"/b "+dir+"/mean --backend go --data digits --alphas 0,0.5,1 --samples 50 --out measured-"+m.Name)
	}
}
