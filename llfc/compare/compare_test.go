package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"layerwise/llfc/network"
)

func nets(t *testing.T, a, b network.Params, o Options) *Result {
	t.Helper()
	r, err := Nets(t.Context(), FromParams(a), FromParams(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every kind of pair gets its verdict, with the evidence.
func TestVerdicts(t *testing.T) {
	start := toyInit(16, 1)
	a := toyTrain(toyTrain(start, 300, 1), 3000, 2)
	spawned := toyTrain(toyTrain(start, 300, 1), 3000, 3)
	other := toyTrain(toyInit(16, 9), 3300, 4)
	frozen := spawned.Clone()
	copy(frozen[2].Data, a[2].Data)
	renamed := spawned.Clone()
	for i := range renamed {
		renamed[i].Name = "onnx::" + renamed[i].Name
	}
	half, err := network.Interpolate(a, other, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		b    network.Params
		want Kind
		why  string
	}{
		{"itself", a, Identical, "6 weights, equal bit for bit"},
		{"spawned", spawned, Related, "p of independence 0.0001"},
		{"spawned, renamed", renamed, Related, "p of independence 0.0001"},
		{"averaged", half, Related, "p of independence 0.0001"},
		{"frozen", frozen, PartlyFrozen, "1 of 6 weights"},
		{"independent", other, Independent, "p of independence 0."},
		{"permuted", permuted(a, 5), Same, "hidden units stand elsewhere"},
		{"other shapes", toyInit(5, 1), Independent, ""},
	} {
		r := nets(t, a, c.b, Options{})
		if c.name == "other shapes" { // only the last bias fits
			if len(r.OnlyA) != 5 || len(r.OnlyB) != 5 {
				t.Errorf("%s: %q, %q", c.name, r.OnlyA, r.OnlyB)
			}
			continue
		}
		if r.Verdict.Kind != c.want || !strings.Contains(r.Verdict.Why, c.why) {
			t.Errorf("%s: %s, expected %s: %s", c.name, r.Verdict, c.want, c.why)
		}
		if r.ByOrder != (c.name == "spawned, renamed") {
			t.Errorf("%s: by order %v", c.name, r.ByOrder)
		}
	}
	if r := nets(t, a, frozen, Options{}); !slices.Equal(r.Verdict.Frozen, []string{"2.weight"}) {
		t.Errorf("frozen are %q", r.Verdict.Frozen)
	}
	if r := nets(t, a[:1], toyInit(5, 1)[2:3], Options{}); r.Verdict.Kind != Different {
		t.Errorf("%s", r.Verdict)
	}
}

// Permuted copies of this program's own networks are found, convolutions and flattened images among them, with the derived symmetry and with a
// chain of shapes only.
func TestPermutedNetworks(t *testing.T) {
	for _, s := range []network.Spec{
		{Architecture: "mlp", Input: []int{6, 6, 1}, Classes: 3, Widths: []int{12, 9}, Init: "torch"},
		{Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 10, Init: "torch"},
		{Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 10, Depth: 11, Width: 4, Norm: "batch", Init: "kaiming"},
		{Architecture: "resnet", Input: []int{32, 32, 3}, Classes: 10, Depth: 8, Width: 4, Norm: "batch", Shortcut: "conv1", Init: "kaiming"},
	} {
		n, err := network.New(s)
		if err != nil {
			t.Fatal(err)
		}
		a, err := n.Init(1)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range a { // so that the parameters of norms differ from each other
			for j := range a[i].Data {
				a[i].Data[j] += float32(0.1 * rng.NormFloat64())
			}
		}
		symmetry, err := n.Symmetry()
		if err != nil {
			t.Fatal(err)
		}
		b, err := symmetry.Apply(symmetry.Random(1), a)
		if err != nil {
			t.Fatal(err)
		}
		for _, known := range []bool{true, false} {
			o := Options{}
			if known {
				o.Symmetry = &symmetry
			}
			r := nets(t, a, b, o)
			found := r.Verdict.Kind == Same
			if want := known || s.Architecture != "resnet"; found != want { // no chain: its blocks share their units
				t.Errorf("%s, known %v: %s", s.Architecture, known, r.Verdict)
			}
			if want := len(symmetry.Groups); !known && s.Architecture != "resnet" && len(findChain(partnersOf(a, b)).symmetry.Groups) != want {
				t.Errorf("%s: the chain has another number of groups than the symmetry, %d", s.Architecture, want)
			}
		}
		damaged := b.Clone() // the control: nearly the same is not the same
		damaged[0].Data[0] += 0.01
		if r := nets(t, a, damaged, Options{Symmetry: &symmetry}); r.Verdict.Kind == Same {
			t.Errorf("%s, one weight changed: %s", s.Architecture, r.Verdict)
		}
	}
}

func partnersOf(a, b network.Params) []partner {
	return (&Result{}).align(FromParams(a), FromParams(b))
}

// kolmogorov is the largest distance between the distribution of p-values and the uniform one.
func kolmogorov(p []float64) (d float64) {
	slices.Sort(p)
	for i, v := range p {
		d = max(d, math.Abs(v-float64(i)/float64(len(p))), math.Abs(float64(i+1)/float64(len(p))-v))
	}
	return d
}

// Under the null hypothesis p is uniform: 200 pairs of networks that were trained on the same task from their own starts. The control: of pairs that
// share a start it is not, and finds nearly all of them.
func TestPIsUniformUnderIndependence(t *testing.T) {
	const pairs = 200
	var null, spawned []float64
	for i := range uint64(pairs) {
		a := toyTrain(toyInit(8, 2*i), 400, 10+2*i)
		b := toyTrain(toyInit(8, 2*i+1), 400, 11+2*i)
		c := toyTrain(toyInit(8, 2*i), 400, 5000+i)
		null = append(null, nets(t, a, b, Options{Draws: 999, Seed: int64(i), Search: -1}).Test.P)
		spawned = append(spawned, nets(t, a, c, Options{Draws: 999, Seed: int64(i), Search: -1}).Test.P)
	}
	const critical = 1.63 / 14.14 // of Kolmogorov's test at 1 %, for √200
	if d := kolmogorov(null); d > critical {
		t.Errorf("Kolmogorov's distance is %.3f, expected at most %.3f", d, critical)
	}
	found := 0
	for _, p := range spawned {
		if p <= level {
			found++
		}
	}
	if d := kolmogorov(spawned); found < pairs*9/10 || d < critical {
		t.Errorf("%d of %d spawned pairs found, distance %.3f", found, pairs, d)
	}
	t.Logf("distance %.3f of independent pairs; %d of %d spawned found", kolmogorov(null), found, pairs)
}

// The test stays exact where the chain of shapes is wrong: blocks around residual connections share their units, and here each unit has a strength of its own
// that all its weights share. The control: with permutations of their own for each group it is not exact.
func TestPIsUniformWithResidualConnections(t *testing.T) {
	const pairs, n = 200, 6
	draw := func(seed uint64) network.Params {
		rng := rand.New(rand.NewPCG(seed, 7))
		gain := make([]float64, n)
		for u := range gain {
			gain[u] = math.Exp(1.5 * rng.NormFloat64())
		}
		var p network.Params
		for l, dims := range [][]int{{n, 3}, {5, n}, {n, 5}, {7, n}, {n, 7}, {4, n}} {
			w := network.Tensor{Name: string(rune('a'+l)) + ".weight", Dims: dims, Data: make([]float32, dims[0]*dims[1])}
			for i := range w.Data {
				u := i / dims[1]
				if dims[1] == n {
					u = i % n
				}
				w.Data[i] = float32(gain[u] * (1 + 0.1*rng.NormFloat64()))
			}
			p = append(p, w)
		}
		return p
	}
	var tied, apart []float64
	for i := range uint64(pairs) {
		a, b := draw(2*i), draw(2*i+1)
		partners := partnersOf(a, b)
		c := findChain(partners)
		for _, tie := range []bool{true, false} {
			t := newTest(c.symmetry, partners, tie, int64(i))
			for k := range a {
				t.add(a[k].Name, a[k].Data, b[k].Data)
			}
			p := t.result(999, int64(i)).P
			if tie {
				tied = append(tied, p)
			} else {
				apart = append(apart, p)
			}
		}
	}
	const critical = 1.63 / 14.14
	if d := kolmogorov(tied); d > critical {
		t.Errorf("Kolmogorov's distance is %.3f, expected at most %.3f", d, critical)
	}
	if d := kolmogorov(apart); d < critical {
		t.Errorf("with permutations of their own the distance is %.3f, expected more than %.3f: the control shows nothing", d, critical)
	}
	t.Logf("distances %.3f tied, %.3f apart", kolmogorov(tied), kolmogorov(apart))
}

// The numbers of a row, from their definitions in float64.
func TestRow(t *testing.T) {
	a, b := []float32{3, 4, 0}, []float32{3, 0, 4}
	var r Row
	r.distance(a, b)
	if r.NormA != 5 || r.NormB != 5 || math.Abs(r.Distance-math.Sqrt(32)/5) > 1e-15 || math.Abs(r.OneMinusCos-(1-9.0/25)) > 1e-15 || r.Identical || r.Constant || !r.Finite {
		t.Errorf("%+v", r)
	}
	r = Row{}
	r.distance([]float32{1, 1}, []float32{2, 2})
	if r.OneMinusCos != 0 || r.Distance != 1 || !r.Constant {
		t.Errorf("%+v", r)
	}
	near := []float32{1, 1e-5} // 1 − cos is ½·10⁻¹⁰, of which a subtraction from 1 leaves six digits
	r.distance([]float32{1, 0}, near)
	if want := 5e-11; math.Abs(r.OneMinusCos/want-1) > 1e-9+1e-5 {
		t.Errorf("%g, expected %g", r.OneMinusCos, want)
	}
	r.distance([]float32{0}, []float32{float32(math.Copysign(0, -1))})
	if r.Identical {
		t.Error("0 and −0 have the same bits")
	}
	nan := float32(math.NaN())
	r.distance([]float32{nan, 1}, []float32{nan, 1})
	if r.Finite || !r.Identical {
		t.Errorf("%+v", r)
	}
}

// Singular values and angles agree with gonum's full decomposition in float64.
func TestSpectra(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, size := range [][2]int{{40, 30}, {30, 40}, {5, 7}, {2, 50}, {64, 9}, {8, 8}, {3, 2}, {101, 37}} {
		m, n := size[0], size[1]
		a, b := make([]float32, m*n), make([]float32, m*n)
		for i := range m { // singular values that fall off, as those of trained weights do, so that the subspaces are well told apart
			for j := range n {
				a[i*n+j] = float32(rng.NormFloat64() * math.Exp(-float64(i)/4))
				b[i*n+j] = a[i*n+j] + float32(0.1*rng.NormFloat64()*math.Exp(-float64(i)/4))
			}
		}
		got := spectra(a, b, m, n)
		sa, ua, va := full(t, a, m, n)
		_, ub, vb := full(t, b, m, n)
		for i := range got.A {
			if math.Abs(got.A[i]-sa[i]) > 2e-3*sa[0] {
				t.Errorf("%v: σ%d is %g, expected %g", size, i+1, got.A[i], sa[i])
			}
		}
		k := min(Directions, m, n)
		for side, c := range map[string]struct {
			got  []float64
			x, y *mat.Dense
		}{"left": {got.Left, ua, ub}, "right": {got.Right, va, vb}} {
			var cosines mat.Dense
			rows, _ := c.x.Dims()
			cosines.Mul(c.x.Slice(0, rows, 0, k).T(), c.y.Slice(0, rows, 0, k))
			var s mat.SVD
			if !s.Factorize(&cosines, mat.SVDNone) {
				t.Fatal("no decomposition")
			}
			for i, cos := range s.Values(nil) {
				if want := math.Acos(min(1, cos)) * 180 / math.Pi; math.Abs(c.got[i]-want) > 1 {
					t.Errorf("%v, %s: angle %d is %.3f°, expected %.3f°", size, side, i+1, c.got[i], want)
				}
			}
		}
		stable := square(a) / (sa[0] * sa[0])
		if math.Abs(got.StableA/stable-1) > 1e-2 {
			t.Errorf("%v: stable rank %g, expected %g", size, got.StableA, stable)
		}
	}
	same := make([]float32, 12)
	for i := range same {
		same[i] = float32(i % 5)
	}
	for _, a := range spectra(same, same, 4, 3).Left {
		if a > 1e-3 {
			t.Errorf("the angle of a subspace with itself is %g°", a)
		}
	}
	spectra(make([]float32, 12), same, 4, 3) // zeros have no directions, and no trouble
}

func full(t *testing.T, w []float32, m, n int) (sigma []float64, u, v *mat.Dense) {
	t.Helper()
	d := mat.NewDense(m, n, nil)
	for i := range m {
		for j := range n {
			d.Set(i, j, float64(w[i*n+j]))
		}
	}
	var s mat.SVD
	if !s.Factorize(d, mat.SVDThin) {
		t.Fatal("no decomposition")
	}
	u, v = &mat.Dense{}, &mat.Dense{}
	s.UTo(u)
	s.VTo(v)
	return s.Values(nil), u, v
}

// Vector code computes what plain code does.
func TestProductsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, size := range [][2]int{{1, 1}, {4, 3}, {5, 8}, {7, 1}, {33, 17}, {8, 64}} {
		m, n := size[0], size[1]
		w, v := make([]float32, m*n), make([]float32, n*width)
		for i := range w {
			w[i] = float32(rng.NormFloat64())
		}
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		u1, u2 := make([]float32, m*width), make([]float32, m*width)
		right(w, v, u1, m, n)
		rightPlain(w, v, u2, m, n)
		v1, v2 := make([]float32, n*width), make([]float32, n*width)
		left(w, u2, v1, m, n)
		leftPlain(w, u2, v2, m, n)
		for i := range u1 {
			if math.Abs(float64(u1[i]-u2[i])) > 1e-4 {
				t.Fatalf("%v: W v is %g, plain %g", size, u1[i], u2[i])
			}
		}
		for i := range v1 {
			if math.Abs(float64(v1[i]-v2[i])) > 1e-3 {
				t.Fatalf("%v: Wᵀ u is %g, plain %g", size, v1[i], v2[i])
			}
		}
	}
}
