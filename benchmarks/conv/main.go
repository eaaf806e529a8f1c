// Command conv is the Layerwise side of compare.py: it times single convolutions, forward and with both gradients, as networks run them
// and by the plain lowerings that they could run instead.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/benchmarks/harness"
	"layerwise/llfc/network"
)

func main() {
	name := flag.String("backend", "xla:cpu", "backend to time")
	flag.Parse()
	harness.Main("conv", func() error { return run(*name) })
}

// shape is a convolution of square images, padded by (size − 1)/2.
type shape struct {
	Batch  int `json:"batch"`
	Side   int `json:"side"`
	In     int `json:"in"`
	Out    int `json:"out"`
	Size   int `json:"size"`
	Stride int `json:"stride"`
}

// order asks for one measurement. The first of its kind compiles.
type order struct {
	shape
	How      string  `json:"how"`      // "layerwise": as networks run it; "backend": the backend's own convolution; "shifts": a matrix product for each position
	Gradient bool    `json:"gradient"` // with the gradients of input and weights, beside the forward pass
	Seconds  float64 `json:"seconds"`  // of measuring
}

// answer holds the best call's wall time and the least processor time of all threads, in milliseconds, and the first call's in seconds.
type answer struct {
	Wall  float64 `json:"wall"`
	CPU   float64 `json:"cpu"`
	First float64 `json:"first"`
}

type bench struct {
	b     compute.Backend
	execs map[string]*timed
}

type timed struct {
	exec  *graph.Exec
	args  []any
	first float64
}

func run(name string) error {
	b, info, err := harness.Backend(name)
	if err != nil {
		return err
	}
	return harness.Serve(map[string]string{"versions": info.String()}, bench{b, map[string]*timed{}}.do)
}

func (b bench) do(o order) (any, error) {
	key := fmt.Sprint(o.shape, o.How, o.Gradient)
	t := b.execs[key]
	if t == nil {
		var err error
		if t, err = b.prepare(o); err != nil {
			return nil, err
		}
		b.execs[key] = t
	}
	a := answer{Wall: 1e9, CPU: 1e9, First: t.first}
	for end := time.Now().Add(time.Duration(o.Seconds * float64(time.Second))); time.Now().Before(end); {
		wall, cpu, err := t.call()
		if err != nil {
			return nil, err
		}
		a.Wall, a.CPU = min(a.Wall, 1e3*wall), min(a.CPU, 1e3*cpu)
	}
	return a, nil
}

func (b bench) prepare(o order) (*timed, error) {
	conv, err := o.convolution()
	if err != nil {
		return nil, err
	}
	pixels := (o.Side-1)/o.Stride + 1
	dims := [][]int{{o.Batch, o.Side, o.Side, o.In}, {o.Size, o.Size, o.In, o.Out}, {o.Batch, pixels, pixels, o.Out}}
	t := &timed{}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range dims {
		x, err := normal(b.b, rng, d)
		if err != nil {
			return nil, err
		}
		t.args = append(t.args, x)
	}
	t.exec, err = graph.NewExec(b.b, func(x, w, dy *graph.Node) []*graph.Node {
		y := conv(x, w)
		if !o.Gradient {
			return []*graph.Node{y}
		}
		// The loss is returned, so that the forward pass is not left out.
		loss := graph.ReduceAllSum(graph.Mul(y, dy))
		return append(graph.Gradient(loss, x, w), loss)
	})
	if err != nil {
		return nil, err
	}
	t.first, _, err = t.call()
	return t, err
}

// convolution returns the lowering that is to be timed. That of networks is taken from a network of one layer.
func (o order) convolution() (func(x, w *graph.Node) *graph.Node, error) {
	k := network.Kernel{Size: o.Size, Stride: o.Stride, Pad: (o.Size - 1) / 2, NoBias: true}
	if o.How == "backend" {
		return func(x, w *graph.Node) *graph.Node {
			return graph.Convolve(x, w).PaddingPerDim([][2]int{{k.Pad, k.Pad}, {k.Pad, k.Pad}}).Strides(k.Stride).Done()
		}, nil
	}
	if o.How != "layerwise" && o.How != "shifts" {
		return nil, fmt.Errorf("unknown way %q", o.How)
	}
	n := network.Network{
		Spec:    network.Spec{Input: []int{o.Side, o.Side, o.In}, Classes: o.Out},
		Forward: func(x network.X) network.X { return x.Conv("conv", o.Out, k).Mean().As("logits") },
	}
	t := n.Trace(network.Options{Shifted: o.How == "shifts"}, nil)
	return func(x, w *graph.Node) *graph.Node { return t.Linears[0].Apply(w, x) }, nil
}

func normal(b compute.Backend, rng *rand.Rand, dims []int) (*tensors.Tensor, error) {
	t := network.Tensor{Name: "x", Dims: dims}
	n := 1
	for _, d := range dims {
		n *= d
	}
	for range n {
		t.Data = append(t.Data, float32(rng.NormFloat64()))
	}
	out, err := network.Upload(b, network.Params{t})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// call returns wall and processor seconds.
func (t *timed) call() (wall, cpu float64, err error) {
	var out []*tensors.Tensor
	wall, cpu, err = harness.Time(func() (err error) {
		out, err = t.exec.Call(t.args...)
		return err
	})
	network.Free(out...)
	return wall, cpu, err
}
