package harness

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
)

// Forward is a network's forward pass in evaluation and nothing else: its weights are on the device, the logits come to the host.
type Forward struct {
	exec  *graph.Exec
	theta []*tensors.Tensor
}

// NewForward puts theta on the device. Free the result with Free.
func NewForward(f *network.Model, theta network.Params) (*Forward, error) {
	exec, err := f.Exec("benchmark: forward", func(in []*graph.Node) []*graph.Node {
		last := len(in) - 1
		return []*graph.Node{f.Trace(in[:last], in[last], network.Options{}).Output.Node()}
	})
	if err != nil {
		return nil, err
	}
	device, err := f.Upload(theta)
	if err != nil {
		return nil, err
	}
	return &Forward{exec, device}, nil
}

// Free releases the weights on the device.
func (p *Forward) Free() { network.Free(p.theta...) }

// Logits runs a batch that is on the device, x [B, H, W, C], and returns its logits, [B, classes].
func (p *Forward) Logits(x *tensors.Tensor) ([]float32, error) {
	out, err := p.exec.Call(network.Args(p.theta, x)...)
	if err != nil {
		return nil, err
	}
	defer network.Free(out...)
	return tensors.CopyFlatData[float32](out[0])
}
