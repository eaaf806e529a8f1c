package match

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// The joint search needs no seed, and says how many steps it took.
func ExampleFrankWolfe() {
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 10, Widths: []int{32, 32}, Init: "torch"})
	if err != nil {
		panic(err)
	}
	a, _ := n.Init(1)
	s, _ := n.Symmetry()
	b, _ := s.Apply(s.Random(7), a) // the same network, its units in another order
	r, err := FrankWolfe(context.Background(), Problem{Symmetry: s, A: a, B: b})
	if err != nil {
		panic(err)
	}
	back, _ := s.Apply(r.Permutation, b)
	fmt.Println(back.Equal(a), r.Objective > r.Identity)
	// Output: true true
}

// smallResNet is a small ResNet: "pad" shares the stream's units among stages, "conv3" gives each stage its own.
func smallResNet(norm, shortcut string) network.Spec {
	s, err := network.Default("resnet20")
	if err != nil {
		panic(err)
	}
	s.Depth, s.Width, s.Norm, s.Shortcut = 8, 8, norm, shortcut
	return s
}

func jointSpecs() map[string]network.Spec {
	return map[string]network.Spec{"one hidden layer": mlpSpec(40), "mlp": mlpSpec(40, 30, 50), "lenet": lenetSpec(),
		"resnet, padded": smallResNet("batch", "pad"), "resnet, 3×3": smallResNet("layer", "conv3")}
}

