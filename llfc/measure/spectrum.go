package measure

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"layerwise/internal/finite"
	"layerwise/internal/memory"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// SpectraVersion is part of the name of all kept spectra. Raise it when the same options come to mean other numbers.
const SpectraVersion = 1

// SpectraOptions say what PairSpectra looks at.
type SpectraOptions struct {
	K        int                   // leading singular vectors whose subspaces are compared; 0 is 5, as in the authors' code
	Batch    int                   // samples on the device at once; 0 chooses by backend and network
	Progress func(done, total int) // called after every batch of a network, and every matrix; nil for none
}

// Subspaces returns how many leading singular vectors are compared.
func (o SpectraOptions) Subspaces() int {
	if o.K == 0 {
		return 5
	}
	return o.K
}

// Spectrum is the singular values of a matrix, the largest first. It is a gonum plotter.XYer: x is i over their number, in (0, 1], and y is σ_i/σ_1.
type Spectrum []float64

// Len is the number of singular values.
func (s Spectrum) Len() int { return len(s) }

// XY is the place of value i as a share of all, and the value as a share of the largest: 0 where it is no more than the rounding of float32.
func (s Spectrum) XY(i int) (x, y float64) {
	if y = s[i] / s[0]; y < singleRounding {
		y = 0
	}
	return float64(i+1) / float64(len(s)), y
}

// singleRounding is what float32 weights and features cannot tell from 0, as a share of the largest singular value.
const singleRounding = 1e-8

// StableRank is ‖M‖²_F / ‖M‖²₂ = Σσ² / σ₁², at most the rank. NaN of zeros.
func (s Spectrum) StableRank() float64 {
	sum := 0.0
	for _, v := range s {
		sum += v / s[0] * (v / s[0])
	}
	return sum
}

// Gap is 1 − σ_{k+1}/σ_k: where it is near 0 another set of samples, or a little noise, turns the subspace of the k leading singular vectors
// away, and its angles say little. It is 1 where there are no more values.
func (s Spectrum) Gap(k int) float64 {
	if k < 1 || k >= len(s) {
		return 1
	}
	return 1 - s[k]/s[k-1]
}

// Angles are principal angles in degrees, the largest first. They are a gonum plotter.XYer: x counts from 1.
type Angles []float64

// Len is the number of angles.
func (a Angles) Len() int { return len(a) }

// XY is the number of angle i, from 1, and the angle.
func (a Angles) XY(i int) (x, y float64) { return float64(i + 1), a[i] }

// Subspace compares one matrix of A with that of B.
type Subspace struct {
	Layer Layer
	A, B  Spectrum
	Out   Angles // between the subspaces of the k leading left singular vectors, of the output side of a weight (U) or of the units of a feature
	In    Angles // between those of the input side of a weight (V); nil for features
}

// Subspaces are those of several layers.
type Subspaces []Subspace

// Layer finds a layer by name.
func (s Subspaces) Layer(name string) (Subspace, error) {
	var names []string
	for _, v := range s {
		if v.Layer.Name == name {
			return v, nil
		}
		names = append(names, v.Layer.Name)
	}
	return Subspace{}, fmt.Errorf("measure: there is no spectrum of %q; there is %q", name, names)
}

// Profile is one number at every layer.
func (s Subspaces) Profile(of func(Subspace) float64) Profile {
	var p Profile
	for _, v := range s {
		p.Layers, p.Stats = append(p.Layers, v.Layer.Name), append(p.Stats, Stat{Mean: of(v), Std: math.NaN()})
	}
	return p
}

// StableRanks is the stable rank of A's matrix and of B's at every layer.
func (s Subspaces) StableRanks() (a, b Profile) {
	return s.Profile(func(v Subspace) float64 { return v.A.StableRank() }), s.Profile(func(v Subspace) float64 { return v.B.StableRank() })
}

// Largest is the largest principal angle at every layer in degrees, of the output side and of the input side; NaN where there is none.
func (s Subspaces) Largest() (out, in Profile) {
	first := func(a Angles) float64 {
		if len(a) == 0 {
			return math.NaN()
		}
		return a[0]
	}
	return s.Profile(func(v Subspace) float64 { return first(v.Out) }), s.Profile(func(v Subspace) float64 { return first(v.In) })
}

// Spectra are the singular values of two networks' weights and features, and the angles between their leading subspaces.
type Spectra struct {
	Set     string // on which features were taken, "mnist/test"; "" where they were not
	Samples int
	K       int // leading singular vectors that Angles compare; fewer where a matrix has less rank

	// Weights are the linear maps, as matrices [outputs, inputs]: a convolution's inputs are the places of its kernel times the channels.
	Weights Subspaces
	// Features are the layers, as matrices [units, samples × positions] divided by the root of the number of columns: the units of a
	// convolution are its channels, and every position of an image is a sample of them. No mean is taken off.
	Features Subspaces
}

var (
	valueColumns = []string{"layer", "kind", "matrix", "network", "index", "value"}
	angleColumns = []string{"layer", "kind", "matrix", "side", "index", "degrees"}
)

