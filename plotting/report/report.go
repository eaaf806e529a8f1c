// Package report writes one self-contained HTML page: the scorecard of claims first, then figures with their numbers one
// click away, then where it all comes from. The page needs no network and no script.
//
// It is apart from plotting because html/template makes every program that links it larger, and a notebook cell is such a
// program.
package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode"

	"layerwise/plotting"
)

// Page is the content of a report. What is left empty is left out.
type Page struct {
	Title, Subtitle string
	Summary         string // paragraphs, separated by an empty line
	Claims          []Claim
	Elsewhere       string // over the column of what other runs found, where a claim has that
	Overview        string // over the list of the sections that have an About
	Sections        []Section
	Provenance      []Pair
}

// Claim is one line of the scorecard: what a source states, what was measured, and whether it holds.
type Claim struct {
	ID        string // short and unique, "LLFC-1"
	Source    string // where it is stated, "Def. 2, Fig. 2"
	Statement string
	Threshold string // what counts as holding, fixed before measuring
	Measured  string // mean over seeds
	Interval  string // its interval over seeds, "[0.012, 0.016], 3 seeds"
	Verdict   Verdict
	Note      string // scale, caveat, reason for not measuring
	Elsewhere string // what another run found for the same claim
	Since     string // when it was registered, and whether that was before measuring
}

// Verdict is the outcome of a claim. The zero value is NotMeasured: no claim holds by default.
type Verdict int

const (
	NotMeasured Verdict = iota
	Holds
	Fails
)

func (v Verdict) String() string {
	switch v {
	case Holds:
		return "holds"
	case Fails:
		return "fails"
	}
	return "not measured"
}

// Section is a part of the report: text, facts, claims, figures, tables, in this order.
type Section struct {
	ID      string // the anchor, unique; empty is a number
	Title   string
	About   string // beside the title in the overview; sections without one are not listed there
	Verdict Verdict
	Outcome string // the verdict in more words, "4 of 5 claims hold"
	Text    string // paragraphs, separated by an empty line
	Facts   []Pair
	Claims  []Claim
	See     []Link // figures that stand in other sections
	Figures []Figure
	Tables  []plotting.Table
}

// Figure is a figure with its caption; its numbers come from Figure.Table.
type Figure struct {
	ID      string // the anchor, unique; may be empty
	Figure  *plotting.Figure
	Caption string
	Code    string // the lines that make it, shown below
}

// Link leads to a place on the page.
type Link struct{ ID, Text string }

// Pair is a fact with its name; of provenance setting, seeds, versions, checksum, machine, backend, wall time.
type Pair struct{ Name, Value string }

//go:embed report.html
var source string

