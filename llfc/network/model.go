package network

import (
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/internal/finite"
)

// Model is a network on a backend: f, which takes any θ. Executables compile on first use and are kept. Safe for concurrent use.
type Model struct {
	Network Network
	Backend compute.Backend
	About   *Trace // the description: parameters, taps, cost

	mu    sync.Mutex
	execs map[string]*graph.Exec // by the key given to Exec
}

// Compile checks the network and binds it to a backend; without one (nil) the model only checks weights.
func Compile(b compute.Backend, n Network) (*Model, error) {
	about, err := n.Describe()
	if err != nil {
		return nil, err
	}
	return &Model{Network: n, Backend: b, About: about, execs: map[string]*graph.Exec{}}, nil
}

// Init draws θ₀; see Network.Init.
func (f *Model) Init(seed int64) (Params, error) { return f.Network.Init(seed) }

// Check returns nil if theta has the tensors of this network, in its order and shapes.
func (f *Model) Check(theta Params) error {
	want := make(Params, len(f.About.Params))
	for i, p := range f.About.Params {
		want[i] = Tensor{Name: p.Name, Dims: p.Dims}
	}
	if err := want.SameLayout(theta); err != nil {
		return fmt.Errorf("these weights are not of the network %s: %w", f.Network.Spec.JSON(), err)
	}
	return nil
}

// CheckWeights returns nil if theta can be computed with: Check, every number finite, and no variance below 0, to which the forward pass
// adds an ε before it takes the root. It looks at the weights themselves: a ReLU takes NaN for "not positive" and makes it 0, and a
// tensor may have no part in a quantity, so nothing else need show it.
func (f *Model) CheckWeights(theta Params) error {
	if err := f.Check(theta); err != nil {
		return err
	}
	for i, t := range theta {
		if j := finite.Except(t.Data); j >= 0 {
			return fmt.Errorf("tensor %q holds %v at position %d; training may have diverged, or the file is not of this kind", t.Name, t.Data[j], j)
		}
		if f.About.Params[i].Role != Variance {
			continue
		}
		if j := slices.IndexFunc(t.Data, func(v float32) bool { return v < 0 }); j >= 0 {
			return fmt.Errorf("tensor %q holds %v at position %d, and a variance is never negative; the file is not of this kind, or its tensors are exchanged", t.Name, t.Data[j], j)
		}
	}
	return nil
}

// Order returns theta with its tensors in the order of the network: files from elsewhere sort them by name.
func (f *Model) Order(theta Params) (Params, error) {
	out := make(Params, 0, len(theta))
	given, known := theta.ByName(), map[string]bool{}
	for _, p := range f.About.Params {
		t, ok := given[p.Name]
		if !ok {
			return nil, fmt.Errorf("the tensor %q %v of the network %s is missing", p.Name, p.Dims, f.Network.Spec.JSON())
		}
		out = append(out, t)
		known[p.Name] = true
	}
	for _, t := range theta {
		if !known[t.Name] {
			return nil, fmt.Errorf("the tensor %q %v is not of the network %s", t.Name, t.Dims, f.Network.Spec.JSON())
		}
	}
	return out, f.Check(out)
}

// Trace runs the forward function in a graph. weights are nodes in the order of About.Params; x is [batch, Input...], or the value
// of the tap o.From. It panics with an error, as graph operations do.
func (f *Model) Trace(weights []*graph.Node, x *graph.Node, o Options) *Trace {
	if len(weights) != len(f.About.Params) {
		panic(fmt.Errorf("network: %d weights, expected %d", len(weights), len(f.About.Params)))
	}
	byName := make(map[string]*graph.Node, len(weights))
	for i, p := range f.About.Params {
		byName[p.Name] = weights[i]
	}
	o.Weights = func(name string) *graph.Node { return byName[name] }
	return f.Network.Trace(o, x)
}

// Features returns f^(l)(θ; x), the features [batch, Dims...] of a tap, for x [batch, Input...], already normalised.
func (f *Model) Features(theta Params, x Tensor, tap string) (Tensor, error) {
	return f.run(theta, x, "", tap)
}

