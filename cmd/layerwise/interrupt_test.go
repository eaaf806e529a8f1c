package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"layerwise/internal/atomicfile"
)

// deafVerb writes a file and never comes to an end, as XLA that compiles a very large program: it hears of no interruption.
var deafVerb = verb{name: "deaf", run: func(_ context.Context, c *command) error {
	return atomicfile.Write(c.words[0], func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		fmt.Fprintln(c.out, "writing")
		time.Sleep(time.Hour)
		return nil
	})
}}

// heard is what a process has said so far.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// underWay is a program that runs, and what it says.
type underWay struct {
	*exec.Cmd
	out, errs heard
	ended     chan struct{}
}

func start(t *testing.T, cmd *exec.Cmd) *underWay {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signal can be sent to a process there")
	}
	p := &underWay{Cmd: cmd, ended: make(chan struct{})}
	p.Stdout, p.Stderr = &p.out, &p.errs
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.Wait(); close(p.ended) }()
	t.Cleanup(func() { p.Process.Kill(); <-p.ended })
	return p
}

// until waits for a condition, for half a minute at most.
func (p *underWay) until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("half a minute, and still not %s; stdout %q, stderr %q", what, p.out.String(), p.errs.String())
		}
	}
}

func (p *underWay) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *underWay) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

const stopping = "layerwise: stopping; a second Ctrl-C or SIGTERM ends it at once\n"

// The first signal is answered at once, whatever is under way; the second ends the program, and no part of a file stays.
func TestSecondSignal(t *testing.T) {
	for _, c := range []struct {
		first, second os.Signal
		want          int
	}{
		{os.Interrupt, os.Interrupt, 130}, {syscall.SIGTERM, syscall.SIGTERM, 143}, {syscall.SIGTERM, os.Interrupt, 130},
	} {
		dir := t.TempDir()
		cmd := program(t, dir, "x")
		cmd.Env = append(cmd.Env, asProgram+"="+deafVerb.name)
		p := start(t, cmd)
		p.until(t, "writing", func() bool { return p.out.String() == "writing\n" })
		if names, _ := filepath.Glob(filepath.Join(dir, ".x.*.tmp")); len(names) != 1 {
			t.Fatalf("%v: the file under way is not there: %q", c, names)
		}
		p.signal(t, c.first)
		p.until(t, "stopping", func() bool { return p.errs.String() == stopping })
		time.Sleep(50 * time.Millisecond)
		if p.over() {
			t.Errorf("%v: the first signal ended it: %v", c, p.ProcessState)
			continue
		}
		p.signal(t, c.second)
		p.until(t, "over", p.over)
		if code := p.ProcessState.ExitCode(); code != c.want {
			t.Errorf("%v: status %d", c, code)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%v: left %v, %v", c, entries, err)
		}
	}
}

// Everything that can take long hears of the first signal by itself.
func TestFirstSignal(t *testing.T) {
	dir := inside(t)
	ok(t, "spawn --network mlp --widths 256,256 --data digits --backend go --epochs 1 --out-a a --out-b b")
	var alphas []string
	for i := range 5000 {
		alphas = append(alphas, fmt.Sprint(float64(i)/5000))
	}
	for _, line := range []string{
		"measure a b --backend go --alphas " + strings.Join(alphas, ",") + " --out new",
		"train --network mlp --data digits --backend go --epochs 100000 --out new/x",
		"spawn --network mlp --data digits --backend go --epochs 100000 --spawn-epoch 5000 --out-a new/x --out-b new/y",
		"reproduce --scale quick --backend go --out new",
	} {
		p := start(t, program(t, dir, strings.Fields(line)...))
		p.until(t, "begun", func() bool { _, err := os.Stat("new"); return err == nil || p.over() })
		time.Sleep(300 * time.Millisecond) // into the work itself
		p.signal(t, syscall.SIGTERM)
		p.until(t, "over", p.over)
		said := p.errs.String()
		if code := p.ProcessState.ExitCode(); code != interrupted || p.out.String() != "" || !strings.Contains(said, stopping) || !strings.Contains(said, "layerwise: interrupted; ") {
			t.Errorf("layerwise %.60s: status %d, stdout %q, stderr %q", line, code, p.out.String(), said)
		}
		if entries, err := os.ReadDir("new"); err != nil || len(entries) > 0 {
			t.Errorf("layerwise %.60s: left %v, %v", line, entries, err)
		}
		if err := os.RemoveAll("new"); err != nil {
			t.Fatal(err)
		}
	}
}

// A search for a permutation that is interrupted leaves the best it has found, proved and marked as partial.
func TestInterruptedMatch(t *testing.T) {
	dir := inside(t)
	for _, end := range []string{"--seed 1 --out a", "--seed 2 --out b"} { // not spawned: of those the first order is the best
		ok(t, "train --network mlp --widths 256,256 --data digits --backend go --epochs 1 "+end)
	}
	p := start(t, program(t, dir, strings.Fields("match a b --backend go --restarts 1000000 --out new/x")...))
	p.until(t, "past its first search", func() bool { return strings.Contains(p.errs.String(), "matching by weight") || p.over() })
	p.signal(t, syscall.SIGTERM)
	p.until(t, "over", p.over)
	said, errs := p.out.String(), p.errs.String()
	if code := p.ProcessState.ExitCode(); code != interrupted || !strings.Contains(said, "method weight, interrupted: the best so far") ||
		!strings.Contains(errs, stopping) || !strings.HasSuffix(errs, "layerwise: interrupted; the best so far is in new/x, proved, and marked as partial\n") {
		t.Errorf("status %d, stdout %q, stderr %q", code, said, errs)
	}
	if moved := checkpoint(t, "new/x"); !strings.Contains(moved.Meta["matched"], `"partial":true`) || moved.Theta.Equal(checkpoint(t, "b").Theta) {
		t.Errorf("%v", moved.Meta)
	}
	if entries, err := os.ReadDir("new"); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// endsAfter is a context that ends after it has been asked so many times whether it has.
type endsAfter struct {
	context.Context
	left int
}

func (c *endsAfter) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// One that has found nothing by then leaves nothing.
func TestMatchInterruptedAtOnce(t *testing.T) {
	inside(t)
	ok(t, "spawn --network mlp --widths 16 --data digits --backend go --epochs 1 --out-a a --out-b b")
	for _, line := range []string{"a b --backend go --out new/x", "a b --backend go --out new/x --method frank-wolfe", "a b --backend go --out new --universe", "a b --backend go --out new --merge-many --mean new/x"} {
		var out, errs bytes.Buffer
		err := matchVerb.run(&endsAfter{t.Context(), 1}, newCommand(matchVerb, strings.Fields(line), &out, &errs)) // once before the work
		if code := status(err, matchVerb.kept, &errs); code != interrupted || out.String() != "" || errs.String() != "layerwise: interrupted; nothing was written\n" {
			t.Errorf("%s: status %d, %q, %q", line, code, out.String(), errs.String())
		}
		if entries, err := os.ReadDir("new"); err != nil || len(entries) > 0 {
			t.Errorf("%s: left %v, %v", line, entries, err)
		}
	}
}

// Where the interruption came before the program was tuned, it is not started anew.
func TestInterruptedBeforeLab(t *testing.T) {
	inside(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newCommand(trainVerb, nil, io.Discard, io.Discard)
	c.backendFlag()
	if l, err := c.lab(ctx); l != nil || err != context.Canceled {
		t.Errorf("%v, %v", l, err)
	}
}
