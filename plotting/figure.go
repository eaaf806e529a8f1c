// Package plotting draws the figures of the paper from anything that has Len, XY and, for errors, YError: path curves
// ([Lines]), layerwise curves ([Layers]), distributions ([ECDF]) and grouped bars ([Bars]), alone or side by side
// ([Row]). A [Figure] is shown in a notebook with [Show], written with [Figure.Save], and keeps the numbers behind it
// ([Figure.Table]).
//
// Text is set in Liberation Sans, which comes with the package and covers Latin, Greek, Cyrillic, Hebrew and common signs (α, θ, ½, ≤).
// PNG and PDF take letters that it lacks, Chinese for one, from fonts found in $LAYERWISE_FONTS and on the machine; one that none has
// is a box with its number in it, and [Figure.Note] says so. SVG keeps text as text, for the fonts of its reader.
package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode"

	"layerwise/internal/finite"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Figure is a drawing yet to be made and the numbers it is made of. Its fields may be set until it is drawn, as often
// as one likes; what they leave zero is chosen from the data.
type Figure struct {
	Title, XLabel, YLabel string

	Percent bool // y is a fraction; its ticks are labelled in percent
	LogX    bool // logarithmic x: ECDF only
	LogY    bool // logarithmic y: Lines, Layers and Bars

	// Floor: on a logarithmic axis values at or below it are drawn at the axis, at a tick called 0. Zero means 1e-12, where
	// the exact zeros of the paper's identities end and numbers begin; a negative floor means exactly 0.
	Floor float64

	YRange    [2]float64 // lower and upper end of y; both 0: from the data, and from 0 if none is negative
	Reference []float64  // dashed horizontal lines, as coef's at 1

	// Joined, of Layers, are the names that stand in the drawing, by number: a line of its own joins those of each entry. The
	// other names stand in the numbers only. nil: one line joins all.
	Joined [][]int

	Width, Height vg.Length // zero: 12 cm × 8 cm, a panel of a Row 10 cm × 8 cm

	content content
	panels  []*Figure // of a Row, which has no content
	theme   Theme     // see In; Width and Height are before its scale
}

// content is what a kind of figure draws between the axes.
type content interface {
	scales(f *Figure, size vg.Point) (x, y scale, err error)
	plot(f *Figure, x, y scale, p *plot.Plot)
	legend() []entry
	deeper(f *Figure, width vg.Length) vg.Length // what the x axis needs under it beyond a line, where data has that width
	table(digits int) Table                      // digits < 0: all
}

// Size returns the width and height of the figure: its own, or what is chosen where they are zero, in the theme.
func (f *Figure) Size() (w, h vg.Length) {
	w, h = f.native()
	return f.theme.scale() * w, f.theme.scale() * h
}

// native is Size before the theme's scale: the figure is drawn in it.
func (f *Figure) native() (w, h vg.Length) {
	w, h = f.Width, f.Height
	if w == 0 {
		w = defaultWidth
		if len(f.panels) > 0 {
			w = panelWidth * vg.Length(len(f.panels))
		}
	}
	if h == 0 {
		h = f.theme.height()
		for _, p := range f.Panels() {
			h = max(h, f.theme.height()+p.content.deeper(p, (w-40)/vg.Length(len(f.Panels()))))
		}
	}
	return w, h
}

// check reports settings no drawing can follow. It guards the exported fields, which are set after a figure is made.
func (f *Figure) check() error {
	if f == nil || f.content == nil && len(f.panels) == 0 {
		return errors.New("plotting: empty figure; make one with Lines, Layers, ECDF, Bars or Row")
	}
	w, h := f.native()
	if w < 3*vg.Centimeter || h < 3*vg.Centimeter || w > 200*vg.Centimeter || h > 200*vg.Centimeter {
		return fmt.Errorf("plotting: figure %q is %.3g × %.3g cm; each side must be 3 to 200 cm",
			f.Title, w/vg.Centimeter, h/vg.Centimeter)
	}
	lo, hi := f.YRange[0], f.YRange[1]
	if f.YRange != [2]float64{} && !(finite.Is(lo) && finite.Is(hi) && lo < hi) {
		return fmt.Errorf("plotting: figure %q: YRange %v is not an interval", f.Title, f.YRange)
	}
	if f.LogY && f.YRange != [2]float64{} && lo <= 0 {
		return fmt.Errorf("plotting: figure %q: YRange %v must be above 0 on a logarithmic axis", f.Title, f.YRange)
	}
	if err := f.checkJoined(); err != nil {
		return err
	}
	for _, v := range f.Reference {
		if !finite.Is(v) {
			return fmt.Errorf("plotting: figure %q: reference line at %v", f.Title, v)
		}
	}
	return nil
}

func (f *Figure) floor() float64 {
	switch {
	case f.Floor == 0:
		return 1e-12
	case f.Floor < 0:
		return 0
	}
	return f.Floor
}

// yScale makes the y axis for values gathered in s.
func (f *Figure) yScale(s span, height vg.Length) (scale, error) {
	for _, v := range f.Reference {
		s.add(v)
	}
	n := max(2, int(height/(1.1*vg.Centimeter)))
	if f.LogY {
		if s.nonzero && s.min < -f.floor() {
			return scale{}, fmt.Errorf("plotting: figure %q has negative values (least %.3g) on a logarithmic axis", f.Title, s.min)
		}
		out := logarithmic(s, f.Percent)
		if f.YRange != [2]float64{} {
			r := newSpan(0)
			r.add(f.YRange[0])
			r.add(f.YRange[1])
			out = logarithmic(r, f.Percent)
			out.min, out.max, out.floor = math.Log10(f.YRange[0]), math.Log10(f.YRange[1]), f.YRange[0]
		}
		return out, nil
	}
	if f.YRange != [2]float64{} {
		return linear(f.YRange[0], f.YRange[1], n, f.Percent), nil
	}
	lo, hi := s.min, s.max
	if lo >= 0 {
		if lo = 0; hi == 0 {
			hi = 1
		}
		return linear(0, hi*1.06, n, f.Percent), nil
	}
	d := 0.06 * (hi - lo)
	if hi <= 0 {
		return linear(lo-d, 0, n, f.Percent), nil
	}
	return linear(lo-d, hi+d, n, f.Percent), nil
}

