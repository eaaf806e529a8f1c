package measure

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Backends and models are opened once for all tests: XLA takes seconds to compile.
var (
	opened map[string]compute.Backend
	models = map[string]*network.Model{}
)

// engines are the backends that every law is tried on: pure Go, and XLA where its plugin is.
func engines(t *testing.T) map[string]compute.Backend {
	t.Helper()
	if opened != nil {
		return opened
	}
	opened = map[string]compute.Backend{}
	for _, name := range []string{"go", "xla:cpu"} {
		b, _, err := backend.Open(name)
		switch {
		case err == nil:
			opened[name] = b
		case name == "go":
			t.Fatal(err)
		default:
			t.Logf("without XLA: %v", err)
		}
	}
	return opened
}

// scene is a network, two sets of weights and data to measure them on.
type scene struct {
	f    *network.Model
	a, b network.Params
	d    *feed.Feed
}

func specs() map[string]network.Spec {
	return map[string]network.Spec{
		"mlp":   {Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 4, Widths: []int{70, 66}, Init: "torch"},
		"lenet": {Architecture: "lenet", Input: []int{20, 16, 2}, Classes: 4, Init: "torch"},
	}
}

func newScene(t *testing.T, b compute.Backend, s network.Spec) scene {
	t.Helper()
	key := b.Name() + s.JSON()
	if models[key] == nil {
		models[key] = must[*network.Model](t)(network.Compile(b, must[network.Network](t)(network.New(s))))
	}
	f := models[key]
	set := must[*data.Set](t)(data.Blobs(s.Classes, 8, s.Input, 3))
	d := must[*feed.Feed](t)(feed.New(b, set, feed.Standard(set)))
	t.Cleanup(d.Free)
	a := jitter(t, f, 1, nil)
	return scene{f, a, jitter(t, f, 2, nil), d}
}

// jitter makes a θ whose signal reaches the logits: He-scaled weights, biases that are not zero.
func jitter(t *testing.T, f *network.Model, seed uint64, near network.Params) network.Params {
	theta := must[network.Params](t)(f.Init(int64(seed)))
	rng := rand.New(rand.NewPCG(seed, 9))
	for i, p := range f.About.Params {
		for j := range theta[i].Data {
			v := float32(rng.NormFloat64() * math.Sqrt(2/float64(p.FanIn)))
			if p.FanIn == 0 { // of a norm
				v = theta[i].Data[j] + 0.3*float32(math.Abs(rng.NormFloat64()))
			}
			if theta[i].Data[j] = v; near != nil {
				theta[i].Data[j] = near[i].Data[j] + 0.2*v
			}
		}
	}
	return theta
}

func scenes(t *testing.T, each func(t *testing.T, s scene)) {
	for on, b := range engines(t) {
		for name, spec := range specs() {
			t.Run(name+" on "+on, func(t *testing.T) { each(t, newScene(t, b, spec)) })
		}
	}
}

func pair(t *testing.T, s scene, o Options) *Result {
	t.Helper()
	return must[*Result](t)(Pair(context.Background(), s.f, s.a, s.b, s.d, o))
}

// features are those of a layer for every sample at once, as the reference needs them: float64 on the host, the plain way.
func features(t *testing.T, s scene, theta network.Params, layer string) [][]float64 {
	t.Helper()
	x := network.Tensor{Name: "x", Dims: append([]int{s.d.Len()}, s.f.Network.Spec.Input...)}
	norm := feed.Standard(s.d.Set)
	for i, p := range s.d.Set.Pixels {
		c := i % s.d.Set.Shape[2]
		x.Data = append(x.Data, (float32(p)/s.d.Set.Max-norm.Mean[c])/norm.Std[c])
	}
	h := must[network.Tensor](t)(s.f.Features(theta, x, layer))
	width := len(h.Data) / s.d.Len()
	out := make([][]float64, s.d.Len())
	for i := range out {
		for _, v := range h.Data[i*width : (i+1)*width] {
			out[i] = append(out[i], float64(v))
		}
	}
	return out
}

func dot64(x, y []float64) (sum float64) {
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

func mix(alpha float64, a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = alpha*a[i] + (1-alpha)*b[i]
	}
	return out
}

