package llfc

import (
	"fmt"
	"html"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"layerwise/llfc/train"
)

// display shows what is going on: one line that is overwritten on a terminal, one output that is replaced in a notebook, a line every
// few seconds elsewhere.
type display struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	notebook bool
	cell     string // the notebook output that is replaced
	last     time.Time
	shown    string // the passing state that is to be seen now
}

func newDisplay() *display {
	d := &display{out: os.Stderr, notebook: gonbui.IsNotebook}
	if info, err := os.Stderr.Stat(); err == nil {
		d.terminal = info.Mode()&os.ModeCharDevice != 0
	}
	return d
}

// line shows a passing state; the last one of a task is kept.
func (d *display) line(text string, last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := 200 * time.Millisecond
	if !d.terminal && !d.notebook {
		wait = 10 * time.Second
	}
	if !last && time.Since(d.last) < wait {
		return
	}
	d.last = time.Now()
	switch {
	case d.notebook:
		if d.cell == "" {
			d.cell = gonbui.UniqueId()
		}
		gonbui.UpdateHTML(d.cell, "<pre>"+html.EscapeString(text)+"</pre>")
		if last {
			d.cell = ""
			gonbui.Sync()
		}
	case d.terminal && last:
		fmt.Fprintf(d.out, "\r\x1b[K%s\n", text)
	case d.terminal:
		fmt.Fprintf(d.out, "\r\x1b[K\x1b[?7l%s\x1b[?7h", text) // cut at the edge: of a line that wraps, only the last row could be overwritten
	case last && text == d.shown: // is there already
	default:
		fmt.Fprintln(d.out, text)
	}
	d.shown = text
	if last {
		d.shown = ""
	}
}

// clear takes a passing line away.
func (d *display) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.shown == "":
	case d.notebook:
		gonbui.UpdateHTML(d.cell, "")
		d.cell = ""
	case d.terminal:
		fmt.Fprint(d.out, "\r\x1b[K")
	}
	d.shown = ""
}

// say shows a line that stays.
func (d *display) say(text string) { d.line(text, true) }

func (d *display) download(file string, done, total int64) {
	if total <= 0 {
		d.line(fmt.Sprintf("downloading %s  %.1f MB", file, float64(done)/1e6), false)
		return
	}
	d.line(fmt.Sprintf("downloading %s  %s  %.1f of %.1f MB", file, bar(float64(done)/float64(total)), float64(done)/1e6, float64(total)/1e6), done >= total)
}

// task is one training on the display.
type task struct {
	d     *display
	label string
	text  string
}

func (d *display) start(label string) *task { return &task{d: d, label: label} }

func (t *task) update(p train.Progress, log []epochLog) {
	e := log[len(log)-1]
	n := float64(max(1, e.Steps))
	t.text = fmt.Sprintf("%s  %s  epoch %d/%d  loss %.4f  accuracy %.2f %%  %.0f steps/s  %s left", t.label, bar(float64(p.Step)/float64(p.Steps)),
		min(p.Epoch+1, p.Epochs), p.Epochs, e.Loss/n, 100*(1-e.Error/n), p.Rate, p.Remaining().Round(time.Second))
	t.d.line(t.text, false)
}

func (t *task) stop() {
	if t.text != "" {
		t.d.line(t.text, true)
	}
}

// bar is a share as 20 characters.
func bar(share float64) string {
	full := int(min(1, max(0, share)) * 20)
	return "[" + strings.Repeat("█", full) + strings.Repeat("░", 20-full) + "]"
}

// DownloadProgress shows downloads outside of a Lab.
func DownloadProgress() func(file string, done, total int64) { return newDisplay().download }

// count shows a task of a known number of parts; it leaves no line behind.
func (d *display) count(label string) func(done, total int) {
	return func(done, total int) {
		switch {
		case done >= total:
			d.clear()
		case d.terminal || d.notebook:
			d.line(fmt.Sprintf("%s  %s", label, bar(float64(done)/float64(max(1, total)))), false)
		}
	}
}

// search shows a search of at most so many steps, once it takes longer than a second. It leaves no line behind on a terminal; clear ends it.
func (d *display) search(label string) func(done, of int, objective float64) {
	began := time.Now()
	return func(done, of int, objective float64) {
		if time.Since(began) > time.Second {
			d.line(fmt.Sprintf("%s  %s  %d of %d  objective %.5g", label, bar(float64(done)/float64(max(1, of))), done, of, objective), false)
		}
	}
}
