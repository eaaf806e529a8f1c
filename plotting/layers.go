package plotting

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"math"
)

// Layers draws curves over the layers of a network: E[1 − cos_α] with E[1 − cos_{A,B}] as BaselineStyle (the paper's
// Figures 2, 3 and 4), or coef_α with Reference at 1. Point i of every series stands at names[i], whatever its x. Errors,
// the std over samples, are drawn as bars, cut off at the axis.
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

func (l *layers) scales(f *Figure, size vg.Point) (x, y scale, err error) {
	y, err = f.yScale(ySpan(f, l.curves), size.Y)
	return layerScale(l.names), y, err
}

func (l *layers) plot(f *Figure, x, y scale, p *plot.Plot) {
	w, _ := f.Size()
	w = dataWidth(p, w)
	layerTicks(p, l.names, w)
	for _, v := range f.Reference {
		p.Add(reference{v, y})
	}
	n := len(l.curves)
	slot := w / vg.Length(len(l.names))
	step := min(3.4, 0.6*slot/vg.Length(n))
	if !hasErrors(l.curves) {
		step = 0
	}
	for i, c := range l.curves {
		p.Add(stroke{curve: c, x: x, y: y, bars: true, shift: (vg.Length(i) - vg.Length(n-1)/2) * step})
	}
}

func (l *layers) deeper(width vg.Length) vg.Length { return upright(l.names, width) }

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