func meanStd(v []float64) (mean, std float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		std += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, math.Sqrt(std)
}

// Streaming in batches gives what keeping every feature gives. The reference normalises and interpolates on the host, whose
// float32 rounding differs from the device's.
func TestPairAgainstEverythingInMemory(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		r := pair(t, s, Options{Alphas: []float64{0.3}, Batch: 12, Conditions: true})
		theta := must[network.Params](t)(network.Interpolate(s.a, s.b, 0.3))
		llfc, coef, base := must[Profile](t)(r.LLFC(0.3)), must[Profile](t)(r.Coef(0.3)), r.Baseline()
		for l, layer := range r.Layers {
			fa, fb, f := features(t, s, s.a, layer.Name), features(t, s, s.b, layer.Name), features(t, s, theta, layer.Name)
			var cos, co, ab []float64
			for i := range f {
				m := mix(0.3, fa[i], fb[i])
				cos = append(cos, 1-dot64(f[i], m)/math.Sqrt(dot64(f[i], f[i])*dot64(m, m)))
				co = append(co, dot64(f[i], m)/dot64(m, m))
				ab = append(ab, 1-dot64(fa[i], fb[i])/math.Sqrt(dot64(fa[i], fa[i])*dot64(fb[i], fb[i])))
			}
			for what, c := range map[string]struct {
				got  Stat
				want []float64
			}{"1 − cos": {llfc.Stats[l], cos}, "coef": {coef.Stats[l], co}, "baseline": {base.Stats[l], ab}} {
				mean, std := meanStd(c.want)
				if math.Abs(c.got.Mean-mean) > 1e-6 || math.Abs(c.got.Std-std) > 1e-6 || c.got.Used != s.d.Len() {
					t.Errorf("%s of %s: %+v, expected %g ± %g over %d", what, layer.Name, c.got, mean, std, s.d.Len())
				}
			}
		}
		for alpha, theta := range map[float64]network.Params{0.3: theta, 1: s.a, 0: s.b} {
			logits := features(t, s, theta, "logits")
			loss, wrong := 0.0, 0.0
			for i, z := range logits {
				y := s.d.Set.Labels[i]
				sum, best := 0.0, 0
				for c, v := range z {
					sum += math.Exp(v - z[y])
					if v > z[best] {
						best = c
					}
				}
				loss += math.Log(sum) / float64(len(logits))
				if best != int(y) {
					wrong += 1 / float64(len(logits))
				}
			}
			k := find(r.Alphas, alpha)
			if got := r.Lines[0]; math.Abs(got.Loss[k]-loss) > 1e-5 || math.Abs(got.Error[k]-wrong) > 1e-9 {
				t.Errorf("α = %g: loss %g and error %g, expected %g and %g", alpha, got.Loss[k], got.Error[k], loss, wrong)
			}
			l, e, err := Evaluate(context.Background(), s.f, theta, s.d)
			if err != nil || math.Abs(l-loss) > 1e-5 || math.Abs(e-wrong) > 1e-9 {
				t.Errorf("Evaluate gives %g, %g, %v; expected %g and %g", l, e, err, loss, wrong)
			}
		}
		line := must[Line](t)(Path(context.Background(), s.f, s.a, s.b, s.d, []float64{0.3}))
		for k := range line.Alphas {
			if math.Abs(line.Loss[k]-r.Lines[0].Loss[k]) > 1e-5 || line.Error[k] != r.Lines[0].Error[k] {
				t.Errorf("Path at α = %g: loss %g, error %g; Pair has %g and %g", line.Alphas[k], line.Loss[k], line.Error[k], r.Lines[0].Loss[k], r.Lines[0].Error[k])
			}
		}
	})
}

