// Package foreign lays the weights in a file that others wrote over a network of this program: [Fit] finds the architecture and which
// tensor is which, by shapes and order, [Map.Params] reads them in this program's layout, and [Verify] compares what the network then computes
// with what the original did. Without that a map is a guess: layers of the same shape can be told apart by their order only.
package foreign

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

// Map says which tensor of a file is which parameter of a network.
type Map struct {
	Spec network.Spec
	Rows []Row    // in the order of the network
	Left []string // tensors of the file that no parameter takes: counters of batch norms
}

// Row is one parameter.
type Row struct {
	From, To    string
	Shape, Dims []int  // in the file, in the network
	How         string // "as it is", "[out, in] to [in, out]", "OIHW to HWIO", or with "CHW to HWC" where an image was flattened
	channels    int    // of a flattened image; 0 if there is none
}

// Fit finds the network of the file: a multilayer perceptron, LeNet, a CIFAR VGG or ResNet, or a ResNet of bottlenecks, in the layout of PyTorch, whatever its layers are
// called (torchvision's, OpenLTH's). input is the shape of one sample [H, W, C] or [F]; nil takes the usual one of the architecture.
func Fit(f *formats.File, input []int) (Map, error) {
	m := sortModules(f)
	var tried []string
	for _, s := range m.candidates(input) {
		out, err := m.fit(s)
		if err == nil {
			return out, nil
		}
		tried = append(tried, fmt.Sprintf("%s: %v", s.JSON(), err))
	}
	if len(tried) == 0 {
		return Map{}, fmt.Errorf("%s: no network of this program has %d convolutions, %d dense layers and %d norms like these; known are MLPs, LeNet, VGG for CIFAR, and ResNets for CIFAR or of bottlenecks",
			f.Path, len(m.kernels), len(m.matrices), len(m.norms))
	}
	return Map{}, fmt.Errorf("%s: no network of this program fits: %s", f.Path, strings.Join(tried, "; "))
}

// FitTo is Fit to a network that is known.
func FitTo(f *formats.File, s network.Spec) (Map, error) {
	out, err := sortModules(f).fit(s)
	if err != nil {
		return Map{}, fmt.Errorf("%s: it does not fit %s: %w", f.Path, s.JSON(), err)
	}
	return out, nil
}

// module is a layer of the file: tensors whose names differ in the last part only.
type module struct {
	name    string
	tensors map[string]formats.Tensor // by the last part
}

func (m module) weight() formats.Tensor { return m.tensors["weight"] }

// modules are the layers of a file, each kind in its order.
type modules struct {
	kernels, matrices, norms []module
	left                     []string
}

func sortModules(f *formats.File) modules {
	var all []module
	at := map[string]int{}
	for _, t := range f.Tensors {
		i := strings.LastIndexAny(t.Name, "./")
		name, last := t.Name[:max(0, i)], t.Name[i+1:]
		if _, ok := at[name]; !ok {
			at[name] = len(all)
			all = append(all, module{name, map[string]formats.Tensor{}})
		}
		all[at[name]].tensors[last] = t
	}
	if !strings.HasPrefix(f.Format, "PyTorch") && f.Format != "TorchScript" && f.Format != "ONNX" { // the file sorts by name, so that 10 comes before 2
		slices.SortStableFunc(all, func(a, b module) int { return natural(a.name, b.name) })
	}
	var m modules
	for _, x := range all {
		w, ok := x.tensors["weight"]
		switch {
		case ok && w.Float() && len(w.Shape) == 4:
			m.kernels = append(m.kernels, x)
		case ok && w.Float() && len(w.Shape) == 2:
			m.matrices = append(m.matrices, x)
		case ok && w.Float() && len(w.Shape) == 1:
			m.norms = append(m.norms, x)
		default:
			for last := range x.tensors {
				m.left = append(m.left, strings.TrimPrefix(x.name+"."+last, "."))
			}
			slices.Sort(m.left)
		}
	}
	return m
}

// natural compares names with the numbers in them as numbers.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			p, q := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if len(p) != len(q) {
				return len(p) - len(q)
			}
			if c := strings.Compare(p, q); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// fit pairs the network's linear maps and norms with those of the file, each kind in its order.
