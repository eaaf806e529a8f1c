package match

import (
	"math"
	"math/rand/v2"
	"testing"

	"layerwise/llfc/network"
)

// Of two networks the universe is the joint matching of a pair, step by step. Its gradient is rounded otherwise, so after many steps a tie may have
// been broken otherwise too.
func TestUniverseOfTwoIsFrankWolfe(t *testing.T) {
	m, err := ManyMethodByName("universe")
	if err != nil {
		t.Fatal(err)
	}
	for name, spec := range jointSpecs() {
		s, thetas := independent(t, spec, 2)
		for _, c := range []Config{{Steps: 1}, {Steps: 2}, {}} {
			r, j := frankWolfe(t, s, thetas[0], thetas[1], c), many(t, m, s, thetas, c)
			if c.Steps > 0 && !equal(j.Permutations[1], r.Permutation) || math.Abs(j.Objective-r.Objective) > 0.02*math.Abs(r.Objective) || j.Identity != r.Identity {
				t.Errorf("%s, %d steps: %v from %v, the pair %v from %v", name, c.Steps, j.Objective, j.Identity, r.Objective, r.Identity)
			}
		}
	}
}

// densePairs is Σ_{p<q} ⟨P_p(θ_p), P_q(θ_q)⟩ by the definition.
func densePairs(s network.Symmetry, at []mixture, thetas []network.Params) (sum float64) {
	var moved []map[string][]float64
	for p, m := range at {
		moved = append(moved, dense(s, matricesOf(s, m), thetas[p]))
	}
	v, err := newVoting(s, thetas...)
	if err != nil {
		panic(err)
	}
	for p := range moved {
		for q := range p {
			for _, name := range v.tensors {
				for i, x := range moved[p][name] {
					sum += x * moved[q][name][i]
				}
			}
		}
	}
	return sum
}

// Every step keeps the value of the point where it is, and goes to the highest point of its segment, along which F has degree four.
func TestUniverseSteps(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(6, 8, 5),
		"resnet, padded": {Architecture: "resnet", Input: []int{8, 8, 1}, Classes: 3, Depth: 8, Width: 4, Norm: "batch", Shortcut: "pad", Init: "kaiming"}} {
		s, thetas := independent(t, spec, 3)
		p := ManyProblem{Symmetry: s, Thetas: thetas}
		v, _, err := p.start()
		if err != nil {
			t.Fatal(err)
		}
		u := newUniverse(v, p)
		inside := 0
		for step := range 4 {
			if want := densePairs(s, u.p, thetas); math.Abs(u.value-want) > 1e-5*(math.Abs(want)+1) {
				t.Errorf("%s, step %d: F is %g, expected %g", name, step, u.value, want)
			}
			to, err := u.towards(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			from := append([]mixture(nil), u.p...)
			if _, _, err := u.step(to); err != nil {
				t.Fatal(err)
			}
			if len(u.p[1].corners) > 1 || u.p[1].centre > 0 {
				inside++
			}
			for i := range 11 {
				var at []mixture
				for p := range from {
					at = append(at, from[p].towards(to[p], float64(i)/10))
				}
				if on := densePairs(s, at, thetas); on > u.value+1e-5*(math.Abs(u.value)+1) {
					t.Errorf("%s, step %d: %g on the way, %g where it stopped", name, step, on, u.value)
				}
			}
		}
		if name == "mlp" && inside == 0 {
			t.Errorf("%s: every step went to a corner: the test tested little", name)
		}
	}
}

func TestHighest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	all := [][5]float64{{}, {1}, {0, 1}, {0, -1}, {0, 1, -1}, {0, 0, 1, -1}, {0, 0, 16, -32, 16}, {0, 1, -6, 11, -6}, {0, 4, -6, 4, -1}, {3, 0, -1}}
	for range 2000 {
		var f [5]float64
		for k := range f {
			f[k] = r.NormFloat64()
		}
		all = append(all, f)
	}
	for _, f := range all {
		x := highest(f)
		if !(x >= 0 && x <= 1) {
			t.Fatalf("%v: %g", f, x)
		}
		for i := range 1001 {
			if at := float64(i) / 1000; polynomial(f, at) > polynomial(f, x)+1e-14 {
				t.Errorf("%v: %g at %g, %g at %g", f, polynomial(f, x), x, polynomial(f, at), at)
				break
			}
		}
	}
	if x := highest([5]float64{0, 1, -1}); math.Abs(x-0.5) > 1e-12 { // a parabola with its top in the middle
		t.Errorf("%v, expected 0.5", x)
	}
	if x := highest([5]float64{0, 0, 16, -32, 16}); math.Abs(x-0.5) > 1e-7 { // (4x(1 − x))²
		t.Errorf("%v, expected 0.5", x)
	}
}