// Identities 1, 2, 7: the ends, the first linear layer, and dist ≥ 2(1 − cos).
func TestIdentitiesOfAnyPair(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		r := pair(t, s, Options{Alphas: Alphas(5), Batch: 12, PerSample: true})
		for _, alpha := range r.Alphas {
			linear, coefs := must[Profile](t)(r.LLFC(alpha)), must[Profile](t)(r.Coef(alpha))
			for l, layer := range r.Layers {
				cos, coef := linear.Stats[l], coefs.Stats[l]
				switch {
				case alpha == 0 || alpha == 1:
					if cos.Mean != 0 || cos.Std != 0 || coef.Mean != 1 || coef.Std != 0 {
						t.Errorf("α = %g, %s: 1 − cos %+v, coef %+v", alpha, layer.Name, cos, coef)
					}
				case l == 0: // linear in θ; what is left is the rounding of float32
					if !(cos.Mean <= 1e-12) || math.Abs(coef.Mean-1) > 1e-6 {
						t.Errorf("α = %g, first layer: 1 − cos %g, coef %g", alpha, cos.Mean, coef.Mean)
					}
				default:
					if cos.Mean < 1e-6 {
						t.Errorf("α = %g, %s: 1 − cos is %g for two random networks", alpha, layer.Name, cos.Mean)
					}
				}
				if n := len(must[[][]float64](t)(r.PerSample(oneMinusCos, alpha))[l]); n != s.d.Len() {
					t.Errorf("%d samples kept of %d", n, s.d.Len())
				}
			}
		}
	})
}

// The function that measures θ_α gives at α = 1 and 0 what the one of the ends gives, so that Pair may leave it out there.
func TestAlphaGraphIsExactAtTheEnds(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		ctx := context.Background()
		q := must[*formulas](t)(newFormulas(Options{}))
		p := must[*pass.Pass](t)(pass.Open(s.f, s.d, 12, 2))
		defer p.Close()
		if !p.Next(ctx) {
			t.Fatal(p.Err())
		}
		a, b := must[[]*tensors.Tensor](t)(s.f.Upload(s.a)), must[[]*tensors.Tensor](t)(s.f.Upload(s.b))
		defer network.Free(slices.Concat(a, b)...)
		ends, kept, err := p.Rows(ctx, q.ends(), a, b, p.X, p.Y, float64(p.Len()))
		if err != nil {
			t.Fatal(err)
		}
		defer network.Free(kept...)
		for alpha, at := range map[float64]int{1: 0, 0: predictions} {
			theta := map[float64][]*tensors.Tensor{1: a, 0: b}[alpha]
			rows, _, err := p.Rows(ctx, q.alpha(), theta, float32(alpha), float32(1-alpha), p.X, p.Y, kept)
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range rows {
				want := slices.Concat(ends[i][at:at+predictions], ends[i][at:at+predictions], []float64{0})
				for l := range len(kept) / 2 {
					g := ends[i][endsHead+3*l:]
					if alpha == 1 {
						want = append(want, g[0], g[0], g[1])
					} else {
						want = append(want, g[2], g[1], g[2])
					}
				}
				for c := range row {
					if math.Abs(row[c]-want[c]) > 1e-6*(1+math.Abs(want[c])) { // two compiled programs may round differently
						t.Fatalf("α = %g, sample %d, column %d: %g, expected %g", alpha, i, c, row[c], want[c])
					}
				}
			}
		}
	})
}

