// Package pass is the one streaming pass over a data set that measuring, merging and matching stand on: batches in, rows of numbers out.
//
// [Open] cuts a set into batches for a network, [Draw] does so in shuffled order; [Over] takes batches as they are given, and varies their pictures. [Pass.Next] reads one
// batch, [Pass.Rows] runs a graph function on it and returns a row of float64 for each sample, [Pass.Vector] one for the whole batch, and
// [Pass.Run] leaves all that a function returns on the device. What a pass holds there does not depend on the number of samples.
//
//	p, err := pass.Open(f, set, 0, 1)
//	defer p.Close()
//	for p.Next(ctx) {
//		rows, _, err := p.Rows(ctx, losses, theta, p.X, p.Y)
//		…
//	}
//	return p.Err()
//
// A backend that computes with weights it no longer has, or with others than it was given, is looked for while it works: see [Pass.Check].
package pass

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Function is a graph function of a model. Rows and Vector read its first output, which is float64: [batch, columns], one row of numbers for
// each sample, or [columns]. Key tells it from all other functions of the model, and must name all that Build depends on.
type Function struct {
	Key   string
	Build func(f *network.Model, in []*graph.Node) []*graph.Node
}

// Pass is one pass over a set, batch by batch. Not for use by several goroutines at once.
type Pass struct {
	X *tensors.Tensor // the batch that was read, [batch, H, W, C] float32, normalised
	Y *tensors.Tensor // its labels, [batch] int32

	f     *network.Model
	d     *feed.Feed
	index [][]int32
	count []int // samples of each batch that are not padding
	vary  feed.Augment
	seed  int64
	read  int // batches read so far
	err   error
}

// Open opens a pass over a whole set, after a check that the network can be run on it. batch 0 chooses; kept is the number of forward
// passes whose values the caller holds at once. The last batch is filled up, and the rows of what fills it are dropped.
func Open(f *network.Model, d *feed.Feed, batch, kept int) (*Pass, error) {
	return open(f, d, nil, batch, kept)
}

// Draw is Open of n samples without repetition, in an order that only the seed decides; n 0, or more than there are, is all of them. The first
// batches are then a fair sample of the set, also of one that is sorted by class.
func Draw(f *network.Model, d *feed.Feed, n, kept int, seed int64) (*Pass, error) {
	if n < 0 {
		return nil, fmt.Errorf("a pass over %d samples; 0 takes all", n)
	}
	if n == 0 || n > d.Len() {
		n = d.Len()
	}
	return open(f, d, rand.New(rand.NewPCG(uint64(seed), 0x70617373)).Perm(d.Len())[:n], 0, kept) // "pass"
}

// open opens a pass over the samples of an order; nil is the whole set as it is.
func open(f *network.Model, d *feed.Feed, order []int, batch, kept int) (*Pass, error) {
	if err := fits(f, d); err != nil {
		return nil, err
	}
	if batch < 0 {
		return nil, fmt.Errorf("a batch of %d samples; 0 chooses one", batch)
	}
	n := d.Len()
	if order != nil {
		n = len(order)
	}
	if batch == 0 {
		batch = choose(f, n, kept)
	}
	batch = min(batch, n) // more would be padding
	need := float64(batch) * (float64(kept)*f.About.Features("linear", "norm", "act", "pool", "block") + f.About.Largest())
	if err := network.Room(f.Backend, fmt.Sprintf("a batch of %d samples of %s/%s", batch, d.Set.Name, d.Set.Split), need); err != nil {
		return nil, err
	}
	p := &Pass{f: f, d: d}
	p.index, p.count = feed.Indices(n, batch)
	if order != nil {
		for _, part := range p.index {
			for i, j := range part {
				part[i] = int32(order[j])
			}
		}
	}
	return p, nil
}

// Over opens a pass over given batches of samples, which are varied as a seed has it; all batches must be equally large.
func Over(f *network.Model, d *feed.Feed, batches [][]int32, vary feed.Augment, seed int64) (*Pass, error) {
	if err := fits(f, d); err != nil {
		return nil, err
	}
	p := &Pass{f: f, d: d, index: batches, vary: vary, seed: seed}
	for _, b := range batches {
		p.count = append(p.count, len(b))
	}
	return p, nil
}

