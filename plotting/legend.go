package plotting

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry is one name in a legend with the sample of line, marker or bar it explains.
type entry struct {
	name  string
	style Style
	bar   bool
}

const (
	sample      = vg.Length(25) // width of the line beside a name: long enough for two periods of any dash
	entryGap    = vg.Length(13)
	entryHeight = 1.35 * fontSize
)

// entriesOf returns the legend of curves; none if no curve has a name.
func entriesOf(curves []curve, bar bool) []entry {
	var out []entry
	for _, c := range curves {
		if c.name != "" {
			out = append(out, entry{c.name, c.style, bar})
		}
	}
	return out
}

// flow sets the entries in lines between x = left and the right edge, downwards from y, outside the data so as never to
// cover it, and returns the y below them.
func (t Theme) flow(c draw.Canvas, left, y vg.Length, entries []entry, ink bool) vg.Length {
	if len(entries) == 0 {
		return y
	}
	style := t.textStyle(fontSize, false)
	x := left
	for _, e := range entries {
		sampleWidth := sample
		if e.bar {
			sampleWidth = 11
		}
		w := sampleWidth + 4 + style.Width(e.name)
		if x > left && x+w > c.Max.X {
			x, y = left, y-entryHeight
		}
		if ink {
			mid := y - entryHeight/2
			if e.bar {
				box(&c, e.style, x, mid-4, x+sampleWidth, mid+4)
			} else {
				c.StrokeLine2(e.style.line(), x, mid, x+sampleWidth, mid)
				c.DrawGlyphNoClip(e.style.glyph(), vg.Point{X: x + sampleWidth/2, Y: mid})
			}
			c.FillText(style, vg.Point{X: x + sampleWidth + 4, Y: y + style.FontExtents().Descent - 0.5}, e.name)
		}
		x += w + entryGap
	}
	return y - entryHeight
}
