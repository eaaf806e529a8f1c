package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
)

// engine runs groups of steps on the devices. State tensors go in donated and come out new, device after device; data is what spread
// returns.
type engine interface {
	limit() int // the most steps a call can take
	steps(state []*tensors.Tensor, data [][]any, first, count int) (next []*tensors.Tensor, loss, wrong []float32, err error)
}

// newEngine picks the loop inside the graph where the backend can compile one: it saves the calls between steps. The
// pure-Go backend cannot run gradients in a loop, and XLA on CPU runs convolutions inside one by a naive single-threaded
// loop, a hundred times slower; a step of a convolutional network is long enough for a call of its own.
func newEngine(t *Trainer) (engine, error) {
	if t.f.Backend.Name() == "xla" && !t.convolves() {
		return newLoop(t)
	}
	return newSingle(t)
}

// convolves tells whether the network has a linear map at every position of something, such as a convolution.
func (t *Trainer) convolves() bool {
	return slices.ContainsFunc(t.f.About.Taps, func(p network.Tap) bool { return p.Kind == "linear" && len(p.Dims) > 1 })
}

// key names all that the graph depends on: runs that differ in seeds, schedule or length share one executable.
func (t *Trainer) key(what string) string {
	return fmt.Sprintf("train: %s, %+v, %s, %+v, %q, %d devices, %q", what, t.c.Optimiser, t.d.Recipe(), t.c.Augment, t.c.Precision, t.devices(), t.c.Freeze)
}

// statisticsRate is the weight of a new batch in the running statistics of batch norms, PyTorch's default.
const statisticsRate = 0.1

// step is one update in the graph: gradients of the mean loss, then the rule; buffers follow the statistics of the batch. It returns the
// new state, the loss and the share of wrong samples. seeds are those of plan. The state is θ, then each slot of every parameter that is trained.
func (t *Trainer) step(state []*graph.Node, pixels, labels, index, seeds *graph.Node, scalars []*graph.Node) (next []*graph.Node, loss, wrong *graph.Node) {
	seed := func(i int) *graph.Node { return graph.Reshape(graph.Slice(seeds, graph.AxisElem(i))) }
	x, y := t.d.Augmented(t.c.Augment, pixels, labels, index, seed(1))
	params := t.f.About.Params
	theta := state[:len(params)]
	trace := t.f.Trace(theta, x, network.Options{Train: true, Seed: seed(0), Precision: t.half})
	logits := trace.Output.Node()
	loss = graph.ReduceAllMean(network.CrossEntropy(logits, y))
	wrong = graph.ReduceAllMean(graph.ConvertDType(network.Wrong(logits, y), dtypes.Float32))
	var trained []int
	var weights []*graph.Node
	for i, p := range params {
		if t.c.learns(p) {
			trained, weights = append(trained, i), append(weights, theta[i])
		}
	}
	grads := graph.Gradient(loss, weights...)
	statistics := make([]*graph.Node, 0, len(params)-len(trained))
	for _, p := range params {
		if p.Buffer() {
			statistics = append(statistics, trace.Updates[p.Name])
		}
	}
	mean := t.mean(slices.Concat(grads, statistics, []*graph.Node{loss, wrong}))
	// Behind a barrier no weight is updated before all gradients are read off the old ones: the loop can then work in place.
	grads = graph.OptimizationBarriers(mean[:len(grads)]...)
	statistics, loss, wrong = mean[len(grads):len(mean)-2], mean[len(mean)-2], mean[len(mean)-1]
	next = slices.Clone(state) // what is frozen stays
	for k, i := range trained {
		var slots []*graph.Node
		for j := range t.rule.slots {
			slots = append(slots, state[len(params)+j*len(trained)+k])
		}
		next[i], slots = t.rule.update(theta[i], grads[k], slots, scalars)
		for j, s := range slots {
			next[len(params)+j*len(trained)+k] = s
		}
	}
	for i, p := range params {
		if p.Buffer() {
			if !t.c.frozen(p.Name) {
				next[i] = graph.Add(graph.MulScalar(theta[i], 1-statisticsRate), graph.MulScalar(statistics[0], statisticsRate))
			}
			statistics = statistics[1:]
		}
	}
	return next, loss, wrong
}

// plan is what a group of steps is told from the host, for one device: numbers of its share of the samples [room·share], scalars
// [room·k], seeds [room·2] of dropout and augmentation. What is beyond count is 0.
func (t *Trainer) plan(first, count, room, device int) (index []int32, scalars []float32, seeds []uint32) {
	share := t.c.Batch / t.devices()
	index = make([]int32, room*share)
	batch := make([]int32, t.c.Batch)
	for i := range count {
		step := first + i
		t.batch(step, batch)
		copy(index[i*share:(i+1)*share], batch[device*share:])
		scalars = append(scalars, t.rule.scalars(step, t.rate(step))...)
		stream := t.c.stream(step)
		seeds = append(seeds, mask(stream.Dropout, step, device), vary(stream.Augment, step, device))
	}
	width := len(scalars) / count
	return index, append(scalars, make([]float32, (room-count)*width)...), append(seeds, make([]uint32, 2*(room-count))...)
}

