package match

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

// three are a network and two copies of it, their units in other orders.
func three() (network.Symmetry, []network.Params) {
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 10, Widths: []int{32, 32}, Init: "torch"})
	if err != nil {
		panic(err)
	}
	a, _ := n.Init(1)
	s, _ := n.Symmetry()
	b, _ := s.Apply(s.Random(7), a)
	c, _ := s.Apply(s.Random(8), a)
	return s, []network.Params{a, b, c}
}

// Three networks come into the order of the first; their mean is then one of them, and cycles come back to where they began.
func ExampleUniverse() {
	s, thetas := three()
	j, err := Universe(context.Background(), ManyProblem{Symmetry: s, Thetas: thetas})
	if err != nil {
		panic(err)
	}
	aligned, _ := j.Apply(s, thetas)
	mean, _ := network.Average(aligned...)
	cycle := s.Compose(j.Between(s, 0, 1), s.Compose(j.Between(s, 1, 2), j.Between(s, 2, 0)))
	fmt.Println(mean.Equal(thetas[0]), fmt.Sprint(cycle) == fmt.Sprint(s.Identity()))
	// Output: true true
}

// The same by aligning each network to the mean of the others.
func ExampleMergeMany() {
	s, thetas := three()
	j, err := MergeMany(context.Background(), ManyProblem{Symmetry: s, Thetas: thetas})
	if err != nil {
		panic(err)
	}
	aligned, _ := j.Apply(s, thetas)
	mean, _ := network.Average(aligned...)
	fmt.Println(mean.Equal(thetas[0]), len(j.Objectives), "rounds")
	// Output: true 2 rounds
}

func many(t testing.TB, m ManyMethod, s network.Symmetry, thetas []network.Params, c Config) Joint {
	t.Helper()
	j, err := m.Find(t.Context(), ManyProblem{Symmetry: s, Thetas: thetas, Config: c})
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	return j
}

// independent are several networks of a spec.
func independent(t testing.TB, spec network.Spec, n int) (s network.Symmetry, out []network.Params) {
	t.Helper()
	for i := range n {
		var theta network.Params
		s, theta = drawn(t, spec, int64(1+50*i))
		out = append(out, theta)
	}
	return s, out
}

func TestManyRecoverPlantedPermutations(t *testing.T) {
	for name, spec := range jointSpecs() {
		for _, noise := range []float64{0, 0.3} {
			s, a := drawn(t, spec, 1)
			thetas, want := []network.Params{a}, []network.Permutation{s.Identity()}
			for i := range int64(3) {
				planted := s.Random(101 + i)
				thetas, want = append(thetas, noisy(apply(t, s, planted, a), noise, uint64(5+i))), append(want, s.Inverse(planted))
			}
			for _, m := range ManyMethods() {
				j := many(t, m, s, thetas, Config{})
				for i := range want {
					if !equal(j.Permutations[i], want[i]) {
						t.Errorf("%s, %s, noise %g: the permutation of network %d was not recovered", m.Name, name, noise, i+1)
					}
				}
			}
		}
	}
}

