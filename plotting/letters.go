package plotting

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/bidi"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// letters measures and draws text in which every letter has the first font that knows it: Liberation Sans, then those of the machine.
// A letter that none of them knows is a box with its number in it.
type letters struct{ text.Plain }

// piece is a stretch of text in one font; nil where no font has it.
type piece struct {
	text string
	font *opentype.Font
}

// sheet is the canvas under a drawing, for what is about its text.
type sheet struct {
	vg.Canvas
	asText  bool                      // text stays text, for the reader's fonts
	written func(s string, p []piece) // is told of every line of text
}

// pieces splits a line in the order in which it is read.
func (l letters) pieces(s string, f font.Font) []piece {
	own := l.Fonts.Lookup(f, f.Size).Face
	var out []piece
	for _, c := range clusters(s) {
		p := piece{c, own}
		if !ownHas(own, c) {
			p.font = fontFor(c, f)
		}
		if p.font != nil {
			p.text = visible(p.font, c)
		}
		if n := len(out); n > 0 && p.font != nil && out[n-1].font == p.font {
			out[n-1].text += p.text
		} else {
			out = append(out, p)
		}
	}
	return out
}

func (l letters) width(p piece, f font.Font) vg.Length {
	if p.font == nil {
		return f.Size // an em: most of what lacks a font is as wide as that
	}
	face := font.Face{Font: f, Face: p.font}
	return face.Width(p.text)
}

// Box is the size of a line: its width, and its height above and depth below the base line.
func (l letters) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	for _, p := range l.pieces(txt, f) {
		width += l.width(p, f)
	}
	e := l.Extents(f)
	return width, e.Ascent, e.Descent
}

// Draw does what text.Plain does, piece by piece.
func (l letters) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	if txt = strings.TrimRight(txt, "\n"); txt == "" {
		return
	}
	c.SetColor(sty.Color)
	if sty.Rotation != 0 {
		c.Push()
		defer c.Pop()
		c.Rotate(sty.Rotation)
	}
	sin64, cos64 := math.Sincos(sty.Rotation)
	sin, cos := vg.Length(sin64), vg.Length(cos64)
	pt.X, pt.Y = pt.Y*sin+pt.X*cos, pt.Y*cos-pt.X*sin
	pt.Y += sty.Height(txt)*vg.Length(sty.YAlign) - l.Extents(sty.Font).Ascent
	lines := l.Lines(txt)
	for i, line := range lines {
		width, _, _ := l.Box(line, sty.Font)
		l.line(c, line, sty, pt.Add(vg.Point{X: vg.Length(sty.XAlign) * width, Y: vg.Length(len(lines)-i) * sty.Font.Size}))
	}
}

func (l letters) line(c vg.Canvas, line string, sty text.Style, at vg.Point) {
	if s := sheetUnder(c); s != nil {
		if s.written != nil {
			s.written(line, l.pieces(line, sty.Font))
		}
		if s.asText {
			c.FillString(l.Fonts.Lookup(sty.Font, sty.Font.Size), at, strings.Map(func(r rune) rune {
				if blank(r) {
					return ' ' // XML has no place for control characters
				}
				return r
			}, line))
			return
		}
	}
	for _, p := range l.pieces(visual(line), sty.Font) {
		if p.font == nil {
			l.placeholder(c, p.text, sty, at)
		} else {
			c.FillString(font.Face{Font: sty.Font, Face: p.font}, at, p.text)
		}
		at.X += l.width(p, sty.Font)
	}
}

// sheetUnder is the sheet that a part of a drawing lies on, nil if there is none.
func sheetUnder(c vg.Canvas) *sheet {
	for {
		switch v := c.(type) {
		case *sheet:
			return v
		case *draw.Canvas:
			c = v.Canvas
		case draw.Canvas:
			c = v.Canvas
		default:
			return nil
		}
	}
}

