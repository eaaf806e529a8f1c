package match

import (
	"context"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// midpoint is ½(θ_A + π(θ_B)), looked at on a part of the training samples that stays the same. Batch norms take the statistics of the batch,
// without dropout: those of two networks do not blend (Jordan et al. 2023), and an error made of that would say nothing of π.
type midpoint struct {
	p     Problem
	a     []*tensors.Tensor
	held  [][]int32 // the samples of score
	batch int
}

// newMidpoint draws n samples.
func newMidpoint(p Problem, n int) (*midpoint, error) {
	s, err := p.samples(n, 2)
	if err != nil {
		return nil, err
	}
	m := &midpoint{p: p}
	count := s.Batches()
	order := p.order(0)[:min(n, p.Training.Len())]
	m.batch = len(order) / count // all are equally large, since statistics of the batch are too; what is left over is not looked at
	for i := range count {
		m.held = append(m.held, order[i*m.batch:(i+1)*m.batch])
	}
	m.a, err = p.F.Upload(p.A)
	return m, err
}

func (m *midpoint) close() { network.Free(m.a...) }

// order is all training samples in the order of an epoch.
func (p Problem) order(epoch int) []int32 {
	rng := rand.New(rand.NewPCG(uint64(p.Seed), uint64(epoch)))
	var out []int32
	for _, i := range rng.Perm(p.Training.Len()) {
		out = append(out, int32(i))
	}
	return out
}

// score is the mean loss in nats and the share of wrong samples, for θ_B as permuted.
func (m *midpoint) score(ctx context.Context, moved network.Params) (loss, wrong float64, err error) {
	b, err := m.p.F.Upload(moved)
	if err != nil {
		return 0, 0, err
	}
	defer network.Free(b...)
	s, err := pass.Over(m.p.F, m.p.Training, m.held, feed.Augment{}, 0)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	for s.Next(ctx) {
		v, _, err := s.Vector(ctx, scoreGraph, m.a, b, s.X, s.Y)
		if err != nil {
			return 0, 0, err
		}
		loss, wrong = loss+v[0], wrong+v[1]
	}
	n := float64(len(m.held) * m.batch)
	return loss / n, wrong / n, s.Err()
}

// gradient is that of the mean loss of a batch by every number of π(θ_B) that is trained, nil for buffers.
func (m *midpoint) gradient(ctx context.Context, moved network.Params, index []int32) (grads [][]float32, err error) {
	b, err := m.p.F.Upload(moved)
	if err != nil {
		return nil, err
	}
	defer network.Free(b...)
	s, err := pass.Over(m.p.F, m.p.Training, [][]int32{index}, feed.Augment{}, 0)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if !s.Next(ctx) {
		return nil, s.Err()
	}
	out, err := s.Run(ctx, gradientGraph, m.a, b, s.X, s.Y)
	if err != nil {
		return nil, err
	}
	defer network.Free(out...)
	for _, p := range m.p.F.About.Params {
		if p.Buffer() {
			grads = append(grads, nil)
			continue
		}
		g, err := tensors.CopyFlatData[float32](out[0])
		network.Free(out[0])
		if err != nil {
			return nil, err
		}
		grads, out = append(grads, g), out[1:]
	}
	return grads, nil
}

// middle runs the network at ½(θ_A + θ_B).
func middle(f *network.Model, in []*graph.Node) (logits *graph.Node) {
	p := len(f.About.Params)
	theta := make([]*graph.Node, p)
	for i := range theta {
		theta[i] = graph.MulScalar(graph.Add(in[i], in[p+i]), 0.5)
	}
	return f.Trace(theta, in[2*p], network.Options{Statistics: true}).Output.Node()
}

// scoreGraph: θ_A, π(θ_B), x, y → Σ loss, Σ wrong of the middle.
var scoreGraph = pass.Function{Key: "match: midpoint", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
	logits, y := middle(f, in), in[2*len(f.About.Params)+1]
	loss := graph.ReduceAllSum(network.CrossEntropy(graph.ConvertDType(logits, dtypes.Float64), y))
	wrong := graph.ReduceAllSum(graph.ConvertDType(network.Wrong(logits, y), dtypes.Float64))
	return []*graph.Node{graph.Stack([]*graph.Node{loss, wrong}, 0)}
}}

// gradientGraph: θ_A, π(θ_B), x, y → the gradient of the mean loss of the middle by every tensor of π(θ_B) that is no buffer.
var gradientGraph = pass.Function{Key: "match: midpoint gradient", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
	p := len(f.About.Params)
	var by []*graph.Node
	for i, t := range f.About.Params {
		if !t.Buffer() {
			by = append(by, in[p+i])
		}
	}
	return graph.Gradient(graph.ReduceAllMean(network.CrossEntropy(middle(f, in), in[2*p+1])), by...)
}}