// Write writes the page as HTML. Text is escaped, never read as markup.
func (p Page) Write(w io.Writer) error {
	view, err := p.view()
	if err != nil {
		return err
	}
	t, err := template.New("report").Parse(source)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer // nothing half-written: w sees the whole page or none of it
	if err := t.Execute(&b, view); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// What the template sees: the page with figures drawn and tables measured.
type (
	pageView struct {
		Page
		Tally    []tally
		Summary  []string
		Sections []sectionView
		Scores   claimsView
	}
	claimsView struct {
		Claims    []Claim
		Elsewhere string // "" where no claim has that
	}
	tally struct {
		Verdict Verdict
		Count   int
	}
	sectionView struct {
		Section
		ID      string
		Text    []string
		Scores  claimsView
		Figures []figureView
		Tables  []tableView
	}
	figureView struct {
		ID      string
		Panels  []panelView
		Caption string
		Code    string
		Alt     string
		Numbers tableView
		CSV     template.URL
		File    string
	}
	panelView struct {
		Image template.URL
		Alt   string
		Width int // CSS pixels at which its text is 10 points
	}
	tableView struct {
		Title   string
		Headers []cell
		Rows    [][]cell
	}
	cell struct {
		Text    string
		Numeric bool
	}
)

func (p Page) view() (pageView, error) {
	v := pageView{Page: p, Summary: paragraphs(p.Summary), Scores: p.scores(p.Claims)}
	for _, verdict := range []Verdict{Holds, Fails, NotMeasured} {
		n := 0
		for _, c := range p.Claims {
			if c.Verdict == verdict {
				n++
			}
		}
		if n > 0 {
			v.Tally = append(v.Tally, tally{verdict, n})
		}
	}
	files := map[string]int{}
	for i, s := range p.Sections {
		section := sectionView{Section: s, ID: s.ID, Text: paragraphs(s.Text), Scores: p.scores(s.Claims)}
		if s.ID == "" {
			section.ID = fmt.Sprintf("section-%d", i+1)
		}
		for k, f := range s.Figures {
			figure, err := draw(f, files)
			if err != nil {
				return pageView{}, fmt.Errorf("report: section %q, figure %d: %w", s.Title, k+1, err)
			}
			section.Figures = append(section.Figures, figure)
		}
		for k, t := range s.Tables {
			table, err := tabulate(t)
			if err != nil {
				return pageView{}, fmt.Errorf("report: section %q, table %d: %w", s.Title, k+1, err)
			}
			section.Tables = append(section.Tables, table)
		}
		v.Sections = append(v.Sections, section)
	}
	return v, nil
}

// scores says whether claims need the column of other runs.
func (p Page) scores(claims []Claim) claimsView {
	v := claimsView{Claims: claims}
	for _, c := range claims {
		if c.Elsewhere != "" {
			v.Elsewhere = p.Elsewhere
		}
	}
	return v
}

// draw makes the images of a figure, one for each panel so that they can stand below one another on a narrow screen.
func draw(f Figure, files map[string]int) (figureView, error) {
	var out figureView
	if f.Figure == nil {
		return out, fmt.Errorf("no figure given")
	}
	numbers := f.Figure.Table()
	var csv bytes.Buffer
	if err := numbers.CSV(&csv); err != nil {
		return out, err
	}
	for _, panel := range f.Figure.Panels() {
		var svg bytes.Buffer
		if err := panel.Write(&svg, "svg"); err != nil {
			return out, err
		}
		width, _ := panel.Size()
		out.Panels = append(out.Panels, panelView{
			Image: dataURI("image/svg+xml", svg.Bytes()),
			Alt:   alt(panel, f.Caption),
			Width: int(width.Points() * 4 / 3),
		})
	}
	short, err := tabulate(f.Figure.Table(4))
	if err != nil {
		return out, err
	}
	out.ID, out.Caption, out.Code, out.Numbers = f.ID, f.Caption, f.Code, short
	out.CSV = dataURI("text/csv;charset=utf-8", csv.Bytes())
	out.File = fileName(f.Figure.Title, files)
	return out, nil
}

func alt(f *plotting.Figure, caption string) string {
	text := f.Title
	if text == "" {
		text = caption
	}
	if f.YLabel != "" {
		text += " (" + f.YLabel + ")"
	}
	return strings.TrimSpace("Figure: " + text)
}

func dataURI(mime string, data []byte) template.URL {
	return template.URL("data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(data))
}

// fileName makes a title a file's name, each once.
func fileName(title string, taken map[string]int) string {
	name := strings.Trim(strings.Join(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), "-"), "-")
	if len(name) > 60 {
		name = name[:60]
	}
	if name == "" {
		name = "figure"
	}
	taken[name]++
	if n := taken[name]; n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return name + ".csv"
}

func tabulate(t plotting.Table) (tableView, error) {
	v := tableView{Title: t.Title}
	for i, r := range t.Rows {
		if len(r) != len(t.Headers) {
			return v, fmt.Errorf("table %q: row %d has %d cells for %d headers", t.Title, i+1, len(r), len(t.Headers))
		}
	}
	numeric := make([]bool, len(t.Headers))
	for i, h := range t.Headers {
		numeric[i] = t.Numeric(i)
		v.Headers = append(v.Headers, cell{h, numeric[i]})
	}
	for _, r := range t.Rows {
		cells := make([]cell, len(r))
		for i, c := range r {
			cells[i] = cell{c, numeric[i]}
		}
		v.Rows = append(v.Rows, cells)
	}
	return v, nil
}

func paragraphs(s string) []string {
	var out []string
	for _, p := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
