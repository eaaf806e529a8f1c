package reproduce

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notebook is what the tests read of a notebook.
type notebook struct {
	Format   int `json:"nbformat"`
	Metadata struct {
		Kernel struct {
			Name string `json:"name"`
		} `json:"kernelspec"`
	}
	Cells []struct {
		Type    string `json:"cell_type"`
		Source  text
		Count   *int `json:"execution_count"`
		Outputs []struct {
			Type string `json:"output_type"`
			Name string // of a stream
			Text text
			Data map[string]json.RawMessage
		}
	}
}

// text is a string or a list of its lines: the format allows both.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var lines []string
	if err := json.Unmarshal(b, &lines); err == nil {
		*t = text(strings.Join(lines, ""))
		return nil
	}
	var whole string
	err := json.Unmarshal(b, &whole)
	*t = text(whole)
	return err
}

// setupCell is how every notebook begins: it finds the checkout whose packages it uses.
const setupCell = `!*rm -f go.work; for d in "$GONB_DIR/.." "$LAYERWISE_CHECKOUT"; do [ -e "$d/llfc/lab.go" ] && go work init . "$d" && exit; done; \
echo 'Layerwise is not in the folder above this notebook: start with "make lab" in a checkout, or set LAYERWISE_CHECKOUT to the path of one'
%noautoget
%goflags -ldflags=-w
import nb "layerwise/llfc/notebook"

var ctx = nb.Ctx() // ends when a cell is interrupted: what was trained is kept`

// TestSetupCell runs the set-up cell's shell line as GoNB does, in a folder with a go.mod: it finds the checkout above the notebook or,
// for a notebook that was copied elsewhere, the one that the kernel names; without either it says what to do.
func TestSetupCell(t *testing.T) {
	line, _, _ := strings.Cut(setupCell, "\n%")
	command := strings.ReplaceAll(strings.TrimPrefix(line, "!*"), "\\\n", " ")
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "with spaces", "notebooks")
	if err := os.MkdirAll(copied, 0o755); err != nil {
		t.Fatal(err)
	}
	const missing = "Layerwise is not in the folder above this notebook"
	for _, c := range []struct{ name, dir, named, says string }{
		{"in the checkout", filepath.Join(checkout, "notebooks"), "", ""},
		{"copied", copied, checkout, ""},
		{"copied, no checkout named", copied, "", missing},
		{"copied, no checkout there", copied, copied, missing},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module cell\n\ngo 1.27.0\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "go.work"), []byte("from an earlier run of the cell"), 0o644); err != nil {
				t.Fatal(err)
			}
			run := func(name string, args ...string) (string, error) {
				p := exec.Command(name, args...)
				p.Dir, p.Env = dir, append(os.Environ(), "GONB_DIR="+c.dir, "LAYERWISE_CHECKOUT="+c.named, "GOWORK=")
				out, err := p.CombinedOutput()
				return string(out), err
			}
			out, _ := run("bash", "-c", command)
			if c.says == "" && out != "" || !strings.HasPrefix(out, c.says) || strings.Count(out, "\n") > 1 {
				t.Errorf("it says %q, expected %q", out, c.says)
			}
			if found, err := run("go", "list", "-find", "layerwise/llfc"); (err == nil) != (c.says == "") {
				t.Errorf("the package llfc: %s %v", found, err)
			}
		})
	}
}

// places are folders of a machine, which have no business in what is committed.
var places = regexp.MustCompile(`(^|[^\w.])/(home|root|work|tmp|Users|var|opt|usr|mnt|etc)/|[A-Z]:\\\\`)

// notebooks reads the committed notebooks.
func notebooks(t *testing.T) map[string]notebook {
	t.Helper()
	paths, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%d notebooks, expected the three at least: %v", len(paths), err)
	}
	out := map[string]notebook{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > 1500000 {
			t.Errorf("%s has %d bytes, too many to commit at every change", path, len(content))
		}
		if at := places.FindIndex(content); at != nil {
			t.Errorf("%s names a folder of the machine it ran on: …%s…", path, content[max(0, at[0]-40):min(len(content), at[1]+40)])
		}
		var nb notebook
		if err := json.Unmarshal(content, &nb); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if nb.Format != 4 || nb.Metadata.Kernel.Name != "gonb" {
			t.Errorf("%s: format %d, kernel %q; expected 4 and gonb", path, nb.Format, nb.Metadata.Kernel.Name)
		}
		out[filepath.Base(path)] = nb
	}
	return out
}