// Identities 3 and 4 on an MLP: the residual of Definition 4 is (W_A − W_B)(H_A − H_B), computed here in float64.
func TestCommutativity(t *testing.T) {
	for on, b := range engines(t) {
		t.Run(on, func(t *testing.T) {
			s := newScene(t, b, specs()["mlp"])
			c := must[Commutativity](t)(pair(t, s, Options{Batch: 12, Conditions: true}).Commutativity())
			if c.Com.Stats[0].Mean != 0 || c.H.Stats[0].Mean != 0 || !(c.W.Stats[0].Mean > 0.1) {
				t.Errorf("first layer: Dist_com %g, Dist_H %g, Dist_W %g; expected 0, 0 and not 0", c.Com.Stats[0].Mean, c.H.Stats[0].Mean, c.W.Stats[0].Mean)
			}
			inputs := []string{"input", "fc1/relu", "fc2/relu"}
			for l, in := range inputs[1:] {
				w := 2 * (l + 1)
				ha, hb := features(t, s, s.a, in), features(t, s, s.b, in)
				apply := func(theta network.Params, h []float64) []float64 {
					out := make([]float64, theta[w].Dims[1])
					for i, v := range h {
						for j := range out {
							out[j] += v * float64(theta[w].Data[i*len(out)+j])
						}
					}
					return out
				}
				var com, h Gram
				var delta, identity float64
				for i := range ha {
					aa, bb, ab, ba := apply(s.a, ha[i]), apply(s.b, hb[i]), apply(s.a, hb[i]), apply(s.b, ha[i])
					x, y := make([]float64, len(aa)), make([]float64, len(aa))
					blend := make([]float64, len(aa)) // (αW_A + (1−α)W_B)(αH_A + (1−α)H_B), expanded
					const alpha = 0.3
					thetaAlpha := must[network.Params](t)(network.Interpolate(s.a, s.b, alpha))
					direct := apply(thetaAlpha, mix(alpha, ha[i], hb[i]))
					for j := range x {
						x[j], y[j] = aa[j]+bb[j], ab[j]+ba[j]
						delta += (x[j] - y[j]) * (x[j] - y[j])
						blend[j] = alpha*aa[j] + (1-alpha)*bb[j] - alpha*(1-alpha)*(x[j]-y[j])
						identity = max(identity, math.Abs(blend[j]-direct[j]))
					}
					com = com.add(Gram{dot64(x, x), dot64(x, y), dot64(y, y)})
					h = h.add(Gram{dot64(ha[i], ha[i]), dot64(ha[i], hb[i]), dot64(hb[i], hb[i])})
				}
				if identity > 1e-5 { // θ_α is rounded to float32
					t.Errorf("identity 4 is off by %g", identity)
				}
				want := delta / math.Sqrt(com.XX*com.YY)
				if got := c.Com.Stats[l+1].Mean; math.Abs(got/want-1) > 1e-5 || want < 0.1 {
					t.Errorf("Dist_com of %s: %g, expected %g", c.Com.Layers[l+1], got, want)
				}
				if got := c.H.Stats[l+1].Mean; math.Abs(got/h.Dist()-1) > 1e-6 {
					t.Errorf("Dist_H of %s: %g, expected %g", c.H.Layers[l+1], got, h.Dist())
				}
			}
		})
	}
}

// Identity 5: the gap of Definition 3 is min(α|a|, (1−α)|b|) where signs differ, and 0 elsewhere.
func TestWeakAdditivity(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		grid := []float64{0.2, 0.9}
		w := must[Weak](t)(pair(t, s, Options{Batch: 12, Conditions: true, WeakAlphas: grid}).WeakAdditivity())
		for l, act := range w.Half.Layers {
			z := strings.TrimSuffix(act, "/relu")
			za, zb := features(t, s, s.a, z), features(t, s, s.b, z)
			var half, most, share []float64
			for i := range za {
				at := func(alpha float64) float64 {
					gap, left, right := 0.0, 0.0, 0.0
					for j, a := range za[i] {
						b := zb[i][j]
						g := 0.0
						if (a > 0) != (b > 0) {
							g = min(alpha*math.Abs(a), (1-alpha)*math.Abs(b))
						}
						r := alpha*max(a, 0) + (1-alpha)*max(b, 0)
						gap, left, right = gap+g*g, left+(r-g)*(r-g), right+r*r
					}
					return gap / math.Sqrt(left*right)
				}
				differ := 0.0
				for j, a := range za[i] {
					if (a > 0) != (zb[i][j] > 0) {
						differ += 1 / float64(len(za[i]))
					}
				}
				half, most, share = append(half, at(0.5)), append(most, max(at(0.5), at(0.2), at(0.9))), append(share, differ)
			}
			for what, c := range map[string]struct {
				got  Stat
				want []float64
			}{"Dist_σ(½)": {w.Half.Stats[l], half}, "maximum": {w.Max.Stats[l], most}, "disagreement": {w.Disagreement.Stats[l], share}} {
				mean, std := meanStd(c.want)
				// A pre-activation within rounding of 0 may have another sign on the device than in the reference.
				if math.Abs(c.got.Mean-mean) > 1e-4 || math.Abs(c.got.Std-std) > 1e-4 || mean < 1e-3 {
					t.Errorf("%s of %s: %+v, expected %g ± %g", what, act, c.got, mean, std)
				}
			}
		}
	})
}

