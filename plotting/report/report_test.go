package report_test

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
	"layerwise/plotting"
	"layerwise/plotting/report"
)

var look = flag.String("look", "", "write the example report to this file, to look at it in a browser")

func ys(values ...float64) plotter.XYs {
	out := make(plotter.XYs, len(values))
	for i, v := range values {
		out[i] = plotter.XY{X: float64(i), Y: v}
	}
	return out
}

func figure(t *testing.T) func(f *plotting.Figure, err error) *plotting.Figure {
	return func(f *plotting.Figure, err error) *plotting.Figure {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// example is a report of the usual size: an MLP on MNIST, with figures measured once.
func example(t *testing.T) report.Page {
	must := figure(t)
	layers := []string{"relu1", "relu2", "relu3", "logits"}
	var spawned, matched, independent plotter.XYs
	for i := range 11 {
		a := float64(i) / 10
		bump := math.Pow(4*a*(1-a), 1.6)
		spawned = append(spawned, plotter.XY{X: a, Y: .0174 + .0017*a})
		matched = append(matched, plotter.XY{X: a, Y: .0202 - .0011*a + .002*bump})
		independent = append(independent, plotter.XY{X: a, Y: .0202 - .0011*a + .0598*bump})
	}
	path := must(plotting.Lines("Test error along the path", "α (0 is B, 1 is A)", "test error",
		plotting.Series{Name: "spawned", Data: spawned},
		plotting.Series{Name: "weight-matched", Data: matched},
		plotting.Series{Name: "independent", Data: independent, Style: plotting.BaselineStyle()}))
	path.Percent = true
	llfc := func(title string, half, baseline []float64) *plotting.Figure {
		f := must(plotting.Layers(title, "E[1 − cos]", layers,
			plotting.Series{Name: "α = 0.5", Data: ys(half...)},
			plotting.Series{Name: "A and B", Data: ys(baseline...), Style: plotting.BaselineStyle()}))
		f.YRange = [2]float64{0, 0.9}
		return f
	}
	row := must(plotting.Row(
		llfc("Spawned", []float64{.0146, .0118, .0046, .0024}, []float64{.269, .187, .076, .027}),
		llfc("Weight-matched", []float64{.041, .035, .011, .006}, []float64{.488, .317, .159, .038}),
		llfc("Independent", []float64{.165, .189, .103, .126}, []float64{.836, .715, .620, .038})))
	coef := must(plotting.Layers("Coefficient, spawned", "E[coef_½]", layers,
		plotting.Series{Name: "spawned", Data: ys(.96, .91, .88, .87)},
		plotting.Series{Name: "weight-matched", Data: ys(.89, .77, .74, .71)}))
	coef.Reference = []float64{1}
	com := must(plotting.Bars("Commutativity, spawned", "Dist", []string{"fc1", "fc2", "fc3", "fc4"},
		plotting.Series{Name: "Dist_com", Data: ys(0, .025, .014, .001)},
		plotting.Series{Name: "Dist_W", Data: ys(.22, .30, .28, .08)},
		plotting.Series{Name: "Dist_H", Data: ys(0, .53, .37, .16)}))
	return report.Page{
		Title:    "Layerwise linear feature connectivity, MLP on MNIST",
		Subtitle: "scale paper, 3 seeds",
		Summary: "Spawned and weight-matched pairs are linearly connected in the loss and, layer by layer, in their features; " +
			"independent pairs are neither.\n\nEvery number below was computed by the run named under Provenance.",
		Claims: []report.Claim{
			{"LMC-1", "Def. 1, §3", "A spawned pair is linearly connected: the error barrier of the path is small.",
				"≤ 1.0 %", "0.01 %", "[0.00, 0.03] over 3 seeds", report.Holds, "", "", ""},
			{"LLFC-1", "Def. 2, Fig. 2", "For a spawned pair E[1 − cos_α] is near 0 in every layer and far below the baseline.",
				"≤ 0.2 × baseline", "0.063 ×", "[0.058, 0.071] over 3 seeds", report.Holds, "largest ratio over layers and α", "holds: 0.041", "registered 2026-11-23"},
			{"COEF-1", "App. B.2", "coef_α is close to 1 in every layer.",
				"within 0.1 of 1", "0.87", "[0.86, 0.88] over 3 seeds", report.Fails, "falls with depth; 0.96 in the first layer", "", "exploratory"},
			{"THM-1", "Theorem 1", "Weak additivity and commutativity in every layer imply LLFC.",
				"residual ≤ 1e-5", "", "", report.NotMeasured, "needs --scale paper", "", ""},
		},
		Sections: []report.Section{
			{Title: "Paths", Text: "The error along the straight line between the two weights.",
				Figures: []report.Figure{{Figure: path, Caption: "Test error of θ_α = α θ_A + (1 − α) θ_B on 10,000 images."},
					{Figure: coef, Caption: "The coefficient at α = ½, per layer; 1 is exact."}}},
			{Title: "Features", Figures: []report.Figure{
				{Figure: row, Caption: "Mean over the test set of 1 − cos between f_α and the blend of f_A and f_B, beside the baseline."},
				{Figure: com, Caption: "Commutativity, with the distances of weights and inputs for scale."}},
				Tables: []plotting.Table{{Title: "Pairs", Headers: []string{"pair", "error of A", "error of B", "error at ½", "barrier"},
					Rows: [][]string{{"spawned", "1.91 %", "1.74 %", "1.83 %", "0.01 %"}, {"weight-matched", "1.91 %", "2.02 %", "1.96 %", "0.00 %"},
						{"independent", "1.91 %", "2.02 %", "7.94 %", "5.98 %"}}}}},
		},
		Provenance: []report.Pair{
			{"Setting", "MLP 784-512-512-512-10, Adam 1.2e-4, batch 60, 30 epochs"}, {"Seeds", "1, 2, 3"},
			{"Data", "MNIST, SHA-256 " + strings.Repeat("0123456789abcdef", 4)},
			{"Versions", "layerwise 0.1, GoMLX v0.28.16, go1.27.4"}, {"Machine", "2 cores, 8 GiB"}, {"Backend", "xla:cpu"}, {"Wall time", "34 min"},
		},
	}
}

func render(t *testing.T, p report.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage(t *testing.T) {
	html := render(t, example(t))
	if *look != "" {
		if err := os.WriteFile(*look, []byte(html), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("order", func(t *testing.T) {
		last := -1
		for _, mark := range []string{"<!DOCTYPE html>", "<h1>Layerwise", `id="scorecard"`, "LMC-1", "COEF-1", `id="section-1"`, "<figure",
			"<details>", `id="section-2"`, "5.98 %", `id="provenance"`, "Wall time", "</html>"} {
			at := strings.Index(html, mark)
			if at <= last {
				t.Errorf("%q stands at %d, not after what precedes it (%d)", mark, at, last)
			}
			last = at
		}
	})
	t.Run("verdicts in words", func(t *testing.T) {
		rows := html[strings.Index(html, "<tbody>"):strings.Index(html, "</tbody>")]
		for word, want := range map[string]int{"holds</span>": 2, "fails</span>": 1, "not measured</span>": 1} {
			if got := strings.Count(rows, word); got != want {
				t.Errorf("%q is there %d times in the scorecard, want %d", word, got, want)
			}
		}
	})
	t.Run("needs no network", func(t *testing.T) {
		for _, m := range regexp.MustCompile(`(?i)\b(?:src|href|srcset|action|poster|data)\s*=\s*["']?([^"'\s>]*)`).FindAllStringSubmatch(html, -1) {
			if !strings.HasPrefix(m[1], "data:") && !strings.HasPrefix(m[1], "#") {
				t.Errorf("refers to %q", m[1])
			}
		}
		for _, bad := range []string{"http:", "https:", "url(", "@import", "<script", "<iframe", "<link rel=\"stylesheet"} {
			if strings.Contains(strings.ToLower(html), bad) {
				t.Errorf("contains %q", bad)
			}
		}
	})
	t.Run("well-formed", func(t *testing.T) { balanced(t, html) })
	t.Run("figures", func(t *testing.T) {
		images := regexp.MustCompile(`<img src="data:image/svg&#43;xml;base64,([^"]*)" alt="([^"]+)" width="\d+">`).FindAllStringSubmatch(html, -1)
		if len(images) != 6 { // path, coef, three panels, commutativity
			t.Fatalf("%d images, want 6", len(images))
		}
		for _, m := range images {
			svg, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(m[1], "&#43;", "+"))
			if err != nil {
				t.Fatal(err)
			}
			if err := wellFormed(svg); err != nil {
				t.Errorf("%s: %v", m[2], err)
			}
		}
	})
	t.Run("numbers", func(t *testing.T) {
		m := regexp.MustCompile(`<a download="([^"]*)" href="data:text/csv;charset=utf-8;base64,([^"]*)"`).FindAllStringSubmatch(html, -1)
		if len(m) != 4 || m[0][1] != "test-error-along-the-path.csv" {
			t.Fatalf("downloads %d, first %q", len(m), m[0][1])
		}
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(m[0][2], "&#43;", "+"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil || len(rows) != 1+3*11 {
			t.Fatalf("%d rows (%v), want 34", len(rows), err)
		}
		if got := strings.Join(rows[1], ","); got != "spawned,0,0.0174" {
			t.Errorf("first row %q", got)
		}
	})
}

// balanced checks that elements close in the order they open, and that ids are there once.
func balanced(t *testing.T, html string) {
	t.Helper()
	void := map[string]bool{"meta": true, "link": true, "img": true, "br": true}
	var open []string
	body := regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(html, "")
	for _, m := range regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)[^>]*>`).FindAllStringSubmatch(body, -1) {
		switch {
		case void[m[2]]:
		case m[1] == "":
			open = append(open, m[2])
		case len(open) == 0 || open[len(open)-1] != m[2]:
			t.Fatalf("</%s> closes %v", m[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if seen[m[1]] {
			t.Errorf("id %q is there twice", m[1])
		}
		seen[m[1]] = true
	}
}

func wellFormed(svg []byte) error {
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestHostileText(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)> {{.}} ' javascript:x`
	f := figure(t)(plotting.Layers(evil, evil, []string{evil, "b"}, plotting.Series{Name: evil, Data: ys(1, 2)}))
	html := render(t, report.Page{
		Title: evil, Subtitle: evil, Summary: evil, Elsewhere: evil, Overview: evil,
		Claims: []report.Claim{{evil, evil, evil, evil, evil, evil, report.Holds, evil, evil, evil}},
		Sections: []report.Section{{ID: evil, Title: evil, About: evil, Outcome: evil, Text: evil, Facts: []report.Pair{{Name: evil, Value: evil}}, See: []report.Link{{ID: evil, Text: evil}},
			Claims: []report.Claim{{ID: evil, Elsewhere: evil}}, Figures: []report.Figure{{ID: evil + "2", Figure: f, Caption: evil, Code: evil}}, Tables: []plotting.Table{{Title: evil, Headers: []string{evil}, Rows: [][]string{{evil}}}}}},
		Provenance: []report.Pair{{evil, evil}},
	})
	for _, bad := range []string{"<script", "<img src=x", "onerror=alert(1)>"} {
		if strings.Contains(html, bad) {
			t.Errorf("%q got through", bad)
		}
	}
	balanced(t, html)
	svg := regexp.MustCompile(`base64,([^"]*)" alt`).FindStringSubmatch(html)
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(svg[1], "&#43;", "+"))
	if err != nil {
		t.Fatal(err)
	}
	if err := wellFormed(data); err != nil || bytes.Contains(data, []byte("<script")) {
		t.Errorf("SVG: %v", err)
	}
}

func TestEmptyPage(t *testing.T) {
	html := render(t, report.Page{Title: "nothing yet"})
	balanced(t, html)
	for _, absent := range []string{"scorecard", "provenance", "<figure", "<table"} {
		if strings.Contains(html[strings.Index(html, "<body>"):], absent) {
			t.Errorf("%q in an empty report", absent)
		}
	}
}

func TestErrors(t *testing.T) {
	for want, section := range map[string]report.Section{
		`section "S", figure 1: no figure given`:     {Title: "S", Figures: []report.Figure{{}}},
		`table "T": row 1 has 1 cells for 2 headers`: {Title: "S", Tables: []plotting.Table{{Title: "T", Headers: []string{"a", "b"}, Rows: [][]string{{"1"}}}}},
	} {
		var b bytes.Buffer
		err := report.Page{Sections: []report.Section{section}}.Write(&b)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if b.Len() > 0 {
			t.Errorf("%d bytes of a page that failed", b.Len())
		}
	}
	if report.Verdict(0) != report.NotMeasured {
		t.Error("a claim without a verdict must not hold")
	}
}