// TestNotebooks: what is committed was executed from top to bottom in one go, without errors, and a reader sees figures and tables
// wherever it is opened.
func TestNotebooks(t *testing.T) {
	for name, nb := range notebooks(t) {
		count, last := 0, -1
		for i, c := range nb.Cells {
			if c.Type != "code" {
				continue
			}
			if count, last = count+1, i; c.Count == nil || *c.Count != count {
				t.Errorf("%s, cell %d: not executed in one go from the top, it is not number %d", name, i, count)
			}
			if count == 1 && string(c.Source) != setupCell {
				t.Errorf("%s: the first cell is not the one that makes the repository's packages known:\n%s", name, c.Source)
			}
			figures, tables := 0, 0
			for _, o := range c.Outputs {
				if o.Type == "error" || o.Type == "stream" && o.Name == "stderr" {
					t.Errorf("%s, cell %d: %s %s %s", name, i, o.Type, o.Name, o.Text)
				}
				if o.Data["image/png"] != nil || o.Data["image/svg+xml"] != nil {
					figures++
					if err := both(o.Data["image/svg+xml"], o.Data["image/png"]); err != nil {
						t.Errorf("%s, cell %d: %v", name, i, err)
					}
				}
				if isTable(o.Data["text/markdown"]) {
					tables++
				}
			}
			shown := nb.calls(i, "nb.Show(")
			if figures != shown || shown > 1 {
				t.Errorf("%s, cell %d shows %d figures for %d calls; expected one of each at most", name, i, figures, shown)
			}
			if want := shown + nb.calls(i, "nb.Table("); tables != want { // a figure has its numbers below it
				t.Errorf("%s, cell %d shows %d tables for %d calls", name, i, tables, want)
			}
		}
		if last < 0 {
			t.Errorf("%s has no code", name)
			continue
		}
		final := nb.Cells[last].Outputs
		if len(final) == 0 || !isTable(final[len(final)-1].Data["text/markdown"]) {
			t.Errorf("%s does not end with a table", name)
		}
	}
}

var declared = regexp.MustCompile(`(?ms)^func (\w+)\(.*?^}`)

// calls counts what a cell's program calls, by itself and in the functions that the notebook declares.
func (nb notebook) calls(cell int, what string) int {
	_, program, _ := strings.Cut(string(nb.Cells[cell].Source), "%%\n")
	n := strings.Count(program, what)
	for _, c := range nb.Cells[:cell+1] {
		for _, f := range declared.FindAllStringSubmatch(string(c.Source), -1) {
			if regexp.MustCompile(`\b` + f[1] + `\(`).MatchString(program) {
				n += strings.Count(f[0], what)
			}
		}
	}
	return n
}

// TestNotebooksAreShort: what every notebook repeats is in llfc/notebook, half of the cells have at most five lines, and none has
// more than twenty.
func TestNotebooksAreShort(t *testing.T) {
	for name, nb := range notebooks(t) {
		var lines []int
		for i, c := range nb.Cells {
			if c.Type != "code" {
				continue
			}
			n := strings.Count(string(c.Source), "\n") + 1
			if lines = append(lines, n); n > 20 || len(lines) == 1 && n > 8 {
				t.Errorf("%s, cell %d has %d lines", name, i, n)
			}
			for _, f := range declared.FindAllStringSubmatch(string(c.Source), -1) {
				if slices.Contains([]string{"must", "check", "open"}, f[1]) {
					t.Errorf("%s, cell %d declares %s, which llfc/notebook has", name, i, f[1])
				}
			}
		}
		slices.Sort(lines)
		if median := lines[len(lines)/2]; median > 5 {
			t.Errorf("%s: half of the cells have %d lines or more", name, median)
		}
	}
}

// both returns nil if a figure is there as SVG, for pages, and as PNG, for JupyterLab, which strips SVG from what it does not trust.
func both(svg, picture json.RawMessage) error {
	var s, p text
	if err := errors.Join(json.Unmarshal(svg, &s), json.Unmarshal(picture, &p)); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(p)), ""))
	if err != nil {
		return err
	}
	if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
		return err
	}
	for d := xml.NewDecoder(strings.NewReader(string(s))); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	if !strings.Contains(string(s), "<svg") {
		return errors.New("the SVG holds no drawing")
	}
	return nil
}

func isTable(markdown json.RawMessage) bool {
	var m text
	return markdown != nil && json.Unmarshal(markdown, &m) == nil && strings.HasPrefix(string(m), "|") && strings.Contains(string(m), "\n| ---")
}

// TestNotebooksShareNoCode: a function that two notebooks want belongs in a package.
func TestNotebooksShareNoCode(t *testing.T) {
	seen := map[string]string{}
	for name, nb := range notebooks(t) {
		for _, c := range nb.Cells {
			if c.Type != "code" {
				continue
			}
			for _, f := range declared.FindAllString(string(c.Source), -1) {
				if other, ok := seen[f]; ok {
					t.Errorf("%s and %s both hold\n%s", other, name, f)
				}
				seen[f] = name
			}
		}
	}
}
