package main

import (
	"os"
	"strings"
	"testing"
)

// The page of a pair holds its numbers; its data are those that the networks were trained on; a pair that is none is a misuse.
func TestExplore(t *testing.T) {
	inside(t)
	ok(t, "train "+small+" --epochs 1 --out a")
	ok(t, "train "+small+" --epochs 1 --seed 2 --out b")
	ok(t, "train --network mlp --widths 8 --data digits --backend go --epochs 1 --out narrow")
	if out := ok(t, "explore a b --samples 50 --maps 2 --alphas 0,0.5,1 --backend go --out pages/ab.html"); strings.TrimSpace(out) != "pages/ab.html" {
		t.Errorf("%q", out)
	}
	page, err := os.ReadFile("pages/ab.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>a and b</title>", `"images":50`, `"alphas":[0,0.5,1]`, `"layers":["fc1","fc1/relu","logits"]`, "digits/test, 50 images"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %s on the page", want)
		}
	}
	for call, want := range map[string]string{
		"explore a b":                   "--out is missing",
		"explore a narrow --out x.html": "narrow",
		"explore a b --maps 0 --out x":  "--maps",
		"explore a b --out a":           "--out",
		"explore a b --data no --out x": "there is no such data set",
	} {
		if status, out, text := do(t, call); status != misused || out != "" || !strings.Contains(text, want) {
			t.Errorf("%s: status %d, %s%s, expected %s", call, status, out, text, want)
		}
	}
	if _, err := os.Stat("x.html"); err == nil {
		t.Error("a misuse has written a page")
	}
}