// WriteValues writes every singular value, the largest first; index counts from 1, matrix is weights or features.
func (s *Spectra) WriteValues(w io.Writer) error {
	t := newTable(w, valueColumns...)
	s.each(func(matrix string, v Subspace) {
		for n, values := range []Spectrum{v.A, v.B} {
			for i, value := range values {
				t.row(v.Layer.Name, v.Layer.Kind, matrix, string(rune('A'+n)), strconv.Itoa(i+1), number(value))
			}
		}
	})
	return t.flush()
}

// WriteAngles writes the principal angles in degrees, the largest first; index counts from 1, side is out (U) or in (V).
func (s *Spectra) WriteAngles(w io.Writer) error {
	t := newTable(w, angleColumns...)
	s.each(func(matrix string, v Subspace) {
		for n, angles := range []Angles{v.Out, v.In} {
			for i, angle := range angles {
				t.row(v.Layer.Name, v.Layer.Kind, matrix, []string{"out", "in"}[n], strconv.Itoa(i+1), number(angle))
			}
		}
	})
	return t.flush()
}

func (s *Spectra) each(do func(matrix string, v Subspace)) {
	for _, v := range s.Weights {
		do("weights", v)
	}
	for _, v := range s.Features {
		do("features", v)
	}
}

// PairSpectra takes the singular values of two networks' weights and, on d, of their features, and the principal angles between the leading
// subspaces (the paper's Figures 20–22 and its released principal_angle.py). Without a set (nil) it takes those of weights only.
//
// Of features only second moments are summed up, [units, units] for each layer in float64, in one pass; so memory does not grow with the samples,
// and singular values below 1e-8 of the largest are rounding.
func PairSpectra(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, o SpectraOptions) (*Spectra, error) {
	if o.K < 0 {
		return nil, fmt.Errorf("measure: subspaces of %d singular vectors; 0 takes 5", o.K)
	}
	for i, theta := range []network.Params{a, b} {
		if err := f.CheckWeights(theta); err != nil {
			return nil, fmt.Errorf("measure: weights %c: %w", 'A'+i, err)
		}
	}
	v, weights := survey(f)
	s := &spectral{f: f, o: o, layers: v.about[:v.layers], total: len(weights)}
	out := &Spectra{K: o.Subspaces()}
	var p *pass.Pass
	if d != nil {
		var err error
		if p, err = pass.Open(f, d, o.Batch, 1); err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
		defer p.Close()
		out.Set, out.Samples = p.Set(), d.Len()
		s.total += 2*p.Batches() + len(s.layers)
	}
	for i, l := range f.About.Linears {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if weights[i] < 0 {
			return nil, fmt.Errorf("measure: the weight of the linear map %q is not a parameter of the network", l.Name)
		}
		one, err := compareMatrices(Layer{l.Name, "linear"}, weightMatrix(a[weights[i]]), weightMatrix(b[weights[i]]), out.K, true)
		if err != nil {
			return nil, fmt.Errorf("measure: the weight of %q: %w", l.Name, err)
		}
		out.Weights = append(out.Weights, one)
		s.tick()
	}
	if d == nil {
		return out, nil
	}
	if err := s.features(ctx, p, a, b); err != nil {
		return nil, err
	}
	for l, layer := range s.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		one, err := compareMatrices(layer, s.moments(0, l), s.moments(1, l), out.K, false)
		if err != nil {
			return nil, fmt.Errorf("measure: the features of %q: %w", layer.Name, err)
		}
		for _, values := range []Spectrum{one.A, one.B} { // of HHᵀ, which are the squares of those of H
			for i := range values {
				values[i] = math.Sqrt(values[i])
			}
		}
		out.Features = append(out.Features, one)
		s.tick()
	}
	return out, nil
}

// weightMatrix is a weight [..., outputs] as a matrix [outputs, inputs].
func weightMatrix(w network.Tensor) *mat.Dense {
	outputs := w.Dims[len(w.Dims)-1]
	inputs := len(w.Data) / outputs
	m := mat.NewDense(outputs, inputs, nil)
	for i, v := range w.Data {
		m.Set(i%outputs, i/outputs, float64(v))
	}
	return m
}

// compareMatrices compares two matrices of one shape. both says whether the input side is compared too.
func compareMatrices(layer Layer, a, b *mat.Dense, k int, both bool) (Subspace, error) {
	out := Subspace{Layer: layer, A: singularValues(a), B: singularValues(b)}
	x, err := leading(a, k)
	if err != nil {
		return out, err
	}
	y, err := leading(b, k)
	if err != nil {
		return out, err
	}
	k = min(len(x.values), len(y.values))
	if k == 0 {
		return out, nil
	}
	first := func(m *mat.Dense) mat.Matrix {
		rows, _ := m.Dims()
		return m.Slice(0, rows, 0, k)
	}
	out.Out = PrincipalAngles(first(x.left), first(y.left))
	if both {
		out.In = PrincipalAngles(first(x.right), first(y.right))
	}
	return out, nil
}

