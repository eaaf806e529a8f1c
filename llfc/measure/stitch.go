package measure

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// StitchVersion is part of the name of every kept stitching. Raise it when the same options come to mean other numbers.
const StitchVersion = 1

// StitchOptions say where Stitch cuts.
type StitchOptions struct {
	Cuts     []string              // names of layers; nil is all of Cuts
	Batch    int                   // samples on the device at once; 0 chooses by backend and network
	Progress func(done, total int) // called after every network that was run on a batch; nil for none
}

// Cuts lists where a network can be cut in two: the values on which all that follows depends, and nothing made before them. They are read off
// the forward function. In a ResNet they are the stem and the outputs of blocks, since a skip connection jumps over all else. The input
// and the logits are the first and the last of them.
func Cuts(f *network.Model) []Layer {
	var out []Layer
	for _, t := range f.About.Taps {
		if t.Cut {
			out = append(out, Layer{t.Name, t.Kind})
		}
	}
	return out
}

// Direction says which network a stitched one begins with.
type Direction int

// The directions.
const (
	AToB Direction = iota // A up to and including the cut, then B
	BToA
)

// String is "A to B" or "B to A".
func (d Direction) String() string { return [...]string{"A to B", "B to A"}[d] }

// Stitched is what Stitch has measured. Curves along its cuts lead from one network to the other: stitched at the input A to B is B, and at the
// logits it is A.
type Stitched struct {
	Set     string // the data set, "cifar10/test"
	Samples int    // its size
	Cuts    []Layer
	Scores  [2][]Score // by Direction, for each cut
}

// Ends are loss and error of A and of B.
func (s *Stitched) Ends() (a, b Score) { return s.Scores[BToA][0], s.Scores[AToB][0] }

// Errors is the error of the stitched network at every cut, a fraction (the paper's Tables 2 and 3).
func (s *Stitched) Errors(d Direction) Profile {
	return s.profile(d, func(v Score) float64 { return v.Error })
}

// Losses is the loss of the stitched network at every cut, in nats.
func (s *Stitched) Losses(d Direction) Profile {
	return s.profile(d, func(v Score) float64 { return v.Loss })
}

// Penalty is the error of the stitched network over the mean of those of A and B, at every cut.
func (s *Stitched) Penalty(d Direction) Profile {
	a, b := s.Ends()
	return s.profile(d, func(v Score) float64 { return v.Error - (a.Error+b.Error)/2 })
}

// Inner is the stitching without the input and the logits, where nothing is stitched, at the cuts that keep takes; nil takes all.
func (s *Stitched) Inner(keep func(Layer) bool) *Stitched {
	out := &Stitched{Set: s.Set, Samples: s.Samples}
	for i, cut := range s.Cuts {
		if i == 0 || i == len(s.Cuts)-1 || keep != nil && !keep(cut) {
			continue
		}
		out.Cuts = append(out.Cuts, cut)
		for d := range s.Scores {
			out.Scores[d] = append(out.Scores[d], s.Scores[d][i])
		}
	}
	return out
}

// Worst is the cut with the largest error over both directions, without the input and the logits, and the error there. NaN where
// there is no other cut.
func (s *Stitched) Worst() (at Layer, d Direction, err float64) {
	err = math.NaN()
	inner := s.Inner(nil)
	for k, scores := range inner.Scores {
		for i, v := range scores {
			if !(v.Error <= err) {
				at, d, err = inner.Cuts[i], Direction(k), v.Error
			}
		}
	}
	return at, d, err
}

func (s *Stitched) profile(d Direction, of func(Score) float64) Profile {
	var p Profile
	for i, v := range s.Scores[d] {
		p.Layers, p.Stats = append(p.Layers, s.Cuts[i].Name), append(p.Stats, whole(of(v), s.Samples))
	}
	return p
}

var stitchColumns = []string{"layer", "kind", "direction", "loss", "error"}

// WriteCSV writes loss (nats) and error (a fraction) of the stitched network at every cut, from A to B, then from B to A.
func (s *Stitched) WriteCSV(w io.Writer) error {
	t := newTable(w, stitchColumns...)
	for d, scores := range s.Scores {
		for i, v := range scores {
			t.row(s.Cuts[i].Name, s.Cuts[i].Kind, Direction(d).String(), number(v.Loss), number(v.Error))
		}
	}
	return t.flush()
}

// Stitch measures the networks that begin as one of a, b and end as the other, joined without an adapter at every cut, in both directions,
// in one pass over d. The paper calls it model stitching (App. B.4; Lenc and Vedaldi 2015, Bansal et al. 2021).
//
// The networks run piece by piece, from cut to cut. Each piece is compiled once and serves A, B and all that is stitched of them, so a network
// stitched to itself is itself to the last bit, and what A and B make of a batch is made once. Memory is that of a batch.
func Stitch(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, o StitchOptions) (*Stitched, error) {
	cuts, err := stitchAt(f, o.Cuts)
	if err != nil {
		return nil, err
	}
	for i, theta := range []network.Params{a, b} {
		if err := f.CheckWeights(theta); err != nil {
			return nil, fmt.Errorf("measure: weights %c: %w", 'A'+i, err)
		}
	}
	p, err := pass.Open(f, d, o.Batch, 2)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	defer p.Close()
	s := &stitcher{pass: p, cuts: cuts, tallies: make([]tally, 2*len(cuts))}
	total := p.Batches() * 2 * len(cuts)
	s.tick = func() {
		if s.done++; o.Progress != nil {
			o.Progress(s.done, total)
		}
	}
	theta, err := upload(f, a, b)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	defer theta.free()
	for p.Next(ctx) {
		rows, err := s.batch(ctx, theta, s.tick)
		if err == nil && p.First() {
			err = s.check(ctx, rows, a, b)
		}
		if err != nil {
			return nil, fmt.Errorf("measure: stitching on %s: %w", p, err)
		}
		for i := range rows {
			if err := s.tallies[i].addAll(rows[i]); err != nil {
				return nil, fmt.Errorf("measure: stitched %s at %q on %s: %w", Direction(i/len(cuts)), cuts[i%len(cuts)].Name, p, err)
			}
		}
	}
	if p.Err() != nil {
		return nil, p.Err()
	}
	out := &Stitched{Set: p.Set(), Samples: d.Len(), Cuts: cuts}
	for i, t := range s.tallies {
		loss, wrong := t.means()
		out.Scores[i/len(cuts)] = append(out.Scores[i/len(cuts)], Score{loss, wrong})
	}
	return out, nil
}

