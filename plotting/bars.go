package plotting

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars draws a group of bars at every layer: Dist_com, Dist_W and Dist_H (the paper's Figure 7). Point i of every series
// stands at names[i]. An exact zero is drawn as a line on the axis with a 0 above it; NaN leaves its place empty.
func Bars(title, ylabel string, names []string, series ...Series) (*Figure, error) {
	curves, err := byLayer("Bars", names, series)
	if err != nil {
		return nil, err
	}
	return &Figure{Title: title, YLabel: ylabel, content: &bars{append([]string(nil), names...), curves}}, nil
}

type bars struct {
	names  []string
	curves []curve
}

func (b *bars) legend() []entry { return entriesOf(b.curves, true) }

func (b *bars) scales(f *Figure, size vg.Point) (x, y scale, err error) {
	y, err = f.yScale(ySpan(f, b.curves), size.Y)
	return layerScale(b.names), y, err
}

func (b *bars) plot(f *Figure, x, y scale, p *plot.Plot) {
	w, _ := f.native()
	layerTicks(p, b.names, dataWidth(p, w))
	for _, v := range f.Reference {
		p.Add(reference{v, y})
	}
	p.Add(groups{b.curves, y, f.theme})
}

func (b *bars) deeper(_ *Figure, width vg.Length) vg.Length { return upright(b.names, width) }

func (b *bars) table(digits int) Table { return curveTable("layer", b.curves, b.names, digits) }

type groups struct {
	curves []curve
	y      scale
	theme  Theme
}

const groupWidth = 0.8 // of the space of a layer

func (g groups) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	width := groupWidth / float64(len(g.curves))
	base := c.Min.Y
	if !g.y.log && g.y.min < 0 {
		base = ty(0)
	}
	for i, s := range g.curves {
		for _, q := range s.points {
			if !q.drawn() {
				continue
			}
			left := q.x - groupWidth/2 + float64(i)*width
			x0, x1 := tx(left+0.06*width), tx(left+0.94*width)
			mid := (x0 + x1) / 2
			if g.y.log && q.y <= g.y.floor || q.y == 0 {
				c.StrokeLine2(draw.LineStyle{Color: s.style.Color, Width: 2}, x0, base+1, x1, base+1)
				if q.y == 0 && x1-x0 > 5 {
					zero := g.theme.textStyle(0.8*fontSize, false)
					zero.XAlign, zero.YAlign, zero.Color = draw.XCenter, draw.YBottom, s.style.Color
					c.FillText(zero, vg.Point{X: mid, Y: base + 4.5}, "0")
				}
				continue
			}
			top := min(max(ty(g.y.at(q.y)), c.Min.Y), c.Max.Y)
			box(&c, s.style, x0, base, x1, top)
			if q.hasError() {
				low, high := max(ty(g.y.at(q.y-q.low)), c.Min.Y), min(ty(g.y.at(q.y+q.high)), c.Max.Y)
				c.StrokeLine2(draw.LineStyle{Color: color.White, Width: 2.6}, mid, low, mid, min(high, top))
				c.StrokeLine2(draw.LineStyle{Color: ink, Width: 1}, mid, low, mid, high)
			}
		}
	}
}

// box is a bar: filled, with a dark outline that holds light colours in print.
func box(c *draw.Canvas, s Style, x0, y0, x1, y1 vg.Length) {
	pts := []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
	c.FillPolygon(s.Color, pts)
	c.StrokeLines(draw.LineStyle{Color: ink, Width: 0.5}, append(pts, pts[0]))
}
