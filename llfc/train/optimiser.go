package train

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// rule is an optimiser at work on one parameter tensor.
type rule struct {
	slots   []string                               // names of the state tensors beside each parameter, all zero at first
	scalars func(step int, rate float64) []float32 // what the graph needs to know of this step, counted from 0
	update  func(w, grad *graph.Node, slots, scalars []*graph.Node) (*graph.Node, []*graph.Node)
}

func (o Optimiser) rule() (rule, error) {
	if !(o.Rate > 0) || o.Momentum < 0 || o.WeightDecay < 0 {
		return rule{}, fmt.Errorf("train: optimiser %+v; the rate must be positive, momentum and decay not negative", o)
	}
	switch o.Name {
	case "adam":
		if o.Momentum != 0 {
			return rule{}, fmt.Errorf("train: adam has no momentum %g; its beta1 takes that place", o.Momentum)
		}
		return o.adam(or(o.Beta1, 0.9), or(o.Beta2, 0.999), or(o.Epsilon, 1e-8))
	case "sgd":
		return o.sgd(), nil
	}
	return rule{}, fmt.Errorf("train: unknown optimiser %q; known: adam, sgd", o.Name)
}

// Sets is how many numbers a training keeps for each weight: itself and the optimiser's state.
func (o Optimiser) Sets() (int, error) {
	r, err := o.rule()
	return 1 + len(r.slots), err
}

func or(v, otherwise float64) float64 {
	if v == 0 {
		return otherwise
	}
	return v
}

func (o Optimiser) decayed(w, grad *graph.Node) *graph.Node {
	if o.WeightDecay == 0 {
		return grad
	}
	return graph.Add(grad, graph.MulScalar(w, o.WeightDecay))
}

// adam is w ← w − rate·m̂ / (√v̂ + ε) with the two bias corrections taken into the scalars.
func (o Optimiser) adam(beta1, beta2, epsilon float64) (rule, error) {
	if beta1 < 0 || beta1 >= 1 || beta2 < 0 || beta2 >= 1 || epsilon < 0 {
		return rule{}, fmt.Errorf("train: adam with beta1 %g, beta2 %g, epsilon %g; the betas must lie in [0, 1)", beta1, beta2, epsilon)
	}
	return rule{
		slots: []string{"m", "v"},
		scalars: func(step int, rate float64) []float32 {
			t := float64(step + 1)
			return []float32{float32(rate / (1 - math.Pow(beta1, t))), float32(1 / math.Sqrt(1-math.Pow(beta2, t)))}
		},
		update: func(w, grad *graph.Node, slots, scalars []*graph.Node) (*graph.Node, []*graph.Node) {
			grad = o.decayed(w, grad)
			m := graph.Add(graph.MulScalar(slots[0], beta1), graph.MulScalar(grad, 1-beta1))
			v := graph.Add(graph.MulScalar(slots[1], beta2), graph.MulScalar(graph.Square(grad), 1-beta2))
			mv := graph.OptimizationBarriers(m, v) // XLA would compute both a second time within the update of w
			m, v = mv[0], mv[1]
			step := graph.Div(m, graph.AddScalar(graph.Mul(graph.Sqrt(v), scalars[1]), epsilon))
			return graph.Sub(w, graph.Mul(step, scalars[0])), []*graph.Node{m, v}
		},
	}, nil
}

// sgd with momentum in PyTorch's form, without dampening.
func (o Optimiser) sgd() rule {
	r := rule{scalars: func(_ int, rate float64) []float32 { return []float32{float32(rate)} }}
	if o.Momentum > 0 {
		r.slots = []string{"v"}
	}
	r.update = func(w, grad *graph.Node, slots, scalars []*graph.Node) (*graph.Node, []*graph.Node) {
		v := o.decayed(w, grad)
		if o.Momentum > 0 {
			v = graph.Add(graph.MulScalar(slots[0], o.Momentum), v)
			slots = []*graph.Node{v}
		}
		return graph.Sub(w, graph.Mul(v, scalars[0])), slots
	}
	return r
}
