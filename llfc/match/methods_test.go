package match

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// small is a configuration in which every method is quick.
func small(method string) Config {
	switch method {
	case "ste":
		return Config{Steps: 3, Samples: 20}
	case "annealing":
		return Config{Steps: 8, Samples: 20}
	}
	return Config{}
}

// recover is whether a method must find a planted permutation exactly. The others are held to their start.
func recovers(method string) bool { return method != "ste" && method != "annealing" }

func find(t testing.TB, method string, p Problem) Result {
	t.Helper()
	m, err := MethodByName(method)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Find(t.Context(), p)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	if err := p.Symmetry.Check(r.Permutation); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return r
}

// forget takes over into want how units were matched that are off for all samples: after the nonlinearity nothing tells them apart.
func forget(t testing.TB, p Problem, want, got network.Permutation) {
	t.Helper()
	gains, _, err := look{name: "correlations, front to back", centred: true, at: stageEnds}.gains(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range p.Symmetry.Groups {
		off := 0
		for u := range g.Size {
			if gains[i][u*g.Size+want[g.Name][u]] == 0 && gains[i][u*g.Size+got[g.Name][u]] == 0 {
				want[g.Name][u] = got[g.Name][u]
				off++
			}
		}
		if off > g.Size/2 {
			t.Errorf("group %s: %d of %d units are off: the test tested little", g.Name, off, g.Size)
		}
	}
}

// A planted permutation is found again by every method that looks for it, on networks of every kind of group, and what was found is the same function.
func TestMethodsRecoverAPlantedPermutation(t *testing.T) {
	for name, spec := range map[string]network.Spec{
		"mlp": mlpSpec(20, 30, 20), "lenet": lenetSpec(),
		"vgg":       {Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 5, Depth: 11, Width: 4, Norm: "batch", Init: "kaiming"},
		"resnet":    residual("batch", "pad", 6),
		"resnet-ln": residual("layer", "conv3", 6),
	} {
		p, planted := problem(t, spec, 8)
		for _, m := range Methods() {
			if !m.Data || name != "mlp" && !recovers(m.Name) {
				continue
			}
			p.Config = small(m.Name)
			r := find(t, m.Name, p)
			want := p.Symmetry.Inverse(planted)
			if m.Name == "front-to-back" {
				forget(t, p, want, r.Permutation)
			}
			if recovers(m.Name) && !equal(r.Permutation, want) {
				t.Errorf("%s, %s: another permutation was found", name, m.Name)
			}
			if r.Objective < r.Identity || recovers(m.Name) && !(r.Objective > r.Identity) || !slices.Contains(r.Objectives, r.Objective) || r.Of == "" {
				t.Errorf("%s, %s: objective %g of %v, from %g, of %q", name, m.Name, r.Objective, r.Objectives, r.Identity, r.Of)
			}
			if err := Check(p.F, p.B, apply(t, p.Symmetry, r.Permutation, p.B), Noise(spec.Input)); err != nil {
				t.Errorf("%s, %s: %v", name, m.Name, err)
			}
		}
	}
}

// A network and itself: nothing moves, dead units neither.
func TestMethodsOfANetworkAndItself(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(20, 30), "resnet": residual("batch", "pad", 4)} {
		p := pairOf(t, spec, 8)
		p.A = p.A.Clone()
		for _, w := range p.A {
			if w.Name == "fc1/w" || w.Name == "fc1/b" { // units 0 … 4 see nothing and are off
				units := w.Dims[len(w.Dims)-1]
				for i := range w.Data {
					if i%units < 5 {
						w.Data[i] = 0
						if w.Name == "fc1/b" {
							w.Data[i] = -1
						}
					}
				}
			}
		}
		p.B = p.A
		for _, m := range Methods() {
			p.Config = small(m.Name)
			if r := find(t, m.Name, p); !equal(r.Permutation, p.Symmetry.Identity()) || r.Objective != r.Identity {
				t.Errorf("%s, %s: moved; objective %g, identity %g", name, m.Name, r.Objective, r.Identity)
			}
		}
	}
}