// What holds of any networks: the objective is what it says, it never falls on the way, cycles close bit for bit, and each network is still its
// function.
func TestManyLaws(t *testing.T) {
	on, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer on.Finalize()
	for name, spec := range jointSpecs() {
		s, thetas := independent(t, spec, 3)
		n, err := network.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		f, err := network.Compile(on, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ManyMethods() {
			j := many(t, m, s, thetas, Config{})
			aligned, err := j.Apply(s, thetas)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0 // once more, by the definition
			for p := range aligned {
				for q := range p {
					sum += votes(s, aligned[p], aligned[q])
				}
				if err := Check(f, thetas[p], aligned[p], Noise(spec.Input)); err != nil {
					t.Errorf("%s, %s, network %d: %v", m.Name, name, p+1, err)
				}
			}
			if math.Abs(sum-j.Objective) > 1e-9*math.Abs(sum) || j.Objective <= j.Identity {
				t.Errorf("%s, %s: objective %v, its permutations have %v, the identity %v", m.Name, name, j.Objective, sum, j.Identity)
			}
			if !slices.IsSorted(j.Objectives) || len(j.Objectives) < 2 {
				t.Errorf("%s, %s: the objective fell: %v", m.Name, name, j.Objectives)
			}
			if last := j.Objectives[len(j.Objectives)-1]; m.Name == "merge-many" && last != j.Objective {
				t.Errorf("%s, %s: ended at %v, and returns %v", m.Name, name, last, j.Objective)
			}
			if !equal(j.Permutations[0], s.Identity()) {
				t.Errorf("%s, %s: the order is not that of the first network", m.Name, name)
			}
			for p := range 3 {
				for q := range 3 {
					for r := range 3 {
						if !equal(s.Compose(j.Between(s, p, q), j.Between(s, q, r)), j.Between(s, p, r)) {
							t.Errorf("%s, %s: from %d by way of %d to %d is not from %d to %d", m.Name, name, r, q, p, r, p)
						}
					}
				}
				moved := apply(t, s, j.Between(s, 0, p), thetas[p])
				if !moved.Equal(aligned[p]) {
					t.Errorf("%s, %s: in line with the first, network %d is not as in the shared order", m.Name, name, p+1)
				}
			}
			t.Logf("%s, %s: from %.5g to %.5g after %d", m.Name, name, j.Identity, j.Objective, len(j.Objectives))
			if name != "mlp" { // as good as any other

				continue
			}
			if again := many(t, m, s, thetas, Config{}); again.Objective != j.Objective || !slices.EqualFunc(again.Permutations, j.Permutations, equal) {
				t.Errorf("%s, %s: the same call gave another answer", m.Name, name)
			}
		}
	}
}

// votes is ⟨A, B⟩ over the tensors that vote.
func votes(s network.Symmetry, a, b network.Params) (sum float64) {
	for _, t := range a {
		if u, _ := b.Get(t.Name); slices.Contains(s.Tensors(), t.Name) && !slices.Contains(s.Buffers, t.Name) {
			sum += dot(t.Data, u.Data)
		}
	}
	return sum
}

// Pairwise matchings close no cycles, which is what the universe is for: the control of the law above.
func TestPairwiseMatchingsAreNotConsistent(t *testing.T) {
	s, thetas := independent(t, mlpSpec(30, 30), 3)
	between := func(p, q int) network.Permutation {
		return frankWolfe(t, s, thetas[p], thetas[q], Config{}).Permutation
	}
	if equal(s.Compose(between(0, 1), between(1, 2)), between(0, 2)) {
		t.Error("three pairwise matchings close a cycle by themselves: the law says nothing")
	}
}

func TestManyStop(t *testing.T) {
	s, thetas := independent(t, mlpSpec(20, 30, 20), 3)
	for _, m := range ManyMethods() {
		ctx, cancel := context.WithCancel(t.Context())
		j, err := m.Find(ctx, ManyProblem{Symmetry: s, Thetas: thetas, Progress: func(done, of int, objective float64) { cancel() }})
		if !errors.Is(err, context.Canceled) || len(j.Permutations) != 3 || j.Objective <= j.Identity || !equal(j.Permutations[0], s.Identity()) {
			t.Errorf("%s: %+v, %v", m.Name, j, err)
		}
		if j, err := m.Find(ctx, ManyProblem{Symmetry: s, Thetas: thetas}); !errors.Is(err, context.Canceled) || j.Permutations != nil {
			t.Errorf("%s, begun after the end: %v, %v", m.Name, j, err)
		}
	}
}

func TestManyRefuse(t *testing.T) {
	s, thetas := independent(t, mlpSpec(8), 3)
	_, other := drawn(t, mlpSpec(9), 1)
	broken := thetas[2].Clone()
	broken[0].Data[3] = float32(math.NaN())
	for _, m := range ManyMethods() {
		for says, thetas := range map[string][]network.Params{
			"1 networks, expected two at least": thetas[:1], "networks 1 and 3 differ": {thetas[0], thetas[1], other}, "not finite": {thetas[0], thetas[1], broken},
		} {
			if _, err := m.Find(t.Context(), ManyProblem{Symmetry: s, Thetas: thetas}); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: expected %q: %v", m.Name, says, err)
			}
		}
		if found, err := ManyMethodByName(m.Name); err != nil || found.Name != m.Name || m.Doc == "" || m.Source == "" {
			t.Errorf("%+v, %v", found, err)
		}
	}
	if _, err := ManyMethodByName("soup"); err == nil || !strings.Contains(err.Error(), "universe, merge-many") {
		t.Error(err)
	}
}