func frankWolfe(t testing.TB, s network.Symmetry, a, b network.Params, c Config) Result {
	t.Helper()
	r, err := FrankWolfe(t.Context(), Problem{Symmetry: s, A: a, B: b, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFrankWolfeRecoversAPlantedPermutation(t *testing.T) {
	for name, spec := range jointSpecs() {
		for _, noise := range []float64{0, 0.3} {
			s, a := drawn(t, spec, 1)
			planted := s.Random(101)
			b := noisy(apply(t, s, planted, a), noise, 5)
			if r := frankWolfe(t, s, a, b, Config{}); !equal(r.Permutation, s.Inverse(planted)) {
				t.Errorf("%s, noise %g: not recovered, objective %g, at the planted %g", name, noise, r.Objective, dotOf(t, s, a, apply(t, s, s.Inverse(planted), b)))
			}
		}
	}
}

// The objective is what it says it is, no worse than moving nothing, and near to weight matching's; at the end no group alone can raise it.
func TestFrankWolfeEndsAtALocalOptimum(t *testing.T) {
	for name, spec := range jointSpecs() {
		s, a := drawn(t, spec, 1)
		_, b := drawn(t, spec, 2)
		r, w := frankWolfe(t, s, a, b, Config{}), weights(t, s, a, b, Config{})
		moved := apply(t, s, r.Permutation, b)
		if value := denseObjective(s, matricesOf(s, mixture{centre: 0, corners: []corner{cornerOf(s, r.Permutation)}, weights: []float64{1}}), a, b); math.Abs(value-r.Objective) > 1e-12*math.Abs(value) || r.Objective <= r.Identity {
			t.Errorf("%s: objective %v, its permutation has %v, the identity %v", name, r.Objective, value, r.Identity)
		}
		t.Logf("%s: from %.5g to %.5g after %d steps; weight matching %.5g", name, r.Identity, r.Objective, r.Sweeps[0], w.Objective)
		if gain, want := r.Objective-r.Identity, w.Objective-w.Identity; gain < 0.8*want {
			t.Errorf("%s: rose by %g, weight matching by %g", name, gain, want)
		}
		v, err := newVoting(s, a, b)
		if err != nil {
			t.Fatal(err)
		}
		x, y := a.ByName(), moved.ByName()
		for i, total := range gains(v, v.tensors, func(name string, _ int) (network.Tensor, network.Tensor) { return x[name], y[name] }, nil) {
			n, held, best := s.Groups[i].Size, 0.0, 0.0
			q, err := Assign(total, n)
			if err != nil {
				t.Fatal(err)
			}
			for u, v := range q {
				held, best = held+total[u*n+u], best+total[u*n+v]
			}
			if best > held+1e-5*math.Abs(held) { // the products are float32
				t.Errorf("%s: group %s alone raises %g to %g", name, s.Groups[i].Name, held, best)
			}
		}
	}
}

// Nothing but the weights decides.
func TestFrankWolfeIsDeterministic(t *testing.T) {
	s, a := drawn(t, mlpSpec(30, 40, 20), 1)
	_, b := drawn(t, mlpSpec(30, 40, 20), 2)
	one := frankWolfe(t, s, a, b, Config{})
	for _, c := range []Config{{}, {Seed: 9}, {Seed: 3, Restarts: 4}} {
		if r := frankWolfe(t, s, a, b, c); !equal(r.Permutation, one.Permutation) || r.Objective != one.Objective || !slices.Equal(r.Sweeps, one.Sweeps) {
			t.Errorf("%+v: %v after %v, then %v after %v", c, one.Objective, one.Sweeps, r.Objective, r.Sweeps)
		}
	}
	if r := frankWolfe(t, s, a, b, Config{Steps: 3}); r.Sweeps[0] != 3 || r.Objective > one.Objective {
		t.Errorf("three steps: %+v", r.Sweeps)
	}
}

// All pairs of permutations of two groups are tried: the search never claims more than the best of them, and mostly finds it.
func TestFrankWolfeAgainstAllPermutations(t *testing.T) {
	found, seeds := 0, 10
	for seed := range int64(seeds) {
		s, a := drawn(t, mlpSpec(4, 4), seed)
		_, b := drawn(t, mlpSpec(4, 4), seed+50)
		best := math.Inf(-1)
		for _, p := range permutations(4) {
			for _, q := range permutations(4) {
				best = max(best, dotOf(t, s, a, apply(t, s, network.Permutation{s.Groups[0].Name: p, s.Groups[1].Name: q}, b)))
			}
		}
		r := frankWolfe(t, s, a, b, Config{})
		if r.Objective > best+1e-12*math.Abs(best) {
			t.Errorf("seed %d: %v, the best is %v", seed, r.Objective, best)
		}
		if r.Objective > best-1e-9 {
			found++
		}
	}
	if t.Logf("%d of %d exact", found, seeds); found < 5 {
		t.Errorf("only %d of %d exact", found, seeds)
	}
}

// dense is θ with a matrix of every group applied to its units, in float64 by the definition: the reference for mixtures.
func dense(s network.Symmetry, matrices [][]float64, theta network.Params) map[string][]float64 {
	out := map[string][]float64{}
	for _, t := range theta {
		x := make([]float64, len(t.Data))
		for i, v := range t.Data {
			x[i] = float64(v)
		}
		for g, group := range s.Groups {
			for _, place := range group.Places {
				if place.Tensor != t.Name {
					continue
				}
				outer, size, in := split(t.Dims, place.Axis)
				y := slices.Clone(x)
				for u, at := range place.At {
					for j, i := range at {
						for o := range outer {
							for k := range in {
								sum := 0.0
								for v, from := range place.At {
									sum += matrices[g][u*group.Size+v] * x[(o*size+from[j])*in+k]
								}
								y[(o*size+i)*in+k] = sum
							}
						}
					}
				}
				x = y
			}
		}
		out[t.Name] = x
	}
	return out
}

// matricesOf writes out a mixture.
func matricesOf(s network.Symmetry, m mixture) [][]float64 {
	out := m.shares(s)
	for i, g := range s.Groups {
		for j := range out[i] {
			out[i][j] += m.centre / float64(g.Size)
		}
	}
	return out
}

// denseObjective is Σ ⟨A, P(B)⟩ by the definition.
func denseObjective(s network.Symmetry, m [][]float64, a, b network.Params) (sum float64) {
	moved := dense(s, m, b)
	for _, name := range s.Tensors() {
		if slices.Contains(s.Buffers, name) {
			continue
		}
		x, _ := a.Get(name)
		for i, v := range moved[name] {
			sum += float64(x.Data[i]) * v
		}
	}
	return sum
}

// Every step keeps the value and the gradient of the point where it is, and goes to the top of the segment.
func TestFrankWolfeSteps(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(6, 8, 5), "lenet": {Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 3, Init: "torch"},
		"resnet, padded": {Architecture: "resnet", Input: []int{8, 8, 1}, Classes: 3, Depth: 8, Width: 4, Norm: "batch", Shortcut: "pad", Init: "kaiming"}} {
		s, a := drawn(t, spec, 1)
		_, b := drawn(t, spec, 2)
		w, err := newDescent(Problem{Symmetry: s, A: a, B: b})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		steps := 3
		if name == "lenet" { // the reference takes its time
			steps = 1
		}
		for step := range steps {
			at := matricesOf(s, w.p)
			f := denseObjective(s, at, a, b)
			near := func(what string, got, want float64) {
				t.Helper()
				if math.Abs(got-want) > 1e-5*(math.Abs(want)+1) {
					t.Errorf("%s, step %d: %s is %g, expected %g", name, step, what, got, want)
				}
			}
			near("f", w.value, f)
			for range 4 { // ∂f by a random direction: f is quadratic, so the difference is exact
				direction, slope, up, down := make([][]float64, len(at)), 0.0, make([][]float64, len(at)), make([][]float64, len(at))
				for i := range at {
					direction[i] = make([]float64, len(at[i]))
					up[i], down[i] = slices.Clone(at[i]), slices.Clone(at[i])
					for j := range direction[i] {
						d := r.NormFloat64()
						slope += d * w.gradient[i][j]
						up[i][j], down[i][j] = up[i][j]+d, down[i][j]-d
					}
				}
				near("the slope", slope, (denseObjective(s, up, a, b)-denseObjective(s, down, a, b))/2)
			}
			to, err := assignAll(t.Context(), s, w.solvers, w.gradient)
			if err != nil {
				t.Fatal(err)
			}
			p := w.p
			if _, _, err := w.step(to); err != nil {
				t.Fatal(err)
			}
			for i := range 11 {
				if on := denseObjective(s, matricesOf(s, p.towards(to, float64(i)/10)), a, b); on > w.value+1e-5*(math.Abs(w.value)+1) {
					t.Errorf("%s, step %d: %g on the way, %g where it stopped", name, step, on, w.value)
				}
			}
		}
	}
}

// A group on both axes of one tensor: f is quadratic in one matrix.
func TestFrankWolfeGroupOnTwoAxes(t *testing.T) {
	const n = 12
	at := make([][]int, n)
	for i := range at {
		at[i] = []int{i}
	}
	s := network.Symmetry{Groups: []network.Group{{Name: "stream", Size: n, Places: []network.Place{
		{Tensor: "in", Axis: 1, At: at}, {Tensor: "w", Axis: 0, At: at}, {Tensor: "w", Axis: 1, At: at},
	}}}}
	r := rand.New(rand.NewPCG(4, 4))
	random := func(name string, d ...int) network.Tensor {
		x := network.Tensor{Name: name, Dims: d, Data: make([]float32, d[0]*d[1])}
		for i := range x.Data {
			x.Data[i] = float32(r.NormFloat64())
		}
		return x
	}
	a := network.Params{random("in", 9, n), random("w", n, n)}
	planted := s.Random(3)
	if got := frankWolfe(t, s, a, apply(t, s, planted, a), Config{}); !equal(got.Permutation, s.Inverse(planted)) {
		t.Errorf("not recovered: %g, identity %g", got.Objective, got.Identity)
	}
}

// An interrupted search has what it found, and nothing where it had not begun.
func TestFrankWolfeStops(t *testing.T) {
	s, a := drawn(t, mlpSpec(30, 40, 20), 1)
	_, b := drawn(t, mlpSpec(30, 40, 20), 2)
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	r, err := FrankWolfe(ctx, Problem{Symmetry: s, A: a, B: b, Progress: func(done, of int, objective float64) {
		if steps++; done != steps || of != JointSteps {
			t.Errorf("told of step %d of %d, expected %d", done, of, steps)
		}
		if done == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || r.Objective <= r.Identity || s.Check(r.Permutation) != nil || len(r.Objectives) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := FrankWolfe(ctx, Problem{Symmetry: s, A: a, B: b}); !errors.Is(err, context.Canceled) || r.Permutation != nil {
		t.Errorf("begun after the end: %v, %v", r, err)
	}
}

func TestFrankWolfeRefuses(t *testing.T) {
	s, a := drawn(t, mlpSpec(8), 1)
	_, other := drawn(t, mlpSpec(9), 1)
	_, narrow := drawn(t, mlpSpec(7), 1)
	broken := a.Clone()
	broken[0].Data[3] = float32(math.NaN())
	at := [][]int{{0}, {1}}
	cube := network.Params{{Name: "cube", Dims: []int{2, 2, 2}, Data: make([]float32, 8)}}
	var three network.Symmetry
	for axis, name := range []string{"x", "y", "z"} {
		three.Groups = append(three.Groups, network.Group{Name: name, Size: 2, Places: []network.Place{{Tensor: "cube", Axis: axis, At: at}}})
	}
	for _, c := range []struct {
		s    network.Symmetry
		a, b network.Params
		says string
	}{
		{s, a, other, `"fc1/w"`}, {s, narrow, narrow, `"fc1/w"`}, {s, a[1:], a[1:], `"fc1/w"`}, {s, a, broken, "not finite"}, {three, cube, cube, `"cube" moves along 3 axes`},
	} {
		if _, err := FrankWolfe(t.Context(), Problem{Symmetry: c.s, A: c.a, B: c.b}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("expected %q: %v", c.says, err)
		}
	}
}