// single takes one step a call.
type single struct {
	t    *Trainer
	exec *graph.Exec
}

func newSingle(t *Trainer) (engine, error) {
	size := len(t.layout())
	e, err := t.f.ExecOver(t.mesh, t.key("one step"), func(in []*graph.Node) []*graph.Node {
		next, loss, wrong := t.step(in[:size], in[size], in[size+1], in[size+2], in[size+3], in[size+4:])
		return append(next, loss, wrong)
	})
	return single{t, e}, err
}

func (e single) limit() int { return 1 }

func (e single) steps(state []*tensors.Tensor, data [][]any, first, _ int) ([]*tensors.Tensor, []float32, []float32, error) {
	next, rest, err := e.t.call(e.exec, state, func(device int) []any {
		index, scalars, seeds := e.t.plan(first, 1, 1, device)
		args := append(slices.Clone(data[device]), index, seeds)
		for _, s := range scalars {
			args = append(args, s)
		}
		return args
	})
	if err != nil {
		return nil, nil, nil, err
	}
	defer network.Free(rest...)
	return next, []float32{tensors.ToScalar[float32](rest[0])}, []float32{tensors.ToScalar[float32](rest[1])}, nil
}

// loop takes up to room steps a call, in a While of the graph.
type loop struct {
	t    *Trainer
	exec *graph.Exec
}

// room is the most steps in a call: the sample numbers of that many steps travel at once.
const room = 256

func newLoop(t *Trainer) (engine, error) {
	e, err := t.f.ExecOver(t.mesh, t.key("loop"), func(in []*graph.Node) []*graph.Node {
		g := in[0].Graph()
		shape := make([]shapes.Shape, 0, len(in)+3)
		state := append([]*graph.Node{}, in...)
		state = append(state, graph.Const(g, make([]float32, room)), graph.Const(g, make([]float32, room)), graph.Const(g, int32(0)))
		for _, s := range state {
			shape = append(shape, s.Shape())
		}
		declare := func(g *graph.Graph) []*graph.Node {
			out := make([]*graph.Node, len(shape))
			for i, s := range shape {
				out[i] = graph.Parameter(g, fmt.Sprintf("loop%d", i), s)
			}
			return out
		}
		last := len(state) - 1 // … pixels, labels, index, seeds, scalars, count, loss, wrong, i
		condition := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			s := declare(g)
			return []*graph.Node{graph.LessThan(s[last], s[last-3])}
		})
		body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node { return t.body(declare(g)) })
		out := graph.While(condition, body, state...)
		n := len(t.layout())
		return append(out[:n:n], out[last-2], out[last-1])
	})
	return loop{t, e}, err
}

// body is one turn of the loop.
func (t *Trainer) body(s []*graph.Node) []*graph.Node {
	n := len(t.layout())
	pixels, labels, index, seeds, scalars := s[n], s[n+1], s[n+2], s[n+3], s[n+4]
	loss, wrong, i := s[n+6], s[n+7], s[n+8]
	row := func(of *graph.Node) *graph.Node { // of [room, …] → row i
		r := graph.Gather(of, graph.Reshape(i, 1, 1))
		return graph.Reshape(r, of.Shape().Dimensions[1:]...)
	}
	now := row(scalars)
	each := make([]*graph.Node, now.Shape().Dim(0))
	for k := range each {
		each[k] = graph.Reshape(graph.Slice(now, graph.AxisElem(k)))
	}
	next, l, w := t.step(s[:n], pixels, labels, row(index), row(seeds), each)
	put := func(to, v *graph.Node) *graph.Node {
		return graph.DynamicUpdateSlice(to, graph.Reshape(v, 1), []*graph.Node{i})
	}
	out := append(next, s[n:]...)
	out[n+6], out[n+7], out[n+8] = put(loss, l), put(wrong, w), graph.AddScalar(i, 1)
	return out
}

func (e loop) limit() int { return room }

func (e loop) steps(state []*tensors.Tensor, data [][]any, first, count int) ([]*tensors.Tensor, []float32, []float32, error) {
	var own []*tensors.Tensor
	defer func() { network.Free(own...) }()
	next, rest, err := e.t.call(e.exec, state, func(device int) []any {
		index, scalars, seeds := e.t.plan(first, count, room, device)
		plan := []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(index, room, len(index)/room),
			tensors.FromFlatDataAndDimensions(seeds, room, 2),
			tensors.FromFlatDataAndDimensions(scalars, room, len(scalars)/room),
		}
		own = append(own, plan...)
		return append(slices.Clone(data[device]), plan[0], plan[1], plan[2], int32(count))
	})
	if err != nil {
		return nil, nil, nil, err
	}
	defer network.Free(rest...)
	loss, err1 := tensors.CopyFlatData[float32](rest[0])
	wrong, err2 := tensors.CopyFlatData[float32](rest[1])
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, nil, err
	}
	return next, loss[:count], wrong[:count], nil
}
