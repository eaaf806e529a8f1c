package backend

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend/native"
)

// canary is a small executable whose weights change while their addresses do not. A backend that keeps anything of weights by their
// address answers it with the old ones, and must not be used: no number of it can be believed.
//
// The shapes are those that libraries like to take over: two matrix products, a batched one and two convolutions. Which of them a library
// takes depends on the processor.
type canary struct {
	names []string
	x, w  [][]int // shapes of inputs and weights
	build func(in []*graph.Node) []*graph.Node
}

func newCanary() canary {
	c := canary{
		names: []string{"a matrix product", "a matrix product of few columns", "a batched matrix product", "a 3×3 convolution", "a 1×1 convolution"},
		x:     [][]int{{128, 512}, {500, 784}, {8, 64, 64}, {4, 8, 8, 16}, {4, 8, 8, 64}},
		w:     [][]int{{512, 512}, {784, 64}, {8, 64, 64}, {3, 3, 16, 32}, {1, 1, 64, 64}},
	}
	c.build = func(in []*graph.Node) []*graph.Node {
		n := len(c.x)
		x, w := in[:n], in[n:]
		return []*graph.Node{
			graph.MatMul(x[0], w[0]), // and nothing else: XLA compiles a sum in ten times the time of a product
			graph.MatMul(x[1], w[1]),
			graph.Einsum("bij,bjk->bik", x[2], w[2]),
			graph.Convolve(x[3], w[3]).PadSame().Done(),
			graph.Convolve(x[4], w[4]).PadSame().Done(),
		}
	}
	return c
}

// withNative is the canary with a convolution by the kernels of package native.
func (c canary) withNative() canary {
	d := canary{append(slices.Clone(c.names), "a native convolution"), append(slices.Clone(c.x), []int{4, 8, 8, 16}), append(slices.Clone(c.w), []int{3, 3, 16, 32}), nil}
	n := len(c.x)
	d.build = func(in []*graph.Node) []*graph.Node {
		x, w := in[:n+1], in[n+1:]
		convolution := native.Call(native.Op{Target: "forward", Attributes: []int{1, 1}}, func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{graph.Convolve(in[0], in[1]).PadSame().Done()}
		}, x[n], w[n])
		return append(c.build(slices.Concat(x[:n], w[:n])), convolution...)
	}
	return d
}

// call runs an executable, as graph.Exec.Call does.
type call func(args ...any) ([]*tensors.Tensor, error)

// canaryRounds is how often weights are uploaded. Each round has twice the weights of the one before, which doubles every answer exactly.
const canaryRounds = 4

// errStale is a backend that answers with weights it no longer has.
var errStale = errors.New("computes with weights that are no longer there")

// prove runs the canary on a backend.
func prove(b compute.Backend, info Info) error {
	if os.Getenv(TestXNNPACK) == "unchecked" {
		return nil
	}
	c := newCanary()
	if native.Has(b) {
		c = c.withNative()
	}
	exec, err := graph.NewExec(b, c.build)
	if err != nil {
		return fmt.Errorf("canary: %s", firstLine(err))
	}
	defer exec.Finalize()
	err = c.sing(b, exec.Call)
	if !errors.Is(err, errStale) {
		return err
	}
	where := info.Name
	if info.Path != "" {
		where += " (" + info.Path + ")"
	}
	mend := "use another backend"
	if info.Engine == "xla" {
		mend = fmt.Sprintf("start the program with %s=--%s=false before anything loads the plugin, or use the backend go", flagsEnv, xnnpackFlag)
	}
	return fmt.Errorf("%s %w: no number of it can be believed; %s", where, err, mend)
}

// sing returns errStale, wrapped, if an answer is not that of the weights given with the question. First weights are freed and others
// uploaded, which are likely to lie where those lay; then they are doubled in place, which leaves the address no choice.
func (c canary) sing(b compute.Backend, run call) error {
	x, err := c.upload(b, c.x, 2, 1)
	if err != nil {
		return err
	}
	defer free(x)
	var before [][]float32
	for round := range canaryRounds {
		w, err := c.upload(b, c.w, 3, float32(int(1)<<round))
		if err != nil {
			return err
		}
		before, err = c.ask(run, x, w, before)
		if err == nil && round == canaryRounds-1 {
			if err = double(w); err == nil {
				_, err = c.ask(run, x, w, before)
			}
		}
		free(w)
		if err != nil {
			return err
		}
	}
	return nil
}

// ask runs the executable and compares its answers with twice those of the last time, if there was one.
func (c canary) ask(run call, x, w []*tensors.Tensor, before [][]float32) ([][]float32, error) {
	var args []any
	for _, t := range slices.Concat(x, w) {
		args = append(args, t)
	}
	out, err := run(args...)
	if err != nil {
		return nil, fmt.Errorf("canary: %s", firstLine(err))
	}
	defer free(out)
	answers := make([][]float32, len(out))
	for i, t := range out {
		if answers[i], err = tensors.CopyFlatData[float32](t); err != nil {
			return nil, fmt.Errorf("canary: %w", err)
		}
		if before == nil {
			continue
		}
		for j, v := range answers[i] {
			if v != 2*before[i][j] {
				return nil, fmt.Errorf("%w (%s of %v and %v, whose weights were doubled, went from %g to %g)", errStale, c.names[i], c.x[i], c.w[i], before[i][j], v)
			}
		}
	}
	return answers, nil
}

// double doubles the weights where they lie.
func double(w []*tensors.Tensor) error {
	for _, t := range w {
		err := tensors.MutableFlatData(t, func(v []float32) {
			for i := range v {
				v[i] *= 2
			}
		})
		if err != nil {
			return fmt.Errorf("canary: %w", err)
		}
	}
	return nil
}

// upload fills tensors with the numbers from 1 to most, times scale. Sums of their products stay below 2²⁴, so float32 has them exactly,
// whatever the order in which a device adds.
func (c canary) upload(b compute.Backend, dims [][]int, most int, scale float32) ([]*tensors.Tensor, error) {
	var out []*tensors.Tensor
	for _, d := range dims {
		shape := shapes.Make(dtypes.Float32, d...)
		data := make([]float32, shape.Size())
		for i := range data {
			data[i] = scale * float32(1+i%most)
		}
		t, err := tensors.FromRaw(b, 0, shape, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data)))
		if err != nil {
			free(out)
			return nil, fmt.Errorf("canary: %w", err)
		}
		out = append(out, t)
	}
	return out, nil
}

func free(device []*tensors.Tensor) {
	for _, t := range device {
		_ = t.FinalizeAll()
	}
}
