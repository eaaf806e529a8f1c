package pass

import (
	"math"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// The checks let rounding pass, and nothing that other weights could have given.
func TestChecks(t *testing.T) {
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{4, 4, 1}, Classes: 3, Widths: []int{4}, Init: "torch"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := network.Compile(b, n)
	if err != nil {
		t.Fatal(err)
	}
	set, err := data.Blobs(3, 4, []int{4, 4, 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := feed.New(b, set, feed.Standard(set))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Free()
	p, err := Open(f, d, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !p.Next(t.Context()) || !p.First() || p.Len() != 5 {
		t.Fatal(p.Err())
	}
	nan := math.NaN()
	for _, c := range []struct {
		got, fresh float64
		ok         bool
	}{
		{0.25, 0.25, true}, {0.25, 0.2500001, true}, {0.25, 0.2501, true}, {0.25, 0.251, false}, {0, 1e-15, true}, {0, 1e-6, false},
		{1e-7, 1.2e-7, false}, // two networks that both fit their training set
		{nan, nan, true}, {nan, 1, false}, {1, nan, false}, {1, -1, false},
	} {
		err := p.Check("loss", []float64{1, c.got}, []float64{1, c.fresh})
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "number 2 of 2") {
			t.Errorf("%g and %g: %v", c.got, c.fresh, err)
		}
	}
	if err := p.CheckRows("loss", [][]float64{{1}, {2}}, [][]float64{{1}, {3}}); err == nil || !strings.Contains(err.Error(), "sample 1") {
		t.Error(err)
	}
	for _, c := range []struct {
		aa, distance float64
		ok           bool
	}{{4, 0, true}, {4, 1e-10, true}, {4, -1e-14, true}, {0, 0, true}, {4, 4e-4, false}, {0, 1, false}, {4, nan, false}} {
		if err := p.CheckFeature(`layer "fc1" of A`, c.aa, c.distance); (err == nil) != c.ok {
			t.Errorf("‖f‖² = %g, distance %g: %v", c.aa, c.distance, err)
		}
	}
}
