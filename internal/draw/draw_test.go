package draw

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Runs that are trained hang on these bits: whoever changes them makes old runs mean other weights.
func TestBitsArePinned(t *testing.T) {
	b, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		seed, place uint32
		want        []uint32
	}{
		{0, 0, []uint32{0x00000000, 0x2fef5c8f, 0xb5d455e1, 0xe98cf7e2, 0xe87b3cc3, 0x9e047286}},
		{7, 3, []uint32{0x2d310338, 0x8514aebc, 0xf9dfa7c2, 0xb8e0cb2a, 0xa55a7a61, 0xd8b92fff}},
		{0xdeadbeef, 41, []uint32{0x3606a2cd, 0xfdbe9bbb, 0x80f19b03, 0xa10475d4, 0xad425f22, 0x8d096bf7}},
	} {
		e, err := graph.NewExec(b, func(seed *graph.Node) *graph.Node { return Bits(seed, c.place, 2, 3) })
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Call(c.seed)
		if err != nil {
			t.Fatal(err)
		}
		if got := tensors.MustCopyFlatData[uint32](out[0]); !slices.Equal(got, c.want) {
			t.Errorf("seed %d, place %d: %#08x, expected %#08x", c.seed, c.place, got, c.want)
		}
	}
}
