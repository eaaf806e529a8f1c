package feed

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/llfc/backend"
)

func small() *data.Set {
	return &data.Set{Name: "small", Split: "train", Shape: []int{1, 2, 2}, Classes: []string{"a", "b"}, Max: 10,
		Pixels: []uint8{0, 10, 5, 5, 10, 0, 2, 8, 1, 1, 1, 1}, Labels: []int32{0, 1, 1}, Mean: []float32{0.5, 0.25}, Std: []float32{0.5, 2}}
}

// (pixel/10 − mean)/std, by hand, for the samples 2 and 0.
func TestBatch(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(b, small(), Standard(small()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Free()
	xs, ys, err := f.Read([]int32{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	x, y := tensors.MustCopyFlatData[float32](xs), tensors.MustCopyFlatData[int32](ys)
	for i, want := range []float64{-0.8, -0.075, -0.8, -0.075, -1, 0.375, 0, 0.125} {
		if math.Abs(float64(x[i])-want) > 1e-6 {
			t.Errorf("x[%d] = %g, expected %g", i, x[i], want)
		}
	}
	if y[0] != 1 || y[1] != 0 {
		t.Errorf("labels %v, expected [1 0]", y)
	}
}

func TestBadNormalizationIsRefused(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]Normalization{
		"2 channels": {Mean: []float32{0}, Std: []float32{1}}, "not positive": {Mean: []float32{0, 0}, Std: []float32{1, 0}},
	} {
		if _, err := New(b, small(), n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}

func ExampleIndices() {
	fmt.Println(Indices(5, 2))
	fmt.Println(Indices(5, 1<<50)) // no larger than the set
	// Output:
	// [[0 1] [2 3] [4 4]] [2 2 1]
	// [[0 1 2 3 4]] [5]
}
