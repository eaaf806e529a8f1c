package plotting

import (
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
)

// Table is numbers as text, ready for a file, a notebook or a report. Every row has as many cells as there are headers.
type Table struct {
	Title   string // shown above the table in a report; may be empty
	Headers []string
	Rows    [][]string
}

// Table returns the numbers behind the figure, one row a point: series, x (or layer, or value), y (or fraction) and,
// where there are errors, err_low and err_high, distances from y. A Row puts the panel's title before them. Digits bounds
// the significant digits; none or a negative number keeps all, so that reading them back gives the same values.
// Points that were not drawn are there too, as NaN or ±Inf.
func (f *Figure) Table(digits ...int) Table {
	d := -1
	if len(digits) > 0 && digits[0] > 0 {
		d = digits[0]
	}
	return f.table(d)
}

func (f *Figure) table(digits int) Table {
	switch {
	case f == nil:
		return Table{}
	case len(f.panels) > 0:
		return rowTable(f.panels, digits)
	case f.content == nil:
		return Table{}
	}
	return f.content.table(digits)
}

// curveTable lists curves; names, if given, replace x.
func curveTable(x string, curves []curve, names []string, digits int) Table {
	errs := hasErrors(curves)
	t := Table{Headers: []string{"series", x, "y"}}
	if errs {
		t.Headers = append(t.Headers, "err_low", "err_high")
	}
	num := func(v float64) string { return strconv.FormatFloat(v, 'g', digits, 64) }
	for _, c := range curves {
		for i, p := range c.points {
			at := ""
			if names != nil {
				at = names[i]
			} else {
				at = num(p.x)
			}
			cells := []string{c.name, at, num(p.y)}
			if errs {
				cells = append(cells, num(p.low), num(p.high))
			}
			t.Rows = append(t.Rows, cells)
		}
	}
	return t
}

// check reports a row whose cells do not match the headers.
func (t Table) check() error {
	if len(t.Headers) == 0 {
		return fmt.Errorf("plotting: table %q has no headers", t.Title)
	}
	for i, r := range t.Rows {
		if len(r) != len(t.Headers) {
			return fmt.Errorf("plotting: table %q: row %d has %d cells for %d headers", t.Title, i+1, len(r), len(t.Headers))
		}
	}
	return nil
}

// CSV writes the table as comma-separated values (RFC 4180), headers first.
func (t Table) CSV(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	if err := c.Write(t.Headers); err != nil {
		return err
	}
	return c.WriteAll(t.Rows) // flushes
}

// Markdown returns the table in GitHub's notation, columns of numbers set to the right.
func (t Table) Markdown() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + markdownCell(c) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.Headers)
	for i := range t.Headers {
		if t.Numeric(i) {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, r := range t.Rows {
		line(r)
	}
	return b.String(), nil
}

// html returns the table as HTML, columns of numbers set to the right.
func (t Table) html() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for i, c := range cells {
			align := "left"
			if t.Numeric(i) {
				align = "right"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s">%s</%s>`, tag, align, html.EscapeString(c), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("<table>\n")
	line("th", t.Headers)
	for _, r := range t.Rows {
		line("td", r)
	}
	b.WriteString("</table>\n")
	return b.String(), nil
}

// markdownCell keeps text from being read as markup. Formulas between dollar signs stay formulas.
func markdownCell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if strings.Count(s, "$") >= 2 {
		return strings.ReplaceAll(s, "|", `\|`)
	}
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`).Replace(s)
}

// Numeric reports whether column i holds numbers: every cell that is not empty or a dash begins as one.
func (t Table) Numeric(i int) bool {
	some := false
	for _, r := range t.Rows {
		s := strings.TrimLeft(strings.TrimSpace(r[i]), "+-−<>≤≥≈± ")
		if s == "" || s == "–" || s == "—" {
			continue
		}
		if s != "NaN" && s != "Inf" && (s[0] < '0' || s[0] > '9') {
			return false
		}
		some = true
	}
	return some
}