// Identity 8, Lemma 1: blended logits are wrong only where A or B is.
func TestLemma1(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		s.b = jitter(t, s.f, 4, s.a)
		r := pair(t, s, Options{Alphas: Alphas(9), Batch: 12})
		mixed, bound := r.Lemma1()
		e := r.Lines[0].Error
		if bound != e[0]+e[len(e)-1] {
			t.Errorf("bound %g", bound)
		}
		fa, fb := features(t, s, s.a, "logits"), features(t, s, s.b, "logits")
		for k, alpha := range mixed.Alphas {
			want := 0.0
			for i := range fa {
				z := mix(alpha, fa[i], fb[i])
				best := 0
				for c := range z {
					if z[c] > z[best] {
						best = c
					}
				}
				if best != int(s.d.Set.Labels[i]) {
					want += 1 / float64(len(fa))
				}
			}
			if got := mixed.Values[k]; got > bound || math.Abs(got-want) > 1e-9 {
				t.Errorf("α = %g: the blend errs on %g, expected %g, bound %g", alpha, got, want, bound)
			}
		}
	})
}

// Theorem 1 on a pair made for it: B's first layer differs from A's only on units that stay off in both, so signs agree and features
// do not change, and its second only on inputs from those units, orthogonal to the features. Then f_α is the blend in every layer.
func TestTheorem1(t *testing.T) {
	for on, b := range engines(t) {
		t.Run(on, func(t *testing.T) {
			s := newScene(t, b, specs()["mlp"])
			w := func(theta network.Params, name string) network.Tensor { v, _ := theta.Get(name); return v }
			for j := range 20 { // units 0 … 19 of fc1 never fire
				w(s.a, "fc1/b").Data[j] = -1000
			}
			s.b = s.a.Clone()
			rng := rand.New(rand.NewPCG(5, 5))
			w1, w2, w3 := w(s.b, "fc1/w"), w(s.b, "fc2/w"), w(s.b, "logits/w")
			for i := range w1.Data {
				if i%70 < 20 {
					w1.Data[i] += float32(rng.NormFloat64())
				}
			}
			for i := range w2.Data[:20*66] {
				w2.Data[i] += float32(rng.NormFloat64())
			}
			for i := range w3.Data { // the last linear map sees equal inputs: any change is linear
				w3.Data[i] += float32(rng.NormFloat64())
			}
			r := pair(t, s, Options{Batch: 12, Conditions: true})
			weak, com := must[Weak](t)(r.WeakAdditivity()), must[Commutativity](t)(r.Commutativity())
			for l := range weak.Max.Stats {
				if weak.Max.Stats[l].Mean > 1e-14 || weak.Disagreement.Stats[l].Mean != 0 {
					t.Errorf("Definition 3 fails at %s: %g", weak.Max.Layers[l], weak.Max.Stats[l].Mean)
				}
			}
			for l, c := range com.Com.Stats {
				if c.Mean > 1e-12 {
					t.Errorf("Definition 4 fails at %s: %g", com.Com.Layers[l], c.Mean)
				}
				if com.W.Stats[l].Mean < 0.01 {
					t.Errorf("%s: the weights are equal, which proves nothing", com.Com.Layers[l])
				}
			}
			llfc, coef := must[Profile](t)(r.LLFC(0.5)), must[Profile](t)(r.Coef(0.5))
			for l, layer := range r.Layers {
				if !(llfc.Stats[l].Mean <= 1e-12) || math.Abs(coef.Stats[l].Mean-1) > 1e-6 {
					t.Errorf("%s: 1 − cos %g, coef %g", layer.Name, llfc.Stats[l].Mean, coef.Stats[l].Mean)
				}
			}
			if base := r.Baseline().Stats; base[len(base)-1].Mean < 1e-3 {
				t.Errorf("A and B have the same logits, which proves nothing: %g", base[len(base)-1].Mean)
			}
		})
	}
}

