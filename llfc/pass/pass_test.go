package pass

import (
	"errors"
	"slices"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// A batch that the machine cannot hold is refused before it is made, and one beyond its set is cut to it.
func TestBatchTooLarge(t *testing.T) {
	for _, c := range []struct {
		side, samples, batch int
		large                bool
	}{{2000, 2000, 2000, true}, {2000, 2000, 1 << 30, true}, {28, 50, 1 << 30, false}} {
		n, err := network.New(network.Spec{Architecture: "lenet", Input: []int{c.side, c.side, 1}, Classes: 10, Init: "torch"})
		if err != nil {
			t.Fatal(err)
		}
		f, err := network.Compile(nil, n)
		if err != nil {
			t.Fatal(err)
		}
		d := &feed.Feed{Set: &data.Set{Shape: n.Spec.Input, Classes: make([]string, 10), Labels: make([]int32, c.samples)}} // without its pixels
		s, err := Open(f, d, c.batch, 2)
		var large *network.TooLargeError
		if c.large {
			if network.Room(nil, "", 1<<60) == nil {
				t.Skip("this system does not tell what is free")
			}
			if !errors.As(err, &large) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil || len(s.index) != 1 || len(s.index[0]) != c.samples {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The samples that Draw takes are decided by the seed, each comes once, and the first batches of a sorted set are no slice of it.
func TestDraw(t *testing.T) {
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{28, 28, 1}, Classes: 10, Widths: []int{4}, Init: "torch"})
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	f, err := network.Compile(b, n)
	if err != nil {
		t.Fatal(err)
	}
	const samples = 2000
	d := &feed.Feed{Set: &data.Set{Shape: n.Spec.Input, Classes: make([]string, 10), Labels: make([]int32, samples)}} // without its pixels
	for i := range d.Set.Labels {
		d.Set.Labels[i] = int32(i / 200)
	}
	taken := func(n int, seed int64) (out []int32) {
		s, err := Draw(f, d, n, 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		for i, batch := range s.index {
			out = append(out, batch[:s.count[i]]...)
		}
		return out
	}
	for n, want := range map[int]int{0: samples, 1 << 40: samples, samples: samples, 130: 130} {
		seen := map[int32]bool{}
		for _, i := range taken(n, 3) {
			seen[i] = true
		}
		if len(seen) != want || len(taken(n, 3)) != want {
			t.Errorf("of %d samples %d were taken, %d of them different; expected %d", n, len(taken(n, 3)), len(seen), want)
		}
	}
	if !slices.Equal(taken(130, 3), taken(0, 3)[:130]) || slices.Equal(taken(0, 3), taken(0, 4)) {
		t.Error("the order is not that of the seed")
	}
	classes := map[int32]int{}
	for _, i := range taken(0, 3)[:250] {
		classes[d.Set.Labels[i]]++
	}
	if len(classes) != 10 {
		t.Errorf("the first batch is of the classes %v", classes)
	}
	if _, err := Draw(f, d, -1, 0, 3); err == nil {
		t.Error("a negative number of samples was taken")
	}
}
