package plotting

import (
	"fmt"
	"image/color"
	"math"
	"testing"
)

// lab returns CIE L*a*b* (D65) of linear RGB.
func lab(c [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*c[0] + 0.3575761*c[1] + 0.1804375*c[2]) / 0.95047)
	y := f(0.2126729*c[0] + 0.7151522*c[1] + 0.0721750*c[2])
	z := f((0.0193339*c[0] + 0.1191920*c[1] + 0.9503041*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func linearRGB(c color.Color) [3]float64 {
	r, g, b, _ := c.RGBA()
	var out [3]float64
	for i, v := range []uint32{r, g, b} {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			out[i] = s / 12.92
		} else {
			out[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return out
}

// Colours as seen with full colour blindness of each kind: Machado, Oliveira, Fernandes (2009), severity 1, linear RGB.
var vision = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func seen(m [3][3]float64, c [3]float64) [3]float64 {
	var out [3]float64
	for i := range 3 {
		out[i] = min(1, max(0, m[i][0]*c[0]+m[i][1]*c[1]+m[i][2]*c[2]))
	}
	return out
}

// What StyleOf promises: the palette's six colours and the baseline's black are apart in grey and for every vision.
func TestPalette(t *testing.T) {
	colors := []color.Color{BaselineStyle().Color}
	for i := range 6 {
		colors = append(colors, StyleOf(i).Color)
	}
	for i, a := range colors {
		for j, b := range colors[:i] {
			grey := math.Abs(lab(linearRGB(a))[0] - lab(linearRGB(b))[0])
			if grey < 9 {
				t.Errorf("colours %d and %d: %.1f L* apart in grey, want ≥ 9", j, i, grey)
			}
			for name, m := range vision {
				p, q := lab(seen(m, linearRGB(a))), lab(seen(m, linearRGB(b)))
				if d := math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2])); d < 20 {
					t.Errorf("colours %d and %d: ΔE %.1f apart with %s, want ≥ 20", j, i, d, name)
				}
			}
		}
		if i > 0 { // on white paper
			if l := lab(linearRGB(a))[0]; l > 78 {
				t.Errorf("colour %d has L* %.0f: too light for a line on white", i, l)
			}
		}
	}
}

func TestStylesDiffer(t *testing.T) {
	name := func(s Style) string { return fmt.Sprintf("%v %v %T", s.Color, s.Dashes, s.Marker) }
	seen := map[string]int{name(BaselineStyle()): -1}
	for i := range 84 {
		if j, ok := seen[name(StyleOf(i))]; ok {
			t.Errorf("styles %d and %d are the same", j, i)
		}
		seen[name(StyleOf(i))] = i
	}
	// Neighbours differ even without colour, by dashes and by marker.
	for i := range 12 {
		a, b := StyleOf(i), StyleOf(i+1)
		if fmt.Sprint(a.Dashes) == fmt.Sprint(b.Dashes) || fmt.Sprintf("%T", a.Marker) == fmt.Sprintf("%T", b.Marker) {
			t.Errorf("styles %d and %d differ by colour alone", i, i+1)
		}
	}
	if StyleOf(-3).Color != StyleOf(0).Color {
		t.Error("a negative index must not panic nor invent a colour")
	}
}

// A series with a colour of its own uses up no palette entry.
func TestStyleOrder(t *testing.T) {
	next := 0
	first := Style{}.resolve(&next)
	BaselineStyle().resolve(&next)
	second := Style{}.resolve(&next)
	if first.Color != StyleOf(0).Color || second.Color != StyleOf(1).Color {
		t.Errorf("got %v and %v", first.Color, second.Color)
	}
	if own := (Style{Color: color.White}).resolve(&next); own.Marker == nil || own.Dashes != nil || next != 2 {
		t.Errorf("own colour resolved to %+v after %d", own, next)
	}
}
