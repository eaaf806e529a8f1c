package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// blobs is a set with three channels that is not square.
func blobs(t *testing.T, shape ...int) *Set {
	t.Helper()
	s, err := Blobs(4, 3, shape, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func derived(t *testing.T) func(s *Set, err error) *Set {
	return func(s *Set, err error) *Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if s.SHA256 != s.Checksum() {
			t.Errorf("%s keeps the checksum of another set", s)
		}
		return s
	}
}

func TestOnly(t *testing.T) {
	s := blobs(t, 6, 5, 2)
	got := derived(t)(s.Only("blob 3", "blob 1"))
	if got.Len() != 6 || !slices.Equal(got.Classes, []string{"blob 3", "blob 1"}) || got.Name != "synthetic-only-blob 3-blob 1" {
		t.Fatalf("%s of %q", got, got.Classes)
	}
	at := 0
	for i, l := range s.Labels {
		if l != 3 && l != 1 {
			continue
		}
		if got.Classes[got.Labels[at]] != s.Classes[l] || !slices.Equal(got.Sample(at), s.Sample(i)) {
			t.Errorf("sample %d is called %q, it was %q", at, got.Classes[got.Labels[at]], s.Classes[l])
		}
		at++
	}
	for want, classes := range map[string][]string{"at least 2": {"blob 1"}, `no class "cat"`: {"cat", "blob 1"}, "named twice": {"blob 1", "blob 1"}} {
		if _, err := s.Only(classes...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", classes, err)
		}
	}
}

func TestRelabelled(t *testing.T) {
	s := blobs(t, 6, 5, 2)
	for seed := range int64(50) {
		got := derived(t)(s.Relabelled(seed))
		to := map[int32]int32{}
		for i, l := range s.Labels {
			if was, seen := to[l]; seen && was != got.Labels[i] || l == got.Labels[i] {
				t.Fatalf("seed %d: label %d became %d and %d", seed, l, was, got.Labels[i])
			}
			to[l] = got.Labels[i]
		}
		if len(to) != 4 {
			t.Fatalf("seed %d: %d classes are left", seed, len(to))
		}
	}
}

func TestInvertedTwiceIsIt(t *testing.T) {
	s := blobs(t, 6, 5, 2)
	once := derived(t)(s.Inverted(), nil)
	if twice := derived(t)(once.Inverted(), nil); !slices.Equal(twice.Pixels, s.Pixels) || slices.Equal(once.Pixels, s.Pixels) {
		t.Error("exchanging black and white twice is not the picture")
	}
}

// Quarter turns move whole pixels; a small turn and back is near the picture; a turn keeps the middle of a disc.
func TestRotated(t *testing.T) {
	s := blobs(t, 7, 7, 2)
	quarter := derived(t)(s.Rotated(90))
	for i := range s.Len() {
		from, to := s.Sample(i), quarter.Sample(i)
		for y := range 7 {
			for x := range 7 {
				if to[((6-x)*7+y)*2] != from[(y*7+x)*2] { // counter-clockwise: right goes up
					t.Fatalf("sample %d: pixel (%d, %d) did not move to (%d, %d)", i, y, x, 6-x, y)
				}
			}
		}
	}
	if whole := derived(t)(derived(t)(quarter.Rotated(180)).Rotated(90)); !slices.Equal(whole.Pixels, s.Pixels) {
		t.Error("four quarters are not the picture")
	}
	if none := derived(t)(s.Rotated(0)); !slices.Equal(none.Pixels, s.Pixels) {
		t.Error("no turn is not the picture")
	}
	oblong := blobs(t, 8, 4, 1)
	if half := derived(t)(derived(t)(oblong.Rotated(180)).Rotated(-180)); !slices.Equal(half.Pixels, oblong.Pixels) {
		t.Error("half a turn and back is not the picture")
	}
	disc := &Set{Name: "disc", Shape: []int{15, 15, 1}, Classes: []string{"a"}, Labels: []int32{0}, Pixels: make([]uint8, 225)}
	for i := range disc.Pixels {
		r := math.Hypot(float64(i/15-7), float64(i%15-7))
		disc.Pixels[i] = uint8(max(0, 200-40*r))
	}
	made, err := New(*disc)
	if err != nil {
		t.Fatal(err)
	}
	for _, angle := range []float64{17, -45, 133} {
		got := derived(t)(made.Rotated(angle))
		for i, v := range got.Pixels {
			if d := math.Abs(float64(v) - float64(made.Pixels[i])); d > 16 { // the disc is a cone, which bilinear sampling rounds off
				t.Fatalf("turned by %g° the disc changes by %g at %d", angle, d, i)
			}
		}
	}
}

// Blurring keeps a constant picture and the sum of a dot in the middle, and spreads the dot by the deviation asked for.
func TestBlurred(t *testing.T) {
	flat := &Set{Name: "flat", Shape: []int{9, 11, 1}, Classes: []string{"a", "b"}, Labels: []int32{0, 1}, Pixels: slices.Repeat([]uint8{77}, 198)}
	clear(flat.Pixels[99:])
	flat.Pixels[99+4*11+5] = 255
	s, err := New(*flat)
	if err != nil {
		t.Fatal(err)
	}
	got := derived(t)(s.Blurred(1))
	for i, v := range got.Sample(0) {
		if v != 77 {
			t.Fatalf("pixel %d of a constant picture became %d", i, v)
		}
	}
	sum, spread := 0.0, 0.0
	for i, v := range got.Sample(1) {
		sum += float64(v)
		spread += float64(v) * math.Pow(float64(i%11-5), 2)
	}
	if math.Abs(sum-255) > 15 || math.Abs(spread/sum-1) > 0.2 {
		t.Errorf("the dot has the sum %g and the variance %g", sum, spread/sum)
	}
}

func TestDerivedRefuse(t *testing.T) {
	s := blobs(t, 6, 5, 2)
	for _, v := range []float64{0, -1, 65, math.NaN()} {
		if _, err := s.Blurred(v); err == nil {
			t.Errorf("blurred by %g", v)
		}
	}
	for _, v := range []float64{361, math.NaN(), math.Inf(1)} {
		if _, err := s.Rotated(v); err == nil {
			t.Errorf("turned by %g", v)
		}
	}
}

func ExampleSet_Rotated() {
	s, err := Blobs(2, 3, []int{8, 8, 1}, 1)
	if err != nil {
		panic(err)
	}
	turned, err := s.Rotated(30)
	fmt.Println(turned.Name, turned.Note, err)
	// Output:
	// synthetic-rotated30 synthetic blobs, no real data; turned by 30° <nil>
}
