package measure

import (
	"context"
	"math"
	"os"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"layerwise/llfc/network"
)

func spectra(t *testing.T, s scene, o SpectraOptions) *Spectra {
	t.Helper()
	return must[*Spectra](t)(PairSpectra(context.Background(), s.f, s.a, s.b, s.d, o))
}

// matrixOf is the features of a layer as a matrix [units, samples × positions], divided by the root of the number of columns.
func matrixOf(t *testing.T, s scene, theta network.Params, layer Layer) *mat.Dense {
	units, positions := unitsOf(s.f, layer)
	h := features(t, s, theta, layer.Name)
	columns := len(h) * positions
	m := mat.NewDense(units, columns, nil)
	for i, row := range h {
		for j, v := range row {
			m.Set(j%units, i*positions+j/units, v/math.Sqrt(float64(columns)))
		}
	}
	return m
}

// fullSVD is gonum's, with all vectors.
func fullSVD(t *testing.T, m mat.Matrix) (values []float64, u, v *mat.Dense) {
	var s mat.SVD
	if !s.Factorize(m, mat.SVDThin) {
		t.Fatal("no SVD")
	}
	u, v = new(mat.Dense), new(mat.Dense)
	s.UTo(u)
	s.VTo(v)
	return s.Values(nil), u, v
}

func firstColumns(m *mat.Dense, k int) mat.Matrix {
	rows, _ := m.Dims()
	return m.Slice(0, rows, 0, k)
}

// Second moments summed up batch by batch give the singular values and the subspaces of the matrix of all features; those of weights are of
// the weights. Also as quantities.
func TestSpectraAgainstFullSVD(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		if s.f.Backend.Name() == "xla" && len(s.f.About.Linears) > 3 {
			t.Skip("XLA takes seconds to compile each of the graphs to compare with; the MLP shows it")
		}
		const k = 3
		got := spectra(t, s, SpectraOptions{K: k, Batch: 12})
		near := func(what string, got, want []float64, tolerance float64) {
			t.Helper()
			for i, v := range want {
				if i >= len(got) || math.Abs(got[i]-v) > tolerance*want[0] {
					t.Errorf("%s: %v, expected %v", what, got, want)
					return
				}
			}
		}
		for _, one := range got.Features {
			valuesA, uA, _ := fullSVD(t, matrixOf(t, s, s.a, one.Layer))
			valuesB, uB, _ := fullSVD(t, matrixOf(t, s, s.b, one.Layer))
			near(one.Layer.Name+" of A", one.A, valuesA, 1e-5)
			near(one.Layer.Name+" of B", one.B, valuesB, 1e-5)
			if min(one.A.Gap(k), one.B.Gap(k)) > 0.02 {
				near(one.Layer.Name+", angles", one.Out, PrincipalAngles(firstColumns(uA, k), firstColumns(uB, k)), 1e-3) // of features in float32, on another backend
			}
			if one.In != nil || len(one.Out) != k {
				t.Errorf("%s: %d and %d angles", one.Layer.Name, len(one.Out), len(one.In))
			}
		}
		r := pair(t, s, Options{Batch: 12, Also: []string{"stable_rank_a", "angle_out", "angle_in"}})
		for i, one := range got.Weights {
			w := slices.IndexFunc(s.a, func(p network.Tensor) bool { return p.Name == one.Layer.Name+"/w" })
			outputs := s.a[w].Dims[len(s.a[w].Dims)-1]
			matrix := func(theta network.Params) mat.Matrix { // [inputs, outputs], as it lies in memory
				m := mat.NewDense(len(theta[w].Data)/outputs, outputs, nil)
				for i, v := range theta[w].Data {
					m.RawMatrix().Data[i] = float64(v)
				}
				return m
			}
			values, inA, outA := fullSVD(t, matrix(s.a))
			_, inB, outB := fullSVD(t, matrix(s.b))
			near(one.Layer.Name, one.A, values, 1e-12)
			near(one.Layer.Name+" out", one.Out, PrincipalAngles(firstColumns(outA, k), firstColumns(outB, k)), 1e-8)
			near(one.Layer.Name+" in", one.In, PrincipalAngles(firstColumns(inA, k), firstColumns(inB, k)), 1e-8)
			sum := 0.0
			for _, v := range s.a[w].Data {
				sum += float64(v) * float64(v)
			}
			rank := must[Profile](t)(r.Profile("stable_rank_a", math.NaN())).Stats[i]
			if want := sum / (values[0] * values[0]); math.Abs(one.A.StableRank()-want) > 1e-9 || math.Abs(rank.Mean-want) > 1e-9 || !math.IsNaN(rank.Std) {
				t.Errorf("%s: stable rank %g and %+v, expected %g", one.Layer.Name, one.A.StableRank(), rank, want)
			}
			five := min(5, outputs)
			want := PrincipalAngles(firstColumns(outA, five), firstColumns(outB, five))[0]
			if v := must[Profile](t)(r.Profile("angle_out", math.NaN())).Stats[i].Mean; math.Abs(v-want) > 1e-6 {
				t.Errorf("%s: angle_out %g, expected %g", one.Layer.Name, v, want)
			}
		}
		if len(r.rowsOf(r.measured(atConditions))) != 3*len(got.Weights) {
			t.Error("quantities were measured that nobody asked for")
		}
	})
}

