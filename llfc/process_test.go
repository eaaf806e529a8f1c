package llfc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// job is what a child process does: this test binary, started again, trains one run.
type job struct {
	Runs            string
	Run             Run
	CheckpointEvery time.Duration
}

const jobVariable = "LAYERWISE_TEST_JOB"

func TestMain(m *testing.M) {
	if text := os.Getenv(numbersVariable); text != "" {
		var pairs [][2]int
		err := json.Unmarshal([]byte(text), &pairs)
		if err == nil {
			err = numbers(os.Getenv("LAYERWISE_TEST_ENGINE"), pairs)
		}
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	text := os.Getenv(jobVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.do()
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("done")
	os.Exit(0)
}

func (j job) do() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := OpenOn("go")
	if err != nil {
		return err
	}
	defer l.Close()
	l.Runs, l.checkpointEvery, l.progress = j.Runs, j.CheckpointEvery, &display{out: os.Stdout}
	fmt.Println("ready")
	_, err = l.Train(ctx, j.Run)
	return err
}

// child is a job under way.
type child struct {
	*exec.Cmd
	said  *lines
	ended chan error
}

func start(t *testing.T, j job) *child {
	t.Helper()
	text := must[[]byte](t)(json.Marshal(j))
	c := &child{Cmd: exec.Command(os.Args[0]), said: &lines{}, ended: make(chan error, 1)}
	c.Env = append(os.Environ(), jobVariable+"="+string(text))
	c.Stdout, c.Stderr = c.said, c.said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.Wait(); close(c.ended) }()
	t.Cleanup(func() { c.Process.Kill(); <-c.ended })
	return c
}

// until waits for the condition, up to a minute or the end of the child, and says whether it came.
func (c *child) until(t *testing.T, condition func() bool) bool {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if condition() {
			return true
		}
		select {
		case <-c.ended:
			return condition()
		default:
		}
	}
	t.Fatalf("a minute has passed; the child said %q", c.said)
	return false
}

// end waits for the end of the child.
func (c *child) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-c.ended:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("a minute has passed; the child said %q", c.said)
		return nil
	}
}

func (c *child) kill(t *testing.T) (alive bool) {
	t.Helper()
	return c.Process.Kill() == nil && c.end(t) != nil
}

// long is a setting of about a second.
func long() Setting {
	s := tiny()
	s.Train.Epochs, s.Train.Optimiser.Rate = 100, 3e-4
	return s
}

// reference trains a run in a store of its own, without disturbance.
func reference(t *testing.T, r Run) *Lab {
	t.Helper()
	l, _ := open(t)
	trained(t, l, r)
	return l
}

// leftovers are the temporary files in the folder of a run.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			names = append(names, e.Name())
		}
	}
	return names
}

// Killed at random moments again and again, a run, or a fork of it, ends with the bits of an undisturbed one.
func TestKillAndResume(t *testing.T) {
	l, _ := open(t)
	parent := runOf(t, l, long(), 1)
	rng := rand.New(rand.NewPCG(1, 2))
	for what, r := range map[string]Run{"run": parent, "fork": spawned(t, runOf(t, l, long(), 2), 50, 3)} {
		j := job{l.Runs, r, 25 * time.Millisecond}
		kills := 0
		for done := false; !done; {
			c := start(t, j)
			if !c.until(t, func() bool { return strings.Contains(c.said.String(), "ready") }) {
				t.Fatalf("%s: the child said %q", what, c.said)
			}
			if kills < 8 {
				time.Sleep(time.Duration(rng.IntN(80)) * time.Millisecond)
				if c.kill(t) {
					kills++
				}
			}
			c.end(t)
			done = strings.HasSuffix(c.said.String(), "done\n")
			if strings.Contains(c.said.String(), "error:") {
				t.Fatalf("%s: the child said %q", what, c.said)
			}
		}
		if kills < 3 {
			t.Fatalf("%s: killed only %d times before it was done: the training is too short for this test", what, kills)
		}
		same(t, what, r, l, reference(t, r))
		t.Logf("%s: killed %d times", what, kills)
	}
}

