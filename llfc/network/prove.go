package network

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Limits of a proof, as shares of the largest value: far above what summing in another order changes, far below what a wrong axis does.
const (
	proofSamples   = 4
	proofTolerance = 1e-3
)

// Prove tries what was derived from the forward function, on random weights and inputs: that permuting units changes no tap but by its
// own permutation, f(π(θ); x) = f(θ; x), and that every linear map is linear in its weights and in its input. A forward
// function of built-in operations always passes; one with operations of your own may say of them what is not so. An error names the layer.
func (f *Model) Prove(seed int64) error {
	s, err := f.Network.Symmetry()
	if err != nil {
		return err
	}
	theta, err := f.jitter(uint64(seed))
	if err != nil {
		return err
	}
	p := s.Random(seed)
	moved, err := s.Apply(p, theta)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	x := Tensor{Name: "input", Dims: append([]int{proofSamples}, f.Network.Spec.Input...)}
	x.Data = make([]float32, size(x.Dims))
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	want, twisted, err := f.everything(theta, x)
	if err != nil {
		return err
	}
	got, _, err := f.everything(moved, x)
	if err != nil {
		return err
	}
	for i, l := range f.About.Linears {
		if d, ok := apart(twisted[3*i], twisted[3*i+1]); ok && d > proofTolerance {
			return fmt.Errorf("layer %q: the map is not linear in its weights: at −2·w it is off −2 times its value by %.1e of it", l.Name, d)
		}
		if d, ok := apart(twisted[3*i], twisted[3*i+2]); ok && d > proofTolerance {
			return fmt.Errorf("layer %q: the map is not linear in its input: at −2·h it is off −2 times its value by %.1e of it", l.Name, d)
		}
	}
	for i, tap := range f.About.Taps {
		h, err := s.ApplyTap(p, Tensor{tap.Name, append([]int{proofSamples}, tap.Dims...), want[i]})
		if err != nil {
			return err
		}
		if d, ok := apart(h.Data, got[i]); ok && d > proofTolerance {
			return fmt.Errorf("layer %q: permuting the units of %s changes its value by %.1e of it; an operation says that an axis carries units which it does not, or treats units differently", tap.Name, s, d)
		}
	}
	return nil
}

// everything returns the value of every tap, and −2 times the value of every linear map beside its values at −2·w and −2·h.
func (f *Model) everything(theta Params, x Tensor) (taps, linears [][]float32, err error) {
	exec, err := f.Exec("network: everything", func(in []*graph.Node) (out []*graph.Node) {
		last := len(in) - 1
		t := f.Trace(in[:last], in[last], Options{})
		for _, tap := range t.Taps {
			out = append(out, tap.Node)
		}
		twist := func(v *graph.Node) *graph.Node { return graph.MulScalar(v, -2) }
		for _, l := range t.Linears {
			out = append(out, twist(l.Apply(l.W, l.In)), l.Apply(twist(l.W), l.In), l.Apply(l.W, twist(l.In)))
		}
		return out
	})
	if err != nil {
		return nil, nil, err
	}
	device, err := f.Upload(theta)
	if err != nil {
		return nil, nil, err
	}
	defer func() { Free(device...) }()
	in, err := Upload(f.Backend, Params{x})
	if err != nil {
		return nil, nil, err
	}
	device = append(device, in...)
	out, err := exec.Call(Args(device)...)
	if err != nil {
		return nil, nil, err
	}
	defer Free(out...)
	values := make([][]float32, len(out))
	for i, o := range out {
		if values[i], err = tensors.CopyFlatData[float32](o); err != nil {
			return nil, nil, err
		}
	}
	n := len(f.About.Taps)
	return values[:n], values[n:], nil
}

// jitter makes weights that let errors through: no zero bias, no symmetric value, a signal that reaches the logits.
func (f *Model) jitter(seed uint64) (Params, error) {
	theta, err := f.Init(int64(seed))
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	for i, p := range f.About.Params {
		for j := range theta[i].Data {
			switch z := rng.NormFloat64(); p.Role {
			case Weight, Bias:
				theta[i].Data[j] += float32(z * math.Sqrt(2/float64(p.FanIn)))
			case Variance:
				theta[i].Data[j] *= float32(3 * math.Exp(z/2)) // about what the weights above make of a signal of variance 1
			default:
				theta[i].Data[j] += float32(z / 2)
			}
		}
	}
	return theta, nil
}

// apart is the largest difference of two values over the largest value; ok is false where numbers are too large to tell.
func apart(a, b []float32) (d float64, ok bool) {
	largest := 0.0
	for i, v := range a {
		largest = max(largest, math.Abs(float64(v)), math.Abs(float64(b[i])))
		d = max(d, math.Abs(float64(v)-float64(b[i])))
	}
	if math.IsNaN(d) || math.IsInf(largest, 0) {
		return 0, false
	}
	return d / max(largest, math.SmallestNonzeroFloat64), true
}
