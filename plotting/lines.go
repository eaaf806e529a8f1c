package plotting

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines draws curves over a number: loss or error against α. Errors are drawn as a shaded band, the spread over seeds.
// Set Percent for fractions whose ticks shall read 2%.
func Lines(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	curves, err := copySeries("Lines", series)
	if err != nil {
		return nil, err
	}
	return &Figure{Title: title, XLabel: xlabel, YLabel: ylabel, content: &lines{curves}}, nil
}

type lines struct{ curves []curve }

func (l *lines) legend() []entry { return entriesOf(l.curves, false) }

func (l *lines) scales(f *Figure, size vg.Point) (x, y scale, err error) {
	sx, sy := newSpan(0), ySpan(f, l.curves)
	for _, c := range l.curves {
		for _, p := range c.points {
			if p.drawn() {
				sx.add(p.x)
			}
		}
	}
	pad := 0.025 * (sx.max - sx.min)
	if pad == 0 {
		pad = math.Max(0.5*math.Abs(sx.max), 1e-3)
	}
	// Ticks for the data's own range: none in the padding.
	x = linear(sx.min, sx.max, max(2, int(size.X/(2*vg.Centimeter))), false)
	x.min, x.max = sx.min-pad, sx.max+pad
	y, err = f.yScale(sy, size.Y)
	return x, y, err
}

func ySpan(f *Figure, curves []curve) span {
	s := newSpan(f.floor())
	for _, c := range curves {
		for _, p := range c.points {
			if !p.drawn() {
				continue
			}
			s.add(p.y)
			if p.hasError() {
				s.addExtent(p.y + p.high)
				if low := p.y - p.low; low > 0 || p.y < 0 { // an error reaching below 0 does not pull the axis there
					s.addExtent(low)
				}
			}
		}
	}
	return s
}

func (l *lines) plot(f *Figure, x, y scale, p *plot.Plot) {
	for _, v := range f.Reference {
		p.Add(reference{v, y})
	}
	for _, c := range l.curves {
		p.Add(band{c, y})
	}
	for _, c := range l.curves {
		p.Add(stroke{curve: c, x: x, y: y})
	}
}

func (l *lines) deeper(*Figure, vg.Length) vg.Length { return 0 }

func (l *lines) table(digits int) Table { return curveTable("x", l.curves, nil, digits) }

// reference is a dashed horizontal line across the figure.
type reference struct {
	y     float64
	scale scale
}

func (r reference) Plot(c draw.Canvas, p *plot.Plot) {
	_, ty := p.Transforms(&c)
	if y := ty(r.scale.at(r.y)); c.ContainsY(y) {
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: 1, Dashes: []vg.Length{5, 3}}, c.Min.X, y, c.Max.X, y)
	}
}

// band shades the errors of a curve.
type band struct {
	curve
	y scale
}

func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	r, g, bl, _ := b.style.Color.RGBA()
	shade := color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8), 0x30}
	for _, seg := range segments(b.points) {
		var upper, lower []vg.Point
		flush := func() {
			if len(upper) > 1 {
				for i := len(lower) - 1; i >= 0; i-- {
					upper = append(upper, lower[i])
				}
				c.FillPolygon(shade, c.ClipPolygonXY(upper))
			}
			upper, lower = nil, nil
		}
		for _, q := range seg {
			if !q.hasError() {
				flush()
				continue
			}
			upper = append(upper, vg.Point{X: tx(q.x), Y: ty(b.y.at(q.y + q.high))})
			lower = append(lower, vg.Point{X: tx(q.x), Y: ty(b.y.at(q.y - q.low))})
		}
		flush()
	}
}

// stroke draws a curve: line, error bars if asked, markers.
type stroke struct {
	curve
	x, y  scale
	bars  bool
	shift vg.Length // to the right, so that error bars at the same layer do not hide one another
}

func (s stroke) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	at := func(q point) vg.Point { return vg.Point{X: tx(s.x.at(q.x)) + s.shift, Y: ty(s.y.at(q.y))} }
	for _, seg := range segments(s.points) {
		line := make([]vg.Point, len(seg))
		for i, q := range seg {
			line[i] = at(q)
		}
		if len(line) > 1 {
			c.StrokeLines(s.style.line(), c.ClipLinesXY(line)...)
		}
	}
	every := 1 + (len(s.points)-1)/25 // markers tell series apart; a long curve needs few
	for i, q := range s.points {
		if !q.drawn() {
			continue
		}
		pt := at(q)
		if s.bars && q.hasError() && c.Contains(pt) {
			s.errorBar(&c, pt, ty(s.y.at(q.y-q.low)), ty(s.y.at(q.y+q.high)))
		}
		if i%every == 0 {
			c.DrawGlyph(s.style.glyph(), pt)
		}
	}
}

func (s stroke) errorBar(c *draw.Canvas, pt vg.Point, low, high vg.Length) {
	const cap = 2.2
	line := draw.LineStyle{Color: s.style.Color, Width: 0.9}
	lo, hi := max(low, c.Min.Y), min(high, c.Max.Y)
	c.StrokeLine2(line, pt.X, lo, pt.X, hi)
	if low > c.Min.Y { // no cap where the bar is cut off
		c.StrokeLine2(line, pt.X-cap, lo, pt.X+cap, lo)
	}
	if high < c.Max.Y {
		c.StrokeLine2(line, pt.X-cap, hi, pt.X+cap, hi)
	}
}
