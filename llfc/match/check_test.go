package match

import (
	"math/rand/v2"
	"strings"
	"testing"

	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

func TestCheck(t *testing.T) {
	on, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer on.Finalize()
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(20, 30, 20), "lenet": lenetSpec()} {
		s, a := drawn(t, spec, 1)
		_, b := drawn(t, spec, 2)
		n, err := network.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		f, err := network.Compile(on, n)
		if err != nil {
			t.Fatal(err)
		}
		x := network.Tensor{Name: "x", Dims: append([]int{16}, spec.Input...), Data: make([]float32, 16*spec.Input[0]*spec.Input[1])}
		r := rand.New(rand.NewPCG(3, 3))
		for i := range x.Data {
			x.Data[i] = float32(r.NormFloat64())
		}
		moved := apply(t, s, weights(t, s, a, b, Config{}).Permutation, b)
		if err := Check(f, b, moved, x); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// The control: leaving out any one place must be seen.
		p := s.Random(4)
		for i, g := range s.Groups {
			for j := range g.Places {
				lame := network.Symmetry{Groups: append([]network.Group(nil), s.Groups...)}
				lame.Groups[i].Places = append(append([]network.Place(nil), g.Places[:j]...), g.Places[j+1:]...)
				if err := Check(f, b, apply(t, lame, p, b), x); err == nil || !strings.Contains(err.Error(), "another function") {
					t.Errorf("%s: axis %d of %s was not permuted, and Check says %v", name, g.Places[j].Axis, g.Places[j].Tensor, err)
				}
			}
		}
		x.Data, x.Dims[0] = x.Data[:len(x.Data)/16], 1
		if err := Check(f, b, moved, x); err == nil {
			t.Errorf("%s: one sample cannot tell", name)
		}
	}
}