// FeaturesAt returns the features of several taps, in their order, from one forward pass; see Features.
func (f *Model) FeaturesAt(theta Params, x Tensor, taps ...string) ([]Tensor, error) {
	var at []int
	each := 0.0
	for _, name := range taps {
		i := slices.IndexFunc(f.About.Taps, func(t Tap) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("network: there is no tap %q; the taps are %q", name, names(f.About.Taps))
		}
		at = append(at, i)
		each += 4 * volume(f.About.Taps[i].Dims)
	}
	if len(x.Dims) == 0 || x.Dims[0] < 1 {
		return nil, fmt.Errorf("network: an input of shape %v; the first size is the number of samples, at least 1", x.Dims)
	}
	if err := Room(f.Backend, fmt.Sprintf("the features of %d samples", x.Dims[0]), float64(x.Dims[0])*each); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	exec, err := f.Exec(fmt.Sprintf("network: features %v", at), func(in []*graph.Node) []*graph.Node {
		last := len(in) - 1
		all := f.Trace(in[:last], in[last], Options{}).Taps
		var out []*graph.Node
		for _, i := range at {
			out = append(out, all[i].Node)
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	in, err := Upload(f.Backend, Params{x})
	if err != nil {
		return nil, fmt.Errorf("network: input: %w", err)
	}
	defer Free(in...)
	weights, err := f.Upload(theta)
	if err != nil {
		return nil, err
	}
	defer Free(weights...)
	out, err := exec.Call(Args(weights, in)...)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	defer Free(out...)
	var all []Tensor
	for k, i := range at {
		data, err := tensors.CopyFlatData[float32](out[k])
		if err != nil {
			return nil, err
		}
		all = append(all, Tensor{Name: taps[k], Dims: append([]int{x.Dims[0]}, f.About.Taps[i].Dims...), Data: data})
	}
	return all, nil
}

// Logits returns f(θ; x) [batch, Classes] for x [batch, Input...], already normalised.
func (f *Model) Logits(theta Params, x Tensor) (Tensor, error) {
	return f.run(theta, x, "", f.output())
}

// LogitsFrom returns the logits of what follows a tap, given the features of that tap: with the features of another network,
// this is model stitching. The tap must be a cut.
func (f *Model) LogitsFrom(theta Params, h Tensor, tap string) (Tensor, error) {
	return f.run(theta, h, tap, f.output())
}

func (f *Model) output() string { return f.About.Taps[len(f.About.Taps)-1].Name }

// LogitsBeside returns the logits of several θ, all on the device at once: none can lie where another lay.
func (f *Model) LogitsBeside(x Tensor, thetas ...Params) ([]Tensor, error) {
	return f.runBeside(thetas, x, "", f.output())
}

func (f *Model) run(theta Params, x Tensor, from, to string) (Tensor, error) {
	out, err := f.runBeside([]Params{theta}, x, from, to)
	if err != nil {
		return Tensor{}, err
	}
	return out[0], nil
}

func (f *Model) runBeside(thetas []Params, x Tensor, from, to string) ([]Tensor, error) {
	i := slices.IndexFunc(f.About.Taps, func(t Tap) bool { return t.Name == to })
	if i < 0 {
		return nil, fmt.Errorf("network: there is no tap %q; the taps are %q", to, names(f.About.Taps))
	}
	if len(x.Dims) == 0 || x.Dims[0] < 1 {
		return nil, fmt.Errorf("network: an input of shape %v; the first size is the number of samples, at least 1", x.Dims)
	}
	if err := Room(f.Backend, fmt.Sprintf("a batch of %d samples", x.Dims[0]), float64(x.Dims[0])*f.About.Largest()); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	exec, err := f.exec(from, i)
	if err != nil {
		return nil, err
	}
	in, err := Upload(f.Backend, Params{x})
	if err != nil {
		return nil, fmt.Errorf("network: input: %w", err)
	}
	defer Free(in...)
	weights := make([][]*tensors.Tensor, len(thetas))
	defer func() {
		for _, w := range weights {
			Free(w...)
		}
	}()
	for k, theta := range thetas {
		if weights[k], err = f.Upload(theta); err != nil {
			return nil, err
		}
	}
	var outs []Tensor
	for _, w := range weights {
		out, err := exec.Call(Args(w, in)...)
		if err != nil {
			return nil, fmt.Errorf("network: %w", err)
		}
		data, err := tensors.CopyFlatData[float32](out[0])
		Free(out...)
		if err != nil {
			return nil, err
		}
		outs = append(outs, Tensor{Name: to, Dims: append([]int{x.Dims[0]}, f.About.Taps[i].Dims...), Data: data})
	}
	return outs, nil
}

func (f *Model) exec(from string, tap int) (*graph.Exec, error) {
	return f.Exec(fmt.Sprintf("network: %s>%d", from, tap), func(in []*graph.Node) []*graph.Node {
		last := len(in) - 1
		node := f.Trace(in[:last], in[last], Options{From: from}).Taps[tap].Node
		if node == nil {
			panic(fmt.Errorf("tap %q comes before %q", f.About.Taps[tap].Name, from))
		}
		return []*graph.Node{node}
	})
}

// Exec returns the executable of a graph function, built on first use and kept under key, so that a caller who comes back does not
// compile again. The key must tell apart all that build depends on; begin it with the caller's package. New shapes compile again.
func (f *Model) Exec(key string, build func(in []*graph.Node) []*graph.Node) (*graph.Exec, error) {
	return f.ExecOver(nil, key, build)
}

// ExecOver is Exec on all devices of a mesh at once: each runs the graph on arguments of its own, and collective operations join them
// (GoMLX's SPMD). The key must tell meshes apart too. A nil mesh is the first device.
func (f *Model) ExecOver(mesh *distributed.DeviceMesh, key string, build func(in []*graph.Node) []*graph.Node) (*graph.Exec, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.execs[key]; e != nil {
		return e, nil
	}
	e, err := graph.NewExec(f.Backend, build)
	if err != nil {
		return nil, err
	}
	if mesh != nil {
		e.SPMD(mesh)
	}
	f.execs[key] = e.SetMaxCache(-1)
	return e, nil
}