// Batch size, order of samples, the other α and the conditions change nothing but rounding.
func TestWhatMustNotMatter(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		if s.f.Backend.Name() == "xla" && len(s.f.About.Linears) > 3 {
			t.Skip("every batch size compiles again, which takes seconds for convolutions; the MLP shows it")
		}
		base := pair(t, s, Options{Alphas: []float64{0.25}, Batch: 12})
		set := *s.d.Set
		set.Pixels, set.Labels = nil, nil
		for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(s.d.Len()) {
			set.Pixels, set.Labels = append(set.Pixels, s.d.Set.Sample(i)...), append(set.Labels, s.d.Set.Labels[i])
		}
		shuffled := s
		shuffled.d = must[*feed.Feed](t)(feed.New(s.f.Backend, &set, feed.Standard(&set)))
		defer shuffled.d.Free()
		for what, r := range map[string]*Result{
			"batches of 5":          pair(t, s, Options{Alphas: []float64{0.25}, Batch: 5}),
			"one batch, half empty": pair(t, s, Options{Alphas: []float64{0.25}, Batch: 61}),
			"other α, conditions":   pair(t, s, Options{Alphas: append(Alphas(4), 0.25), Batch: 12, Conditions: true}),
			"shuffled":              pair(t, shuffled, Options{Alphas: []float64{0.25}, Batch: 12}),
		} {
			for _, alpha := range []float64{0.25, 0.5} {
				for what2, p := range map[string]func(*Result) (Profile, error){
					"1 − cos":  func(r *Result) (Profile, error) { return r.LLFC(alpha) },
					"coef":     func(r *Result) (Profile, error) { return r.Coef(alpha) },
					"baseline": func(r *Result) (Profile, error) { return r.Baseline(), nil },
				} {
					got, want := must[Profile](t)(p(r)), must[Profile](t)(p(base))
					for l := range want.Stats {
						if d := math.Abs(got.Stats[l].Mean - want.Stats[l].Mean); !(d < 1e-6) || got.Stats[l].Used != want.Stats[l].Used {
							t.Errorf("%s, %s of %s at α = %g: %+v, expected %+v", what, what2, want.Layers[l], alpha, got.Stats[l], want.Stats[l])
						}
					}
				}
				k, k0 := find(r.Alphas, alpha), find(base.Alphas, alpha)
				if l, l0 := r.Lines[0], base.Lines[0]; math.Abs(l.Loss[k]-l0.Loss[k0]) > 1e-5 || math.Abs(l.Error[k]-l0.Error[k0]) > 1e-12 {
					t.Errorf("%s at α = %g: loss %g, error %g; expected %g, %g", what, alpha, l.Loss[k], l.Error[k], l0.Loss[k0], l0.Error[k0])
				}
			}
		}
	})
}

