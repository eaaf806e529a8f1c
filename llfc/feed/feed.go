// Package feed puts a data set on the device once and cuts normalised batches from it inside a graph.
package feed

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
)

// Normalization is x = (pixel/Max − Mean) / Std for each channel. It belongs to a network's weights, not to a data set: a
// network must be measured on inputs normalised as in training, so every checkpoint carries it.
type Normalization struct {
	Mean []float32 `json:"mean"`
	Std  []float32 `json:"std"`
}

// Standard is the data set's own normalisation: MNIST .1307/.3081.
func Standard(s *data.Set) Normalization { return Normalization{s.Mean, s.Std} }

// Unit leaves pixel/Max in [0, 1], as Git Re-Basin does for MNIST.
func Unit(s *data.Set) Normalization {
	n := Normalization{}
	for range s.Shape[len(s.Shape)-1] {
		n.Mean, n.Std = append(n.Mean, 0), append(n.Std, 1)
	}
	return n
}

// Feed is a data set on a device. Free it with Free.
type Feed struct {
	Set    *data.Set
	norm   Normalization
	device []*tensors.Tensor // pixels [N, H·W·C] uint8, labels [N] int32
	read   *graph.Exec       // only Batch
}

// New copies the set to the device, as bytes.
func New(b compute.Backend, s *data.Set, n Normalization) (*Feed, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Len() == 0 {
		return nil, fmt.Errorf("feed: %s/%s is empty", s.Name, s.Split)
	}
	if c := s.Shape[2]; len(n.Mean) != c || len(n.Std) != c {
		return nil, fmt.Errorf("feed: %s/%s has %d channels, but the normalisation has %d means and %d deviations", s.Name, s.Split, c, len(n.Mean), len(n.Std))
	}
	for _, v := range n.Std {
		if !(v > 0) {
			return nil, errors.New("feed: a deviation of the normalisation is not positive")
		}
	}
	pixels, err := tensors.FromRaw(b, 0, shapes.Make(dtypes.Uint8, s.Len(), len(s.Pixels)/s.Len()), s.Pixels)
	if err != nil {
		return nil, fmt.Errorf("feed: %s/%s: %w", s.Name, s.Split, err)
	}
	labels := tensors.FromFlatDataAndDimensions(s.Labels, s.Len())
	f := &Feed{Set: s, norm: n, device: []*tensors.Tensor{pixels, labels}}
	if f.read, err = graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
		x, y := f.Batch(in[0], in[1], in[2])
		return []*graph.Node{x, y}
	}); err != nil {
		return nil, fmt.Errorf("feed: %s/%s: %w", s.Name, s.Split, err)
	}
	f.read.SetMaxCache(-1)
	return f, nil
}

// Args are the device tensors to pass to an executable, for Batch to take back as nodes: pixels, labels.
func (f *Feed) Args() []any { return []any{f.device[0], f.device[1]} }

// Len is the number of samples.
func (f *Feed) Len() int { return f.Set.Len() }

// Free releases the device memory.
func (f *Feed) Free() {
	for _, t := range f.device {
		_ = t.FinalizeAll() // already released is what was asked for
	}
}

// Batch gathers the samples index [B] int32 and returns x [B, H, W, C] float32, normalised, and the labels y [B] int32. It reads only
// the shape and normalisation of the feed, so a graph built with it serves every set of the same shape and size.
func (f *Feed) Batch(pixels, labels, index *graph.Node) (x, y *graph.Node) {
	at := graph.InsertAxes(index, -1)
	x = graph.Reshape(graph.Gather(pixels, at), append([]int{index.Shape().Dim(0)}, f.Set.Shape...)...)
	scale, shift := make([]float32, len(f.norm.Std)), make([]float32, len(f.norm.Std))
	for c, std := range f.norm.Std {
		scale[c] = 1 / (f.Set.Max * std)
		shift[c] = -f.norm.Mean[c] / std
	}
	in := rows(graph.ConvertDType(x, dtypes.Float32), scale, shift)
	x = graph.Reshape(graph.Add(graph.Mul(in[0], in[1]), in[2]), x.Shape().Dimensions...)
	return x, graph.Gather(labels, at)
}

// normalizeExactly is the normalisation of Batch as (pixel − Max·Mean)·1/(Max·Std): no backend can fuse a difference into a
// multiplication, so all of them round alike.
func (f *Feed) normalizeExactly(x *graph.Node) *graph.Node {
	mean, scale := make([]float32, len(f.norm.Std)), make([]float32, len(f.norm.Std))
	for c, std := range f.norm.Std {
		mean[c], scale[c] = f.Set.Max*f.norm.Mean[c], 1/(f.Set.Max*std)
	}
	in := rows(graph.ConvertDType(x, dtypes.Float32), mean, scale)
	return graph.Reshape(graph.Mul(graph.Sub(in[0], in[1]), in[2]), x.Shape().Dimensions...)
}

// rows folds columns and channels of x [B, H, W, C] into one axis, and repeats values per channel along it: on the pure-Go backend
// that is five times as fast as rows of 3.
func rows(x *graph.Node, perChannel ...[]float32) []*graph.Node {
	dims := x.Shape().Dimensions
	x = graph.Reshape(x, dims[0], dims[1], dims[2]*dims[3])
	out := []*graph.Node{x}
	for _, v := range perChannel {
		if len(v) > 1 {
			v = slices.Repeat(v, dims[2])
		}
		out = append(out, graph.ExpandLeftToRank(graph.Const(x.Graph(), v), 3))
	}
	return out
}

// Recipe names all that Batch depends on, for the key of an executable built with it.
func (f *Feed) Recipe() string { return fmt.Sprintf("%v/%g %v", f.Set.Shape, f.Set.Max, f.norm) }

// Read gathers a batch once, for callers that pass it to several executables: x [B, H, W, C] float32, normalised, and y [B] int32
// stay on the device until the caller releases them.
func (f *Feed) Read(index []int32) (x, y *tensors.Tensor, err error) {
	out, err := f.read.Call(append(f.Args(), index)...)
	if err != nil {
		return nil, nil, fmt.Errorf("feed: %s/%s: %w", f.Set.Name, f.Set.Split, err)
	}
	return out[0], out[1], nil
}

// Indices returns 0 … n−1 in batches of the given size, or of n, if that is less. The last one is filled up with its own last sample, since a new batch size
// would compile again; count tells how many of it are real.
func Indices(n, batch int) (index [][]int32, count []int) {
	batch = min(batch, n) // more would only be filling
	for start := 0; start < n; start += batch {
		part := make([]int32, batch)
		for i := range part {
			part[i] = int32(min(start+i, n-1))
		}
		index, count = append(index, part), append(count, min(batch, n-start))
	}
	return index, count
}
