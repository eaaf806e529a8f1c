package merge

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/internal/memory"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
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

func (s *sums) add(v []float64) {
	if s.sum == nil {
		s.sum, s.square = make([]float64, len(v)), make([]float64, len(v))
	}
	s.n++
	for i, x := range v {
		s.sum[i] += x
		s.square[i] += x * x
	}
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
	for i := range m.index {
		if err := m.batch(ctx, line, i, alphas, points, &ends, tick); err != nil {
			return fmt.Errorf("merge: %s on %s/%s, batch %d of %d: %w", m.policy.Name, m.train.Set.Name, m.train.Set.Split, i+1, len(m.index), err)
		}
	}
	for k, alpha := range alphas {
		m.points = append(m.points, point{alpha, m.fix.settle(alpha, points[k], ends[0], ends[1])})
	}
	return nil
}

// room returns an error if the machine cannot hold what is kept of so many α, once it is known how many numbers each has: the sums, those
// of squares, and the vector that becomes of them.
func room(alphas, numbers int) error {
	return memory.Room(fmt.Sprintf("the statistics of θ_α at %d α", alphas), (8+8+4)*float64(alphas)*float64(numbers), "take fewer α")
}

// batch adds what batch i says of every θ_α to their sums.
func (m *Merger) batch(ctx context.Context, line *Line, i int, alphas []float64, points []sums, ends *[2]sums, tick func()) error {
	x, err := m.read(i)
	if err != nil {
		return err
	}
	defer network.Free(x)
	var atEnds []*tensors.Tensor
	defer func() { network.Free(atEnds...) }()
	if to, ok := m.fix.(aimer); ok {
		for e, theta := range [][]*tensors.Tensor{line.A, line.B} {
			out, err := m.aim(to, theta, x)
			if err != nil {
				return err
			}
			atEnds = append(atEnds, out)
			if err := ends[e].read(out); err != nil {
				return err
			}
		}
	}
	for k, alpha := range alphas {
		if err := ctx.Err(); err != nil {
			return err
		}
		theta, release, err := line.At(ctx, alpha)
		if err != nil {
			return err
		}
		out, err := m.pass(theta, x, alpha, atEnds)
		release()
		if err == nil {
			err = points[k].read(out)
			network.Free(out)
		}
		if err == nil && i == 0 && k == 0 {
			err = room(len(alphas), len(points[0].sum))
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

// read adds a vector that is on the device.
func (s *sums) read(t *tensors.Tensor) error {
	v, err := tensors.CopyFlatData[float64](t)
	if err != nil {
		return err
	}
	for _, x := range v {
		if x-x != 0 {
			return fmt.Errorf("a statistic is %v: the weights are not finite, or too large", x)
		}
	}
	s.add(v)
	return nil
}

// read gathers batch i, normalised and augmented: [batch, H, W, C].
func (m *Merger) read(i int) (*tensors.Tensor, error) {
	if m.policy.Augment == (feed.Augment{}) {
		x, y, err := m.train.Read(m.index[i])
		network.Free(y)
		return x, err
	}
	vary, err := json.Marshal(m.policy.Augment)
	if err != nil {
		return nil, err
	}
	exec, err := m.f.Exec(fmt.Sprintf("merge: read %s, %s", m.train.Recipe(), vary), func(in []*graph.Node) []*graph.Node {
		x, _ := m.train.Augmented(m.policy.Augment, in[0], in[1], in[2], in[3])
		return []*graph.Node{x}
	})
	if err != nil {
		return nil, err
	}
	// A batch has draws of its own; the seeds of two policies part in the high bits.
	out, err := exec.Call(append(m.train.Args(), m.index[i], uint32(m.policy.Seed)<<16^uint32(i))...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// aim runs A or B on a batch.
func (m *Merger) aim(to aimer, theta []*tensors.Tensor, x *tensors.Tensor) (*tensors.Tensor, error) {
	p := len(m.f.About.Params)
	exec, err := m.f.Exec("merge: aim of "+m.fix.key(), func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{to.aim(in[:p], in[p])}
	})
	if err != nil {
		return nil, err
	}
	out, err := exec.Call(append(args(theta), x)...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// pass runs θ_α on a batch.
func (m *Merger) pass(theta []*tensors.Tensor, x *tensors.Tensor, alpha float64, ends []*tensors.Tensor) (*tensors.Tensor, error) {
	p := len(m.f.About.Params)
	exec, err := m.f.Exec("merge: pass of "+m.fix.key(), func(in []*graph.Node) []*graph.Node {
		var a, b *graph.Node
		if len(in) > p+3 {
			a, b = in[p+3], in[p+4]
		}
		return []*graph.Node{m.fix.pass(in[:p], in[p], in[p+1], in[p+2], a, b)}
	})
	if err != nil {
		return nil, err
	}
	out, err := exec.Call(append(append(args(theta), x, float32(alpha), float32(1-alpha)), args(ends)...)...)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}