// Samples whose features vanish are counted and left out; a layer that is off everywhere has no mean.
func TestZeroFeatures(t *testing.T) {
	for on, b := range engines(t) {
		t.Run(on, func(t *testing.T) {
			s := newScene(t, b, specs()["mlp"])
			for _, theta := range []network.Params{s.a, s.b} {
				bias, _ := theta.Get("fc1/b")
				for j := range bias.Data {
					bias.Data[j] = -1000
				}
				for j := range 70 * 66 { // fc2 sees zeros, and its bias decides
					theta[2].Data[j] = 0
				}
			}
			s.a[3].Data[0], s.b[3].Data[0] = 1, 1
			r := pair(t, s, Options{Batch: 12, Conditions: true, PerSample: true})
			p := must[Profile](t)(r.LLFC(0.5))
			for l, layer := range r.Layers {
				st := p.Stats[l]
				if off := layer.Name == "fc1/relu"; off != (st.Used == 0) || st.Used+st.Skipped != s.d.Len() || math.IsNaN(st.Mean) != off {
					t.Errorf("%s: %+v", layer.Name, st)
				}
			}
			w := must[Weak](t)(r.WeakAdditivity())
			if st := w.Max.Stats[0]; st.Used != 0 || st.Skipped != s.d.Len() || !math.IsNaN(st.Mean) {
				t.Errorf("weak additivity: %+v", st)
			}
			if c := must[Commutativity](t)(r.Commutativity()); !math.IsNaN(c.H.Stats[1].Mean) || c.H.Stats[1].Skipped != s.d.Len() {
				t.Errorf("Dist_H of zeros: %+v", c.H.Stats[1])
			}
			dir := t.TempDir()
			if err := r.Save(dir); err != nil {
				t.Fatal(err)
			}
			text := string(must[[]byte](t)(os.ReadFile(filepath.Join(dir, "layers.csv"))))
			if want := "fc1/relu,act,0.5,NaN,NaN,NaN,NaN,NaN,NaN,0,32,interpolate\n"; !strings.Contains(text, want) {
				t.Errorf("layers.csv lacks %q:\n%s", want, text)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	ctx, cancel := context.WithCancel(context.Background())
	bad := s.a.Clone()
	bad[2].Data[5] = float32(math.NaN())
	huge := s.a.Clone()
	for j := range huge[4].Data {
		huge[4].Data[j] = 3e38
	}
	_, err := Pair(ctx, s.f, s.a, bad, s.d, Options{})
	expect(t, err, "weights B", `tensor "fc2/w" holds NaN at position 5`)
	_, err = Pair(ctx, s.f, huge, s.b, s.d, Options{})
	expect(t, err, `layer "logits" at A or B`, "sample 0 of synthetic/seed 3")
	_, err = Path(ctx, s.f, huge, s.b, s.d, nil)
	expect(t, err, "the loss of sample", "α = 0.5")
	_, _, err = Evaluate(ctx, s.f, huge, s.d)
	expect(t, err, "the loss of sample")
	_, err = Pair(ctx, s.f, s.a[:5], s.b, s.d, Options{})
	expect(t, err, "missing")
	_, err = Pair(ctx, s.f, s.a, s.b, s.d, Options{Alphas: []float64{1.5}})
	expect(t, err, "1.5 is not in [0, 1]")
	_, err = Pair(ctx, s.f, s.a, s.b, s.d, Options{}, s.d)
	expect(t, err, "two sets have the split")
	_, err = Pair(ctx, s.f, s.a, s.b, s.d, Options{Batch: -1})
	expect(t, err, "batch of -1")
	r := pair(t, s, Options{})
	_, err = r.LLFC(0.3)
	expect(t, err, "α = 0.3 was not measured", "[0 0.5 1]")
	_, err = r.WeakAdditivity()
	expect(t, err, "Options.Conditions")
	_, err = r.PerSample(oneMinusCos, 0.5)
	expect(t, err, "were not kept", "Options.Samples")
	_, err = Pair(ctx, s.f, s.a, s.b, s.d, Options{Also: []string{"rsa"}})
	expect(t, err, `unknown quantity "rsa"`, "linear_cka")
	_, err = r.Line("train")
	expect(t, err, `"train" was not measured`)
	cancel()
	_, err = Pair(ctx, s.f, s.a, s.b, s.d, Options{})
	expect(t, err, "canceled")
	wide := newScene(t, s.f.Backend, specs()["lenet"])
	_, err = Path(context.Background(), s.f, s.a, s.b, wide.d, nil)
	expect(t, err, "have shape [20 16 2]", "takes [8 8 1]")
}

func expect(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("expected an error with %q, got %v", p, err)
		}
	}
}

func TestProgressAndSplits(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	set := must[*data.Set](t)(data.Blobs(4, 5, []int{8, 8, 1}, 8))
	train := must[*feed.Feed](t)(feed.New(s.f.Backend, set, feed.Standard(set)))
	defer train.Free()
	last, total := 0, 0
	o := Options{Alphas: Alphas(5), Batch: 9, Conditions: true, Progress: func(d, n int) {
		if d != last+1 {
			t.Errorf("%d after %d", d, last)
		}
		last, total = d, n
	}}
	r := must[*Result](t)(Pair(context.Background(), s.f, s.a, s.b, s.d, o, train))
	if want := 4*(1+3+19) + 3*5; last != want || total != want {
		t.Errorf("progress ended at %d of %d, expected %d", last, total, want)
	}
	line := must[Line](t)(r.Line(set.Split))
	loss, wrong, err := Evaluate(context.Background(), s.f, s.a, train)
	if err != nil || line.Samples != 20 || math.Abs(line.Loss[4]-loss) > 1e-5 || line.Error[4] != wrong {
		t.Errorf("train split: %+v, expected %g and %g at α = 1 (%v)", line, loss, wrong, err)
	}
}
