package feed

import (
	"bytes"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
)

// TestVary: what is shown is the set itself without augmentation, and crops and mirror images of it with the paper's.
func TestVary(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	set, err := data.Blobs(3, 8, []int{12, 10, 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	vary := func(a Augment, seed uint32) *data.Set {
		t.Helper()
		v, err := Vary(b, set, a, seed)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Validate(); err != nil || v.SHA256 != v.Checksum() || &v.Labels[0] != &set.Labels[0] {
			t.Errorf("not a set of its own with the labels of the first: %v", err)
		}
		return v
	}
	if same := vary(Augment{}, 1); !bytes.Equal(same.Pixels, set.Pixels) {
		t.Error("pixels changed without augmentation")
	}
	mirrored := 0
	for i, v := 0, vary(Augment{Flip: true}, 1); i < set.Len(); i++ {
		var want []uint8
		for row := range 12 {
			for column := range 10 {
				at := (row*10 + 9 - column) * 3
				want = append(want, set.Sample(i)[at:at+3]...)
			}
		}
		switch {
		case bytes.Equal(v.Sample(i), want):
			mirrored++
		case !bytes.Equal(v.Sample(i), set.Sample(i)):
			t.Errorf("picture %d is neither itself nor its mirror image", i)
		}
	}
	if mirrored == 0 || mirrored == set.Len() {
		t.Errorf("%d of %d pictures are mirrored", mirrored, set.Len())
	}
	if x, y := vary(CropFlip(), 1), vary(CropFlip(), 2); bytes.Equal(x.Pixels, y.Pixels) || !bytes.Equal(x.Pixels, vary(CropFlip(), 1).Pixels) {
		t.Error("the seed alone should decide")
	}
	if _, err := Vary(b, set, Augment{Crop: 10}, 1); err == nil {
		t.Error("a crop as wide as the picture was accepted")
	}
}
