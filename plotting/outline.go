package plotting

import (
	"fmt"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// outlined is a canvas that fills the outlines of letters where it is asked to write them. gonum's PDF canvas encodes
// text as Windows-1252, which has no α.
type outlined struct {
	vg.Canvas
	buf sfnt.Buffer
	err error // the first letter that could not be drawn
}

func (o *outlined) FillString(f font.Face, pt vg.Point, s string) {
	em := fixed.Int26_6(f.Face.UnitsPerEm()) // one font unit is 1/64 pixel: exact
	unit := f.Font.Size / vg.Length(em)
	fail := func(err error) {
		if o.err == nil {
			o.err = fmt.Errorf("plotting: text %q: %w", s, err)
		}
	}
	var path vg.Path
	x := pt.X
	previous := sfnt.GlyphIndex(0)
	for i, r := range s {
		glyph, err := f.Face.GlyphIndex(&o.buf, r)
		if err != nil {
			fail(err)
			return
		}
		if i > 0 {
			if kern, err := f.Face.Kern(&o.buf, previous, glyph, em, 0); err == nil { // no kerning table: no kerning
				x += vg.Length(kern) * unit
			}
		}
		segments, err := f.Face.LoadGlyph(&o.buf, glyph, em, nil)
		if err != nil {
			fail(err)
			return
		}
		at := func(p fixed.Point26_6) vg.Point { // font's y points down
			return vg.Point{X: x + vg.Length(p.X)*unit, Y: pt.Y - vg.Length(p.Y)*unit}
		}
		for k, g := range segments {
			switch g.Op {
			case sfnt.SegmentOpMoveTo:
				if k > 0 {
					path.Close()
				}
				path.Move(at(g.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(at(g.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(at(g.Args[0]), at(g.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(at(g.Args[0]), at(g.Args[1]), at(g.Args[2]))
			}
		}
		if len(segments) > 0 {
			path.Close()
		}
		advance, err := f.Face.GlyphAdvance(&o.buf, glyph, em, 0)
		if err != nil {
			fail(err)
			return
		}
		x += vg.Length(advance) * unit
		previous = glyph
	}
	if len(path) > 0 {
		o.Fill(path)
	}
}
