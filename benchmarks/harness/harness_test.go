package harness

import (
	"math"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 30}, 3}, {[]float64{5}, 5}} {
		if got := Median(c.of); got != c.want {
			t.Errorf("the median of %v is %v, expected %v", c.of, got, c.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v, expected NaN", got)
	}
	// Rounds differ by a factor of ten, as on a machine that was busy in one of them: the ratio of the medians would be 2.5.
	if got := Ratio([]float64{2, 20, 5}, []float64{1, 10, 2}); got != 2 {
		t.Errorf("the median ratio is %v, expected 2", got)
	}
}

func TestClock(t *testing.T) {
	runs := 0
	w, err := For(0.05, 3, func() error {
		for start := time.Now(); time.Since(start) < 10*time.Millisecond; {
		}
		runs++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.Images != 3*runs || w.Seconds < 0.05 || w.CPU <= 0 || w.PeakMB <= 0 {
		t.Errorf("%+v of %d runs of 3 images", w, runs)
	}
	if w, err = For(0, 3, func() error { return nil }); err != nil || w.Images != 3 {
		t.Errorf("0 seconds: %+v, %v; expected one run of 3 images", w, err)
	}
}

// The bare forward pass is that of the toolkit, and the two networks to measure are near each other.
func TestForward(t *testing.T) {
	spec, err := network.Default("lenet")
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := Model("go", spec)
	if err != nil {
		t.Fatal(err)
	}
	set := Noise(spec.Input, spec.Classes, 4)
	d, err := feed.New(f.Backend, set, feed.Standard(set))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Free()
	x, y, err := d.Read([]int32{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	defer network.Free(x, y)
	images := network.Tensor{Name: "x", Dims: x.Shape().Dimensions}
	if images.Data, err = tensors.CopyFlatData[float32](x); err != nil {
		t.Fatal(err)
	}
	a, b, err := Nearby(f)
	if err != nil {
		t.Fatal(err)
	}
	var logits [][]float32
	for _, theta := range []network.Params{a, b} {
		p, err := NewForward(f, theta)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		got, err := p.Logits(x)
		if err != nil {
			t.Fatal(err)
		}
		want, err := f.Logits(theta, images)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want.Data) {
			t.Errorf("logits %v, the toolkit's %v", got, want.Data)
		}
		logits = append(logits, got)
	}
	if slices.Equal(logits[0], logits[1]) {
		t.Error("A and B have the same logits")
	}
}

// The drivers have their own tests, in Python.
func TestDrivers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	for _, file := range []string{"../harness.py", "../harness_test.py"} { // so that go test does not take an old result for a new file
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(python, "../harness_test.py").CombinedOutput(); err != nil {
		t.Errorf("harness_test.py: %v\n%s", err, out)
	}
}
