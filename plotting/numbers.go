package plotting

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// Numbers returns the figure's numbers as people read them: a row for every x (or layer), a column for every series, errors behind a ±,
// in so many significant digits. Of an [ECDF] it gives quantiles; a [Row] has the panel's title before them. Table has them all.
func (f *Figure) Numbers(digits int) Table {
	if f == nil {
		return Table{}
	}
	if len(f.panels) == 0 {
		if n, ok := f.content.(numbered); ok {
			return n.numbers(f, numeral{digits: max(1, digits), percent: f.Percent})
		}
		return f.table(digits)
	}
	var out Table
	for _, p := range f.panels {
		t := p.Numbers(digits)
		if headers := append([]string{"panel"}, t.Headers...); out.Headers == nil {
			out.Headers = headers
		} else if !slices.Equal(out.Headers, headers) {
			return rowTable(f.panels, digits) // panels of different kinds: a list, since they share no columns
		}
		for _, r := range t.Rows {
			out.Rows = append(out.Rows, append([]string{p.Title}, r...))
		}
	}
	return out
}

// ShowNumbers displays [Figure.Numbers] below the figure, folded away until a reader opens them. Outside a GoNB notebook it does nothing
// and returns ErrNoNotebook.
func ShowNumbers(f *Figure, digits int) error {
	t := f.Numbers(digits)
	text, err1 := t.Markdown()
	page, err2 := t.html()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return display(&protocol.DisplayData{Data: map[protocol.MIMEType]any{
		protocol.MIMETextHTML:     "<details><summary>Numbers</summary>\n" + page + "</details>",
		protocol.MIMETextMarkdown: text,
		protocol.MIMETextPlain:    text,
	}})
}

// numbered is content with a table for people.
type numbered interface {
	numbers(f *Figure, c numeral) Table
}

func (l *lines) numbers(f *Figure, c numeral) Table {
	return pivot(c, or(f.XLabel, "x"), f.YLabel, nil, l.curves)
}

// numbers of pictures are their sizes; Table has their pixels.
func (m *images) numbers(*Figure, numeral) Table {
	t := Table{Headers: []string{"picture", "height", "width"}}
	for i, p := range m.pictures {
		t.Rows = append(t.Rows, []string{m.names[i], strconv.Itoa(p.Bounds().Dy()), strconv.Itoa(p.Bounds().Dx())})
	}
	return t
}

func (l *layers) numbers(f *Figure, c numeral) Table {
	return pivot(c, "layer", f.YLabel, l.names, l.curves)
}

func (b *bars) numbers(f *Figure, c numeral) Table {
	return pivot(c, "layer", f.YLabel, b.names, b.curves)
}

// numbers of an ECDF are its quantiles, at the steps that are drawn.
func (e *ecdf) numbers(f *Figure, c numeral) Table {
	t := Table{Headers: []string{"fraction of samples"}}
	for _, s := range e.curves {
		t.Headers = append(t.Headers, or(s.name, f.XLabel))
	}
	for _, share := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
		row := []string{fmt.Sprintf("%g %%", 100*share)}
		for _, s := range e.curves {
			at := slices.IndexFunc(s.points, func(p point) bool { return p.y >= share })
			row = append(row, numeral{digits: c.digits}.text(point{y: s.points[at].x, low: math.NaN(), high: math.NaN()}))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// pivot sets the series side by side; without names the rows are the x of all series, ascending. A series without a name goes by y.
func pivot(c numeral, x, y string, names []string, curves []curve) Table {
	t := Table{Headers: []string{x}}
	var at []float64
	for _, s := range curves {
		t.Headers = append(t.Headers, or(s.name, y))
		for _, p := range s.points {
			at = append(at, p.x)
		}
	}
	slices.Sort(at)
	for i, v := range slices.Compact(at) {
		row := []string{fmt.Sprintf("%.*g", c.digits, v)}
		if names != nil {
			row[0] = names[i]
		}
		for _, s := range curves {
			text := ""
			if k := slices.IndexFunc(s.points, func(p point) bool { return p.x == v }); k >= 0 {
				text = c.text(s.points[k])
			}
			row = append(row, text)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// numeral is how a number is written.
type numeral struct {
	digits  int
	percent bool
}

func (c numeral) text(p point) string {
	switch {
	case !p.hasError() || p.low == 0 && p.high == 0:
		return c.number(p.y) + c.unit()
	case p.low == p.high:
		return c.number(p.y) + " ± " + c.number(p.high) + c.unit()
	}
	return fmt.Sprintf("%s +%s −%s%s", c.number(p.y), c.number(p.high), c.number(p.low), c.unit())
}

func (c numeral) number(v float64) string {
	if c.percent {
		v *= 100
	}
	return fmt.Sprintf("%.*g", c.digits, v)
}

func (c numeral) unit() string {
	if c.percent {
		return " %"
	}
	return ""
}
