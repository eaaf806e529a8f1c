package measure

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// stream is one pass over a set, batch by batch. What it holds on the device does not depend on the number of samples.
type stream struct {
	f     *network.Model
	d     *feed.Feed
	index [][]int32
	count []int // samples of each batch that are not padding
	read  int   // batches read so far
	x, y  *tensors.Tensor
	err   error
}

// open checks that the network can be run on the set. batch 0 chooses; kept is the number of forward passes whose values are held at once.
func open(f *network.Model, d *feed.Feed, batch, kept int) (*stream, error) {
	if want := f.Network.Spec.Input; fmt.Sprint(want) != fmt.Sprint(d.Set.Shape) {
		return nil, fmt.Errorf("measure: the samples of %s/%s have shape %v, but the network takes %v", d.Set.Name, d.Set.Split, d.Set.Shape, want)
	}
	if have, max := len(d.Set.Classes), f.Network.Spec.Classes; have > max {
		return nil, fmt.Errorf("measure: %s/%s has %d classes, but the network only %d logits", d.Set.Name, d.Set.Split, have, max)
	}
	if batch < 0 {
		return nil, fmt.Errorf("measure: a batch of %d samples; 0 chooses one", batch)
	}
	if batch == 0 {
		batch = choose(f, d.Len(), kept)
	}
	batch = min(batch, d.Len()) // more would be padding
	need := float64(batch) * (float64(kept)*f.About.Features("linear", "norm", "act", "pool", "block") + f.About.Largest())
	if err := network.Room(f.Backend, fmt.Sprintf("a batch of %d samples of %s/%s", batch, d.Set.Name, d.Set.Split), need); err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	s := &stream{f: f, d: d}
	s.index, s.count = feed.Indices(d.Len(), batch)
	return s, nil
}

// Limits of a chosen batch.
const (
	largestXLA = 1000      // below, the forward pass itself slows down
	largestGo  = 250       // the Go backend makes every intermediate value, which should stay in the cache
	budget     = 512 << 20 // bytes of features held at once
)

// choose returns a batch size for n samples that leaves little padding.
func choose(f *network.Model, n, kept int) int {
	largest := largestGo
	if folded(f) {
		largest = largestXLA
	}
	features := 0
	for _, tap := range f.About.Taps {
		size := 1
		for _, d := range tap.Dims {
			size *= d
		}
		features += size
	}
	largest = max(1, min(largest, budget/(4*features*(kept+1))))
	batches := (n + largest - 1) / largest
	return (n + batches - 1) / batches
}

// String names the set and the batch, for errors.
func (s *stream) String() string {
	first := s.index[max(s.read-1, 0)][0]
	return fmt.Sprintf("%s/%s, samples from %d", s.d.Set.Name, s.d.Set.Split, first)
}

// next reads the next batch; false at the end, or after an error.
func (s *stream) next(ctx context.Context) bool {
	network.Free(s.x, s.y)
	s.x, s.y = nil, nil
	if s.read == len(s.index) {
		return false
	}
	if s.err = ctx.Err(); s.err != nil {
		return false
	}
	s.read++
	s.x, s.y, s.err = s.d.Read(s.index[s.read-1])
	return s.err == nil
}

func (s *stream) close() { network.Free(s.x, s.y) }

// run runs a function; what it returns stays on the device, for the caller to free.
func (s *stream) run(ctx context.Context, fn function, parts ...any) ([]*tensors.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	exec, err := s.f.Exec(fn.key, func(in []*graph.Node) []*graph.Node { return fn.build(s.f, in) })
	if err != nil {
		return nil, err
	}
	return exec.Call(network.Args(parts...)...)
}

// call runs a function that has a table, and returns the rows of this batch without the padding; kept is for the caller to free.
func (s *stream) call(ctx context.Context, fn function, parts ...any) (rows [][]float64, kept []*tensors.Tensor, err error) {
	out, err := s.run(ctx, fn, parts...)
	if err != nil {
		return nil, nil, err
	}
	defer network.Free(out[0])
	flat, err := tensors.CopyFlatData[float64](out[0])
	if err != nil {
		network.Free(out[1:]...)
		return nil, nil, err
	}
	width := len(flat) / len(s.index[0])
	for i := range s.count[s.read-1] {
		rows = append(rows, flat[i*width:(i+1)*width])
	}
	return rows, out[1:], nil
}
