package plotting

import (
	"fmt"
	"math"
	"slices"

	"layerwise/internal/finite"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sample is one named set of values, one per data point: Dist_σ(x_i) at a layer.
type Sample struct {
	Name   string
	Values []float64 // in any order; copied. NaN (no value for this data point) is left out
	Style  Style     // zero: the palette's next
}

// ecdfSteps bounds the steps drawn and tabled for one sample. A step is then 0.4 % high, under the width of its line.
const ecdfSteps = 256

// ECDF draws the share of values at or below x against x, for each sample. Of more than 256 values the steps at evenly
// spaced ranks are drawn and kept in the table, exact at those ranks.
func ECDF(title, xlabel string, samples ...Sample) (*Figure, error) {
	if len(samples) == 0 {
		return nil, fmt.Errorf("plotting: ECDF needs at least one sample, got none")
	}
	e := &ecdf{curves: make([]curve, len(samples))}
	palette := 0
	for i, s := range samples {
		var values []float64
		for _, v := range s.Values {
			if finite.Is(v) {
				values = append(values, v)
			} else if math.IsInf(v, 0) {
				return nil, fmt.Errorf("plotting: ECDF: sample %s holds %v", label(s.Name, i), v)
			}
		}
		if len(values) == 0 {
			return nil, fmt.Errorf("plotting: ECDF: sample %s has no values (%d were NaN)", label(s.Name, i), len(s.Values))
		}
		slices.Sort(values)
		c := curve{name: s.Name, style: s.Style.resolve(&palette)}
		n := len(values)
		steps := min(n, ecdfSteps)
		for k := 1; k <= steps; k++ {
			rank := (k*n + steps - 1) / steps // 1-based, the last is n
			if rank < n && values[rank] == values[rank-1] {
				continue // not the last of equal values
			}
			c.points = append(c.points, point{values[rank-1], float64(rank) / float64(n), math.NaN(), math.NaN()})
		}
		e.curves[i] = c
	}
	return &Figure{Title: title, XLabel: xlabel, YLabel: "fraction of samples", content: e}, nil
}

type ecdf struct{ curves []curve }

func (e *ecdf) legend() []entry { return entriesOf(e.curves, false) }

func (e *ecdf) scales(f *Figure, size vg.Point) (x, y scale, err error) {
	s := newSpan(f.floor())
	for _, c := range e.curves {
		for _, p := range c.points {
			s.add(p.x)
		}
	}
	switch {
	case f.LogX && s.min < -f.floor():
		return x, y, fmt.Errorf("plotting: figure %q has negative values (least %.3g) on a logarithmic axis", f.Title, s.min)
	case f.LogX:
		x = logarithmic(s, false)
	default:
		pad := 0.03 * (s.max - s.min)
		lo := s.min - pad
		if s.min >= 0 && s.min < 0.3*s.max {
			lo = 0
		}
		x = linear(lo, s.max+pad, max(2, int(size.X/(2*vg.Centimeter))), false)
	}
	y = linear(0, 1, 4, f.Percent)
	y.max = 1.03
	return x, y, nil
}

func (e *ecdf) plot(f *Figure, x, y scale, p *plot.Plot) {
	for i, c := range e.curves {
		p.Add(steps{c, x, i})
	}
}

func (e *ecdf) deeper(*Figure, vg.Length) vg.Length { return 0 }

func (e *ecdf) table(digits int) Table {
	t := curveTable("value", e.curves, nil, digits)
	t.Headers[2] = "fraction" // of values at or below
	return t
}

// steps draws an ECDF, from 0 at the left edge to 1 at the right, with a few markers to tell it from others in grey.
type steps struct {
	curve
	x     scale
	index int
}

func (s steps) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	pts := []vg.Point{{X: c.Min.X, Y: ty(0)}}
	for _, q := range s.points {
		x := tx(s.x.at(q.x))
		pts = append(pts, vg.Point{X: x, Y: pts[len(pts)-1].Y}, vg.Point{X: x, Y: ty(q.y)})
	}
	pts = append(pts, vg.Point{X: c.Max.X, Y: ty(1)})
	c.StrokeLines(s.style.line(), c.ClipLinesXY(pts)...)
	next := 0.12 + 0.05*float64(s.index%4)
	for _, q := range s.points {
		if q.y >= next {
			c.DrawGlyph(s.style.glyph(), vg.Point{X: tx(s.x.at(q.x)), Y: ty(q.y)})
			next = q.y + 0.2
		}
	}
}
