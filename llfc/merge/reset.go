package merge

import (
	"errors"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

const resetName = "reset"

// reset measures the statistics of batch norms anew: in each batch every norm uses the mean and variance of that batch, and their averages
// over batches, the variance unbiased, become the buffers. It is PyTorch's running average with momentum None.
type reset struct {
	f       *network.Model
	buffers []int // which parameters
}

func newReset(m *Merger) (correction, error) {
	r := reset{f: m.f}
	for i, p := range m.f.About.Params {
		if p.Buffer() {
			r.buffers = append(r.buffers, i)
		}
	}
	if len(r.buffers) == 0 {
		return nil, errors.New("the network has no batch norm, so there are no statistics to measure; use interpolate, or repair, which needs none")
	}
	return r, nil
}

func (r reset) key() string { return resetName }

func (r reset) pass(theta []*graph.Node, x, _, _, _, _ *graph.Node) *graph.Node {
	t := r.f.Trace(theta, x, network.Options{Statistics: true})
	var out []*graph.Node
	for _, i := range r.buffers {
		out = append(out, graph.ConvertDType(t.Updates[r.f.About.Params[i].Name], dtypes.Float64))
	}
	return graph.Concatenate(out, 0)
}

func (r reset) settle(_ float64, theta, _, _ sums) []float32 {
	out := make([]float32, len(theta.sum))
	for i := range out {
		out[i] = float32(theta.mean(i))
	}
	return out
}

func (r reset) apply(theta []*graph.Node, vector *graph.Node) []*graph.Node {
	at := 0
	for _, i := range r.buffers {
		n := r.f.About.Params[i].Dims[0]
		theta[i] = graph.Slice(vector, graph.AxisRange(at, at+n))
		at += n
	}
	return theta
}

func (r reset) move(theta network.Params, vector []float32) network.Params {
	out := theta.Clone()
	for _, i := range r.buffers {
		vector = vector[copy(out[i].Data, vector):]
	}
	return out
}