// stitchAt are the cuts of these names with the input and the logits.
func stitchAt(f *network.Model, names []string) ([]Layer, error) {
	all := Cuts(f)
	if names == nil {
		return all, nil
	}
	var known []string
	for _, c := range all {
		known = append(known, c.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("measure: cannot cut at %q: it is no layer of this network, or a value made before it is used after it; the cuts are %q", name, known)
		}
	}
	last := len(all) - 1
	var out []Layer
	for i, c := range all {
		if i == 0 || i == last || slices.Contains(names, c.Name) {
			out = append(out, c)
		}
	}
	return out, nil
}

// two are the weights of A and B on the device.
type two [2][]*tensors.Tensor

func upload(f *network.Model, a, b network.Params) (theta two, err error) {
	if theta[0], err = f.Upload(a); err == nil {
		theta[1], err = f.Upload(b)
	}
	if err != nil {
		theta.free()
	}
	return theta, err
}

func (t two) free() {
	for _, theta := range t {
		network.Free(theta...)
	}
}

// stitcher runs stitched networks on the batches of a pass.
type stitcher struct {
	pass    *pass.Pass
	cuts    []Layer
	tallies []tally // for each cut, A to B, then B to A
	done    int
	tick    func()
}

// batch returns loss and wrong for each cut and sample, A to B, then B to A.
func (s *stitcher) batch(ctx context.Context, theta two, tick func()) ([][][]float64, error) {
	var at [2][]*tensors.Tensor // the values of A and of B at the cuts after the input
	defer func() { two(at).free() }()
	for i := range theta {
		h := s.pass.X
		for k := range len(s.cuts) - 1 {
			next, err := s.piece(ctx, theta[i], h, k)
			if err != nil {
				return nil, err
			}
			h, at[i] = next, append(at[i], next)
		}
	}
	var out [][][]float64
	for head := range theta {
		tail := 1 - head
		for k := range s.cuts {
			h := s.pass.X
			if k > 0 {
				h = at[head][k-1]
			}
			rows, err := s.from(ctx, theta[tail], h, k)
			if err != nil {
				return nil, err
			}
			out = append(out, rows)
			tick()
		}
	}
	return out, nil
}

// from runs all that follows cut k on its value h, and scores the logits.
func (s *stitcher) from(ctx context.Context, theta []*tensors.Tensor, h *tensors.Tensor, k int) ([][]float64, error) {
	given := h
	free := func() {
		if h != given {
			network.Free(h)
		}
	}
	for ; k < len(s.cuts)-1; k++ {
		next, err := s.piece(ctx, theta, h, k)
		free()
		if err != nil {
			return nil, err
		}
		h = next
	}
	defer free()
	rows, _, err := s.pass.Rows(ctx, logitsGraph, h, s.pass.Y)
	return rows, err
}

// piece runs the part of a network between cut k and the next: θ, the value at cut k → that at the next.
func (s *stitcher) piece(ctx context.Context, theta []*tensors.Tensor, h *tensors.Tensor, k int) (*tensors.Tensor, error) {
	from, to := s.cuts[k].Name, s.cuts[k+1].Name
	fn := pass.Function{Key: fmt.Sprintf("measure: from %q to %q", from, to), Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		p := len(f.About.Params)
		t := f.Trace(in[:p], in[p], network.Options{From: from})
		i := slices.IndexFunc(t.Taps, func(tap network.Tap) bool { return tap.Name == to })
		return []*graph.Node{t.Taps[i].Node}
	}}
	out, err := s.pass.Run(ctx, fn, theta, h)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// check runs fresh copies of both networks on the batch that was read, and compares what they give.
func (s *stitcher) check(ctx context.Context, rows [][][]float64, a, b network.Params) error {
	fresh, err := upload(s.pass.Model(), a, b)
	if err != nil {
		return err
	}
	defer fresh.free()
	again, err := s.batch(ctx, fresh, func() {})
	if err != nil {
		return err
	}
	for i := range rows {
		what := fmt.Sprintf("stitched %s at %q", Direction(i/len(s.cuts)), s.cuts[i%len(s.cuts)].Name)
		if err := s.pass.CheckRows(what, rows[i], again[i]); err != nil {
			return err
		}
	}
	return nil
}

// logitsGraph: logits, y → loss, wrong.
var logitsGraph = pass.Function{Key: "measure: logits", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
	return []*graph.Node{table(scoreOf(in[0], in[1])...)}
}}
