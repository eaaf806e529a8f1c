package plotting

import (
	"math"
	"strconv"
	"strings"

	"layerwise/internal/finite"

	"gonum.org/v1/plot"
)

// span gathers what an axis must show: the extent of all values, and of the positive ones above the floor.
type span struct {
	min, max         float64 // all values, errors included
	minPos           float64 // the smallest value above floor: what a logarithmic axis must reach down to
	floor            float64
	floored, nonzero bool // some value is at or below floor; some such value is not exactly 0
}

func newSpan(floor float64) span {
	return span{min: math.Inf(1), max: math.Inf(-1), minPos: math.Inf(1), floor: floor}
}

func (s *span) add(v float64) {
	if !finite.Is(v) {
		return
	}
	s.min, s.max = math.Min(s.min, v), math.Max(s.max, v)
	switch {
	case v > s.floor:
		s.minPos = math.Min(s.minPos, v)
	default:
		s.floored = true
		s.nonzero = s.nonzero || v != 0
	}
}

// addExtent widens the axis by an error bar's end, which never decides where a logarithmic axis begins.
func (s *span) addExtent(v float64) {
	if finite.Is(v) {
		s.min, s.max = math.Min(s.min, v), math.Max(s.max, v)
	}
}

// scale is an axis: its range, its ticks and, if logarithmic, what becomes of values at or below the floor. Range and
// ticks of a logarithmic axis are in powers of ten: to gonum it is linear (whose LogScale misplaces axis labels).
type scale struct {
	min, max float64
	ticks    []plot.Tick
	log      bool
	floor    float64
	broken   bool // values at or below floor are drawn at min, which is labelled 0
}

// at returns the place of v on the axis.
func (s scale) at(v float64) float64 {
	switch {
	case !s.log:
		return v
	case v <= s.floor:
		return s.min
	}
	return math.Log10(v)
}

func (s scale) apply(a *plot.Axis) {
	a.Min, a.Max = s.min, s.max
	a.Tick.Marker = plot.ConstantTicks(s.ticks)
}

// linear makes an axis over [lo, hi] with about n ticks at multiples of 1, 2, 2.5 or 5 times a power of ten.
func linear(lo, hi float64, n int, percent bool) scale {
	if hi <= lo {
		d := math.Max(math.Abs(lo)*0.1, 1e-9)
		lo, hi = lo-d, hi+d
	}
	step := niceStep((hi - lo) / float64(n))
	s := scale{min: lo, max: hi}
	format := step
	if percent {
		format *= 100
	}
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step; k++ {
		v := k * step
		text := number(v, format)
		if percent {
			text = number(100*v, format) + "%"
		}
		s.ticks = append(s.ticks, plot.Tick{Value: v, Label: text})
	}
	return s
}

func niceStep(raw float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*p >= raw*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// number writes v with the decimals a tick step asks for.
func number(v, step float64) string {
	if step < 1e-4 || step >= 1e5 {
		if math.Abs(v) < step/2 {
			return "0"
		}
		return minus(compact(strconv.FormatFloat(v, 'g', 4, 64)))
	}
	decimals := 0
	for s := step; decimals < 6 && math.Abs(s-math.Round(s)) > 1e-6*step; decimals++ {
		s *= 10
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	return minus(text)
}

// minus writes a minus sign as wide as a digit's plus.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// compact drops the leading zero of an exponent: 1e-05 becomes 1e-5.
func compact(s string) string {
	mantissa, exp, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	sign := strings.TrimRight(exp[:1], "+")
	return mantissa + "e" + sign + strings.TrimLeft(exp[1:], "0")
}

// logarithmic makes an axis from the smallest value above the floor to the largest. If there are values at or below the
// floor it begins a little lower, at a tick called 0 (≈ 0 if one of them is not exactly 0) where they are drawn.
func logarithmic(s span, percent bool) scale {
	lo, hi := s.minPos, s.max
	if math.IsInf(lo, 1) { // nothing but zeros
		lo, hi = 0.1, 1
	}
	out := scale{log: true, floor: s.floor, broken: s.floored, max: hi * 1.25, min: lo / 1.5}
	if s.floored {
		out.min = lo / math.Pow(10, 0.35+0.08*math.Log10(hi/lo))
		text := "0"
		if s.nonzero {
			text = "≈0"
		}
		out.ticks = append(out.ticks, plot.Tick{Value: out.min, Label: text})
		lo /= 1.15 // no tick between the break and the data
	} else {
		lo = out.min
	}
	first, last := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(out.max)))
	decades := math.Log10(out.max / lo)
	every := 1 + int(decades)/6
	for e := first; e <= last; e++ {
		for m := 1; m <= 9; m++ {
			v := float64(m) * math.Pow(10, float64(e))
			if v < lo || v > out.max {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 && e%every == 0 || decades < 2.2 && (m == 2 || m == 5) || decades < 0.7 {
				t.Label = logLabel(v, percent)
			}
			if t.Label != "" || every == 1 {
				out.ticks = append(out.ticks, t)
			}
		}
	}
	out.min, out.max = math.Log10(out.min), math.Log10(out.max)
	for i := range out.ticks {
		out.ticks[i].Value = math.Log10(out.ticks[i].Value)
	}
	return out
}

func logLabel(v float64, percent bool) string {
	unit := ""
	if percent {
		v, unit = 100*v, "%"
	}
	digit := strconv.FormatFloat(v, 'e', 0, 64) // ticks have one digit; the rest is rounding
	if v < 0.99e-4 || v > 1.01e5 {
		return minus(compact(digit)) + unit
	}
	v, _ = strconv.ParseFloat(digit, 64)
	return strconv.FormatFloat(v, 'f', -1, 64) + unit
}
