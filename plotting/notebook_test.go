package plotting

import (
	"bytes"
	"encoding/gob"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

func TestShowOutside(t *testing.T) {
	if gonbui.IsNotebook {
		t.Skip("in a notebook")
	}
	if err := Show(all("s", 1, 2)["lines"]); !errors.Is(err, ErrNoNotebook) {
		t.Errorf("Show: %v", err)
	}
	if err := ShowTable([]string{"a"}, nil); !errors.Is(err, ErrNoNotebook) {
		t.Errorf("ShowTable: %v", err)
	}
}

// TestShow plays the kernel: this test runs itself as a cell's program between two named pipes, takes what it displays,
// and lets it go only when it asks for the acknowledgement.
func TestShow(t *testing.T) {
	if gonbui.IsNotebook {
		cell(t)
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("GoNB's named pipes are POSIX")
	}
	dir := t.TempDir()
	there, back := filepath.Join(dir, "there"), filepath.Join(dir, "back")
	for _, p := range []string{there, back} {
		if err := syscall.Mkfifo(p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "-test.run=^TestShow$", "-test.timeout=30s")
	c.Env = append(os.Environ(), protocol.GONB_PIPE_ENV+"="+there, protocol.GONB_PIPE_BACK_ENV+"="+back)
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	// Opened for reading and writing: no open waits for the other side, and a dead cell cannot hang the test.
	in, err := os.OpenFile(there, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(back, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := in.SetReadDeadline(time.Now().Add(25 * time.Second)); err != nil {
		t.Fatal(err)
	}
	messages, acks := gob.NewDecoder(in), gob.NewEncoder(out)
	var shown []protocol.DisplayData
	for syncs := 0; syncs < 5; {
		var m protocol.DisplayData
		if err := messages.Decode(&m); err != nil {
			t.Fatalf("after %d messages: %v\n%s", len(shown), err, &log)
		}
		comm, ok := m.Data[protocol.MIMECommValue].(protocol.CommValue)
		if !ok {
			shown = append(shown, m)
			continue
		}
		syncs++
		if len(shown) != syncs {
			t.Errorf("acknowledgement %d asked for after %d displays", syncs, len(shown))
		}
		ack := protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: comm.Value}
		if err := acks.Encode(&ack); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("the cell failed: %v\n%s", err, &log)
	}
	figure, table, numbers := shown[0].Data, shown[1].Data, shown[2].Data
	if page, _ := numbers[protocol.MIMETextHTML].(string); !strings.HasPrefix(page, "<details><summary>Numbers</summary>\n<table>") ||
		!strings.Contains(page, `<td style="text-align:left">layer1</td><td style="text-align:right">2 ± 0.6</td>`) || !strings.HasSuffix(page, "</table>\n</details>") {
		t.Errorf("numbers %q", page)
	}
	if md, _ := numbers[protocol.MIMETextMarkdown].(string); !strings.Contains(md, "| layer1 | 2 ± 0.6 |") {
		t.Errorf("numbers %q", md)
	}
	if note, _ := shown[4].Data[protocol.MIMETextPlain].(string); !strings.Contains(note, "\U0010FFFD (U+10FFFD)") {
		t.Errorf("the note is %q", note)
	}
	if svg, _ := figure[protocol.MIMEImageSVG].(string); !strings.Contains(svg, "<svg") {
		t.Error("no SVG in the figure's message")
	}
	if png, _ := figure[protocol.MIMEImagePNG].([]byte); !bytes.HasPrefix(png, []byte("\x89PNG")) {
		t.Error("no PNG in the same message")
	}
	if md, _ := table[protocol.MIMETextMarkdown].(string); md != "| a | b |\n| --- | ---: |\n| x | 1 |\n" {
		t.Errorf("table %q", md)
	}
}

// cell is what runs in the notebook.
func cell(t *testing.T) {
	if err := Show(all("s", 1, 2)["layers"]); err != nil {
		t.Error(err)
	}
	if err := ShowTable([]string{"a", "b"}, [][]string{{"x", "1"}}); err != nil {
		t.Error(err)
	}
	if err := ShowNumbers(all("<s>", 1, 2)["layers"], 3); err != nil {
		t.Error(err)
	}
	if err := Show(all("\U0010FFFD", 1, 2)["layers"]); err != nil { // a letter that no font has
		t.Error(err)
	}
}
