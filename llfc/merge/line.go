package merge

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
)

// Line is the line between two networks on the device: both ends, and as many θ_α as fit into 128 MB.
type Line struct {
	A, B []*tensors.Tensor // θ_1 and θ_0 by the policy

	m    *Merger
	raw  bool // only blends, as the pass over the training samples needs them
	kept map[float64][]*tensors.Tensor
	room int // bytes left
}

// blendBudget is the bytes of interpolated weights held at once.
const blendBudget = 128 << 20

// Line puts the ends on the device, after preparing them where the policy moves them. Free it with Close.
func (m *Merger) Line(ctx context.Context) (*Line, error) {
	if err := m.Prepare(ctx, nil, nil); err != nil {
		return nil, err
	}
	a, b, err := m.Ends()
	if err != nil {
		return nil, err
	}
	return m.upload(a, b)
}

func (m *Merger) upload(a, b network.Params) (*Line, error) {
	l := &Line{m: m, kept: map[float64][]*tensors.Tensor{}, room: blendBudget}
	var err error
	if l.A, err = m.f.Upload(a); err == nil {
		l.B, err = m.f.Upload(b)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("merge: %w", err)
	}
	return l, nil
}

// Close frees the device memory.
func (l *Line) Close() {
	network.Free(l.A...)
	network.Free(l.B...)
	for _, theta := range l.kept {
		network.Free(theta...)
	}
}

// At returns θ_α on the device, one tensor for each parameter. It is kept for the next time while there is room, since making it is a pass
// over the weights; release frees it where there was none. An α that was not prepared is prepared now.
func (l *Line) At(ctx context.Context, alpha float64) (theta []*tensors.Tensor, release func(), err error) {
	keep := func() {}
	switch {
	case alpha == 1:
		return l.A, keep, nil
	case alpha == 0:
		return l.B, keep, nil
	case l.kept[alpha] != nil:
		return l.kept[alpha], keep, nil
	}
	if theta, err = l.Fresh(ctx, alpha); err != nil {
		return nil, keep, err
	}
	size := 0
	for _, t := range theta {
		size += int(t.Shape().ByteSize())
	}
	if size > l.room {
		return theta, func() { network.Free(theta...) }, nil
	}
	l.room -= size
	l.kept[alpha] = theta
	return theta, keep, nil
}

// Fresh is At, made anew at another address, whatever is kept. At 0 and 1 it has the values of the ends. The caller frees it.
func (l *Line) Fresh(ctx context.Context, alpha float64) ([]*tensors.Tensor, error) {
	if l.raw || alpha == 0 || alpha == 1 {
		return l.blend(ctx, alpha, nil)
	}
	return l.blend(ctx, alpha, l.m.fix)
}

// blend runs one executable for every α: θ_A, θ_B, α, 1−α and what the training set said of θ_α → θ_α.
func (l *Line) blend(ctx context.Context, alpha float64, fix correction) ([]*tensors.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key := "merge: blend"
	if fix != nil {
		key += " and " + fix.key()
		if err := l.m.Prepare(ctx, []float64{alpha}, nil); err != nil {
			return nil, err
		}
	}
	p := len(l.m.f.About.Params)
	exec, err := l.m.f.Exec(key, func(in []*graph.Node) []*graph.Node {
		theta := make([]*graph.Node, p)
		for i := range theta {
			theta[i] = graph.Add(graph.Mul(in[2*p], in[i]), graph.Mul(in[2*p+1], in[p+i]))
		}
		if fix != nil {
			theta = fix.apply(theta, in[2*p+2])
		}
		return theta
	})
	if err != nil {
		return nil, err
	}
	args := network.Args(l.A, l.B, float32(alpha), float32(1-alpha))
	if fix != nil {
		args = append(args, l.m.at(alpha))
	}
	return exec.Call(args...)
}
