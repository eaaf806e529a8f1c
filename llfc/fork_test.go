package llfc

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

func spawned(t *testing.T, r Run, epochs float64, order int64) Run {
	t.Helper()
	return must[Run](t)(r.Spawn(epochs, order))
}

func TestSpawnNames(t *testing.T) {
	l, _ := open(t)
	r := runOf(t, l, tiny(), 1) // 20 steps an epoch
	for _, c := range []struct {
		epochs float64
		order  int64
		want   []train.Stream
	}{
		{0, 2, []train.Stream{{Order: 2, Dropout: 2}}},
		{0, 1, r.Train.Streams},
		{1, 1, r.Train.Streams},
		{1, 2, []train.Stream{{Order: 1, Dropout: 1}, {From: 20, Order: 2, Dropout: 2}}},
		{0.5, 2, []train.Stream{{Order: 1, Dropout: 1}, {From: 10, Order: 2, Dropout: 2}}},
		{0.074, 2, []train.Stream{{Order: 1, Dropout: 1}, {From: 1, Order: 2, Dropout: 2}}}, // 1.48 steps
		{4, 2, []train.Stream{{Order: 1, Dropout: 1}, {From: 80, Order: 2, Dropout: 2}}},
	} {
		want := r
		want.Train.Streams = c.want
		got := spawned(t, r, c.epochs, c.order)
		if got.Name() != want.Name() || got.JSON() != want.JSON() {
			t.Errorf("after %g epochs with seed %d: %s, expected %s", c.epochs, c.order, got.JSON(), want.JSON())
		}
		if same := len(c.want) == 1 && c.order == 1; same != (got.Name() == r.Name()) {
			t.Errorf("after %g epochs with seed %d the run is named %s, its parent %s", c.epochs, c.order, got.Name(), r.Name())
		}
	}
	if len(r.Train.Streams) != 1 {
		t.Errorf("spawning changed the parent: %v", r.Train.Streams)
	}
	for _, epochs := range []float64{-1, -0.01, 4.01, 5, math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := r.Spawn(epochs, 2)
		complains(t, "out of range", err, "between 0 and 4")
	}
}

// A spawned pair has the bits of train.Spawn, in whatever order its runs are asked for.
func TestSpawn(t *testing.T) {
	ctx := context.Background()
	for _, epochs := range []float64{0, 0.35, 2, 4} {
		l, said := open(t)
		parent := runOf(t, l, tiny(), 1)
		child := spawned(t, parent, epochs, 2)
		step := int(math.Round(20 * epochs))

		begin := must[saved](t)(l.begin(t.Context(), parent))
		d := must[*feed.Feed](t)(l.feedOf(ctx, parent))
		a, b, err := train.Spawn(ctx, must[*network.Model](t)(l.Model(parent.Network)), begin.Theta, d, parent.Train, step, train.Stream{Order: 2, Dropout: 2})
		d.Free()
		if err != nil {
			t.Fatal(err)
		}
		if a.Equal(b) != (epochs == 4) {
			t.Fatalf("after %g epochs the two are the same: %v", epochs, a.Equal(b))
		}

		if !trained(t, l, child).Equal(b) {
			t.Errorf("after %g epochs: the child differs", epochs)
		}
		if step > 0 {
			holds(t, l, parent, runFile, forkFile(step), lockFile)
			trainer := must[saved](t)(l.loadState(parent, filepath.Join(l.dir(parent), forkFile(step))))
			if trainer.Step != step {
				t.Errorf("the fork is of step %d, expected %d", trainer.Step, step)
			}
		}
		if !trained(t, l, parent).Equal(a) {
			t.Errorf("after %g epochs: the parent, asked for after its child, differs", epochs)
		}
		if strings.Contains(said.String(), "waiting") {
			t.Errorf("the runs wait for each other: %q", said)
		}

		m, _ := open(t)
		if !trained(t, m, parent).Equal(a) || !trained(t, m, child).Equal(b) {
			t.Errorf("after %g epochs: asking for the parent first gives other bits", epochs)
		}
		same(t, "child before or after its parent", child, l, m)
		same(t, "parent before or after its child", parent, l, m)
		if step > 0 {
			holds(t, m, parent, runFile, forkFile(step), thetaFile, logFile, lockFile)
		}
	}
}

// Until the fork the two share every bit, and the rows of the log too.
func TestSpawnSharesThePrefix(t *testing.T) {
	l, _ := open(t)
	parent := runOf(t, l, tiny(), 1)
	child := spawned(t, parent, 2, 2)
	short := parent
	short.Train.Epochs = 2 // as far as the fork: with a constant rate a run of its own
	trained(t, l, child)
	fork := must[saved](t)(l.loadState(parent, filepath.Join(l.dir(parent), forkFile(40))))
	if !fork.Theta.Equal(trained(t, l, short)) {
		t.Error("the fork differs from two epochs of training")
	}
	trained(t, l, parent)
	a, b := logOf(t, l, parent), logOf(t, l, child)
	for i, row := range a { // title, epochs 1 to 4
		if shared := i <= 2; shared != (row[1] == b[i][1]) {
			t.Errorf("row %d: %v and %v", i, row, b[i])
		}
	}
}

