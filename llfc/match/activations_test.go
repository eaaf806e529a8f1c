package match

import (
	"context"
	"math"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// problem is two networks of a spec, the second the first with its units in another order and a little noise, and samples to look at.
func problem(t *testing.T, spec network.Spec, perClass int) (Problem, network.Permutation) {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	f, err := network.Compile(b, n)
	if err != nil {
		t.Fatal(err)
	}
	s, a := drawn(t, spec, 1)
	planted := s.Random(5)
	set, err := data.Blobs(spec.Classes, perClass, spec.Input, 3)
	if err != nil {
		t.Fatal(err)
	}
	d, err := feed.New(b, set, feed.Standard(set))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Free)
	return Problem{F: f, Symmetry: s, A: a, B: apply(t, s, planted, noisy(a, 1e-3, 9)), Training: d}, planted
}

// A planted permutation is found again on networks of every kind of group: dense, convolutional, and residual streams that several layers share.
func TestActivationsRecoverAPlantedPermutation(t *testing.T) {
	for name, spec := range map[string]network.Spec{
		"mlp": mlpSpec(20, 30, 20), "lenet": lenetSpec(),
		"vgg":       {Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 5, Depth: 11, Width: 4, Norm: "batch", Init: "kaiming"},
		"resnet":    {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 5, Depth: 8, Width: 6, Norm: "batch", Shortcut: "pad", Init: "kaiming"},
		"resnet-ln": {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 5, Depth: 8, Width: 6, Norm: "layer", Shortcut: "conv3", Init: "lecun"},
	} {
		p, planted := problem(t, spec, 8)
		r, err := Activations(context.Background(), p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := p.Symmetry.Inverse(planted); !equal(r.Permutation, want) {
			t.Errorf("%s: another permutation was found", name)
		}
		if !(r.Objective > r.Identity) || r.Objectives[0] != r.Objective {
			t.Errorf("%s: objective %g, from %g", name, r.Objective, r.Identity)
		}
	}
}

// The products are those of features kept whole, batches with padding included.
func TestProductsOfActivations(t *testing.T) {
	p, _ := problem(t, mlpSpec(7, 6), 51) // 255 samples: two batches of 128, the last sample of the second is padding
	totals, _, err := look{name: "activations", at: everywhere}.gains(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	set := p.Training.Set
	x := network.Tensor{Name: "x", Dims: append([]int{set.Len()}, set.Shape...)}
	norm := feed.Standard(set)
	for _, v := range set.Pixels {
		x.Data = append(x.Data, (float32(v)/set.Max-norm.Mean[0])/norm.Std[0])
	}
	for i, g := range p.Symmetry.Groups {
		want := make([]float64, g.Size*g.Size)
		for _, place := range g.TapPlaces {
			ha, err := p.F.Features(p.A, x, place.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			hb, err := p.F.Features(p.B, x, place.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			for k := range set.Len() {
				for u := range g.Size {
					for v := range g.Size {
						want[u*g.Size+v] += float64(ha.Data[k*g.Size+u]) * float64(hb.Data[k*g.Size+v])
					}
				}
			}
		}
		largest := 0.0
		for _, v := range want {
			largest = max(largest, math.Abs(v))
		}
		for j, v := range totals[i] {
			if math.Abs(v-want[j]) > 1e-4*largest {
				t.Fatalf("group %s, product %d: %g, expected %g", g.Name, j, v, want[j])
			}
		}
	}
	p.Training = nil
	if _, err := Activations(context.Background(), p); err == nil || !strings.Contains(err.Error(), "Problem.Training") {
		t.Error(err)
	}
}
