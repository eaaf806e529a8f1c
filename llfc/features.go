package llfc

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
	"layerwise/internal/finite"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Features are what the networks of a pair, and networks on the line between them, make of a few samples of a set.
type Features struct {
	Set     *data.Set
	Samples []int    // their numbers in Set
	Taps    []string // layers, by name
	Alphas  []float64
	A, B    []network.Tensor   // by tap, [samples, Dims...]
	Line    [][]network.Tensor // by α, then by tap: of θ_α = αθ_A + (1−α)θ_B, nothing but the blend of the weights
}

// Features runs the networks of a pair, and those between them at some α, on some samples of a set, and keeps what comes out at some taps.
func (l *Lab) Features(ctx context.Context, p Pair, s *data.Set, samples []int, taps []string, alphas ...float64) (*Features, error) {
	if err := SamePlace(p.A, p.B); err != nil {
		return nil, err
	}
	if err := p.suit(s); err != nil {
		return nil, err
	}
	f, err := l.Model(p.A.Network)
	if err != nil {
		return nil, err
	}
	x, err := l.input(s, p.B.Normalize, samples)
	if err != nil {
		return nil, err
	}
	out := &Features{Set: s, Samples: samples, Taps: taps, Alphas: alphas}
	if out.A, err = f.FeaturesAt(p.A.Theta, x, taps...); err != nil {
		return nil, err
	}
	if out.B, err = f.FeaturesAt(p.B.Theta, x, taps...); err != nil {
		return nil, err
	}
	for _, alpha := range alphas {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !finite.Is(alpha) {
			return nil, fmt.Errorf("features at α = %g", alpha)
		}
		theta, err := network.Interpolate(p.A.Theta, p.B.Theta, alpha)
		if err != nil {
			return nil, err
		}
		h, err := f.FeaturesAt(theta, x, taps...)
		if err != nil {
			return nil, fmt.Errorf("α = %g: %w", alpha, err)
		}
		out.Line = append(out.Line, h)
	}
	return out, nil
}

// input is some samples of a set, normalised, [samples, H, W, C].
func (l *Lab) input(s *data.Set, norm feed.Normalization, samples []int) (network.Tensor, error) {
	index := make([]int32, len(samples))
	for i, n := range samples {
		if n < 0 || n >= s.Len() {
			return network.Tensor{}, fmt.Errorf("%s/%s has no sample %d; it has %d", s.Name, s.Split, n, s.Len())
		}
		index[i] = int32(n)
	}
	if len(index) == 0 {
		return network.Tensor{}, fmt.Errorf("features of no samples; name at least one")
	}
	d, err := feed.New(l.Backend, s, norm)
	if err != nil {
		return network.Tensor{}, err
	}
	defer d.Free()
	x, y, err := d.Read(index)
	if err != nil {
		return network.Tensor{}, err
	}
	defer network.Free(x, y)
	values, err := tensors.CopyFlatData[float32](x)
	return network.Tensor{Name: "x", Dims: append([]int{len(samples)}, s.Shape...), Data: values}, err
}

// Blend is αf(θ_A) + (1−α)f(θ_B) at a tap, both by their place in Alphas and Taps.
func (f *Features) Blend(alpha, tap int) network.Tensor {
	a, b, by := f.A[tap], f.B[tap], float32(f.Alphas[alpha])
	out := network.Tensor{Name: a.Name, Dims: a.Dims, Data: make([]float32, len(a.Data))}
	for i := range out.Data {
		out.Data[i] = by*a.Data[i] + (1-by)*b.Data[i]
	}
	return out
}
