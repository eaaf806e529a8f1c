package plotting

import (
	"fmt"
	"math"
	"slices"

	"layerwise/internal/finite"

	"gonum.org/v1/plot/plotter"
)

// Series is one named curve, or one colour of bars.
type Series struct {
	Name string // shown in the legend; a figure whose names are all empty has none

	// Data gives the points, copied when the figure is made. If it is a plotter.YErrorer too, its errors (distances from y,
	// both ≥ 0 in value) are drawn: a band in Lines, bars in Layers and Bars. A point or an error that is NaN or infinite is
	// left out of the drawing, with a gap, and kept in the table.
	Data plotter.XYer

	Style Style // zero: the palette's next
}

type point struct{ x, y, low, high float64 } // low and high are distances from y, NaN if there is no error

func (p point) drawn() bool { return finite.Is(p.x) && finite.Is(p.y) }

func (p point) hasError() bool { return finite.Is(p.low) && finite.Is(p.high) }

// curve is a Series copied and checked, its style settled.
type curve struct {
	name   string
	points []point
	style  Style
}

// drawn reports whether any point of the curve is drawn.
func (c curve) drawn() bool { return slices.ContainsFunc(c.points, point.drawn) }

// copySeries returns the series' points; kind names the figure in errors.
func copySeries(kind string, series []Series) ([]curve, error) {
	if len(series) == 0 {
		return nil, fmt.Errorf("plotting: %s needs at least one series, got none", kind)
	}
	curves := make([]curve, len(series))
	palette := 0
	for i, s := range series {
		if s.Data == nil || s.Data.Len() == 0 {
			return nil, fmt.Errorf("plotting: %s: series %s has no points", kind, label(s.Name, i))
		}
		c := curve{name: s.Name, points: make([]point, s.Data.Len()), style: s.Style.resolve(&palette)}
		errs, _ := s.Data.(plotter.YErrorer)
		some := false
		for k := range c.points {
			p := point{low: math.NaN(), high: math.NaN()}
			p.x, p.y = s.Data.XY(k)
			if errs != nil {
				p.low, p.high = errs.YError(k)
				p.low, p.high = math.Abs(p.low), math.Abs(p.high)
			}
			c.points[k] = p
			some = some || p.drawn()
		}
		if !some {
			return nil, fmt.Errorf("plotting: %s: series %s has no finite point among its %d; all are NaN or infinite",
				kind, label(s.Name, i), len(c.points))
		}
		curves[i] = c
	}
	return curves, nil
}

// byLayer is copySeries for figures over named layers: point i of every series stands at names[i], at x = i.
func byLayer(kind string, names []string, series []Series) ([]curve, error) {
	curves, err := copySeries(kind, series)
	if err != nil {
		return nil, err
	}
	for i, c := range curves {
		if len(c.points) != len(names) {
			return nil, fmt.Errorf("plotting: %s: series %s has %d points for %d layer names; give NaN where a layer has no value",
				kind, label(c.name, i), len(c.points), len(names))
		}
		for k := range c.points {
			c.points[k].x = float64(k)
		}
	}
	return curves, nil
}

func label(name string, i int) string {
	if name == "" {
		return fmt.Sprintf("number %d (unnamed)", i+1)
	}
	return fmt.Sprintf("%q", name)
}

// segments splits points at those that cannot be drawn.
func segments(points []point) [][]point {
	var out [][]point
	start := 0
	for i := 0; i <= len(points); i++ {
		if i < len(points) && points[i].drawn() {
			continue
		}
		if i > start {
			out = append(out, points[start:i])
		}
		start = i + 1
	}
	return out
}

// hasErrors reports whether any point has an error other than zero.
func hasErrors(curves []curve) bool {
	for _, c := range curves {
		for _, p := range c.points {
			if p.hasError() && (p.low > 0 || p.high > 0) {
				return true
			}
		}
	}
	return false
}
