package llfc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

func TestSuits(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprint("class ", i)
	}
	swapped := slices.Clone(many)
	swapped[57], swapped[58] = swapped[58], swapped[57]
	pets := []string{"cat", "dog"}
	for _, c := range []struct {
		what          string
		network, data []string
		logits        int
		suits, asked  bool // as it is, and by number
		naming        []string
	}{
		{"the same", pets, pets, 2, true, true, nil},
		{"another order", pets, []string{"dog", "cat"}, 2, false, true, []string{`("dog", "cat")`, `("cat", "dog")`, "the same names in another order"}},
		{"other names", pets, []string{"Katze", "Hund"}, 2, false, true, []string{`("Katze", "Hund")`, `("cat", "dog")`}},
		{"one other name", pets, []string{"cat", "hound"}, 2, false, true, []string{`"hound"`, `"dog"`}},
		{"fewer", pets, []string{"cat"}, 2, false, true, []string{`1 classes ("cat")`, `2 classes ("cat", "dog")`}},
		{"more", pets, []string{"cat", "dog", "fish"}, 2, false, false, []string{`3 classes ("cat", "dog", "fish")`}},
		{"no names", nil, pets, 2, true, true, nil},
		{"no names, fewer", nil, pets, 3, false, true, []string{"3 classes"}},
		{"no names, more", nil, many, 2, false, false, []string{"100 classes"}},
		{"many, in another order", many, swapped, 100, false, true, []string{`(…, "class 58", "class 57", "class 59"`, `(…, "class 57", "class 58"`, "another order"}},
		{"names that are no line", pets, []string{"cat\n", strings.Repeat("x", 300)}, 2, false, true, []string{`"cat\n"`}},
	} {
		set := &data.Set{Name: "pictures", Shape: []int{8, 8, 3}, Classes: c.data}
		ckpt := Checkpoint{Classes: c.network, Network: network.Spec{Input: []int{8, 8, 3}, Classes: c.logits}}
		err := ckpt.Suits(set)
		var classes *ClassesError
		if (err == nil) != c.suits || c.asked && err != nil && !errors.As(err, &classes) {
			t.Errorf("%s: %v", c.what, err)
		}
		if err != nil {
			complains(t, c.what, err, append(c.naming, "pictures")...)
			if text := err.Error(); strings.Contains(text, "\n") || len(text) > 500 {
				t.Errorf("%s: %q", c.what, text)
			}
		}
		ckpt.ByNumber = true
		if err := ckpt.Suits(set); (err == nil) != c.asked {
			t.Errorf("%s, by number: %v", c.what, err)
		}
		set.Shape = []int{8, 8, 1}
		if err := ckpt.Suits(set); err == nil || errors.As(err, &classes) {
			t.Errorf("%s, of another shape: %v", c.what, err)
		}
	}
}

// Classes travel with a run, and every way to measure asks about them. A file of the store from before there were names gets those of its data.
func TestClassesOfARun(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	s := tiny()
	p := must[Pair](t)(l.Spawned(ctx, s, 1, 1))
	names := p.A.Classes
	if len(names) != p.A.Network.Classes || names[1] != "blob 1" {
		t.Fatalf("the classes are %q", names)
	}
	if _, _, err := l.Evaluate(ctx, p.A, s.Data); err != nil {
		t.Error(err)
	}
	other := slices.Clone(names)
	slices.Reverse(other)
	for _, end := range []string{"A", "B"} {
		q := p
		q.Name = "spawned"
		to := &q.A
		if end == "B" {
			to = &q.B
		}
		to.Classes = other
		_, _, err := l.Evaluate(ctx, *to, s.Data)
		complains(t, "Evaluate", err, "another order")
		_, err = l.Test(ctx, s, q, measure.Options{})
		complains(t, "Test", err, "another order")
		_, err = l.TestPath(ctx, s, q, measure.Options{})
		complains(t, "TestPath", err, "classes")
		complains(t, "SamePlace", SamePlace(q.A, q.B), names[0], other[0])
		to.ByNumber = true
		if _, _, err := l.Evaluate(ctx, *to, s.Data); err != nil {
			t.Error(err)
		}
	}
	path := l.dir(*p.A.Run) + "/" + thetaFile
	before := p.A
	before.Classes = nil
	if err := SaveCheckpoint(path, before); err != nil {
		t.Fatal(err)
	}
	if c := must[Checkpoint](t)(LoadCheckpoint(path)); c.Classes != nil {
		t.Errorf("saved without names, and read with %q", c.Classes)
	}
	if c := must[Checkpoint](t)(l.Train(ctx, *p.A.Run)); !slices.Equal(c.Classes, names) {
		t.Errorf("the run's classes are %q", c.Classes)
	}
	fresh := must[*Lab](t)(OpenOn("go")) // whose data set is not loaded: nothing is loaded for the names
	defer fresh.Close()
	fresh.Runs = l.Runs
	if c := must[Checkpoint](t)(fresh.Train(ctx, *p.A.Run)); c.Classes != nil {
		t.Errorf("the run's classes are %q", c.Classes)
	}
}

// What a machine cannot hold is refused before a number is drawn.
func TestTrainingTooLarge(t *testing.T) {
	ctx := context.Background()
	l, _ := open(t)
	s := tiny()
	s.Network.Widths = []int{100_000, 100_000}
	_, err := l.Train(ctx, runOf(t, l, s, 1))
	if network.Room(nil, "", 1<<60) == nil {
		t.Skip("this system does not tell what is free")
	}
	var large *network.TooLargeError
	if !errors.As(err, &large) {
		t.Error(err)
	}
}
