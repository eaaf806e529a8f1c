package feed

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/llfc/backend"
)

// engines are the pure-Go backend, and XLA where its plugin is installed.
func engines(t testing.TB) map[string]compute.Backend {
	t.Helper()
	out := map[string]compute.Backend{}
	for _, name := range []string{"go", "xla:cpu"} {
		b, _, err := backend.Open(name)
		if err == nil {
			out[name] = b
		} else if name == "go" {
			t.Fatal(err)
		}
	}
	return out
}

// noise is n random pictures.
func noise(n, h, w, c int) *data.Set {
	s := &data.Set{Name: "noise", Split: "train", Shape: []int{h, w, c}, Classes: []string{"a", "b"}, Max: 255,
		Pixels: make([]uint8, n*h*w*c), Labels: make([]int32, n)}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range s.Pixels {
		s.Pixels[i] = uint8(r.IntN(256))
	}
	for i := range s.Labels {
		s.Labels[i] = int32(i % 2)
	}
	for k := range c {
		s.Mean, s.Std = append(s.Mean, []float32{0.4914, 0.4822, 0.4465}[k]), append(s.Std, []float32{0.2470, 0.2435, 0.2616}[k])
	}
	return s
}

// augmenter returns what Augmented makes of the samples index with a seed.
func augmenter(t testing.TB, b compute.Backend, s *data.Set, a Augment) func(index []int32, seed uint32) (x []float32, y []int32) {
	t.Helper()
	f, err := New(b, s, Standard(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Free)
	e, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
		x, y := f.Augmented(a, in[0], in[1], in[2], in[3])
		return []*graph.Node{x, y}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(index []int32, seed uint32) ([]float32, []int32) {
		out, err := e.Call(append(f.Args(), index, seed)...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { out[0].MustFinalizeAll(); out[1].MustFinalizeAll() }()
		return tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[int32](out[1])
	}
}

// bits are the draws of sample i of a batch, by arithmetic of the host.
func bits(seed uint32, i int) [draws]uint32 {
	mix := func(h uint32) uint32 {
		h = (h ^ h>>16) * 0x85ebca6b
		h = (h ^ h>>13) * 0xc2b2ae35
		return h ^ h>>16
	}
	step := uint64(place) * 0x9e3779b9
	key := mix(seed + uint32(step))
	var out [draws]uint32
	for k := range out {
		out[k] = mix(mix(uint32(i*draws+k)^key) + key)
	}
	return out
}

// normal is the exact normalisation.
func normal(s *data.Set, pixel float32, c int) float32 {
	return (pixel - s.Max*s.Mean[c]) * (1 / (s.Max * s.Std[c]))
}

// A picture of 2×3 pixels within one pixel of black, by hand: for every window and both directions.
func TestCropAndFlipByHand(t *testing.T) {
	s := &data.Set{Name: "small", Split: "train", Shape: []int{2, 3, 1}, Classes: []string{"a"}, Max: 1, Mean: []float32{0}, Std: []float32{1},
		Pixels: []uint8{1, 2, 3, 4, 5, 6}, Labels: []int32{0}}
	windows := map[[3]uint32][]float32{
		{0, 0, 0}: {0, 0, 0, 0, 1, 2}, {0, 1, 0}: {0, 0, 0, 1, 2, 3}, {0, 2, 0}: {0, 0, 0, 2, 3, 0},
		{1, 0, 0}: {0, 1, 2, 0, 4, 5}, {1, 1, 0}: {1, 2, 3, 4, 5, 6}, {1, 2, 0}: {2, 3, 0, 5, 6, 0},
		{2, 0, 0}: {0, 4, 5, 0, 0, 0}, {2, 1, 0}: {4, 5, 6, 0, 0, 0}, {2, 2, 0}: {5, 6, 0, 0, 0, 0},
		{0, 0, 1}: {0, 0, 0, 2, 1, 0}, {0, 1, 1}: {0, 0, 0, 3, 2, 1}, {0, 2, 1}: {0, 0, 0, 0, 3, 2},
		{1, 0, 1}: {2, 1, 0, 5, 4, 0}, {1, 1, 1}: {3, 2, 1, 6, 5, 4}, {1, 2, 1}: {0, 3, 2, 0, 6, 5},
		{2, 0, 1}: {5, 4, 0, 0, 0, 0}, {2, 1, 1}: {6, 5, 4, 0, 0, 0}, {2, 2, 1}: {0, 6, 5, 0, 0, 0},
	}
	for name, b := range engines(t) {
		seen := map[[3]uint32]bool{}
		x, _ := augmenter(t, b, s, Augment{Crop: 1, Flip: true})(make([]int32, 200), 3)
		for i := range 200 {
			d := bits(3, i)
			key := [3]uint32{d[drawY] % 3, d[drawX] % 3, d[drawFlip] >> 31}
			seen[key] = true
			if got := x[6*i : 6*i+6]; !slices.Equal(got, windows[key]) {
				t.Fatalf("%s: window %v is %v, expected %v", name, key, got, windows[key])
			}
		}
		if len(seen) != len(windows) {
			t.Errorf("%s: %d of %d windows were drawn", name, len(seen), len(windows))
		}
	}
}

// cropped is the reference for crop and flip.
func cropped(s *data.Set, a Augment, sample int, d [draws]uint32) []float32 {
	h, w, c := s.Shape[0], s.Shape[1], s.Shape[2]
	dy, dx := int(d[drawY]%uint32(2*a.Crop+1))-a.Crop, int(d[drawX]%uint32(2*a.Crop+1))-a.Crop
	var out []float32
	for y := range h {
		for x := range w {
			if a.Flip && d[drawFlip]>>31 == 1 {
				x = w - 1 - x
			}
			for k := range c {
				v := float32(0)
				if sy, sx := y+dy, x+dx; sy >= 0 && sy < h && sx >= 0 && sx < w {
					v = float32(s.Pixels[((sample*h+sy)*w+sx)*c+k])
				}
				out = append(out, normal(s, v, k))
			}
		}
	}
	return out
}

// The same bits as the host's reference, on every backend, whatever the shape.
func TestCropAndFlipAreExact(t *testing.T) {
	for name, b := range engines(t) {
		for _, shape := range [][]int{{32, 32, 3}, {7, 5, 1}, {6, 9, 2}} {
			for _, a := range []Augment{CropFlip(), {Crop: 2}, {Flip: true}} {
				s := noise(9, shape[0], shape[1], shape[2])
				f := augmenter(t, b, s, a)
				for seed := range uint32(3) {
					index := []int32{4, 8, 0, 0, 7, 1}
					x, y := f(index, seed)
					var want []float32
					for i, j := range index {
						want = append(want, cropped(s, a, int(j), bits(seed, i))...)
						if y[i] != s.Labels[j] {
							t.Errorf("%s: label %d of sample %d", name, y[i], j)
						}
					}
					if !slices.Equal(x, want) {
						t.Errorf("%s: %+v of %v with seed %d differs from the reference", name, a, shape, seed)
					}
				}
			}
		}
	}
}

// resampled is the reference for zoom, flip and rotation in float64, from the same draws.
func resampled(s *data.Set, a Augment, sample int, d [draws]uint32) []float64 {
	h, w, c := s.Shape[0], s.Shape[1], s.Shape[2]
	unit := func(i int) float64 { return (float64(d[i]>>22) + 0.5) / 1024 }
	z := 1.0
	if a.Zoom[0] > 0 {
		z = math.Exp(math.Log(a.Zoom[0]) + unit(drawZoom)*math.Log(a.Zoom[1]/a.Zoom[0]))
	}
	sin, cos := math.Sincos((2*unit(drawAngle) - 1) * a.Rotate * math.Pi / 180)
	flip := 1.0
	if a.Flip && d[drawFlip]>>31 == 1 {
		flip = -1
	}
	middle := func(side, i int) float64 {
		return float64(side-1)/2 + (2*unit(i)-1)*math.Abs(float64(side)-float64(side)/z)/2
	}
	at := func(y, x, k int) float64 {
		y, x = min(max(y, 0), h-1), min(max(x, 0), w-1)
		return float64(s.Pixels[((sample*h+y)*w+x)*c+k])
	}
	var out []float64
	for i := range h {
		for j := range w {
			y, x := float64(i)-float64(h-1)/2, float64(j)-float64(w-1)/2
			y, x = cos*y+sin*x, flip*(cos*x-sin*y)
			y, x = middle(h, drawY)+y/z, middle(w, drawX)+x/z
			y0, x0 := math.Floor(y), math.Floor(x)
			fy, fx := y-y0, x-x0
			iy, ix := int(y0), int(x0)
			for k := range c {
				out = append(out, (1-fy)*((1-fx)*at(iy, ix, k)+fx*at(iy, ix+1, k))+fy*((1-fx)*at(iy+1, ix, k)+fx*at(iy+1, ix+1, k)))
			}
		}
	}
	return out
}

// Places are rounded to 1/256 pixel after errors of a few 2⁻¹⁴, values to a whole one: noise of 0 … 255 may differ by
// 0.5 + 2·255·(1/512 + side·2⁻¹⁴) at most, which is 2.5 for 32 pixels.
func TestZoomFlipRotateAgainstFloat64(t *testing.T) {
	for name, b := range engines(t) {
		for _, shape := range [][]int{{32, 32, 3}, {9, 12, 1}} {
			for _, a := range []Augment{ZoomFlipRotate(), {Rotate: 180}, {Zoom: [2]float64{0.25, 4}}, {Zoom: [2]float64{1.5, 1.5}, Flip: true}} {
				s := noise(5, shape[0], shape[1], shape[2])
				index := []int32{4, 0, 0, 3, 2, 1, 1, 1}
				x, _ := augmenter(t, b, s, a)(index, 11)
				size := shape[0] * shape[1] * shape[2]
				worst := 0.0
				for i, j := range index {
					for at, want := range resampled(s, a, int(j), bits(11, i)) {
						c := at % shape[2]
						got := float64(x[i*size+at])*float64(s.Max*s.Std[c]) + float64(s.Max*s.Mean[c])
						worst = max(worst, math.Abs(got-want))
						if r := math.Abs(got - math.Round(got)); r > 1e-4 {
							t.Fatalf("%s: %+v: %g is not a whole pixel value", name, a, got)
						}
					}
				}
				if worst > 2.5 {
					t.Errorf("%s: %+v of %v is off by %g", name, a, shape, worst)
				}
			}
		}
	}
}

func TestBackendsAgreeOnEveryBit(t *testing.T) {
	s := noise(20, 32, 32, 3)
	for _, a := range []Augment{CropFlip(), ZoomFlipRotate()} {
		var first []float32
		for name, b := range engines(t) {
			x, _ := augmenter(t, b, s, a)([]int32{1, 2, 3, 19, 0, 5}, 77)
			if first == nil {
				first = x
			} else if !slices.Equal(first, x) {
				t.Errorf("%+v: %s draws other pixels", a, name)
			}
		}
	}
}

// A magnification of 1 without a turn is the picture itself, and no augmentation is Batch.
func TestIdentity(t *testing.T) {
	s := noise(4, 8, 6, 3)
	index := []int32{2, 0, 3}
	for name, b := range engines(t) {
		var want []float32
		for _, j := range index {
			want = append(want, cropped(s, Augment{}, int(j), [draws]uint32{})...)
		}
		if x, _ := augmenter(t, b, s, Augment{Zoom: [2]float64{1, 1}})(index, 5); !slices.Equal(x, want) {
			t.Errorf("%s: zoom 1 changes the picture", name)
		}
		x, _ := augmenter(t, b, s, Augment{})(index, 5)
		for i := range x {
			if math.Abs(float64(x[i]-want[i])) > 1e-6 {
				t.Fatalf("%s: no augmentation gives %g, expected %g", name, x[i], want[i])
			}
		}
	}
}

// All shifts and both directions are as frequent as chance has it, and two seeds have nothing in common: χ² with 80 and 80 degrees of
// freedom stays below 124.8 in 999 of 1000 such tests; the seeds are fixed.
func TestShiftsAreUniform(t *testing.T) {
	const n = 1000
	shifts, pairs, flips := map[[2]uint32]int{}, map[[2]uint32]int{}, 0
	for seed := range uint32(10) {
		for i := range n {
			d, e := bits(seed, i), bits(seed+1, i)
			shifts[[2]uint32{d[drawY] % 9, d[drawX] % 9}]++
			pairs[[2]uint32{d[drawY] % 9, e[drawY] % 9}]++
			flips += int(d[drawFlip] >> 31)
		}
	}
	for what, counts := range map[string]map[[2]uint32]int{"shifts": shifts, "two seeds": pairs} {
		chi, mean := 0.0, 10.0*n/81
		for y := range uint32(9) {
			for x := range uint32(9) {
				d := float64(counts[[2]uint32{y, x}]) - mean
				chi += d * d / mean
			}
		}
		if chi > 124.8 {
			t.Errorf("%s: χ² = %.1f", what, chi)
		}
	}
	if math.Abs(float64(flips)-5*n) > 3.3*50 { // the deviation of 10,000 coins is 50
		t.Errorf("%d of %d flipped", flips, 10*n)
	}
}

func TestSeedAndPlaceDecide(t *testing.T) {
	s := noise(3, 32, 32, 3)
	for name, b := range engines(t) {
		f := augmenter(t, b, s, CropFlip())
		index := []int32{1, 1, 1, 1}
		x, _ := f(index, 8)
		again, _ := f(index, 8)
		other, _ := f(index, 9)
		size := len(x) / len(index)
		if !slices.Equal(x, again) || slices.Equal(x, other) || slices.Equal(x[:size], x[size:2*size]) {
			t.Errorf("%s: a picture must depend on seed and place in the batch, and on nothing else", name)
		}
	}
}

func TestBadAugmentationIsRefused(t *testing.T) {
	for want, a := range map[string]Augment{
		"[0, 32)":             {Crop: 32},
		"-1 pixels":           {Crop: -1},
		"zoom from 0.1":       {Zoom: [2]float64{0.1, 1}},
		"zoom from 1.2 to":    {Zoom: [2]float64{1.2, 0.8}},
		"NaN degrees":         {Rotate: math.NaN()},
		"cannot go with zoom": {Crop: 4, Rotate: 3},
	} {
		if err := a.Check([]int{32, 32, 3}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
	if err := (Augment{Rotate: 180, Zoom: [2]float64{0.8, 1.2}}).Check([]int{2000, 32, 3}); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("2000 pixels: %v", err)
	}
}

// Compare with the first line of each backend: the cost of a batch without augmentation.
func BenchmarkAugment(b *testing.B) {
	s := noise(5000, 32, 32, 3)
	index := make([]int32, 128)
	for i := range index {
		index[i] = int32(i * 39)
	}
	for name, engine := range engines(b) {
		for _, a := range []Augment{{}, CropFlip(), ZoomFlipRotate()} {
			b.Run(fmt.Sprintf("%s/%+v", name, a), func(b *testing.B) {
				f, err := New(engine, s, Standard(s))
				if err != nil {
					b.Fatal(err)
				}
				defer f.Free()
				e, err := graph.NewExec(engine, func(in []*graph.Node) *graph.Node {
					x, _ := f.Augmented(a, in[0], in[1], in[2], in[3])
					return x
				})
				if err != nil {
					b.Fatal(err)
				}
				for seed := uint32(0); b.Loop(); seed++ {
					out, err := e.Call(append(f.Args(), index, seed)...)
					if err != nil {
						b.Fatal(err)
					}
					out[0].MustFinalizeAll()
				}
			})
		}
	}
}