// build makes the gonum plot without title and legend, for a canvas of the given size.
func (f *Figure) build(size vg.Point) (*plot.Plot, error) {
	x, y, err := f.content.scales(f, size)
	if err != nil {
		return nil, err
	}
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.LineStyle = draw.LineStyle{Color: rule, Width: 0.7}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 3.5
		a.Label.Padding = 3
		for _, s := range []*text.Style{&a.Tick.Label, &a.Label.TextStyle} {
			s.Color = ink
			s.Font, s.Handler = f.theme.textStyle(fontSize, false).Font, f.theme.textStyle(fontSize, false).Handler
		}
	}
	p.Y.Tick.Label.YAlign = -0.6 // gonum centres the line's box, which has room for descenders; digits have none
	p.X.Label.Text, p.Y.Label.Text = f.XLabel, f.YLabel
	x.apply(&p.X)
	y.apply(&p.Y)
	p.Add(grid{y})
	f.content.plot(f, x, y, p)
	p.Add(frame{x, y})
	return p, nil
}

// grid draws a faint line at every labelled tick of y, below the data.
type grid struct{ y scale }

func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	_, ty := p.Transforms(&c)
	for _, t := range g.y.ticks {
		if t.Label != "" && t.Value > g.y.min && t.Value <= g.y.max {
			c.StrokeLine2(draw.LineStyle{Color: mesh, Width: 0.6}, c.Min.X, ty(t.Value), c.Max.X, ty(t.Value))
		}
	}
}

// frame marks, over the data, where a logarithmic axis breaks off on its way down to 0.
type frame struct{ x, y scale }

func (f frame) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	slash := func(at vg.Point, d vg.Point) {
		a, b := vg.Point{X: at.X - d.X, Y: at.Y - d.Y}, vg.Point{X: at.X + d.X, Y: at.Y + d.Y}
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.7}, a.X, a.Y, b.X, b.Y)
	}
	gap := func(s scale, t func(float64) vg.Length) vg.Length { // half way from 0 to the first tick
		next := s.max
		for _, k := range s.ticks {
			if k.Value > s.min {
				next = math.Min(next, k.Value)
			}
		}
		return (t(s.min) + t(next)) / 2
	}
	const half, wide = 1.3, 3
	if f.y.broken {
		y := gap(f.y, ty)
		c.StrokeLine2(draw.LineStyle{Color: color.White, Width: 1.6}, c.Min.X, y-half, c.Min.X, y+half)
		slash(vg.Point{X: c.Min.X, Y: y - half}, vg.Point{X: wide, Y: 1})
		slash(vg.Point{X: c.Min.X, Y: y + half}, vg.Point{X: wide, Y: 1})
	}
	if f.x.broken {
		x := gap(f.x, tx)
		c.StrokeLine2(draw.LineStyle{Color: color.White, Width: 1.6}, x-half, c.Min.Y, x+half, c.Min.Y)
		slash(vg.Point{X: x - half, Y: c.Min.Y}, vg.Point{X: 1, Y: wide})
		slash(vg.Point{X: x + half, Y: c.Min.Y}, vg.Point{X: 1, Y: wide})
	}
}

// draw draws the figure on the whole of c.
func (f *Figure) draw(c draw.Canvas) error {
	if err := f.check(); err != nil {
		return err
	}
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin-2, margin-1, -margin)
	if len(f.panels) > 0 {
		return f.drawRow(c)
	}
	p, err := f.build(c.Size())
	if err != nil {
		return err
	}
	left := p.DataCanvas(c).Min.X // does not depend on the height
	c.Max.Y = f.theme.heading(c, left, f.Title, f.content.legend(), true)
	p.Draw(c)
	return nil
}

// heading draws title and legend at the top of c, from x = left on, and returns where the space below them begins.
// Without ink it only measures.
func (t Theme) heading(c draw.Canvas, left vg.Length, title string, entries []entry, ink bool) vg.Length {
	y := c.Max.Y
	if title != "" {
		bold := t.textStyle(titleSize, true)
		for _, line := range wrap(bold, title, c.Max.X-left) {
			if ink {
				c.FillText(bold, vg.Point{X: left, Y: y + bold.FontExtents().Descent}, line)
			}
			y -= 1.22 * titleSize
		}
		y -= 2
	}
	return t.flow(c, left, y, entries, ink) - 4
}

// wrap breaks s into lines no wider than width: at spaces, and beside Chinese and Japanese letters, which have none between their words.
func wrap(style text.Style, s string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		gap := " "
		for _, part := range breakable(word) {
			switch longer := line + gap + part; {
			case line == "":
				line = part
			case style.Width(longer) <= width:
				line = longer
			default:
				lines = append(lines, line)
				line = part
			}
			gap = ""
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// breakable splits a word before every Chinese and Japanese letter, and after it where no punctuation follows.
func breakable(word string) []string {
	var out []string
	open := false // a line may end here
	for _, c := range clusters(word) {
		r := []rune(c)[0]
		wide := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
		if len(out) > 0 && (!wide && !open || unicode.IsPunct(r)) {
			out[len(out)-1] += c
		} else {
			out = append(out, c)
		}
		open = wide
	}
	return out
}
