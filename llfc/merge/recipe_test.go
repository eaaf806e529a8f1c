package merge

import (
	"math"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// trio is a base and three models of it, each a small step away.
func trio(t *testing.T, s scene) (base network.Params, models []network.Params) {
	t.Helper()
	base = s.a
	for k := range uint64(3) {
		models = append(models, must[network.Params](t)(network.Interpolate(base, jitter(t, s.f, 10+k), 0.9)))
	}
	return base, models
}

// every calls each with every recipe, its base and its models.
func every(t *testing.T, s scene, each func(r Recipe, base network.Params, models []network.Params)) {
	t.Helper()
	base, models := trio(t, s)
	for _, m := range Recipes() {
		b := base
		if !m.Base {
			b = nil
		}
		each(Recipe{Name: m.Name}, b, models)
	}
}

// farthest is the largest distance of two numbers, as a share of the largest number.
func farthest(a, b network.Params) float64 {
	most, size := 0.0, 0.0
	for i := range a {
		for j, v := range a[i].Data {
			most, size = max(most, math.Abs(float64(v)-float64(b[i].Data[j]))), max(size, math.Abs(float64(v)))
		}
	}
	return most / size
}

func TestMeanOfOneIsIt(t *testing.T) {
	scenes(t, []string{"mlp", "resnet"}, func(t *testing.T, s scene) {
		if got := must[network.Params](t)(Combine(s.f, nil, []network.Params{s.a}, Recipe{Name: "mean"})); !got.Equal(s.a) {
			t.Error("the mean of one model is another")
		}
		two := must[network.Params](t)(Combine(s.f, nil, []network.Params{s.a, s.b}, Recipe{Name: "mean"}))
		if far := farthest(two, must[network.Params](t)(network.Interpolate(s.a, s.b, 0.5))); far > 1e-7 {
			t.Errorf("the mean of two is %g away from their middle", far)
		}
	})
}

// A merge of models that are the base is the base, whatever the recipe; so is one with λ near 0.
func TestNothingLearnedMergesToNothing(t *testing.T) {
	scenes(t, []string{"mlp", "resnet"}, func(t *testing.T, s scene) {
		every(t, s, func(r Recipe, base network.Params, models []network.Params) {
			for i := range models {
				models[i] = s.a
			}
			if got := must[network.Params](t)(Combine(s.f, base, models, r)); farthest(s.a, got) > 1e-7 {
				t.Errorf("%s: %g", r.Name, farthest(s.a, got))
			}
		})
	})
}

func TestLinearInTheTaskVectors(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	every(t, s, func(r Recipe, base network.Params, models []network.Params) {
		if base == nil {
			return
		}
		once := must[network.Params](t)(Combine(s.f, base, models, r))
		r.Lambda = 3
		thrice := must[network.Params](t)(Combine(s.f, base, models, r))
		if far := farthest(thrice, add(base, 3, difference(once, base))); far > 1e-6 {
			t.Errorf("%s: λ = 3 is %g away from three times λ = 1", r.Name, far)
		}
	})
	base, models := trio(t, s)
	one := must[network.Params](t)(Combine(s.f, base, models[:1], Recipe{Name: "task"}))
	if far := farthest(models[0], one); far > 1e-6 {
		t.Errorf("θ_0 + (θ − θ_0) is %g away from θ", far)
	}
	analogy := must[network.Params](t)(Combine(s.f, base, []network.Params{models[0], models[0], models[1]}, Recipe{Name: "task", Weights: []float64{-1, 1, 1}}))
	if far := farthest(models[1], analogy); far > 1e-6 {
		t.Errorf("τ_c + (τ_a − τ_a) is %g away from τ_c", far)
	}
}

// Permuting all models alike permutes what is made of them, to the bit; where numbers are drawn by their place it does not.
func TestRecipesGoWithPermutations(t *testing.T) {
	scenes(t, []string{"mlp", "lenet", "resnet"}, func(t *testing.T, s scene) {
		symmetry := must[network.Symmetry](t)(s.f.Network.Symmetry())
		p := symmetry.Random(7)
		move := func(theta network.Params) network.Params { return must[network.Params](t)(symmetry.Apply(p, theta)) }
		every(t, s, func(r Recipe, base network.Params, models []network.Params) {
			if m := must[RecipeMethod](t)(r.Method()); m.seeded {
				return
			}
			want := move(must[network.Params](t)(Combine(s.f, base, models, r)))
			moved := slices.Clone(models)
			for i, theta := range models {
				moved[i] = move(theta)
			}
			if base != nil {
				base = move(base)
			}
			if got := must[network.Params](t)(Combine(s.f, base, moved, r)); !got.Equal(want) {
				t.Errorf("%s of permuted models is not the permuted merge: %g away", r.Name, farthest(want, got))
			}
		})
	})
}

// Running statistics are averaged by every recipe; a sum of differences could make a variance negative.
func TestRecipesAverageStatistics(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["resnet"])
	every(t, s, func(r Recipe, base network.Params, models []network.Params) {
		got := must[network.Params](t)(Combine(s.f, base, models, r))
		for i, p := range s.f.About.Params {
			if !p.Buffer() {
				continue
			}
			for j, v := range got[i].Data {
				want := (float64(models[0][i].Data[j]) + float64(models[1][i].Data[j]) + float64(models[2][i].Data[j])) / 3
				if math.Abs(float64(v)-want) > 1e-6*math.Abs(want) {
					t.Fatalf("%s: %s[%d] is %g, not the mean %g", r.Name, p.Name, j, v, want)
				}
			}
		}
	})
}

