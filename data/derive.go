package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Data sets made of another one: other tasks on pictures that are at hand. Each is named after what it was made of and how, its normalisation
// is that of the original, and it is the same on every machine.

// Only returns the samples of some classes, which become the classes 0, 1, … in the order given.
func (s *Set) Only(classes ...string) (*Set, error) {
	if len(classes) < 2 {
		return nil, fmt.Errorf("data: %s: %d classes %q to keep, expected at least 2", s, len(classes), classes)
	}
	label := map[int32]int32{}
	name := s.Name + "-only"
	for i, c := range classes {
		at := slices.Index(s.Classes, c)
		if at < 0 {
			return nil, fmt.Errorf("data: %s has no class %q; it has %q", s, c, s.Classes)
		}
		if _, twice := label[int32(at)]; twice {
			return nil, fmt.Errorf("data: %s: the class %q is named twice", s, c)
		}
		label[int32(at)] = int32(i)
		name += "-" + c
	}
	var at []int
	for i, l := range s.Labels {
		if _, ok := label[l]; ok {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("data: %s has no sample of %q", s, classes)
	}
	out := s.pick(at)
	for i, l := range out.Labels {
		out.Labels[i] = label[l]
	}
	out.Name, out.Classes = name, slices.Clone(classes)
	out.SHA256 = out.Checksum()
	return out, nil
}

// Relabelled returns the same pictures with the classes' names shuffled, none of which stays with its pictures. The same seed shuffles all
// splits alike.
func (s *Set) Relabelled(seed int64) (*Set, error) {
	n := len(s.Classes)
	if n < 2 {
		return nil, fmt.Errorf("data: %s has %d classes; labels can be exchanged from 2 on", s, n)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), streamLabels))
	to := rng.Perm(n)
	for slices.ContainsFunc(to, func(l int) bool { return to[l] == l }) {
		rng.Shuffle(n, func(i, j int) { to[i], to[j] = to[j], to[i] })
	}
	out := s.like("relabelled"+strconv.FormatInt(seed, 10), "class names shuffled")
	out.Labels = slices.Clone(s.Labels)
	for i, l := range out.Labels {
		out.Labels[i] = int32(to[l])
	}
	out.SHA256 = out.Checksum()
	return out, nil
}

// Inverted returns the pictures with black and white exchanged.
func (s *Set) Inverted() *Set {
	most := uint8(s.Max)
	return s.redrawn("inverted", "black and white exchanged", func(to, from []uint8) {
		for i, v := range from {
			to[i] = most - min(v, most)
		}
	})
}

// Rotated returns the pictures turned counter-clockwise about their middle by an angle in degrees; what comes in from outside is black.
// Between pixels it is bilinear; multiples of 90° of square pictures move whole pixels.
func (s *Set) Rotated(degrees float64) (*Set, error) {
	if !(math.Abs(degrees) <= 360) {
		return nil, fmt.Errorf("data: %s turned by %g degrees; it must lie in [-360, 360]", s, degrees)
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	if quarter := degrees / 90; quarter == math.Trunc(quarter) {
		sin, cos = math.Round(sin), math.Round(cos)
	}
	h, w, c := s.Shape[0], s.Shape[1], s.Shape[2]
	name := "rotated" + strconv.FormatFloat(degrees, 'g', -1, 64)
	return s.redrawn(name, fmt.Sprintf("turned by %g°", degrees), func(to, from []uint8) {
		for y := range h {
			for x := range w {
				dy, dx := float64(y)-float64(h-1)/2, float64(x)-float64(w-1)/2
				// Turned back; products are rounded before they are added, so that machines with fused multiply-add draw the same.
				fx := float64(cos*dx) - float64(sin*dy) + float64(w-1)/2
				fy := float64(sin*dx) + float64(cos*dy) + float64(h-1)/2
				for k := range c {
					to[(y*w+x)*c+k] = between(from, h, w, c, k, fy, fx)
				}
			}
		}
	}), nil
}

// between is the bilinear value of a channel at a place between pixels; outside it is 0.
func between(p []uint8, h, w, c, k int, y, x float64) uint8 {
	y0, x0 := math.Floor(y), math.Floor(x)
	sum := 0.0
	for _, at := range [4][2]float64{{y0, x0}, {y0, x0 + 1}, {y0 + 1, x0}, {y0 + 1, x0 + 1}} {
		i, j := int(at[0]), int(at[1])
		if i >= 0 && i < h && j >= 0 && j < w {
			weight := float64((1 - math.Abs(y-at[0])) * (1 - math.Abs(x-at[1])))
			sum += float64(weight * float64(p[(i*w+j)*c+k]))
		}
	}
	return uint8(math.Round(sum))
}

// Blurred returns the pictures convolved with a Gaussian of a standard deviation in pixels, the edges repeated outwards.
func (s *Set) Blurred(sigma float64) (*Set, error) {
	if !(sigma > 0 && sigma <= 64) {
		return nil, fmt.Errorf("data: %s blurred with a deviation of %g pixels; it must lie in (0, 64]", s, sigma)
	}
	reach := int(math.Ceil(3 * sigma))
	kernel, total := make([]float64, 2*reach+1), 0.0
	for i := range kernel {
		d := float64(i-reach) / sigma
		kernel[i] = math.Exp(-d * d / 2)
		total += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= total
	}
	h, w, c := s.Shape[0], s.Shape[1], s.Shape[2]
	rows := make([]float64, h*w*c)
	name := "blurred" + strconv.FormatFloat(sigma, 'g', -1, 64)
	return s.redrawn(name, fmt.Sprintf("blurred with σ = %g pixels", sigma), func(to, from []uint8) {
		for i := range rows {
			y, x, k := i/(w*c), i/c%w, i%c
			sum := 0.0
			for j, weight := range kernel {
				sum += float64(weight * float64(from[(y*w+min(max(x+j-reach, 0), w-1))*c+k]))
			}
			rows[i] = sum
		}
		for i := range to {
			y, rest := i/(w*c), i%(w*c)
			sum := 0.0
			for j, weight := range kernel {
				sum += float64(weight * rows[min(max(y+j-reach, 0), h-1)*w*c+rest])
			}
			to[i] = uint8(math.Round(sum))
		}
	}), nil
}

// redrawn is a set whose every picture is drawn from the original's.
func (s *Set) redrawn(how, note string, draw func(to, from []uint8)) *Set {
	out := s.like(how, note)
	size := s.sampleSize()
	out.Pixels = make([]uint8, len(s.Pixels))
	for i := range s.Len() {
		draw(out.Pixels[i*size:(i+1)*size], s.Sample(i))
	}
	out.SHA256 = out.Checksum()
	return out
}

// like is the set by another name, with one more note.
func (s *Set) like(how, note string) *Set {
	out := *s
	out.Name += "-" + how
	if out.Note != "" {
		note = out.Note + "; " + note
	}
	out.Note = note
	return &out
}