// Identity 9: a permutation of hidden units leaves all singular values as they are, and angles at the inputs of the first map and the outputs of
// the last, which nothing permutes. All others it changes.
func TestSpectraOfAPermutedNetwork(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	symmetry := must[network.Symmetry](t)(s.f.Network.Symmetry())
	s.b = must[network.Params](t)(symmetry.Apply(symmetry.Random(3), s.a))
	got := spectra(t, s, SpectraOptions{})
	for kind, list := range map[string]Subspaces{"weights": got.Weights, "features": got.Features} {
		for i, one := range list {
			for j, v := range one.A {
				if math.Abs(v-one.B[j]) > 1e-6*one.A[0] {
					t.Errorf("%s of %s: the value %d is %g, and permuted %g", kind, one.Layer.Name, j, v, one.B[j])
				}
			}
			fixedOut := one.Layer.Name == "logits"
			if (one.Out[0] < 1e-3) != fixedOut {
				t.Errorf("%s of %s: the largest angle of the output side is %g", kind, one.Layer.Name, one.Out[0])
			}
			if kind == "weights" && (one.In[0] < 1e-3) != (i == 0) {
				t.Errorf("%s: the largest angle of the input side is %g", one.Layer.Name, one.In[0])
			}
		}
	}
	out, in := got.Weights.Largest()
	a, b := got.Weights.StableRanks()
	if out.Len() != 3 || in.Stats[0].Mean > 1e-3 || math.Abs(a.Stats[1].Mean-b.Stats[1].Mean) > 1e-5 || out.Layers[2] != "logits" {
		t.Errorf("profiles: %+v %+v %+v %+v", out, in, a, b)
	}
	if _, in := got.Features.Largest(); !math.IsNaN(in.Stats[0].Mean) {
		t.Errorf("features have an input side: %+v", in)
	}
}

func TestSpectraErrors(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	ctx, cancel := context.WithCancel(context.Background())
	last, total := 0, 0
	o := SpectraOptions{Batch: 20, Progress: func(d, n int) { last, total = d, n }}
	r := must[*Spectra](t)(PairSpectra(ctx, s.f, s.a, s.b, nil, o))
	if last != 3 || total != 3 || r.Features != nil || r.Set != "" {
		t.Errorf("%d steps of %d without features: %+v", last, total, r.Features)
	}
	spectra(t, s, o)
	if last != 3+2*2+5 || total != last {
		t.Errorf("%d steps of %d", last, total)
	}
	_, err := r.Weights.Layer("fc9")
	expect(t, err, `"fc9"`, `"fc2"`)
	_, err = PairSpectra(ctx, s.f, s.a, s.b, s.d, SpectraOptions{K: -1})
	expect(t, err, "-1 singular vectors")
	huge := s.a.Clone()
	for j := range huge[2].Data {
		huge[2].Data[j] = 3e38
	}
	_, err = PairSpectra(ctx, s.f, s.a, huge, s.d, SpectraOptions{})
	expect(t, err, "features of B", `layer "fc2"`, "not finite")
	cancel()
	_, err = PairSpectra(ctx, s.f, s.a, s.b, s.d, SpectraOptions{})
	expect(t, err, "canceled")
}

func TestSpectrum(t *testing.T) {
	s := Spectrum{4, 2, 4e-9}
	x, y := s.XY(1)
	if _, zero := s.XY(2); x != 2.0/3 || y != 0.5 || zero != 0 || s.Gap(1) != 0.5 || s.Gap(3) != 1 || math.Abs(s.StableRank()-1.25) > 1e-12 {
		t.Errorf("%g, %g, then %g; gaps %g and %g, stable rank %g", x, y, zero, s.Gap(1), s.Gap(3), s.StableRank())
	}
	if x, y := (Angles{40, 20}).XY(1); x != 2 || y != 20 || !math.IsNaN(Spectrum{0, 0}.StableRank()) {
		t.Errorf("%g, %g", x, y)
	}
}

func ExampleSpectra_WriteValues() {
	s := &Spectra{Weights: Subspaces{{Layer{"fc1", "linear"}, Spectrum{2, 1}, Spectrum{3, 0}, Angles{90}, Angles{0.5}}}}
	_ = s.WriteValues(os.Stdout)
	_ = s.WriteAngles(os.Stdout)
	// Output:
	// layer,kind,matrix,network,index,value
	// fc1,linear,weights,A,1,2
	// fc1,linear,weights,A,2,1
	// fc1,linear,weights,B,1,3
	// fc1,linear,weights,B,2,0
	// layer,kind,matrix,side,index,degrees
	// fc1,linear,weights,out,1,90
	// fc1,linear,weights,in,1,0.5
}