// Two models, four numbers, by hand: of (4, −1, 0.5, 3) and (−2, 3, 0.4, 1) the half of largest size is (4, 0, 0, 3) and (−2, 3, 0, 0). The
// sums' signs are +, +, 0, +.
func TestTiesByHand(t *testing.T) {
	taus := []network.Params{{{Name: "w", Dims: []int{4}, Data: []float32{4, -1, 0.5, 3}}}, {{Name: "w", Dims: []int{4}, Data: []float32{-2, 3, 0.4, 1}}}}
	m := must[RecipeMethod](t)(Recipe{Name: "ties"}.Method())
	for _, c := range []struct {
		keep    float64
		weights []float64
		want    []float32
	}{
		{0.5, []float64{1, 1}, []float32{4, 3, 0, 3}},
		{1, []float64{1, 1}, []float32{4, 3, 0.45, 2}},
		{1, []float64{1, 3}, []float32{-2, 3, 0.425, 1.5}},
	} {
		if got := m.merge(Recipe{Keep: c.keep, Weights: c.weights}, taus)[0].Data; !slices.Equal(got, c.want) {
			t.Errorf("keep %g, weights %v: %v, want %v", c.keep, c.weights, got, c.want)
		}
	}
}

// The numbers are mergekit 0.1.5's (magnitude, then get_mask by sum, weighted and normalised) on torch 2.15.0, of one tensor of twenty
// numbers sin(1 + 7k + 3i) in three models.
func TestTiesAgainstMergekit(t *testing.T) {
	want := []float64{0.8907667, -0.8378651, 0.9906074, -0.9167422, 0.9476898, -0.9596694, 0.9524412, -0.9917789, 0.9637954, -0.9165215, 0.8509035, 0, 0, 0,
		-0.8317748, 0.9017884, -0.9537526, 0.9866276, -0.9997551, 0.9375246}
	var taus []network.Params
	for k := range 3 {
		w := network.Tensor{Name: "w", Dims: []int{20}}
		for i := range 20 {
			w.Data = append(w.Data, float32(math.Sin(float64(1+7*k+3*i))))
		}
		taus = append(taus, network.Params{w})
	}
	got := must[RecipeMethod](t)(Recipe{Name: "ties"}.Method()).merge(Recipe{Keep: 0.4, Weights: []float64{1, 0.5, 2}}, taus)
	for i, v := range got[0].Data {
		if math.Abs(float64(v)-want[i]) > 3e-7 {
			t.Errorf("place %d: %v, theirs %v", i, v, want[i])
		}
	}
}

// What dare leaves is a share near the one asked for, the same for a seed, and over seeds its mean is τ.
func TestDare(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	base, models := trio(t, s)
	tau := difference(models[0], base)
	n, left := 0, 0
	sum := make([]float64, len(tau[0].Data))
	const seeds = 400
	for seed := range int64(seeds) {
		d := dropped(Recipe{Keep: 0.25, Seed: seed}, []network.Params{tau})[0]
		if seed == 3 && !d.Equal(dropped(Recipe{Keep: 0.25, Seed: 3}, []network.Params{tau})[0]) {
			t.Error("one seed drops different numbers")
		}
		for _, x := range d {
			for _, v := range x.Data {
				n++
				if v != 0 {
					left++
				}
			}
		}
		for j, v := range d[0].Data {
			sum[j] += float64(v) / seeds
		}
	}
	if share := float64(left) / float64(n); math.Abs(share-0.25) > 0.005 {
		t.Errorf("%g of the numbers are left", share)
	}
	off, size := 0.0, 0.0
	for j, v := range sum {
		w := float64(tau[0].Data[j])
		off, size = off+(v-w)*(v-w), size+w*w
	}
	if got, want := math.Sqrt(off/size), math.Sqrt((1/0.25-1)/seeds); got > 1.2*want { // the deviation of a mean of that many draws
		t.Errorf("the mean over seeds is %g of τ away from it, %g expected", got, want)
	}
}

func TestRecipeRefuses(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	other := newScene(t, engines(t)["go"], specs()["lenet"])
	two := []network.Params{s.a, s.b}
	for _, c := range []struct {
		base   network.Params
		models []network.Params
		r      Recipe
		want   string
	}{
		{nil, two, Recipe{Name: "blend"}, `unknown recipe "blend"; known: mean, task, ties, dare, dare-ties`},
		{nil, nil, Recipe{Name: "mean"}, "no models"},
		{nil, two, Recipe{Name: "mean", Weights: []float64{1}}, "1 weights for 2 models"},
		{nil, two, Recipe{Name: "mean", Weights: []float64{1, math.NaN()}}, "finite"},
		{nil, two, Recipe{Name: "mean", Lambda: 0.5}, "takes no λ"},
		{nil, two, Recipe{Name: "task"}, "it must be given"},
		{s.a, two, Recipe{Name: "mean"}, "looks at no base"},
		{s.a, two, Recipe{Name: "task", Keep: 0.5}, "takes no share"},
		{s.a, two, Recipe{Name: "ties", Keep: 1.5}, "must lie in (0, 1]"},
		{s.a, two, Recipe{Name: "ties", Seed: 1}, "takes no seed"},
		{s.a, []network.Params{s.a, other.a}, Recipe{Name: "ties"}, "model 2"},
		{other.a, two, Recipe{Name: "ties"}, "base"},
		{s.a, two, Recipe{Name: "task", Lambda: 1e300}, "not finite"},
	} {
		if _, err := Combine(s.f, c.base, c.models, c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.r, err, c.want)
		}
	}
}
