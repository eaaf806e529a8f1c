package plotting_test

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/vg"

	"layerwise/plotting"
)

func themed(name string, t plotting.Theme) {
	layers := []string{"fc1", "fc1/relu", "fc2", "fc2/relu", "logits"}
	f, err := plotting.Layers("Spawned (k = 5)", "E[1 − cos]", layers,
		plotting.Series{Name: "α = 0.5", Data: withErrors(0.3, 0, .0146, .0118, .0046, .0024)},
		plotting.Series{Name: "A and B", Data: withErrors(0.2, .21, .269, .187, .076, .027), Style: plotting.BaselineStyle()})
	if err == nil {
		f = f.In(t)
	}
	save(name, nil, f, err)
}

func ExamplePaper() {
	themed("paper.png", plotting.Paper())
	// Output:
}

func ExampleSlides() {
	themed("slides.png", plotting.Slides())
	// Output:
}

func TestThemes(t *testing.T) {
	cmpimg.CheckPlotApprox(ExamplePaper, t, 0.01, "paper.png")
	cmpimg.CheckPlotApprox(ExampleSlides, t, 0.01, "slides.png")
	one, err := plotting.Lines("One", "α", "error", plotting.Series{Name: "a", Data: ys(1, 2, 3)})
	if err != nil {
		t.Fatal(err)
	}
	row, err := plotting.Row(one, one)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f     *plotting.Figure
		theme plotting.Theme
		width vg.Length
		font  string
	}{
		{one, plotting.Paper(), 2.7 * vg.Inch, "Liberation Serif"},
		{row, plotting.Paper(), 5.5 * vg.Inch, "Liberation Serif"}, // the text of a NeurIPS paper
		{one, plotting.Slides(), 8.5 * vg.Inch, "Liberation Sans"},
	} {
		f := c.f.In(c.theme)
		w, h := f.Size()
		if math.Abs(float64(w-c.width)) > 0.01 || h <= 0 {
			t.Errorf("%s: %v × %v, expected a width of %v", c.theme.Name, w, h, c.width)
		}
		var svg, pixels, pdf, again bytes.Buffer
		for format, b := range map[string]*bytes.Buffer{"svg": &svg, "png": &pixels, "pdf": &pdf} {
			if err := f.Write(b, format); err != nil {
				t.Fatal(err)
			}
		}
		size := regexp.MustCompile(`<svg width="([\d.]+)pt"`).FindStringSubmatch(svg.String())
		if size == nil || !strings.HasPrefix(size[1], svgNumber(c.width)) || !strings.Contains(svg.String(), c.font) {
			t.Errorf("%s: SVG is %v wide, expected %s; in %s: %v", c.theme.Name, size, svgNumber(c.width), c.font, strings.Contains(svg.String(), c.font))
		}
		m, err := png.DecodeConfig(&pixels)
		if want := float64(c.width) / 72 * float64(c.theme.DPI); err != nil || math.Abs(float64(m.Width)-want) > 3 {
			t.Errorf("%s: %d pixels wide, expected %.0f at %d dpi: %v", c.theme.Name, m.Width, want, c.theme.DPI, err)
		}
		box := regexp.MustCompile(`/MediaBox \[0 0 ([\d.]+) `).FindSubmatch(pdf.Bytes())
		if box == nil || !strings.HasPrefix(string(box[1]), svgNumber(c.width)) {
			t.Errorf("%s: PDF is %s wide, expected %s", c.theme.Name, box, svgNumber(c.width))
		}
		if err := f.Write(&again, "pdf"); err != nil || !bytes.Equal(again.Bytes(), pdf.Bytes()) || bytes.Contains(pdf.Bytes(), []byte("/CreationDate (D:20")) {
			t.Errorf("%s: the PDF names the time: %v", c.theme.Name, err)
		}
	}
	if w, _ := one.Size(); w != 12*vg.Centimeter {
		t.Errorf("a theme has changed the figure that it was asked of: %v", w)
	}
}

// svgNumber is the whole points of a length.
func svgNumber(v vg.Length) string { return strconv.Itoa(int(v.Points())) }

func TestExport(t *testing.T) {
	f, err := plotting.Layers("coef_½ & more", "E[coef]", []string{"fc1", "logits"}, plotting.Series{Name: "50 % α", Data: ys(1, 0.12345678901)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := f.Export(dir, "coef", "coef_½ ≤ 1; 3 trained pairs."); err != nil {
		t.Fatal(err)
	}
	read := func(ending string) string {
		b, err := os.ReadFile(filepath.Join(dir, "coef"+ending))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for ending, want := range map[string][]string{
		".svg": {"</svg>"}, ".pdf": {"%PDF"}, ".png": {"PNG"}, ".csv": {"0.12345678901"},
		".tex": {`\usepackage{booktabs}`, `\caption{coef\_$\frac{1}{2}$ $\le$ 1; 3 trained pairs.}`, `\label{tab:coef}`, `\begin{tabular}{lr}`, `\toprule`, `layer & 50 \% $\alpha$ \\`, "fc1 & 1 \\\\\nlogits & 0.123 \\\\\n\\bottomrule"},
		".md":  {"![coef_½ & more](coef.png)", "coef_½ ≤ 1; 3 trained pairs.", "| logits | 0.123 |"},
	} {
		for _, w := range want {
			if text := read(ending); !strings.Contains(text, w) {
				t.Errorf("coef%s lacks %q:\n%.600s", ending, w, text)
			}
		}
	}
	if len(plotting.Exports()) != 6 {
		t.Errorf("%v", plotting.Exports())
	}
}

// What LaTeX would take for markup is written out, and nothing that pdfLaTeX's fonts lack is left of the signs that we use.
func TestLaTeX(t *testing.T) {
	table := plotting.Table{Headers: []string{"a_b", "$x_1$"}, Rows: [][]string{{`\{}&%$#_~^<>|`, "1"}, {"αβγεθλμπσΔΣℓ−±×·≤≥≈‖⟨⟩½¼¾²∞°→–—…", "2"}}}
	text, err := table.LaTeX("", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range text {
		if r > 127 {
			t.Errorf("%q is left", r)
		}
	}
	for _, want := range []string{`a\_b & $x_1$ \\`, `\textbackslash{}\{\}\&\%\textdollar{}\#\_\textasciitilde{}\textasciicircum{}$<>|$ & 1 \\`, `$\alpha\beta`, `\begin{tabular}{lr}`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "caption") || strings.Contains(text, "label") || strings.Contains(text, "$$") {
		t.Errorf("%s", text)
	}
	if _, err := (plotting.Table{}).LaTeX("", ""); err == nil {
		t.Error("a table without headers")
	}
}