// fits returns nil if the network can be run on the set.
func fits(f *network.Model, d *feed.Feed) error {
	if want := f.Network.Spec.Input; fmt.Sprint(want) != fmt.Sprint(d.Set.Shape) {
		return fmt.Errorf("the samples of %s/%s have shape %v, but the network takes %v", d.Set.Name, d.Set.Split, d.Set.Shape, want)
	}
	if have, most := len(d.Set.Classes), f.Network.Spec.Classes; have > most {
		return fmt.Errorf("%s/%s has %d classes, but the network only %d logits", d.Set.Name, d.Set.Split, have, most)
	}
	return nil
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
	if f.Backend.Name() == "xla" {
		largest = largestXLA
	}
	largest = max(1, min(largest, budget/(int(f.About.Features())*(kept+1))))
	batches := (n + largest - 1) / largest
	return (n + batches - 1) / batches
}

// Batches is the number of batches.
func (p *Pass) Batches() int { return len(p.index) }

// First says whether the batch that was read is the first.
func (p *Pass) First() bool { return p.read == 1 }

// Len is the number of samples of the batch that was read, without padding.
func (p *Pass) Len() int { return p.count[p.read-1] }

// Sample is the place in the set of a sample of the batch that was read.
func (p *Pass) Sample(i int) int { return int(p.index[p.read-1][i]) }

// Set names the set, "mnist/test".
func (p *Pass) Set() string { return p.d.Set.Name + "/" + p.d.Set.Split }

// Model is the network.
func (p *Pass) Model() *network.Model { return p.f }

// Feed is the set.
func (p *Pass) Feed() *feed.Feed { return p.d }

// String names the set and the batch, for errors.
func (p *Pass) String() string {
	return fmt.Sprintf("%s, batch %d of %d, samples from %d", p.Set(), max(p.read, 1), len(p.index), p.index[max(p.read-1, 0)][0])
}

// Err is what ended the pass early, nil at the end of the set.
func (p *Pass) Err() error { return p.err }

// Next reads the next batch; false at the end, or after an error.
func (p *Pass) Next(ctx context.Context) bool {
	p.Close()
	if p.err != nil || p.read == len(p.index) {
		return false
	}
	if p.err = ctx.Err(); p.err != nil {
		return false
	}
	p.read++
	p.X, p.Y, p.err = p.batch(p.index[p.read-1])
	return p.err == nil
}

// batch gathers samples, and varies them.
func (p *Pass) batch(index []int32) (x, y *tensors.Tensor, err error) {
	if p.vary == (feed.Augment{}) {
		return p.d.Read(index)
	}
	vary, err := json.Marshal(p.vary)
	if err != nil {
		return nil, nil, err
	}
	exec, err := p.f.Exec(fmt.Sprintf("pass: read %s, %s", p.d.Recipe(), vary), func(in []*graph.Node) []*graph.Node {
		x, y := p.d.Augmented(p.vary, in[0], in[1], in[2], in[3])
		return []*graph.Node{x, y}
	})
	if err != nil {
		return nil, nil, err
	}
	// A batch has draws of its own; the seeds of two passes part in the high bits.
	out, err := exec.Call(append(p.d.Args(), index, uint32(p.seed)<<16^uint32(p.read-1))...)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

// Close frees the batch. The set stays on the device.
func (p *Pass) Close() {
	network.Free(p.X, p.Y)
	p.X, p.Y = nil, nil
}

// Run runs a function. Its arguments are tensors, slices of them, and Go values; what it returns stays on the device, for the caller to free.
func (p *Pass) Run(ctx context.Context, fn Function, parts ...any) ([]*tensors.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	exec, err := p.f.Exec(fn.Key, func(in []*graph.Node) []*graph.Node { return fn.Build(p.f, in) })
	if err != nil {
		return nil, err
	}
	return exec.Call(network.Args(parts...)...)
}

// Rows runs a function whose first output has a row for each sample, and returns those of this batch without the padding. kept are the
// other outputs, for the caller to free.
func (p *Pass) Rows(ctx context.Context, fn Function, parts ...any) (rows [][]float64, kept []*tensors.Tensor, err error) {
	flat, kept, err := p.Vector(ctx, fn, parts...)
	if err != nil {
		return nil, nil, err
	}
	width := len(flat) / len(p.index[p.read-1])
	for i := range p.Len() {
		rows = append(rows, flat[i*width:(i+1)*width])
	}
	return rows, kept, nil
}

// Vector runs a function and returns its first output as one list of numbers; kept are the other outputs, for the caller to free.
func (p *Pass) Vector(ctx context.Context, fn Function, parts ...any) (v []float64, kept []*tensors.Tensor, err error) {
	out, err := p.Run(ctx, fn, parts...)
	if err != nil {
		return nil, nil, err
	}
	defer network.Free(out[0])
	if v, err = tensors.CopyFlatData[float64](out[0]); err != nil {
		network.Free(out[1:]...)
		return nil, nil, err
	}
	return v, out[1:], nil
}
