package llfc

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"layerwise/llfc/match"
	"layerwise/llfc/network"
)

// ending is a context that ends after it has been asked so many times whether it has.
type ending struct {
	context.Context
	left atomic.Int64
}

func after(t *testing.T, asked int64) *ending {
	c := &ending{Context: t.Context()}
	c.left.Store(asked)
	return c
}

func (c *ending) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// drawnMLPs are networks that nobody trained.
func drawnMLPs(t *testing.T, n int) (out []Checkpoint) {
	t.Helper()
	s := network.Spec{Architecture: "mlp", Input: []int{6, 6, 1}, Classes: 5, Widths: []int{12, 10}, Init: "torch"}
	of := must[network.Network](t)(network.New(s))
	for i := range n {
		c := Checkpoint{Theta: must[network.Params](t)(of.Init(int64(1 + i))), Network: s}
		c.Normalize.Mean, c.Normalize.Std = []float32{0.25}, []float32{0.5}
		out = append(out, c)
	}
	return out
}

// about is what the metadata say of a matching.
func about(t *testing.T, c Checkpoint) (out struct {
	To, Of, Method string
	Partial        bool
	Together       []string
	Permutation    network.Permutation
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.Meta[metaMatched]), &out); err != nil {
		t.Error(err)
	}
	return out
}

func keptMatchings(t *testing.T, l *Lab) int {
	return len(must[[]string](t)(filepath.Glob(filepath.Join(l.Runs, "matched", "*.kept"))))
}

// An interrupted matching gives what it found, proved and marked; it is not kept. Where nothing was found there is nothing to give.
func TestPartialMatch(t *testing.T) {
	l, _ := open(t)
	c := drawnMLPs(t, 2)
	p, config := Pair{Name: "drawn", A: c[0], B: c[1]}, match.Config{Restarts: 1 << 20}
	moved, r, err := l.Match(after(t, 3000), p, "weight", config)
	if !errors.Is(err, context.Canceled) || r.Permutation == nil || len(r.Objectives) < 2 || r.Seconds <= 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if a := about(t, moved); !a.Partial || a.Method != "weight" || moved.Theta.Equal(c[1].Theta) {
		t.Errorf("%+v", a)
	}
	if moved, r, err := l.Match(after(t, 0), p, "weight", config); !errors.Is(err, context.Canceled) || moved.Theta != nil || r.Permutation != nil {
		t.Errorf("nothing was found, and this was given: %v %v, %v", moved.Meta, r, err)
	}
	if _, _, err := l.Matched(after(t, 3000), p, "weight", config); !errors.Is(err, context.Canceled) || keptMatchings(t, l) != 0 {
		t.Errorf("%d kept, %v", keptMatchings(t, l), err)
	}
	whole, r, err := l.Match(t.Context(), p, "weight", match.Config{})
	if a := about(t, whole); err != nil || a.Partial || r.Seconds <= 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

// Several networks are matched once, and loaded from then on.
func TestMatchedMany(t *testing.T) {
	for _, m := range match.ManyMethods() {
		l, _ := open(t)
		c := drawnMLPs(t, 3)
		out, j, err := l.MatchedMany(t.Context(), m.Name, match.Config{}, c...)
		if err != nil || len(out) != 3 || j.Objective <= j.Identity || keptMatchings(t, l) != 1 {
			t.Fatalf("%s: %d networks, %+v, %d kept, %v", m.Name, len(out), j, keptMatchings(t, l), err)
		}
		again, k, err := l.MatchedMany(after(t, 50), m.Name, match.Config{}, c...) // no time for a search
		if err != nil || k.Objective != j.Objective {
			t.Errorf("%s: not loaded: %v, %v", m.Name, k, err)
		}
		for i, x := range out {
			if a := about(t, x); a.Partial || a.Method != m.Name || len(a.Together) != 3 || len(a.Permutation) != 2 {
				t.Errorf("%s: %+v", m.Name, a)
			}
			if !again[i].Theta.Equal(x.Theta) {
				t.Errorf("%s: network %d came back as another", m.Name, i+1)
			}
		}
		if !out[0].Theta.Equal(c[0].Theta) || out[1].Theta.Equal(c[1].Theta) {
			t.Errorf("%s: the order is not that of the first", m.Name)
		}
		if _, _, err := l.MatchedMany(t.Context(), m.Name, match.Config{}, c[0], c[2], c[1]); err != nil || keptMatchings(t, l) != 2 {
			t.Errorf("%s: another order of the networks: %d kept, %v", m.Name, keptMatchings(t, l), err)
		}
		whole := after(t, 1<<40)
		if _, _, err := l.MatchMany(whole, m.Name, match.Config{}, c...); err != nil {
			t.Fatal(err)
		}
		part, j, err := l.MatchMany(after(t, 1<<40-whole.left.Load()-2), m.Name, match.Config{}, c...) // shortly before its end
		if !errors.Is(err, context.Canceled) || j.Permutations == nil || !about(t, part[1]).Partial {
			t.Errorf("%s: %+v, %v", m.Name, j, err)
		}
	}
}

func TestMatchedManyRefuses(t *testing.T) {
	l, _ := open(t)
	c := drawnMLPs(t, 3)
	_, _, err := l.MatchedMany(t.Context(), "universe", match.Config{}, c[0])
	complains(t, "one network", err, "expected two at least")
	_, _, err = l.MatchedMany(t.Context(), "soup", match.Config{}, c...)
	complains(t, "an unknown method", err, `"soup"`, "universe")
	c[2].Normalize.Mean = []float32{0.5}
	_, _, err = l.MatchedMany(t.Context(), "universe", match.Config{}, c...)
	complains(t, "another normalisation", err, "networks 1 and 3", "normalise")
}