// What was trained for a fork is not trained again.
func TestParentGoesOnFromItsFork(t *testing.T) {
	l, _ := open(t)
	parent := runOf(t, l, tiny(), 1)
	trained(t, l, spawned(t, parent, 3, 2))
	for want, until := range map[int]int{60: 80, 0: 59} {
		s := must[saved](t)(l.latest(context.Background(), parent, l.dir(parent), until))
		if s.Step != want {
			t.Errorf("up to step %d it begins at step %d, expected %d", until, s.Step, want)
		}
	}
	trained(t, l, spawned(t, parent, 1, 2)) // an earlier fork than the one that is kept
	trained(t, l, parent)
	holds(t, l, parent, runFile, forkFile(20), forkFile(60), thetaFile, logFile, lockFile)
	whole, _ := open(t)
	trained(t, whole, parent)
	same(t, "by way of two forks", parent, l, whole)
}

// A fork of a fork begins where its own parent forked.
func TestForkOfAFork(t *testing.T) {
	l, _ := open(t)
	r := runOf(t, l, tiny(), 1)
	child := spawned(t, r, 1, 2)
	grandchild := spawned(t, child, 3, 3)
	if n := len(grandchild.Train.Streams); n != 3 {
		t.Fatalf("%d streams", n)
	}
	trained(t, l, grandchild)
	holds(t, l, child, runFile, forkFile(60), lockFile)
	holds(t, l, r, runFile, forkFile(20), lockFile)
	m, _ := open(t)
	for _, r := range []Run{r, child, grandchild} {
		trained(t, m, r)
	}
	same(t, "grandchild first or last", grandchild, l, m)
	if spawned(t, grandchild, 0.5, 1).Name() != r.Name() {
		t.Error("a fork back to the first seeds, before all forks, is not the first run")
	}
}

// Interrupted on its second way to a fork, a finished run keeps that too.
func TestCancelOnTheSecondWay(t *testing.T) {
	l, said := open(t)
	parent := runOf(t, l, tiny(), 1)
	child := spawned(t, parent, 3, 2)
	trained(t, l, parent)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l.progress.last, said.hears = time.Time{}, cancel
	if _, err := l.Train(ctx, child); err == nil {
		t.Fatal("not cancelled")
	}
	said.hears = nil
	again := must[saved](t)(l.loadState(parent, filepath.Join(l.dir(parent), againFile)))
	if s := must[saved](t)(l.latest(context.Background(), parent, l.dir(parent), 60)); again.Step < 1 || s.Step != again.Step {
		t.Errorf("kept step %d, goes on from step %d", again.Step, s.Step)
	}
	trained(t, l, child)
	holds(t, l, parent, runFile, forkFile(60), thetaFile, logFile, lockFile)
	m, _ := open(t)
	trained(t, m, child)
	same(t, "forked from a finished run", child, l, m)
}

// A state under the name of another step is not taken for it.
func TestForkUnderAWrongName(t *testing.T) {
	l, _ := open(t)
	parent := runOf(t, l, tiny(), 1)
	child := spawned(t, parent, 2, 2)
	trained(t, l, spawned(t, parent, 1, 2))
	if err := os.Rename(filepath.Join(l.dir(parent), forkFile(20)), filepath.Join(l.dir(parent), forkFile(40))); err != nil {
		t.Fatal(err)
	}
	trained(t, l, child)
	if s := must[saved](t)(l.loadState(parent, filepath.Join(l.dir(parent), forkFile(40)))); s.Step != 40 {
		t.Errorf("%s is of step %d", s.file, s.Step)
	}
	m, _ := open(t)
	trained(t, m, child)
	same(t, "a fork under a wrong name", child, l, m)
}

// A run that was interrupted beyond the fork keeps its state while it goes the way to the fork again.
func TestForkBeforeTheState(t *testing.T) {
	l, _ := open(t)
	parent := runOf(t, l, tiny(), 1)
	child := spawned(t, parent, 0.2, 2)
	must[saved](t)(l.at(context.Background(), parent, 60))
	l.checkpointEvery = 0
	checkpoint := filepath.Join(l.dir(parent), stateFile)
	if err := os.Rename(filepath.Join(l.dir(parent), forkFile(60)), checkpoint); err != nil {
		t.Fatal(err)
	}
	trained(t, l, child)
	holds(t, l, parent, runFile, stateFile, forkFile(4), lockFile)
	if kept := must[saved](t)(l.loadState(parent, checkpoint)); kept.Step != 60 {
		t.Errorf("the state of step 60 has become one of step %d", kept.Step)
	}
	m, _ := open(t)
	trained(t, m, child)
	same(t, "forked before the state", child, l, m)
}
