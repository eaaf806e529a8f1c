package main

import (
	"os"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// A label means what the class was called in training. Data whose labels mean something else are refused, unless asked for by number.
func TestClasses(t *testing.T) {
	inside(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	pictures(t, "pets", "cat", "dog")
	pictures(t, "tiere", "Katze", "Hund") // the same pictures; Hund is class 0 there
	pictures(t, "partly", "cat", "hound")
	pictures(t, "turned", "dog", "cat") // the same names for the other pictures
	pictures(t, "three", "cat", "dog", "fish")
	const common = "train --network mlp --widths 8 --optimiser adam --rate 0.01 --epochs 20 --batch 8 --backend go "
	ok(t, common+"--data images:pets --out a")
	ok(t, common+"--data images:pets --out b --seed 2")
	ok(t, common+"--data images:three --out c3")
	ok(t, common+"--data images:three --out d3 --seed 2")
	ok(t, common+"--data images:tiere --out h")
	if names := checkpoint(t, "a").Classes; strings.Join(names, " ") != "cat dog" {
		t.Errorf("a keeps the classes %q", names)
	}
	const asked = " --classes-as-numbers"
	for _, c := range []struct {
		line string
		want []string // of one line on stderr; none where it must succeed
	}{
		{"measure a b --out m --data images:pets", nil},
		{"measure a b --out m --data images:turned", nil}, // class 0 is cat there too; the pictures are others, which is a note
		{"measure a b --out m --data images:tiere", []string{"--data images:tiere for a", `"cat", "dog"`, `"Hund", "Katze"`, asked}},
		{"measure a b --out m --data images:partly", []string{`"dog"`, `"hound"`, asked}},
		{"measure a b --out m --data images:three", []string{`3 classes ("cat", "dog", "fish")`, `2 classes ("cat", "dog")`}},
		{"measure c3 d3 --out m --data images:pets", []string{`3 classes ("cat", "dog", "fish")`, `2 classes ("cat", "dog")`, asked}},
		{"measure a h --out m --data images:pets", []string{"a and h: the two tell other classes apart", `"cat", "dog"`, `"Hund", "Katze"`, asked}},
		{"match a h --out m.safetensors", []string{"a and h", `"cat", "dog"`, `"Hund", "Katze"`, asked}},
		{"measure a b --out m --data images:tiere" + asked, nil},
		{"measure c3 d3 --out m --data images:pets" + asked, nil},
		{"measure a h --out m --data images:pets" + asked, nil},
		{"match a h --out m.safetensors" + asked, nil},
		{"match a b --out moved", nil},
		{"measure a moved --out m --data images:pets", nil},
		{"measure a moved --out m --data images:tiere", []string{`"Katze"`}},
	} {
		status, out, errs := do(t, c.line+" --backend go")
		if c.want == nil {
			if status != success {
				t.Errorf("layerwise %s: status %d, %s", c.line, status, errs)
			}
			if other := strings.Contains(out, "note: ") && strings.Contains(out, "other data"); other != (strings.Contains(c.line, "turned") || strings.Contains(c.line, "measure") && strings.Contains(c.line, asked)) {
				t.Errorf("layerwise %s says %s", c.line, out)
			}
			continue
		}
		if status != misused || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("layerwise %s: status %d, %s%s", c.line, status, out, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(errs, want) {
				t.Errorf("layerwise %s: no %q in %s", c.line, want, errs)
			}
		}
	}
	if names := checkpoint(t, "moved").Classes; strings.Join(names, " ") != "cat dog" {
		t.Errorf("the permuted b keeps the classes %q", names)
	}

	// A file from before there were names, or of another program, is taken by number.
	theta, meta, err := network.Load("a")
	if err != nil {
		t.Fatal(err)
	}
	delete(meta, "classes")
	if err := network.Save("old", theta, meta); err != nil {
		t.Fatal(err)
	}
	ok(t, "measure old b --out m --data images:pets --backend go")
	for text, want := range map[string]string{`["cat"]`: "1 names for 2 logits", `"cat"`: `classes "\"cat\""`, `[1,2]`: "classes"} {
		meta["classes"] = text
		if err := network.Save("bad", theta, meta); err != nil {
			t.Fatal(err)
		}
		if status, _, errs := do(t, "describe bad"); status != failure || !strings.Contains(errs, want) || !strings.Contains(errs, "bad") {
			t.Errorf("classes %s: status %d, %s", text, status, errs)
		}
	}

	// Pictures that are the same byte by byte, under names of the same order: the run is the same, and learns the new names.
	if err := os.Rename("pets", "old pets"); err != nil {
		t.Fatal(err)
	}
	pictures(t, "pets", "chat", "chien")
	ok(t, common+"--data images:pets --out a2")
	x, y := checkpoint(t, "a"), checkpoint(t, "a2")
	if x.Run.Name() != y.Run.Name() || x.Meta["written"] != y.Meta["written"] || strings.Join(y.Classes, " ") != "chat chien" {
		t.Errorf("run %s of classes %q became run %s of %q", x.Run.Name(), x.Classes, y.Run.Name(), y.Classes)
	}
}
