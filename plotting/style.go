package plotting

import (
	"image/color"
	"math"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Style is how one series looks. Fields left zero are taken from the palette, in the order of the series; a series
// with a Color of its own uses up no palette entry.
type Style struct {
	Color  color.Color      // nil: the palette's next
	Dashes []vg.Length      // on, off, on, …; nil: the palette's, or solid where Color is set
	Marker draw.GlyphDrawer // nil: the palette's, or a filled circle where Color is set
}

// StyleOf returns the palette's style number i ≥ 0, to give a series the same looks in several figures.
//
// The six colours lie at least 9 L* apart, so they are told apart in grey, and at least ΔE 20 apart for normal vision,
// deuteranopia, protanopia and tritanopia. Dashes and marker shapes differ too: no two of the first 84 styles are equal.
func StyleOf(i int) Style {
	colors := [...]color.RGBA{
		{0x33, 0x22, 0x88, 0xff}, // indigo, L* 22
		{0xcc, 0x33, 0x11, 0xff}, // red, 46
		{0xcc, 0x99, 0x00, 0xff}, // ochre, 66
		{0x00, 0x99, 0x88, 0xff}, // teal, 57
		{0x99, 0xbb, 0xff, 0xff}, // light blue, 76
		{0x88, 0x22, 0x55, 0xff}, // wine, 32
	}
	dashes := [...][]vg.Length{{}, {7, 2}, {4, 1.6}, {7, 2, 1.6, 2}}
	markers := [...]draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, diamond{},
		triangleDown{}, draw.SquareGlyph{}, draw.CrossGlyph{},
	}
	if i < 0 {
		i = 0
	}
	return Style{colors[i%len(colors)], dashes[i%len(dashes)], markers[i%len(markers)]}
}

// BaselineStyle returns the style of what a series is compared with, E[1 − cos_{A,B}] in the paper's Figures 2 and 3:
// black, short dashes, hollow markers.
func BaselineStyle() Style {
	return Style{color.Black, []vg.Length{2.5, 2}, hollow{}}
}

// resolve fills what a style leaves open; next counts the palette entries used so far.
func (s Style) resolve(next *int) Style {
	if s.Color != nil {
		if s.Marker == nil {
			s.Marker = draw.CircleGlyph{}
		}
		return s
	}
	p := StyleOf(*next)
	*next++
	s.Color = p.Color
	if s.Dashes == nil {
		s.Dashes = p.Dashes
	}
	if s.Marker == nil {
		s.Marker = p.Marker
	}
	return s
}

func (s Style) line() draw.LineStyle {
	return draw.LineStyle{Color: s.Color, Width: lineWidth, Dashes: s.Dashes}
}

func (s Style) glyph() draw.GlyphStyle {
	return draw.GlyphStyle{Color: s.Color, Radius: markerRadius, Shape: s.Marker}
}

// The native size is that of a figure over half a text page and its fonts are large for it: shrunk to a column of 8 cm
// the smallest letters are still 6.7 points.
const (
	defaultWidth  = 12 * vg.Centimeter
	defaultHeight = 8 * vg.Centimeter
	panelWidth    = 10 * vg.Centimeter

	fontSize     = vg.Length(10)
	titleSize    = vg.Length(11.5)
	lineWidth    = vg.Length(1.4)
	markerRadius = vg.Length(2.8)
	margin       = vg.Length(5)
)

var (
	ink  = color.Gray{0x22} // text
	rule = color.Gray{0x55} // axes
	mesh = color.Gray{0xe4} // grid lines
)

func textStyle(size vg.Length, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = stdfont.WeightBold
	}
	return text.Style{Color: ink, Font: f, XAlign: draw.XLeft, YAlign: draw.YTop, Handler: letters{text.Plain{Fonts: font.DefaultCache}}}
}

// polygon draws a filled marker with corners on a circle of radius r·scale, the first at angle start.
func polygon(c *draw.Canvas, pt vg.Point, r vg.Length, n int, start float64) {
	var p vg.Path
	for k := range n {
		sin, cos := math.Sincos(start + 2*math.Pi*float64(k)/float64(n))
		q := vg.Point{X: pt.X + r*vg.Length(cos), Y: pt.Y + r*vg.Length(sin)}
		if k == 0 {
			p.Move(q)
		} else {
			p.Line(q)
		}
	}
	p.Close()
	c.Fill(p)
}

type diamond struct{}

func (diamond) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, pt vg.Point) {
	polygon(c, pt, 1.25*s.Radius, 4, 0)
}

type triangleDown struct{}

func (triangleDown) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, pt vg.Point) {
	polygon(c, pt, 1.25*s.Radius, 3, -math.Pi/2)
}

// hollow is a ring filled with white, so that the dashes of its line do not show through.
type hollow struct{}

func (hollow) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, pt vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: pt.X + s.Radius, Y: pt.Y})
	p.Arc(pt, s.Radius, 0, 2*math.Pi)
	p.Close()
	c.SetColor(color.White)
	c.Fill(p)
	c.SetLineStyle(draw.LineStyle{Color: s.Color, Width: 1.1})
	c.Stroke(p)
}
