package main

import (
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// Networks are merged from the command line as by package merge, and the file says of what.
func TestMerge(t *testing.T) {
	inside(t)
	ok(t, "spawn --network mlp --widths 16 --data digits --backend go --epochs 2 --spawn-epoch 1 --out-a a --out-b b")
	ok(t, "merge a b --backend go --out mean")
	ok(t, "merge a b --backend go --method task --base mean --weights -1,1 --lambda 0.5 --out task")
	a, b, mean, task := checkpoint(t, "a"), checkpoint(t, "b"), checkpoint(t, "mean"), checkpoint(t, "task")
	middle, err := network.Interpolate(a.Theta, b.Theta, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := network.Distance(mean.Theta, middle); err != nil || d > 1e-5 {
		t.Errorf("the mean is %g away from the middle, %v", d, err)
	}
	for i, x := range task.Theta {
		for j, v := range x.Data {
			want := mean.Theta[i].Data[j] + 0.5*(b.Theta[i].Data[j]-a.Theta[i].Data[j])
			if d := v - want; d > 1e-5 || d < -1e-5 {
				t.Fatalf("%s[%d] is %g, expected %g", x.Name, j, v, want)
			}
		}
	}
	if about := task.Meta["merged"]; !strings.Contains(about, b.Theta.SHA256()) || !strings.Contains(about, mean.Theta.SHA256()) || !strings.Contains(about, `"lambda":0.5`) {
		t.Errorf("the file does not say what it is made of: %s", about)
	}
	for line, want := range map[string]string{
		"merge --out x":                                       "no networks",
		"merge a b":                                           "--out",
		"merge a b --method sum --out x":                      "expected one of mean, task, ties, dare, dare-ties",
		"merge a b --method ties --out x":                     "it must be given",
		"merge a b --base mean --out x":                       "looks at no base",
		"merge a b --weights 1 --out x":                       "1 weights for 2 models",
		"merge a b --method task --base b --lambda 0 --out x": "adds nothing",
		"merge a b --reset-samples 10 --out x":                "--reset-samples is of --reset",
		"merge a b --reset nowhere --out x":                   "there is no such data set",
		"merge a b --out a":                                   "--out a is A, which stays as it is",
		"merge a b --method task --base mean --out mean":      "--out mean is the base, which stays as it is",
		"merge a nowhere --out x":                             "there is no file nowhere",
	} {
		var out, errs strings.Builder
		if code := run(strings.Fields(line), &out, &errs); code != misused || !strings.Contains(errs.String(), want) {
			t.Errorf("layerwise %s: status %d, %q; want %q", line, code, errs.String(), want)
		}
	}
}
