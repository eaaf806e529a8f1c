package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// Four pixels of two grey values: the mean and the deviation can be checked in the head.
func ExampleNew() {
	s, err := New(Set{Name: "mine", Split: "train", Shape: []int{1, 2, 1}, Classes: []string{"left", "right"}, Max: 10,
		Pixels: []uint8{10, 0, 0, 10}, Labels: []int32{0, 1}})
	fmt.Println(s, s.Mean, s.Std, s.SHA256[:12], err)
	// Output:
	// mine/train: 2 × 1×2×1, 2 classes [0.5] [0.5] cccc40380167 <nil>
}

func TestNew(t *testing.T) {
	made := Set{Name: "mine", Split: "train", Shape: []int{1, 2, 1}, Classes: []string{"a"}, Pixels: []uint8{255, 0}, Labels: []int32{0}, SHA256: "of another set"}
	s, err := New(made)
	if err != nil || s.Max != 255 || s.SHA256 != made.Checksum() || math.Abs(float64(s.Mean[0])-0.5) > 1e-7 {
		t.Errorf("%+v, %v", s, err)
	}
	made.Mean, made.Std = []float32{0.1}, []float32{2}
	if s, err = New(made); err != nil || !slices.Equal(s.Mean, made.Mean) || !slices.Equal(s.Std, made.Std) {
		t.Errorf("the normalisation that was given is gone: %+v, %v", s, err)
	}
	for want, change := range map[string]func(s *Set){
		"expected [H W C]": func(s *Set) { s.Shape = []int{2} },
		"positive sizes":   func(s *Set) { s.Shape = []int{2, 1, 0} },
		"2 pixels":         func(s *Set) { s.Shape = []int{2, 2, 1} },
		"label 1":          func(s *Set) { s.Labels = []int32{1} },
		"no samples":       func(s *Set) { s.Pixels, s.Labels = nil, nil },
		"0 means":          func(s *Set) { s.Mean = nil },
		"deviation":        func(s *Set) { s.Std = []float32{0} },
	} {
		broken := made
		change(&broken)
		if _, err := New(broken); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}
