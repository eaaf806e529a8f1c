package match

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// pairOf is two networks of a spec that have nothing to do with each other, and samples to look at.
func pairOf(t testing.TB, spec network.Spec, perClass int) Problem {
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
	s, theta := drawn(t, spec, 1)
	_, other := drawn(t, spec, 2)
	set, err := data.Blobs(spec.Classes, perClass, spec.Input, 3)
	if err != nil {
		t.Fatal(err)
	}
	d, err := feed.New(b, set, feed.Standard(set))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Free)
	return Problem{F: f, Symmetry: s, A: theta, B: other, Training: d}
}

// residual is a network of a residual stream, with shortcuts that pad with zeros.
func residual(norm, shortcut string, width int) network.Spec {
	return network.Spec{Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 5, Depth: 8, Width: width, Norm: norm, Shortcut: shortcut, Init: "kaiming"}
}

func movedTo(t testing.TB, c *commuting, by network.Permutation) {
	t.Helper()
	if err := c.moveTo(by); err != nil {
		t.Fatal(err)
	}
}

// commutes is Σ E‖ΔW ΔH‖² from features that are kept whole, the layers applied on the device.
func commutes(t testing.TB, p Problem, by network.Permutation) float64 {
	t.Helper()
	moved := apply(t, p.Symmetry, by, p.B)
	set := p.Training.Set
	x := network.Tensor{Name: "x", Dims: append([]int{set.Len()}, set.Shape...)}
	norm := feed.Standard(set)
	channels := len(norm.Mean)
	for i, v := range set.Pixels {
		x.Data = append(x.Data, (float32(v)/set.Max-norm.Mean[i%channels])/norm.Std[i%channels])
	}
	return sumOfProducts(t, p.F, p.A, moved, x) / float64(set.Len())
}

func TestCommutativityIsThatOfWholeFeatures(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(7, 6), "lenet": lenetSpec(), "resnet": residual("batch", "pad", 4), "resnet-ln": residual("layer", "conv3", 4)} {
		p := pairOf(t, spec, 27) // 135 samples: with padding in the second batch of some
		maps, err := moments(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c, err := newCommuting(p.F, p.Symmetry, maps)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range int64(2) {
			by := p.Symmetry.Random(seed)
			if seed == 0 {
				by = p.Symmetry.Identity()
			}
			movedTo(t, c, by)
			if want := commutes(t, p, by); math.Abs(c.total()-want) > 1e-5*want {
				t.Errorf("%s: %v by the moments, %v by the features", name, c.total(), want)
			}
		}
	}
}

// The change by a swap that the search computes is that of the objective, also after other swaps.
func TestSwapsAreExact(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(7, 6), "lenet": lenetSpec(), "resnet": residual("batch", "pad", 4)} {
		p := pairOf(t, spec, 10)
		maps, err := moments(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCommuting(p.F, p.Symmetry, maps)
		if err != nil {
			t.Fatal(err)
		}
		movedTo(t, c, p.Symmetry.Random(3))
		for g, group := range c.groups {
			gradient, err := c.gradient(g)
			if err != nil || c.twice[g] {
				t.Fatalf("%s: group %s on both axes of a map: %t; %v", name, group.Name, c.twice[g], err)
			}
			for k := range min(4, group.Size-1) {
				u, v := k, group.Size-1
				before := c.total()
				slope, by := 0.0, 0.0
				for _, at := range c.roles[g] {
					slope, by = slope+at.slope(u, v), by+at.curvature(u, v)
				}
				by += slope
				if all := gradient[u*group.Size+v] + gradient[v*group.Size+u] - gradient[u*group.Size+u] - gradient[v*group.Size+v]; k == 0 && math.Abs(all-slope) > 1e-9*before {
					t.Errorf("%s, %s: slope %g, by the gradient %g", name, group.Name, slope, all)
				}
				c.swap(g, u, v)
				if err := c.measure(); err != nil {
					t.Fatal(err)
				}
				if change := c.total() - before; math.Abs(change-by) > 1e-9*before {
					t.Errorf("%s, %s: a swap changes %g, expected %g", name, group.Name, change, by)
				}
			}
			where := c.permutation()
			total := c.total()
			movedTo(t, c, p.Symmetry.Identity())
			movedTo(t, c, where)
			if math.Abs(c.total()-total) > 1e-9*total {
				t.Errorf("%s, %s: %g in place, %g anew", name, group.Name, total, c.total())
			}
		}
	}
}