// What is searched step by step ends no worse than it began, by what is measured from outside.
func TestSearchesByTheMiddle(t *testing.T) {
	p := pairOf(t, mlpSpec(20, 20), 40)
	p.Config = Config{Steps: 12, Samples: 100, Seed: 4}
	held := p.order(0)[:100]
	loss := func(by network.Permutation) (loss, right float64) {
		moved := apply(t, p.Symmetry, by, p.B)
		mid, err := network.Interpolate(p.A, moved, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		x := network.Tensor{Name: "x", Dims: append([]int{len(held)}, p.Training.Set.Shape...)}
		norm := feed.Standard(p.Training.Set)
		for _, i := range held {
			for _, v := range p.Training.Set.Sample(int(i)) {
				x.Data = append(x.Data, (float32(v)/p.Training.Set.Max-norm.Mean[0])/norm.Std[0])
			}
		}
		z, err := p.F.Logits(mid, x)
		if err != nil {
			t.Fatal(err)
		}
		classes := z.Dims[1]
		for k, i := range held {
			row, y := z.Data[k*classes:(k+1)*classes], p.Training.Set.Labels[i]
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(float64(v))
			}
			loss += math.Log(sum) - float64(row[y])
			if slices.Max(row) == row[y] {
				right++
			}
		}
		return loss / float64(len(held)), right / float64(len(held))
	}
	r := find(t, "ste", p)
	l, _ := loss(r.Permutation)
	from, _ := loss(weights(t, p.Symmetry, p.A, p.B, Config{Seed: 4}).Permutation)
	if math.Abs(l+r.Objective) > 1e-5 || l > from+1e-6 {
		t.Errorf("straight-through: loss %g, said to be %g, from %g by weight matching", l, -r.Objective, from)
	}
	p.Config.Steps = 60
	r = find(t, "annealing", p)
	_, right := loss(r.Permutation)
	if _, from := loss(p.Symmetry.Identity()); math.Abs(right-r.Objective) > 1e-6 || right < from || math.Abs(from-r.Identity) > 1e-6 {
		t.Errorf("annealing: accuracy %g, said to be %g, from %g", right, r.Objective, from)
	}
	again := find(t, "annealing", p)
	if !equal(again.Permutation, r.Permutation) {
		t.Error("annealing: the same call gave another answer")
	}
}

