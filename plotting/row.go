package plotting

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Row sets figures side by side, their axes aligned; one legend serves all if all have the same. Set its Title for a
// heading over the whole row. Each figure keeps its own axes: see [Level] for a common one.
func Row(figs ...*Figure) (*Figure, error) {
	if len(figs) == 0 {
		return nil, errors.New("plotting: Row needs at least one figure, got none")
	}
	for i, f := range figs {
		switch {
		case f != nil && len(f.panels) > 0:
			return nil, fmt.Errorf("plotting: Row: figure %d is itself a Row", i+1)
		case f == nil || f.content == nil:
			return nil, fmt.Errorf("plotting: Row: figure %d is empty; make it with Lines, Layers, ECDF or Bars", i+1)
		}
	}
	return &Figure{panels: slices.Clone(figs)}, nil
}

// Level gives figures the y range that shows the values of them all. Each is drawn as before but for that.
func Level(figs ...*Figure) error {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, f := range figs {
		if err := f.check(); err != nil {
			return err
		}
		if f.content == nil || f.LogY != figs[0].LogY {
			return fmt.Errorf("plotting: Level: figure %d: give figures that are no Row, and whose axes are all logarithmic or none", i+1)
		}
		_, y, err := f.content.scales(f, vg.Point{X: defaultWidth, Y: defaultHeight})
		if err != nil {
			return err
		}
		lo, hi = min(lo, y.min), max(hi, y.max)
	}
	if len(figs) > 0 && figs[0].LogY {
		lo, hi = math.Pow(10, lo), math.Pow(10, hi)
	}
	for _, f := range figs {
		f.YRange = [2]float64{lo, hi}
	}
	return nil
}

// Panels returns the figures of a Row, or the figure itself.
func (f *Figure) Panels() []*Figure {
	if len(f.panels) > 0 {
		return slices.Clone(f.panels)
	}
	return []*Figure{f}
}

// rowTable joins the panels' tables under one more column, the panel's title.
func rowTable(panels []*Figure, digits int) Table {
	out := Table{Headers: []string{"panel"}}
	for _, f := range panels {
		t := f.table(digits)
		for i, h := range t.Headers {
			switch {
			case i+1 >= len(out.Headers):
				out.Headers = append(out.Headers, h)
			case !slices.Contains(strings.Split(out.Headers[i+1], "/"), h):
				out.Headers[i+1] += "/" + h
			}
		}
		for _, cells := range t.Rows {
			out.Rows = append(out.Rows, append([]string{f.Title}, cells...))
		}
	}
	for i, r := range out.Rows {
		out.Rows[i] = append(r, make([]string, len(out.Headers)-len(r))...)
	}
	return out
}

func (f *Figure) drawRow(c draw.Canvas) error {
	const gap = vg.Length(14)
	n := len(f.panels)
	tiles := draw.Tiles{Cols: n, Rows: 1, PadX: gap}
	width := tiles.At(c, 0, 0).Size().X
	plots := make([]*plot.Plot, n)
	for i, panel := range f.panels {
		sized := *panel // ticks are chosen for the panel's width, not the figure's own
		sized.Width, sized.Height = width, c.Size().Y
		if err := sized.check(); err != nil {
			return err
		}
		p, err := sized.build(vg.Point{X: width, Y: c.Size().Y})
		if err != nil {
			return err
		}
		plots[i] = p
	}
	lefts := plot.Align([][]*plot.Plot{plots}, tiles, c)[0] // their left edges do not depend on the height
	shared := sharedLegend(f.panels)
	if f.Title != "" || shared != nil {
		c.Max.Y = f.theme.heading(c, plots[0].DataCanvas(lefts[0]).Min.X, f.Title, shared, true)
		for i := range lefts {
			lefts[i].Max.Y = c.Max.Y
		}
	}
	bottom := c.Max.Y
	heads := make([]func(ink bool) vg.Length, n)
	for i, panel := range f.panels {
		at := plots[i].DataCanvas(lefts[i]).Min.X
		var own []entry
		if shared == nil {
			own = panel.content.legend()
		}
		heads[i] = func(ink bool) vg.Length { return f.theme.heading(lefts[i], at, panel.Title, own, ink) }
		bottom = min(bottom, heads[i](false))
	}
	for i := range heads {
		heads[i](true)
	}
	c.Max.Y = bottom
	for i, tile := range plot.Align([][]*plot.Plot{plots}, tiles, c)[0] {
		plots[i].Draw(tile)
	}
	return nil
}

// sharedLegend returns the legend all panels have in common, or nil.
func sharedLegend(panels []*Figure) []entry {
	first := panels[0].content.legend()
	for _, f := range panels[1:] {
		if !reflect.DeepEqual(first, f.content.legend()) {
			return nil
		}
	}
	return first
}