// The search never raises the objective, and ends no worse than weight matching and activation matching.
func TestCommutativityFalls(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(20, 30, 20), "lenet": lenetSpec(), "resnet": residual("batch", "pad", 6)} {
		p := pairOf(t, spec, 10)
		maps, err := moments(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCommuting(p.F, p.Symmetry, maps)
		if err != nil {
			t.Fatal(err)
		}
		last, steps := c.total(), 0
		c.observe = func() {
			now := c.total()
			if steps++; !(now < last) {
				t.Errorf("%s, step %d: from %v to %v", name, steps, last, now)
			}
			last = now
		}
		if _, err := c.descend(context.Background(), 100, nil); err != nil {
			t.Fatal(err)
		}
		if steps < 3 {
			t.Errorf("%s: %d steps: the test tested little", name, steps)
		}
		r, err := Commutativity(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		w := weights(t, p.Symmetry, p.A, p.B, Config{})
		a, err := Activations(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		got := commutes(t, p, r.Permutation)
		if byW, byA := commutes(t, p, w.Permutation), commutes(t, p, a.Permutation); !(got < byW && got < byA) || math.Abs(got+r.Objective) > 1e-5*got {
			t.Errorf("%s: %g (said to be %g), weight matching %g, activation matching %g", name, got, -r.Objective, byW, byA)
		}
		t.Logf("%s: from %.4g: %.4g, weight matching %.4g, activation matching %.4g, %v sweeps", name, -r.Identity, got, commutes(t, p, w.Permutation), commutes(t, p, a.Permutation), r.Sweeps)
	}
}

// How far from the best of all permutations the search ends, on networks small enough to try them all.
func TestCommutativityGap(t *testing.T) {
	found, worst := 0, 0.0
	const pairs = 12
	for seed := int64(1); seed <= pairs; seed++ {
		spec := mlpSpec(5, 5)
		p := pairOf(t, spec, 8)
		_, p.A = drawn(t, spec, seed)
		_, p.B = drawn(t, spec, seed+100)
		p.Restarts = 16
		r, err := Commutativity(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		maps, err := moments(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCommuting(p.F, p.Symmetry, maps)
		if err != nil {
			t.Fatal(err)
		}
		best := math.Inf(1)
		all := permutations(5)
		for _, x := range all {
			for _, y := range all {
				movedTo(t, c, network.Permutation{c.groups[0].Name: x, c.groups[1].Name: y})
				best = min(best, c.total())
			}
		}
		gap := -r.Objective/best - 1
		if gap < -1e-9 {
			t.Errorf("seed %d: %g is less than the least, %g", seed, -r.Objective, best)
		}
		if gap < 1e-9 {
			found++
		}
		worst = max(worst, gap)
	}
	t.Logf("the best of all in %d of %d pairs, at most %.1f %% above", found, pairs, 100*worst)
	if found < pairs/2 || worst > 0.3 {
		t.Errorf("the best of all in %d of %d pairs, at most %.1f %% above", found, pairs, 100*worst)
	}
}

func TestCommutativityRefuses(t *testing.T) {
	p := pairOf(t, network.Spec{Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 5, Depth: 11, Width: 64, Norm: "batch", Init: "kaiming"}, 1)
	if _, err := Commutativity(context.Background(), p); err == nil || !strings.Contains(err.Error(), "conv4_2") || !strings.Contains(err.Error(), "4608") {
		t.Error(err)
	}
	p = pairOf(t, mlpSpec(5, 5), 8)
	ctx, cancel := context.WithCancel(context.Background())
	p.Progress = func(done, _ int, objective float64) {
		if !math.IsNaN(objective) {
			cancel()
		}
	}
	r, err := Commutativity(ctx, p)
	if err == nil || r.Permutation == nil || !slices.Contains(r.Objectives, r.Objective) {
		t.Errorf("cut off: %+v, %v", r, err)
	}
}
