package match

import (
	"math"
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
		// A dead layer: its biases are below everything that can come, or all that follows is 0.
		for what, dead := range map[string]func(name string) float32{"dead": func(name string) float32 {
			if name == "fc1/b" {
				return -1e6
			}
			return 1
		}, "zero": func(name string) float32 {
			if strings.HasSuffix(name, "/w") {
				return 0
			}
			return 1
		}} {
			constant := b.Clone()
			for _, t := range constant {
				for i := range t.Data {
					if v := dead(t.Name); v <= 0 {
						t.Data[i] = v
					}
				}
			}
			if err := Check(f, constant, constant, x); err == nil || !strings.Contains(err.Error(), "does not depend on its input") || strings.Contains(err.Error(), "inputs") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		broken := b.Clone()
		broken[0].Data[3] = float32(math.NaN())
		if err := Check(f, broken, moved, x); err == nil || !strings.Contains(err.Error(), broken[0].Name) {
			t.Errorf("%s: NaN: %v", name, err)
		}
		x.Data, x.Dims[0] = x.Data[:len(x.Data)/16], 1
		if err := Check(f, b, moved, x); err == nil || !strings.Contains(err.Error(), "give at least two that differ") {
			t.Errorf("%s: one sample cannot tell: %v", name, err)
		}
	}
}
