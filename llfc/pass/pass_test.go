package pass

import (
	"errors"
	"testing"

	"layerwise/data"
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