// spectral gathers second moments of features.
type spectral struct {
	f           *network.Model
	o           SpectraOptions
	layers      []Layer
	sums        [2][][]float64 // of A and B, for each layer, [units × units]
	columns     []float64      // of each layer's matrix of features
	done, total int
}

func (s *spectral) tick() {
	if s.done++; s.o.Progress != nil {
		s.o.Progress(s.done, s.total)
	}
}

// features passes over the set.
func (s *spectral) features(ctx context.Context, p *pass.Pass, a, b network.Params) error {
	numbers := 0.0
	s.columns = make([]float64, len(s.layers))
	for l, layer := range s.layers {
		units, positions := unitsOf(s.f, layer)
		numbers += float64(units) * float64(units)
		s.columns[l] = float64(positions) * float64(p.Feed().Len())
	}
	if err := memory.Room("second moments of the features of every layer of two networks", 3*8*numbers, "take spectra of weights only"); err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	theta, err := upload(s.f, a, b)
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	defer theta.free()
	for p.Next(ctx) {
		for n, params := range []network.Params{a, b} {
			err := s.batch(ctx, p, theta[n], n)
			if err == nil && p.First() {
				err = s.check(ctx, p, params, n)
			}
			if err != nil {
				return fmt.Errorf("measure: features of %c on %s: %w", 'A'+n, p, err)
			}
			s.tick()
		}
	}
	return p.Err()
}

// unitsOf is the number of units of a layer, and of the positions at which they stand.
func unitsOf(f *network.Model, layer Layer) (units, positions int) {
	for _, t := range f.About.Taps {
		if t.Name == layer.Name {
			units, positions = t.Dims[len(t.Dims)-1], 1
			for _, d := range t.Dims[:len(t.Dims)-1] {
				positions *= d
			}
		}
	}
	return units, positions
}

// batch adds the second moments of one network's features on the batch that was read.
func (s *spectral) batch(ctx context.Context, p *pass.Pass, theta []*tensors.Tensor, n int) error {
	moments, err := s.read(ctx, p, theta)
	if err != nil {
		return err
	}
	if s.sums[n] == nil {
		s.sums[n] = moments
		return nil
	}
	for l, m := range moments {
		for i, v := range m {
			s.sums[n][l][i] += v
		}
	}
	return nil
}

func (s *spectral) read(ctx context.Context, p *pass.Pass, theta []*tensors.Tensor) ([][]float64, error) {
	out, err := p.Run(ctx, momentsGraph, theta, p.X, int32(p.Len()))
	if err != nil {
		return nil, err
	}
	defer network.Free(out...)
	var moments [][]float64
	for l, t := range out {
		m, err := tensors.CopyFlatData[float64](t)
		if err != nil {
			return nil, err
		}
		if finite.Except(m) >= 0 {
			return nil, fmt.Errorf("layer %q: the features are not finite; the weights are not, or are too large", s.layers[l].Name)
		}
		moments = append(moments, m)
	}
	return moments, nil
}

// check runs a fresh copy of a network on the first batch, and compares the mean squares of units.
func (s *spectral) check(ctx context.Context, p *pass.Pass, params network.Params, n int) error {
	fresh, err := s.f.Upload(params)
	if err != nil {
		return err
	}
	defer network.Free(fresh...)
	again, err := s.read(ctx, p, fresh)
	if err != nil {
		return err
	}
	for l, layer := range s.layers {
		units, _ := unitsOf(s.f, layer)
		var got, want []float64
		for i := range units {
			got, want = append(got, s.sums[n][l][i*(units+1)]), append(want, again[l][i*(units+1)])
		}
		if err := p.Check(fmt.Sprintf("squares of the features of %q", layer.Name), got, want); err != nil {
			return err
		}
	}
	return nil
}

// moments is the second moment of a layer's features of A or B over the set, [units, units].
func (s *spectral) moments(n, l int) *mat.Dense {
	units, _ := unitsOf(s.f, s.layers[l])
	m := mat.NewDense(units, units, s.sums[n][l])
	m.Scale(1/s.columns[l], m)
	return m
}

// momentsGraph: θ, x, samples → for each layer the sum of hhᵀ over samples and positions, [units, units] float64. Rows that fill up the batch
// count for nothing.
var momentsGraph = pass.Function{Key: "measure: second moments", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
	n := len(f.About.Params)
	t := f.Trace(in[:n], in[n], network.Options{})
	var out []*graph.Node
	for _, h := range valuesOf(t, false).nodes {
		real := graph.LessThan(graph.Iota(h.Graph(), shapes.Make(dtypes.Int32, h.Shape().Dim(0)), 0), in[n+1])
		h = graph.ConvertDType(h, dtypes.Float64)
		for range h.Rank() - 1 {
			real = graph.InsertAxes(real, -1)
		}
		h = graph.Where(graph.BroadcastToDims(real, h.Shape().Dimensions...), h, graph.ZerosLike(h))
		h = graph.Reshape(h, -1, h.Shape().Dim(-1))
		out = append(out, graph.MatMul(graph.Transpose(h, 0, 1), h))
	}
	return out
}}
