package foreign

import (
	"fmt"
	"math"
	"slices"

	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

// tolerance is how far a value may be from the original's, relative to the largest of its tensor: other kernels sum in another order.
const tolerance = 1e-3

// Parity is how well a network computes what the original did.
type Parity struct {
	Samples int
	Values  []string // the named values that were compared, logits the last
	Error   float64  // the largest difference relative to the largest value of its tensor
}

// Verify runs the network on the "inputs" of a reference, already normalised, and compares the "logits" and every other value that bears the name of a tap with
// what the original computed. Images may be [n, C, H, W] or [n, H, W, C]. The error names the first tap that differs.
func Verify(f *network.Model, theta network.Params, reference *formats.File) (Parity, error) {
	x, err := read(reference, "inputs", f.Network.Spec.Input)
	if err != nil {
		return Parity{}, err
	}
	out := Parity{Samples: x.Dims[0]}
	last := f.About.Taps[len(f.About.Taps)-1].Name
	if _, ok := reference.Tensor("logits"); !ok {
		return out, fmt.Errorf("%s: no \"logits\" in it; a reference holds \"inputs\" and \"logits\", and may hold values of other layers by their names", reference.Path)
	}
	for _, tap := range f.About.Taps {
		name := tap.Name
		if name == last {
			name = "logits"
		}
		if _, ok := reference.Tensor(name); !ok || tap.Kind == "input" {
			continue
		}
		want, err := read(reference, name, tap.Dims)
		if err != nil {
			return out, err
		}
		if want.Dims[0] != x.Dims[0] {
			return out, fmt.Errorf("%s: %q is of %d samples, \"inputs\" of %d", reference.Path, name, want.Dims[0], x.Dims[0])
		}
		got, err := f.Features(theta, x, tap.Name)
		if err != nil {
			return out, err
		}
		worst, at, largest := 0.0, 0, 0.0
		for i, v := range want.Data {
			largest = max(largest, math.Abs(float64(v)))
			if d := math.Abs(float64(v) - float64(got.Data[i])); !(d <= worst) { // also NaN
				worst, at = d, i
			}
		}
		out.Values, out.Error = append(out.Values, name), max(out.Error, worst/largest)
		if !(worst <= tolerance*largest) {
			return out, fmt.Errorf("%s: %q is the first value that differs from the original: %g where that has %g, at position %d; the layers may be in another order, or this is another network", reference.Path, name, got.Data[at], want.Data[at], at)
		}
	}
	return out, nil
}

// read takes a tensor [n, dims...] of a reference in our layout.
func read(f *formats.File, name string, dims []int) (network.Tensor, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return network.Tensor{}, fmt.Errorf("%s: no %q in it; a reference holds \"inputs\" and \"logits\"", f.Path, name)
	}
	each := 1
	for _, d := range dims {
		each *= d
	}
	if len(t.Shape) < 2 || t.Shape[0] < 1 || t.Count() != t.Shape[0]*each {
		return network.Tensor{}, fmt.Errorf("%s: %q has shape %v, expected [samples, %v]", f.Path, name, t.Shape, dims)
	}
	data := make([]float32, t.Count())
	if err := t.Floats(data); err != nil {
		return network.Tensor{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	if len(dims) == 3 && dims[2] > 1 && slices.Equal(t.Shape[1:], []int{dims[2], dims[0], dims[1]}) {
		data = turned(data, t.Shape, 0, 2, 3, 1)
	} else if len(dims) == 3 && len(t.Shape) == 4 && dims[2] > 1 && !slices.Equal(t.Shape[1:], dims) {
		return network.Tensor{}, fmt.Errorf("%s: %q has shape %v, expected [samples, %v], channels first or last", f.Path, name, t.Shape, dims)
	}
	return network.Tensor{Name: name, Dims: append([]int{t.Shape[0]}, dims...), Data: data}, nil
}
