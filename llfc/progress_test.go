package llfc

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"layerwise/llfc/train"
)

// group is the progress of one group of steps, and the log of an epoch whose first steps it is.
func group(step int) (train.Progress, []epochLog) {
	return train.Progress{Step: step, Steps: 100, Epoch: step / 10, Epochs: 10, Rate: 5}, []epochLog{{Steps: 4, Loss: 2, Error: 1}}
}

// In a file or a pipe: whole lines, every ten seconds, the last one always, and none twice.
func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	d := &display{out: &out}
	bar := d.start("mlp/digits")
	bar.update(group(5))
	bar.update(group(6)) // too soon
	d.last = time.Now().Add(-11 * time.Second)
	bar.update(group(50))
	bar.update(group(99))
	bar.update(group(100))
	bar.stop()
	d.say("a note")
	want := "mlp/digits  [█░░░░░░░░░░░░░░░░░░░]  epoch 1/10  loss 0.5000  accuracy 75.00 %  5 steps/s  19s left\n" +
		"mlp/digits  [██████████░░░░░░░░░░]  epoch 6/10  loss 0.5000  accuracy 75.00 %  5 steps/s  10s left\n" +
		"mlp/digits  [████████████████████]  epoch 10/10  loss 0.5000  accuracy 75.00 %  5 steps/s  0s left\n" +
		"a note\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}

	out.Reset()
	d = &display{out: &out}
	bar = d.start("one step")
	bar.update(group(100))
	bar.stop()
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("the last line came %d times:\n%s", n, &out)
	}
	d.start("nothing to do").stop()
	if strings.Contains(out.String(), "nothing") {
		t.Errorf("a task without a step said %q", &out)
	}
}

// On a terminal: one line, overwritten in place and cut at the edge; what stays ends in a line break.
func TestTerminalProgress(t *testing.T) {
	var out bytes.Buffer
	d := &display{out: &out, terminal: true}
	d.line("one", false)
	d.line("too soon", false)
	d.last = time.Now().Add(-time.Second)
	d.line("two", false)
	d.say("a note")
	d.line("two", true)
	want := "\r\x1b[K\x1b[?7lone\x1b[?7h" + "\r\x1b[K\x1b[?7ltwo\x1b[?7h" + "\r\x1b[Ka note\n" + "\r\x1b[Ktwo\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

func TestDownloadProgress(t *testing.T) {
	var out bytes.Buffer
	d := &display{out: &out}
	d.download("a.gz", 5e6, 10e6)
	d.download("a.gz", 10e6, 10e6)
	d.last = time.Time{}
	d.download("b.gz", 5e6, -1)
	want := "downloading a.gz  [██████████░░░░░░░░░░]  5.0 of 10.0 MB\n" +
		"downloading a.gz  [████████████████████]  10.0 of 10.0 MB\n" +
		"downloading b.gz  5.0 MB\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func TestBarStaysInItsFrame(t *testing.T) {
	for share, full := range map[float64]int{-1: 0, 0: 0, 0.049: 0, 0.05: 1, 0.999: 19, 1: 20, 7: 20} {
		if got, want := bar(share), "["+strings.Repeat("█", full)+strings.Repeat("░", 20-full)+"]"; got != want {
			t.Errorf("%g is %s, expected %s", share, got, want)
		}
	}
}