// The gradient by which the straight-through estimator goes is the slope of the loss at the middle.
func TestGradientOfTheMiddle(t *testing.T) {
	p := pairOf(t, mlpSpec(6, 5), 8)
	m, err := newMidpoint(p, 40)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	grads, err := m.gradient(t.Context(), p.B, m.held[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.B {
		j := len(p.B[i].Data) / 2
		const h = 1e-2
		var at [2]float64
		for k, sign := range []float32{1, -1} {
			b := p.B.Clone()
			b[i].Data[j] += sign * h
			if at[k], _, err = m.score(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if slope := (at[0] - at[1]) / (2 * h); math.Abs(slope-float64(grads[i][j])) > 1e-4+1e-2*math.Abs(slope) {
			t.Errorf("%s: gradient %g, slope %g", p.B[i].Name, grads[i][j], slope)
		}
	}
}

// Correlations are those of features kept whole, in float64, with means far from 0.
func TestCorrelationsAreThoseOfWholeFeatures(t *testing.T) {
	p := pairOf(t, mlpSpec(7, 6), 51) // 255 samples: the last of two batches of 128 is filled up
	for i := range p.A {              // features with a large mean
		if strings.HasSuffix(p.A[i].Name, "/b") && p.A[i].Name != "logits/b" {
			for j := range p.A[i].Data {
				p.A[i].Data[j] += 30
			}
		}
	}
	set := p.Training.Set
	x := network.Tensor{Name: "x", Dims: append([]int{set.Len()}, set.Shape...)}
	norm := feed.Standard(set)
	for _, v := range set.Pixels {
		x.Data = append(x.Data, (float32(v)/set.Max-norm.Mean[0])/norm.Std[0])
	}
	gains, _, err := look{name: "correlations", centred: true, at: everywhere}.gains(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range p.Symmetry.Groups {
		cov, va, vb := make([]float64, g.Size*g.Size), make([]float64, g.Size), make([]float64, g.Size)
		for _, place := range g.TapPlaces {
			centred := func(theta network.Params) []float64 {
				h, err := p.F.Features(theta, x, place.Tensor)
				if err != nil {
					t.Fatal(err)
				}
				out := make([]float64, len(h.Data))
				for u := range g.Size {
					mean := 0.0
					for k := u; k < len(h.Data); k += g.Size {
						mean += float64(h.Data[k]) / float64(set.Len())
					}
					for k := u; k < len(h.Data); k += g.Size {
						out[k] = float64(h.Data[k]) - mean
					}
				}
				return out
			}
			a, b := centred(p.A), centred(p.B)
			for k := range set.Len() {
				for u := range g.Size {
					va[u] += a[k*g.Size+u] * a[k*g.Size+u]
					vb[u] += b[k*g.Size+u] * b[k*g.Size+u]
					for v := range g.Size {
						cov[u*g.Size+v] += a[k*g.Size+u] * b[k*g.Size+v]
					}
				}
			}
		}
		for u := range g.Size {
			for v := range g.Size {
				want := 0.0
				if d := va[u] * vb[v]; d > 0 {
					want = cov[u*g.Size+v] / math.Sqrt(d)
				}
				if got := gains[i][u*g.Size+v]; math.Abs(got-want) > 2e-5 {
					t.Fatalf("group %s, units %d and %d: %g, expected %g", g.Name, u, v, got, want)
				}
			}
		}
	}
}

// REPAIR permutes a layer before it looks at the next. One pass over B as it came finds the same.
func TestFrontToBackIsOnePass(t *testing.T) {
	for name, spec := range map[string]network.Spec{"mlp": mlpSpec(12, 15, 10), "lenet": lenetSpec(), "resnet": residual("batch", "conv3", 4)} {
		p := pairOf(t, spec, 12)
		once := find(t, "front-to-back", p)
		q := p
		total := p.Symmetry.Identity()
		for _, g := range p.Symmetry.Groups { // the published loop
			r := find(t, "front-to-back", q)
			step := p.Symmetry.Identity()
			step[g.Name] = r.Permutation[g.Name]
			q.B = apply(t, p.Symmetry, step, q.B)
			copy(total[g.Name], step[g.Name])
		}
		if !equal(total, once.Permutation) {
			t.Errorf("%s: layer by layer another permutation is found than in one pass", name)
		}
	}
	p := pairOf(t, residual("batch", "pad", 4), 4)
	for group, tap := range map[string]string{"conv1": "layer1.0", "layer1.0/conv1": "layer1.0/conv1/bn/relu"} {
		g, ok := p.Symmetry.Group(group)
		if at := stageEnds(p.F, g); !ok || len(at) != 1 || at[0].Tensor != tap {
			t.Errorf("%s is looked at in %+v, expected %s", group, at, tap)
		}
	}
}

// MuDSC with all weight on one part is matching by that part.
func TestDualSpace(t *testing.T) {
	p := pairOf(t, mlpSpec(20, 30, 20), 20)
	p.Mix = 1
	if r, c := find(t, "mudsc", p), find(t, "correlation", p); !equal(r.Permutation, c.Permutation) || math.Abs(r.Objective-c.Objective) > 1e-5 {
		t.Errorf("of features only: %g, correlation matching %g", r.Objective, c.Objective)
	}
	p.Mix = 0
	r := find(t, "mudsc", p)
	d := &dual{symmetry: p.Symmetry, a: p.A, b: p.B, mix: 0.5, p: r.Permutation}
	var err error
	if d.acts, _, err = (look{name: "correlations", centred: true, at: everywhere}).gains(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, g := range p.Symmetry.Groups {
		d.rowsA = append(d.rowsA, d.rows(g, p.A))
	}
	if v, err := d.value(); err != nil || math.Abs(v-r.Objective) > 1e-5 || !(r.Objective > r.Identity) {
		t.Errorf("objective %g, measured again %g, from %g; %v", r.Objective, v, r.Identity, err)
	}
	for _, g := range p.Symmetry.Groups { // every row has mean 0 and length 1
		k := len(d.rows(g, p.A)) / g.Size
		row := d.rows(g, p.A)[:k]
		sum := 0.0
		for _, v := range row {
			sum += float64(v)
		}
		if math.Abs(sum) > 1e-5 || math.Abs(dot(row, row)-1) > 1e-5 {
			t.Errorf("a row of %s has sum %g and square %g", g.Name, sum, dot(row, row))
		}
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		p.Mix = bad
		if _, err := DualSpace(t.Context(), p); err == nil || !strings.Contains(err.Error(), "lies in (0, 1]") {
			t.Errorf("a mix of %g: %v", bad, err)
		}
	}
}

// A search that is cut off returns the best that it has, with the context's error.
func TestMethodsAreCutOff(t *testing.T) {
	p := pairOf(t, mlpSpec(8, 8), 120) // 600 samples: three batches and more
	for _, m := range Methods() {
		if !m.Data {
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		p.Config = Config{Samples: small(m.Name).Samples, Steps: 1000}
		p.Progress = func(int, int, float64) { cancel() }
		r, err := m.Find(ctx, p)
		if ctx.Err() == nil || err == nil {
			t.Errorf("%s: was not cut off: %v", m.Name, err)
		} else if m.Name != "commutativity" && p.Symmetry.Check(r.Permutation) != nil { // that needs all moments first
			t.Errorf("%s: %v, %v", m.Name, r.Permutation, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if r, err := m.Find(ctx, p); err == nil || r.Permutation != nil {
			t.Errorf("%s: with a context that has ended: %v, %v", m.Name, r.Permutation, err)
		}
	}
}

// The slice of a set sorted by class is refused; the set itself, and what was drawn from it, are not.
func TestSortedSlicesAreRefused(t *testing.T) {
	set, err := data.Blobs(5, 40, []int{6, 6, 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	order := make([]int, set.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(set.Labels[a] - set.Labels[b]) })
	pick := func(from []int) *data.Set {
		s := *set
		s.Pixels, s.Labels = nil, nil
		for _, i := range from {
			s.Pixels, s.Labels = append(s.Pixels, set.Sample(i)...), append(s.Labels, set.Labels[i])
		}
		return &s
	}
	sorted := pick(order)
	drawn, err := sorted.Subset(60, 1)
	if err != nil {
		t.Fatal(err)
	}
	var mixed []int // of three classes, in no order
	for i := range set.Len() {
		if set.Labels[i] < 3 {
			mixed = append(mixed, i)
		}
	}
	p := pairOf(t, mlpSpec(8), 4)
	for name, c := range map[string]struct {
		set  *data.Set
		want string
	}{
		"slice": {pick(order[:70]), "2 of 5 classes"}, "one class": {pick(order[:30]), "1 of 5 classes"},
		"whole": {sorted, ""}, "drawn": {drawn, ""}, "few": {pick(order[:10]), ""}, "mixed": {pick(mixed), ""},
	} {
		if p.Training, err = feed.New(p.F.Backend, c.set, feed.Standard(c.set)); err != nil {
			t.Fatal(err)
		}
		defer p.Training.Free()
		for _, m := range Methods() {
			if !m.Data {
				continue
			}
			p.Config = Config{Steps: 1}
			_, err := m.Find(t.Context(), p)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "Set.Subset")) {
				t.Errorf("%s, %s: %v", name, m.Name, err)
			}
		}
	}
}

// Methods that look at data say so when they get none, or other networks.
func TestMethodsRefuse(t *testing.T) {
	p := pairOf(t, mlpSpec(8), 4)
	other := p
	_, other.B = drawn(t, mlpSpec(9), 1)
	p.Training = nil
	for _, m := range Methods() {
		if !m.Data {
			continue
		}
		if _, err := m.Find(t.Context(), p); err == nil || !strings.Contains(err.Error(), "Problem.Training") {
			t.Errorf("%s: %v", m.Name, err)
		}
		if _, err := m.Find(t.Context(), other); err == nil || !strings.Contains(err.Error(), `"fc1/w"`) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// A symmetry that does not fit the weights is an error that names the tensor.
func TestSymmetryMustFit(t *testing.T) {
	p := pairOf(t, mlpSpec(8, 8), 4)
	whole := p.Symmetry
	for want, spoil := range map[string]func(g *network.Group){
		`no tensor "fc9/w"`: func(g *network.Group) { g.Places[0].Tensor = "fc9/w" },
		`tensor "fc1/b" has shape [8], without the axis 1`:   func(g *network.Group) { g.Places[1].Axis = 1 },
		`axis 1 of tensor "fc1/w" has size 8, without the`:   func(g *network.Group) { g.Places[0].At[3] = []int{8} },
		`position 2 on axis 1 of tensor "fc1/w" belongs to`:  func(g *network.Group) { g.Places[0].At[3] = []int{2} },
		`has 8 units, but 7 on axis 0 of tensor "fc1/b"`:     func(g *network.Group) { g.Places[1].At = g.Places[1].At[:7] },
		`position 0 on axis 0 of tensor "fc2/w" belongs to `: func(g *network.Group) { g.Places = append(g.Places, g.Places[2]) },
	} {
		p.Symmetry = network.Symmetry{Groups: slices.Clone(whole.Groups), Buffers: whole.Buffers}
		g := &p.Symmetry.Groups[0]
		g.Places = slices.Clone(g.Places)
		for i := range g.Places {
			g.Places[i].At = slices.Clone(g.Places[i].At)
		}
		spoil(g)
		for _, m := range Methods() {
			if !m.Data {
				continue
			}
			if _, err := m.Find(t.Context(), p); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: expected an error with %q, got %v", m.Name, want, err)
			}
		}
	}
}

// Running statistics move and have no vote.
func TestBuffersHaveNoVote(t *testing.T) {
	p := pairOf(t, residual("batch", "pad", 4), 8)
	d := &dual{symmetry: p.Symmetry}
	spoilt := p.A.Clone()
	for _, w := range spoilt {
		if slices.Contains(p.Symmetry.Buffers, w.Name) {
			for i := range w.Data {
				w.Data[i] += float32(i + 1)
			}
		}
	}
	for _, g := range p.Symmetry.Groups {
		if a, b := d.rows(g, p.A), d.rows(g, spoilt); !slices.Equal(a, b) {
			t.Errorf("mudsc: the rows of %s depend on running statistics", g.Name)
		}
	}
	maps, err := moments(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range maps {
		if slices.Contains(p.Symmetry.Buffers, m.name+"/w") {
			t.Errorf("commutativity: %s is a buffer", m.name)
		}
	}
}
