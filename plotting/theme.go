package plotting

import (
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Theme is the size and the letters of a figure for one kind of reader. The zero value is that of notebooks and reports.
type Theme struct {
	Name   string
	Serif  bool      // Liberation Serif, as wide as Times; otherwise Liberation Sans, as wide as Arial
	Scale  float64   // of letters, lines and markers; 1 is letters of 10 points. Zero is 1
	Single vg.Length // the width of a figure of one panel
	Full   vg.Length // that of a row of panels, and of one that is wider than a panel by itself
	Height vg.Length // of a figure that has none of its own
	DPI    int       // of PNG
}

// Paper is a figure in a NeurIPS paper: one column of text 5.5 inches wide, set in Times of 10 points. A figure of one panel is half as wide, a
// row fills the column; letters have 8 points, as the paper's captions have at least.
func Paper() Theme {
	return Theme{Name: "paper", Serif: true, Scale: 0.8, Single: 2.7 * vg.Inch, Full: 5.5 * vg.Inch, Height: 1.9 * vg.Inch, DPI: 300}
}

// Slides is a figure on a wide slide of 13.3 × 7.5 inches, with letters of 18 points that a last row can read.
func Slides() Theme {
	return Theme{Name: "slides", Scale: 1.8, Single: 8.5 * vg.Inch, Full: 12.3 * vg.Inch, Height: 5.2 * vg.Inch, DPI: 144}
}

// Themes lists the themes beside the usual one.
func Themes() []Theme { return []Theme{Paper(), Slides()} }

// In is the figure in a theme, whose width it takes; a height of its own keeps its proportion. The figure itself stays as it is.
func (f *Figure) In(t Theme) *Figure {
	out := *f
	out.theme = t
	w, _ := f.native()
	width := t.Single
	if len(f.panels) > 0 || w > 1.2*defaultWidth {
		width = t.Full
	}
	out.Width = width / t.scale()
	if f.Height != 0 {
		out.Height = f.Height * out.Width / w
	}
	out.panels = nil
	for _, p := range f.panels {
		panel := *p
		panel.theme = t
		out.panels = append(out.panels, &panel)
	}
	return &out
}

func (t Theme) scale() vg.Length {
	if t.Scale == 0 {
		return 1
	}
	return vg.Length(t.Scale)
}

// height is that of a figure without its own, before the scale.
func (t Theme) height() vg.Length {
	if t.Height == 0 {
		return defaultHeight
	}
	return t.Height / t.scale()
}

// dpi is the resolution at which PNG is drawn before the scale.
func (t Theme) dpi() int {
	if t.DPI == 0 {
		return pngDPI
	}
	return int(float64(t.DPI)*float64(t.scale()) + 0.5)
}

// textStyle is that of a size before the scale, in the theme's letters.
func (t Theme) textStyle(size vg.Length, bold bool) text.Style {
	s := textStyle(size, bold)
	if t.Serif {
		s.Font.Variant = font.Variant("Serif")
	}
	return s
}
