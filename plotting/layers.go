package plotting

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Layers draws curves over the layers of a network: E[1 − cos_α] with E[1 − cos_{A,B}] as BaselineStyle (the paper's
// Figures 2, 3 and 4), or coef_α with Reference at 1. Point i of every series stands at names[i], whatever its x. Errors,
// the std over samples, are drawn as bars, cut off at the axis. Set Joined where names of several kinds stand among one another, so that
// a line joins those of one kind only.
func Layers(title, ylabel string, names []string, series ...Series) (*Figure, error) {
	curves, err := byLayer("Layers", names, series)
	if err != nil {
		return nil, err
	}
	return &Figure{Title: title, YLabel: ylabel, content: &layers{append([]string(nil), names...), curves}}, nil
}

type layers struct {
	names  []string
	curves []curve
}

func (l *layers) legend() []entry { return entriesOf(l.curves, false) }

// drawn returns the names along x and, for every curve, the lines that it is drawn as.
func (l *layers) drawn(f *Figure) (names []string, lines [][]curve) {
	if f.Joined == nil {
		for _, c := range l.curves {
			lines = append(lines, []curve{c})
		}
		return l.names, lines
	}
	at := slices.Sorted(slices.Values(slices.Concat(f.Joined...)))
	for _, i := range at {
		names = append(names, l.names[i])
	}
	for _, c := range l.curves {
		var parts []curve
		for _, joined := range f.Joined {
			part := curve{name: c.name, style: c.style}
			for _, i := range slices.Sorted(slices.Values(joined)) {
				p := c.points[i]
				x, _ := slices.BinarySearch(at, i)
				p.x = float64(x)
				part.points = append(part.points, p)
			}
			parts = append(parts, part)
		}
		lines = append(lines, parts)
	}
	return names, lines
}

// checkJoined reports a Joined that no drawing can follow.
func (f *Figure) checkJoined() error {
	if f.Joined == nil {
		return nil
	}
	l, ok := f.content.(*layers)
	if !ok {
		return fmt.Errorf("plotting: figure %q: Joined is for figures made by Layers", f.Title)
	}
	seen := make([]bool, len(l.names))
	for _, joined := range f.Joined {
		for _, i := range joined {
			if i < 0 || i >= len(seen) || seen[i] {
				return fmt.Errorf("plotting: figure %q: Joined %v; give each of the names 0 to %d once at most", f.Title, f.Joined, len(seen)-1)
			}
			seen[i] = true
		}
	}
	if _, lines := l.drawn(f); !slices.ContainsFunc(slices.Concat(lines...), curve.drawn) {
		return fmt.Errorf("plotting: figure %q: no series has a finite value at the names in Joined", f.Title)
	}
	return nil
}

func (l *layers) scales(f *Figure, size vg.Point) (x, y scale, err error) {
	names, lines := l.drawn(f)
	y, err = f.yScale(ySpan(f, slices.Concat(lines...)), size.Y)
	return layerScale(names), y, err
}

func (l *layers) plot(f *Figure, x, y scale, p *plot.Plot) {
	w, _ := f.native()
	w = dataWidth(p, w)
	names, lines := l.drawn(f)
	layerTicks(p, names, w)
	for _, v := range f.Reference {
		p.Add(reference{v, y})
	}
	n := len(lines)
	slot := w / vg.Length(len(names))
	step := min(3.4, 0.6*slot/vg.Length(n))
	if !hasErrors(slices.Concat(lines...)) {
		step = 0
	}
	for i, parts := range lines {
		for _, c := range parts {
			p.Add(stroke{curve: c, x: x, y: y, bars: true, shift: (vg.Length(i) - vg.Length(n-1)/2) * step})
		}
	}
}

func (l *layers) deeper(f *Figure, width vg.Length) vg.Length {
	if f.checkJoined() != nil {
		return 0
	}
	names, _ := l.drawn(f)
	return upright(names, width)
}

func (l *layers) table(digits int) Table { return curveTable("layer", l.curves, l.names, digits) }

func layerScale(names []string) scale {
	s := scale{min: -0.5, max: float64(len(names)) - 0.5}
	for i, n := range names {
		s.ticks = append(s.ticks, plot.Tick{Value: float64(i), Label: n})
	}
	return s
}

// upright returns the length of the longest name if the names do not fit side by side in the width, else 0.
func upright(names []string, width vg.Length) vg.Length {
	style := textStyle(fontSize, false)
	widest := vg.Length(0)
	for _, n := range names {
		widest = max(widest, style.Width(n))
	}
	if (widest+4)*vg.Length(len(names)) <= width {
		return 0
	}
	return widest
}

// layerTicks writes the layer names along x: level if they fit, else upright, and then every second, third, … if there
// are more than have room. A name left out keeps its tick.
func layerTicks(p *plot.Plot, names []string, width vg.Length) {
	if upright(names, width) == 0 {
		return
	}
	p.X.Tick.Label.Rotation = math.Pi / 2
	p.X.Tick.Label.XAlign = draw.XRight
	p.X.Tick.Label.YAlign = -0.4 // as in build, the middle of letters and not of their line
	every := int(math.Ceil(float64(1.08 * fontSize * vg.Length(len(names)) / width)))
	ticks := layerScale(names).ticks
	for i := range ticks {
		if i%every != 0 {
			ticks[i].Label = ""
		} else {
			ticks[i].Label += " " // gonum raises every label by its descent, these into the axis
		}
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
}

// dataWidth estimates the width left for data in a figure of the given width.
func dataWidth(p *plot.Plot, width vg.Length) vg.Length {
	label := vg.Length(0)
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		label = max(label, p.Y.Tick.Label.Width(t.Label))
	}
	if p.Y.Label.Text != "" {
		label += 1.5 * fontSize
	}
	return width - 2*margin - 2 - label - 8
}