func (m modules) fit(s network.Spec) (Map, error) {
	count := 0
	for _, list := range [][]module{m.kernels, m.matrices, m.norms} {
		for _, x := range list {
			count += x.weight().Count()
		}
	}
	n, err := network.NewWithin(s, count)
	if err != nil {
		return Map{}, err
	}
	about, err := n.Describe()
	if err != nil {
		return Map{}, err
	}
	out := Map{Spec: s, Left: slices.Clone(m.left)}
	queues := map[int][]module{4: m.kernels, 2: m.matrices, 1: m.norms}
	used := map[string]map[string]bool{}
	var linear, norm module
	channels := 0 // of the last convolution, for what is flattened
	if len(s.Input) == 3 {
		channels = s.Input[2]
	}
	for _, p := range about.Params {
		last := map[network.Role]string{network.Weight: "weight", network.Bias: "bias", network.Scale: "weight", network.Shift: "bias", network.Mean: "running_mean", network.Variance: "running_var"}[p.Role]
		from := &linear
		if p.Role != network.Weight && p.Role != network.Bias {
			from = &norm
		}
		if last == "weight" {
			rank := len(p.Dims)
			if len(queues[rank]) == 0 {
				return Map{}, fmt.Errorf("the file has no layer left for %q %v", p.Name, p.Dims)
			}
			*from, queues[rank] = queues[rank][0], queues[rank][1:]
			used[from.name] = map[string]bool{}
		}
		t, ok := from.tensors[last]
		if !ok {
			return Map{}, fmt.Errorf("%q has no %q for %q %v", from.name, last, p.Name, p.Dims)
		}
		used[from.name][last] = true
		row := Row{From: t.Name, To: p.Name, Shape: t.Shape, Dims: p.Dims, How: "as it is"}
		want := p.Dims
		switch len(p.Dims) {
		case 4:
			row.How, want = "OIHW to HWIO", []int{p.Dims[3], p.Dims[2], p.Dims[0], p.Dims[1]}
			channels = p.Dims[3]
		case 2:
			row.How, want = "[out, in] to [in, out]", []int{p.Dims[1], p.Dims[0]}
			if channels > 1 && p.Dims[0] > channels && p.Dims[0]%channels == 0 {
				row.How, row.channels = row.How+", CHW to HWC", channels
			}
			channels = 0 // what follows is no image
		}
		if !slices.Equal(t.Shape, want) {
			return Map{}, fmt.Errorf("%q has shape %v, and %q needs %v", t.Name, t.Shape, p.Name, want)
		}
		out.Rows = append(out.Rows, row)
	}
	for _, rank := range []int{4, 2, 1} {
		if len(queues[rank]) > 0 {
			return Map{}, fmt.Errorf("%q is a layer too many", queues[rank][0].name)
		}
	}
	for _, list := range [][]module{m.kernels, m.matrices, m.norms} {
		for _, x := range list {
			for last, t := range x.tensors {
				switch {
				case used[x.name][last]:
				case last == "num_batches_tracked":
					out.Left = append(out.Left, t.Name)
				default:
					return Map{}, fmt.Errorf("the network has no place for %q %v", t.Name, t.Shape)
				}
			}
		}
	}
	slices.Sort(out.Left)
	return out, nil
}

// Params reads the weights in this program's layout.
func (m Map) Params(f *formats.File) (network.Params, error) {
	var out network.Params
	for _, r := range m.Rows {
		t, ok := f.Tensor(r.From)
		if !ok {
			return nil, fmt.Errorf("%s: the tensor %q is gone", f.Path, r.From)
		}
		data := make([]float32, t.Count())
		if err := t.Floats(data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		out = append(out, network.Tensor{Name: r.To, Dims: slices.Clone(r.Dims), Data: r.turn(data)})
	}
	return out, nil
}

// turn brings numbers from PyTorch's layout into ours.
func (r Row) turn(data []float32) []float32 {
	switch len(r.Dims) {
	case 4:
		return turned(data, r.Shape, 2, 3, 1, 0)
	case 2:
		if r.channels > 0 {
			out, in := r.Shape[0], r.Shape[1]
			return turned(data, []int{out, r.channels, in / r.channels}, 2, 1, 0)
		}
		return turned(data, r.Shape, 1, 0)
	}
	return data
}

// turned is a transposition: axis k of the result is axis order[k] of data.
func turned(data []float32, shape []int, order ...int) []float32 {
	strides := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= shape[i]
	}
	out := make([]float32, 0, len(data))
	index := make([]int, len(order))
	for at := 0; len(out) < len(data); {
		out = append(out, data[at])
		for k := len(order) - 1; k >= 0; k-- {
			at += strides[order[k]]
			if index[k]++; index[k] < shape[order[k]] {
				break
			}
			at -= shape[order[k]] * strides[order[k]]
			index[k] = 0
		}
	}
	return out
}

// Load fits the file to spec, or to what it fits where spec has no architecture, and reads its weights.
func Load(f *formats.File, spec network.Spec, input []int) (Map, network.Params, error) {
	var m Map
	var err error
	if spec.Architecture == "" {
		m, err = Fit(f, input)
	} else {
		m, err = FitTo(f, spec)
	}
	if err != nil {
		return m, nil, err
	}
	theta, err := m.Params(f)
	if err != nil {
		return m, nil, err
	}
	n, err := network.NewOf(m.Spec, theta)
	if err != nil {
		return m, nil, err
	}
	model, err := network.Compile(nil, n)
	if err != nil {
		return m, nil, err
	}
	if err := model.CheckWeights(theta); err != nil {
		return m, nil, errors.Join(fmt.Errorf("%s: read as %s", f.Path, m.Spec.JSON()), err)
	}
	return m, theta, nil
}
