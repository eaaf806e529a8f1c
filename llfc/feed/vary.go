package feed

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/data"
)

// Vary is the set as one training step would see it, all of it as a single batch: pictures to look at, with the labels of s.
func Vary(b compute.Backend, s *data.Set, a Augment, seed uint32) (*data.Set, error) {
	if err := a.Check(s.Shape); err != nil {
		return nil, err
	}
	f, err := New(b, s, Unit(s))
	if err != nil {
		return nil, err
	}
	defer f.Free()
	exec, err := graph.NewExec(b, func(in []*graph.Node) *graph.Node {
		x, _ := f.Augmented(a, in[0], in[1], in[2], in[3])
		return x
	})
	if err != nil {
		return nil, fmt.Errorf("feed: %s/%s: %w", s.Name, s.Split, err)
	}
	defer exec.Finalize()
	index, _ := Indices(s.Len(), s.Len())
	out, err := exec.Call(append(f.Args(), index[0], seed)...)
	if err != nil {
		return nil, fmt.Errorf("feed: %s/%s: %w", s.Name, s.Split, err)
	}
	defer out[0].MustFinalizeAll()
	values, err := tensors.CopyFlatData[float32](out[0])
	if err != nil {
		return nil, err
	}
	varied := *s
	varied.Pixels = make([]uint8, len(values))
	for i, v := range values {
		varied.Pixels[i] = uint8(math.Round(float64(v * s.Max)))
	}
	varied.SHA256 = varied.Checksum()
	return &varied, nil
}
