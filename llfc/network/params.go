package network

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"layerwise/internal/checksum"
)

// Tensor is a named float32 array, row-major. Dims is empty for a scalar.
type Tensor struct {
	Name string
	Dims []int
	Data []float32
}

// Params is θ: an ordered set of named tensors. Nothing in this module changes a Params in place; functions
// return new values. The order is the one in which the forward function names its parameters.
type Params []Tensor

// Get returns the tensor of that name, and whether there is one.
func (p Params) Get(name string) (Tensor, bool) {
	i := slices.IndexFunc(p, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return p[i], true
}

// ByName returns the tensors by their names, which share their data with p.
func (p Params) ByName() map[string]Tensor {
	out := make(map[string]Tensor, len(p))
	for _, t := range p {
		out[t.Name] = t
	}
	return out
}

// SHA256 is the checksum of names, shapes and bits, in their order, in hexadecimal.
func (p Params) SHA256() string {
	h := checksum.SHA256()
	for _, t := range p {
		fmt.Fprintf(h, "%q %v\n", t.Name, t.Dims)
		writeFloats(h, t.Data) // a hash takes all
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Clone returns a deep copy.
func (p Params) Clone() Params {
	out := make(Params, len(p))
	for i, t := range p {
		out[i] = Tensor{t.Name, slices.Clone(t.Dims), slices.Clone(t.Data)}
	}
	return out
}

// Count returns the number of scalars in all tensors.
func (p Params) Count() int {
	n := 0
	for _, t := range p {
		n += len(t.Data)
	}
	return n
}

// Equal reports whether both hold the same names, shapes and bits, in the same order.
func (p Params) Equal(q Params) bool {
	return slices.EqualFunc(p, q, func(s, t Tensor) bool {
		return s.Name == t.Name && slices.Equal(s.Dims, t.Dims) &&
			slices.EqualFunc(s.Data, t.Data, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	})
}

// SameLayout returns nil if both have the same names and shapes in the same order, else an error that names the
// first tensor where they part.
func (p Params) SameLayout(q Params) error {
	for i, t := range p {
		if i >= len(q) {
			return fmt.Errorf("tensor %q %v is missing from the second set", t.Name, t.Dims)
		}
		if u := q[i]; t.Name != u.Name {
			return fmt.Errorf("tensor %d is %q in one set and %q in the other", i, t.Name, u.Name)
		} else if !slices.Equal(t.Dims, u.Dims) {
			return fmt.Errorf("tensor %q has shape %v in one set and %v in the other", t.Name, t.Dims, u.Dims)
		}
	}
	if len(q) > len(p) {
		return fmt.Errorf("tensor %q %v is missing from the first set", q[len(p)].Name, q[len(p)].Dims)
	}
	return nil
}

// Interpolate returns θ_α = α θ_A + (1−α) θ_B. α weights a: α = 1 returns a, α = 0 returns b, bit for bit. α outside
// [0, 1] extrapolates. The layouts must agree.
func Interpolate(a, b Params, alpha float64) (Params, error) {
	if err := a.SameLayout(b); err != nil {
		return nil, fmt.Errorf("interpolate: %w", err)
	}
	out := a.Clone()
	x, y := float32(alpha), float32(1-alpha)
	for i := range out {
		switch d, e := out[i].Data, b[i].Data; alpha {
		case 1:
		case 0:
			copy(d, e)
		default:
			for j := range d {
				d[j] = x*d[j] + y*e[j]
			}
		}
	}
	return out, nil
}

// Average returns the mean of several sets of weights, summed in float64. The layouts must agree.
func Average(thetas ...Params) (Params, error) {
	if len(thetas) == 0 {
		return nil, errors.New("average: no weights")
	}
	for _, theta := range thetas[1:] {
		if err := thetas[0].SameLayout(theta); err != nil {
			return nil, fmt.Errorf("average: %w", err)
		}
	}
	out := thetas[0].Clone()
	for i := range out {
		for j := range out[i].Data {
			sum := 0.0
			for _, theta := range thetas {
				sum += float64(theta[i].Data[j])
			}
			out[i].Data[j] = float32(sum / float64(len(thetas)))
		}
	}
	return out, nil
}

// Distance returns the Euclidean distance ‖θ_A − θ_B‖, summed in float64. The layouts must agree.
func Distance(a, b Params) (float64, error) {
	if err := a.SameLayout(b); err != nil {
		return 0, fmt.Errorf("distance: %w", err)
	}
	s := 0.0
	for i := range a {
		for j, v := range a[i].Data {
			d := float64(v) - float64(b[i].Data[j])
			s += d * d
		}
	}
	return math.Sqrt(s), nil
}
