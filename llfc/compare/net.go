package compare

import (
	"bytes"
	"fmt"
	"slices"

	"layerwise/internal/checksum"
	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

// Net is the tensors of a network, in their order.
type Net []Tensor

// Tensor is an array that is read when it is wanted.
type Tensor struct {
	Name, DType string
	Shape       []int
	Float       bool
	Floats      func(out []float32) error             // fills the numbers, row-major
	Raw         func(part func(b []byte) error) error // the bytes of the numbers, piece by piece; nil for floats in memory
}

func (t Tensor) count() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// FromFile is the network in an open file. Tensors tied to another one are left out, for they are it, and so are constants of an ONNX graph
// that are no weights: integers and single numbers.
func FromFile(f *formats.File) Net {
	var out Net
	for _, t := range f.Tensors {
		if t.TiedTo == "" && !(t.Constant && (!t.Float() || t.Count() < 2)) {
			out = append(out, Tensor{t.Name, t.DType, t.Shape, t.Float(), t.Floats, t.Raw})
		}
	}
	return out
}

// FromParams is a network in memory.
func FromParams(p network.Params) Net {
	out := make(Net, len(p))
	for i, t := range p {
		out[i] = Tensor{Name: t.Name, DType: "F32", Shape: t.Dims, Float: true, Floats: func(out []float32) error {
			copy(out, t.Data)
			return nil
		}}
	}
	return out
}

// sameBytes reports whether two tensors that are no weights are equal.
func sameBytes(p partner) (bool, error) {
	if p.a.DType != p.b.DType || p.a.Raw == nil || p.b.Raw == nil {
		return false, nil
	}
	var sums [2][]byte
	for i, t := range []Tensor{p.a, p.b} {
		h := checksum.SHA256()
		if err := t.Raw(func(b []byte) error { h.Write(b); return nil }); err != nil {
			return false, err
		}
		sums[i] = h.Sum(nil)
	}
	return bytes.Equal(sums[0], sums[1]), nil
}

// align finds the partner of every tensor: by name and shape where at least half of A's floats have one, else the k-th tensor of a shape in A is
// beside the k-th of that shape in B.
func (r *Result) align(a, b Net) []partner {
	byName := map[string]Tensor{}
	for _, t := range b {
		byName[t.Name] = t
	}
	weights, named := 0, 0
	for _, t := range a {
		if t.Float {
			weights++
			if u, ok := byName[t.Name]; ok && slices.Equal(t.Shape, u.Shape) {
				named++
			}
		}
	}
	r.ByOrder = 2*named < weights
	key := func(t Tensor) string { return t.Name + fmt.Sprint(t.Float, t.Shape) }
	if r.ByOrder {
		key = func(t Tensor) string { return fmt.Sprint(t.Float, t.Shape) }
	}
	left := map[string][]Tensor{}
	for _, t := range b {
		left[key(t)] = append(left[key(t)], t)
	}
	var out []partner
	for _, t := range a {
		if same := left[key(t)]; len(same) > 0 {
			out = append(out, partner{t, same[0]})
			left[key(t)] = same[1:]
		} else {
			r.OnlyA = append(r.OnlyA, t.Name)
		}
	}
	for _, t := range b {
		if same := left[key(t)]; len(same) > 0 && same[0].Name == t.Name {
			r.OnlyB = append(r.OnlyB, t.Name)
			left[key(t)] = same[1:]
		}
	}
	return out
}