// Killed in the middle of writing a checkpoint, a run goes on from the one before; what is left of the write is ignored, and swept later.
func TestKillInMidWrite(t *testing.T) {
	l, _ := open(t)
	s := tiny()
	s.Network.Widths = []int{512, 512} // 4 MB a state: long enough to hit
	r := runOf(t, l, s, 1)
	dir := l.dir(r)
	for attempt := 0; len(leftovers(t, dir)) == 0; attempt++ {
		if attempt == 20 {
			t.Fatal("20 kills have not hit a write")
		}
		c := start(t, job{l.Runs, r, 0})
		writing := func() bool {
			_, err := os.Stat(filepath.Join(dir, stateFile))
			return err == nil && len(leftovers(t, dir)) > 0
		}
		if !c.until(t, writing) {
			t.Fatalf("done before it was killed; the child said %q", c.said)
		}
		c.kill(t)
	}
	left := leftovers(t, dir)
	if s := must[saved](t)(l.loadState(r, filepath.Join(dir, stateFile))); s.Step < 1 {
		t.Errorf("the state before the write is of step %d", s.Step)
	}
	old := time.Now().Add(-2 * litter)
	for _, name := range left {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	trained(t, l, r)
	holds(t, l, r, runFile, thetaFile, logFile, lockFile)
	same(t, "killed in mid-write", r, l, reference(t, r))
}

// Of two processes that ask for one run, one trains; both have it.
func TestTwoProcesses(t *testing.T) {
	l, _ := open(t)
	r := runOf(t, l, long(), 1)
	a := start(t, job{l.Runs, r, time.Hour})
	if !a.until(t, func() bool { return strings.Contains(a.said.String(), "epoch") }) {
		t.Fatalf("the first said %q", a.said)
	}
	b := start(t, job{l.Runs, r, time.Hour})
	if err := errors.Join(a.end(t), b.end(t)); err != nil {
		t.Fatalf("%v; they said %q and %q", err, a.said, b.said)
	}
	if !strings.Contains(a.said.String(), "epoch 100/100") {
		t.Errorf("the first said %q", a.said)
	}
	if said := b.said.String(); strings.Contains(said, "epoch") {
		t.Errorf("the second said %q", said)
	}
	same(t, "two processes", r, l, reference(t, r))
}

// The second takes over where the first was killed.
func TestTakeOver(t *testing.T) {
	l, _ := open(t)
	r := runOf(t, l, long(), 1)
	a := start(t, job{l.Runs, r, 0})
	if !a.until(t, func() bool { return exists(filepath.Join(l.dir(r), stateFile)) }) {
		t.Fatalf("the first said %q", a.said)
	}
	b := start(t, job{l.Runs, r, time.Hour})
	if !b.until(t, func() bool { return strings.Contains(b.said.String(), "waiting") }) {
		t.Fatalf("the first was done before the second came; they said %q and %q", a.said, b.said)
	}
	a.kill(t)
	if err := b.end(t); err != nil {
		t.Fatalf("%v; the second said %q", err, b.said)
	}
	same(t, "taken over", r, l, reference(t, r))
}

// Ctrl-C keeps everything done so far.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signal can be sent to a process there")
	}
	l, _ := open(t)
	r := runOf(t, l, long(), 1)
	c := start(t, job{l.Runs, r, time.Hour})
	if !c.until(t, func() bool { return strings.Contains(c.said.String(), "epoch") }) {
		t.Fatalf("the child said %q", c.said)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.end(t); err == nil || !strings.Contains(c.said.String(), "interrupt") && !strings.Contains(c.said.String(), "context canceled") {
		t.Fatalf("an interrupted training ended with %v, saying %q", err, c.said)
	}
	holds(t, l, r, runFile, stateFile, lockFile)
	s := must[saved](t)(l.loadState(r, filepath.Join(l.dir(r), stateFile)))
	if s.Step < 1 || s.Step >= r.Steps() {
		t.Errorf("interrupted at step %d", s.Step)
	}
	trained(t, l, r)
	same(t, "interrupted", r, l, reference(t, r))
}
