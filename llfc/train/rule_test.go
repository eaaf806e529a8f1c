package train

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// threeSteps applies a rule to w = 1 with gradient 2w.
func threeSteps(t *testing.T, b compute.Backend, o Optimiser) float64 {
	t.Helper()
	r, err := o.rule()
	if err != nil {
		t.Fatal(err)
	}
	n := len(r.slots)
	e := graph.MustNewExec(b, func(in []*graph.Node) []*graph.Node {
		w, slots := r.update(in[0], graph.MulScalar(in[0], 2), in[1:1+n], in[1+n:])
		return append([]*graph.Node{w}, slots...)
	})
	state := make([]any, 1+n)
	state[0] = float32(1)
	for i := range n {
		state[1+i] = float32(0)
	}
	for step := range 3 {
		args := append([]any{}, state...)
		for _, s := range r.scalars(step, o.Rate) {
			args = append(args, s)
		}
		out, err := e.Call(args...)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			state[i] = tensors.ToScalar[float32](v)
		}
	}
	return float64(state[0].(float32))
}