// placeholder is a box with the number of a letter's first rune, in two rows of hexadecimal digits.
func (l letters) placeholder(c vg.Canvas, cluster string, sty text.Style, at vg.Point) {
	em := sty.Font.Size
	var path vg.Path
	left, right, low, high := at.X+0.07*em, at.X+0.93*em, at.Y-0.14*em, at.Y+0.78*em
	path.Move(vg.Point{X: left, Y: low})
	for _, p := range []vg.Point{{X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}} {
		path.Line(p)
	}
	path.Close()
	c.SetLineWidth(0.05 * em)
	c.SetLineDash(nil, 0)
	c.Stroke(path)
	digits := fmt.Sprintf("%04X", []rune(cluster)[0])
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	small := sty.Font
	small.Size = 0.42 * em
	face := l.Fonts.Lookup(small, small.Size)
	for i, row := range []string{digits[:len(digits)/2], digits[len(digits)/2:]} {
		c.FillString(face, vg.Point{X: at.X + (em-face.Width(row))/2, Y: at.Y + (0.38-0.41*vg.Length(i))*em}, row)
	}
}

// clusters splits text into what a reader takes for a letter: a rune with its accents, joiners and variation selectors.
func clusters(s string) []string {
	var out []string
	joined := false
	for _, r := range s {
		mark := unicode.In(r, unicode.M, unicode.Cf) || r >= 0x1f3fb && r <= 0x1f3ff // skin tones
		if n := len(out); n > 0 && (mark || joined) {
			out[n-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		joined = r == 0x200d
	}
	return out
}

// silent are runes that need no glyph.
func silent(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Variation_Selector) }

// blank are runes that are drawn as a space.
func blank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// ownLetters remembers what ownHas has found.
var ownLetters sync.Map

// ownHas is hasAll of the figures' own font, whose letters are measured many times for a figure.
func ownHas(f *opentype.Font, cluster string) bool {
	key := struct {
		font    *opentype.Font
		cluster string
	}{f, cluster}
	has, ok := ownLetters.Load(key)
	if !ok {
		has, _ = ownLetters.LoadOrStore(key, hasAll(f, cluster))
	}
	return has.(bool)
}

// hasAll reports whether a font has a drawing for all that is to be seen of a text.
func hasAll(f *opentype.Font, s string) bool {
	var buf sfnt.Buffer
	for _, r := range s {
		if silent(r) || blank(r) {
			continue
		}
		glyph, err := f.GlyphIndex(&buf, r)
		if err != nil || glyph == 0 {
			return false
		}
		if _, err := f.LoadGlyph(&buf, glyph, 64, nil); err != nil { // a coloured bitmap
			return false
		}
	}
	return true
}

// visible leaves out what needs no glyph and has none.
func visible(f *opentype.Font, s string) string {
	var buf sfnt.Buffer
	return strings.Map(func(r rune) rune {
		if glyph, err := f.GlyphIndex(&buf, r); err == nil && glyph != 0 {
			return r
		}
		if blank(r) {
			return ' '
		}
		return -1
	}, s)
}

// visual puts a line into the order in which it is drawn from left to right. Numbers within a line of Hebrew or Arabic stay where they
// are read.
func visual(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x590 }) {
		return s
	}
	var p bidi.Paragraph
	if _, err := p.SetString(s); err != nil {
		return s
	}
	order, err := p.Order()
	if err != nil {
		return s
	}
	var out []string
	for i := range order.NumRuns() {
		run := order.Run(i)
		text := run.String()
		if run.Direction() == bidi.RightToLeft {
			text = ""
			for _, c := range clusters(run.String()) {
				if len([]rune(c)) == 1 {
					c = bidi.ReverseString(c) // turns brackets
				}
				text = c + text
			}
		}
		if order.Direction() == bidi.RightToLeft {
			out = append([]string{text}, out...)
		} else {
			out = append(out, text)
		}
	}
	return strings.Join(out, "")
}
