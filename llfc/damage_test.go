package llfc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// damages are ways to spoil a file's content.
func damages(b []byte) map[string][]byte {
	flip := func(at int) []byte {
		c := bytes.Clone(b)
		c[at] ^= 4
		return c
	}
	n := len(b)
	return map[string][]byte{
		"empty": {}, "cut to 7 bytes": b[:7], "cut in half": b[:n/2], "cut by one byte": b[:n-1], "longer": append(bytes.Clone(b), 0),
		"first byte": flip(0), "byte 7": flip(7), "byte 30": flip(30), "in the middle": flip(n / 2), "near the end": flip(n - 2), "last byte": flip(n - 1),
		"zeros": make([]byte, n),
	}
}

// cancelled trains a run for a few steps.
func cancelled(t *testing.T, l *Lab, said *lines, r Run) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l.progress.last, said.hears = time.Time{}, cancel
	if _, err := l.Train(ctx, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("not cancelled: %v", err)
	}
	said.hears = nil
}

// A damaged file of a run is an error that names it, never a training in silence; deleted, as the error says, the run has its bits again.
func TestDamage(t *testing.T) {
	l, said := open(t)
	done, begun, bare := runOf(t, l, tiny(), 1), runOf(t, l, tiny(), 2), runOf(t, l, tiny(), 6)
	parent := runOf(t, l, tiny(), 3)
	first, second := spawned(t, parent, 1, 4), spawned(t, parent, 1, 5)
	trained(t, l, done)
	cancelled(t, l, said, begun)
	cancelled(t, l, said, bare)
	trained(t, l, first)
	ref, _ := open(t)
	for _, r := range []Run{done, begun, bare, second} {
		trained(t, ref, r)
	}
	for _, c := range []struct {
		run  Run
		path string
	}{
		{done, filepath.Join(l.dir(done), thetaFile)},
		{done, filepath.Join(l.dir(done), runFile)},
		{bare, filepath.Join(l.dir(bare), runFile)},
		{begun, filepath.Join(l.dir(begun), stateFile)},
		{second, filepath.Join(l.dir(parent), forkFile(20))},
	} {
		sound := must[[]byte](t)(os.ReadFile(c.path))
		for how, b := range damages(sound) {
			if err := os.WriteFile(c.path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			what := filepath.Base(c.path) + ", " + how
			before := len(said.String())
			_, err := l.Train(context.Background(), c.run)
			complains(t, what, err, c.run.Name(), c.path, "delete it")
			if after := said.String()[before:]; after != "" {
				t.Errorf("%s: it went on, saying %q", what, after)
			}
			if now := must[[]byte](t)(os.ReadFile(c.path)); !bytes.Equal(now, b) {
				t.Errorf("%s: the file was changed", what)
			}
		}
		if err := os.Remove(c.path); err != nil {
			t.Fatal(err)
		}
		trained(t, l, c.run)
		same(t, filepath.Base(c.path)+" deleted", c.run, l, ref)
	}
}

// What belongs to another run is not taken for this one's, sound as it is.
func TestFilesOfAnotherRun(t *testing.T) {
	l, said := open(t)
	a, b := runOf(t, l, tiny(), 1), runOf(t, l, tiny(), 2)
	trained(t, l, a)
	cancelled(t, l, said, runOf(t, l, tiny(), 3))
	if err := os.MkdirAll(l.dir(b), 0o777); err != nil {
		t.Fatal(err)
	}
	for from, name := range map[string]string{l.dir(a): thetaFile, l.dir(runOf(t, l, tiny(), 3)): stateFile} {
		path := filepath.Join(l.dir(b), name)
		if err := os.WriteFile(path, must[[]byte](t)(os.ReadFile(filepath.Join(from, name))), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := l.Train(context.Background(), b)
		complains(t, name, err, path, "delete it")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	trained(t, l, b)
	same(t, "after all", b, l, reference(t, b))
}

// Where no folder can be, the error says where.
func TestNoPlaceForRuns(t *testing.T) {
	l, _ := open(t)
	l.Runs = filepath.Join(l.Runs, "file")
	if err := os.WriteFile(l.Runs, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	r := runOf(t, l, tiny(), 1)
	_, err := l.Train(context.Background(), r)
	complains(t, "a file in the place of the folder", err, l.Runs)
	if err != nil && strings.Contains(err.Error(), "damaged") {
		t.Errorf("nothing is damaged: %v", err)
	}
}
