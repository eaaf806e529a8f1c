package merge

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/internal/finite"
	"layerwise/internal/memory"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// correction is what a policy asks of the training samples, and what it makes of the answer. Batch by batch, A and B run once and then
// every θ_α; each gives one vector of float64, whose sums over batches are all that is kept.
type correction interface {
	key() string // tells the graphs of one correction from those of another
	// pass is what is summed up of θ_α = αA + (1−α)B on a batch x. a and b are the vectors of aim, nil without it.
	pass(theta []*graph.Node, x, alpha, beta, a, b *graph.Node) *graph.Node
	// settle makes the vector that apply takes from the sums of θ_α and of the ends.
	settle(alpha float64, theta, a, b sums) []float32
	// apply corrects θ_α.
	apply(theta []*graph.Node, vector *graph.Node) []*graph.Node
}

// aimer is a correction towards what the ends are: aim is what pass needs to know of A or B on the same batch.
type aimer interface {
	aim(theta []*graph.Node, x *graph.Node) *graph.Node
}

// mover is a correction that A and B do not pass unchanged: move is apply in host memory.
type mover interface {
	move(theta network.Params, vector []float32) network.Params
}

// sums are those of a vector and of its squares over batches.
type sums struct {
	n           float64
	sum, square []float64
}

// add adds a vector; one that is not finite is an error.
func (s *sums) add(v []float64) error {
	if i := finite.Except(v); i >= 0 {
		return fmt.Errorf("a statistic is %v: the weights are not finite, or too large", v[i])
	}
	if s.sum == nil {
		s.sum, s.square = make([]float64, len(v)), make([]float64, len(v))
	}
	s.n++
	for i, x := range v {
		s.sum[i] += x
		s.square[i] += x * x
	}
	return nil
}

// mean is that over batches.
func (s sums) mean(i int) float64 { return s.sum[i] / s.n }

// variance is that over batches, with the divisor n.
func (s sums) variance(i int) float64 { return max(0, s.square[i]/s.n-s.mean(i)*s.mean(i)) }

// Prepare asks the training samples about every θ_α that they have not been asked about, in one pass: per batch one forward pass for
// each α, and one for each end where the policy needs them. Memory does not grow with the samples. tick is called after every forward
// pass of a θ_α; nil for none.
func (m *Merger) Prepare(ctx context.Context, alphas []float64, tick func()) error {
	alphas = m.missing(alphas)
	if len(alphas) == 0 {
		return nil
	}
	line, err := m.upload(m.a, m.b)
	if err != nil {
		return err
	}
	defer line.Close()
	line.raw = true
	points, ends := make([]sums, len(alphas)), [2]sums{}
	p, err := pass.Over(m.f, m.train, m.index, m.policy.Augment, m.policy.Seed)
	if err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	defer p.Close()
	for p.Next(ctx) {
		if err := m.batch(ctx, p, line, alphas, points, &ends, tick); err != nil {
			return fmt.Errorf("merge: %s on %s: %w", m.policy.Name, p, err)
		}
	}
	if p.Err() != nil {
		return fmt.Errorf("merge: %s on %s: %w", m.policy.Name, p, p.Err())
	}
	for k, alpha := range alphas {
		m.points = append(m.points, point{alpha, m.fix.settle(alpha, points[k], ends[0], ends[1])})
	}
	return nil
}

// room returns an error if the machine cannot hold what is kept for that many α, once it is known how many numbers each has: the sums, those
// of squares, and the vector that becomes of them.
func room(alphas, numbers int) error {
	return memory.Room(fmt.Sprintf("the statistics of θ_α at %d α", alphas), (8+8+4)*float64(alphas)*float64(numbers), "take fewer α")
}

// batch adds what the batch that was read says of every θ_α to their sums.
func (m *Merger) batch(ctx context.Context, p *pass.Pass, line *Line, alphas []float64, points []sums, ends *[2]sums, tick func()) error {
	var atEnds []*tensors.Tensor
	defer func() { network.Free(atEnds...) }()
	if to, ok := m.fix.(aimer); ok {
		for e, theta := range [][]*tensors.Tensor{line.A, line.B} {
			v, kept, err := p.Vector(ctx, m.aim(to), theta, p.X)
			if err != nil {
				return err
			}
			atEnds = append(atEnds, kept...)
			if err := ends[e].add(v); err != nil {
				return err
			}
		}
	}
	for k, alpha := range alphas {
		theta, release, err := line.At(ctx, alpha)
		if err != nil {
			return err
		}
		v, err := m.pass(ctx, p, theta, alpha, atEnds)
		release()
		if err == nil {
			err = points[k].add(v)
		}
		if err == nil && k == 0 && p.First() {
			if err = m.checkPass(ctx, p, line, alpha, atEnds, v); err == nil {
				err = room(len(alphas), len(points[0].sum))
			}
		}
		if err != nil {
			return fmt.Errorf("α = %g: %w", alpha, err)
		}
		if tick != nil {
			tick()
		}
	}
	return nil
}

// checkPass runs a fresh copy of θ_α, and compares what it gives.
func (m *Merger) checkPass(ctx context.Context, p *pass.Pass, line *Line, alpha float64, atEnds []*tensors.Tensor, v []float64) error {
	fresh, err := line.Fresh(ctx, alpha)
	if err != nil {
		return err
	}
	defer network.Free(fresh...)
	again, err := m.pass(ctx, p, fresh, alpha, atEnds)
	if err != nil {
		return err
	}
	return p.Check("statistics", v, again)
}

// aim is the graph function that asks about A or B: θ, x → the vector, twice, since one copy stays on the device.
func (m *Merger) aim(to aimer) pass.Function {
	return pass.Function{Key: "merge: aim of " + m.fix.key(), Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		p := len(f.About.Params)
		v := to.aim(in[:p], in[p])
		return []*graph.Node{v, v}
	}}
}

// pass runs θ_α on the batch that was read.
func (m *Merger) pass(ctx context.Context, p *pass.Pass, theta []*tensors.Tensor, alpha float64, ends []*tensors.Tensor) ([]float64, error) {
	fn := pass.Function{Key: "merge: pass of " + m.fix.key(), Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		n := len(f.About.Params)
		var a, b *graph.Node
		if len(in) > n+3 {
			a, b = in[n+3], in[n+4]
		}
		return []*graph.Node{m.fix.pass(in[:n], in[n], in[n+1], in[n+2], a, b)}
	}}
	v, _, err := p.Vector(ctx, fn, theta, p.X, float32(alpha), float32(1-alpha), ends)
	return v, err
}
