package measure

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// A function is a graph function of a model. Its first output, the table, is [batch, columns] float64, one row of numbers for each sample, so
// that padding is dropped and sums are made on the host; the others stay on the device.
type function struct {
	key   string
	build func(f *network.Model, in []*graph.Node) []*graph.Node
}

// pointGraph: θ, x, y → loss, wrong.
var pointGraph = function{"measure: point", func(f *network.Model, in []*graph.Node) []*graph.Node {
	p := len(f.About.Params)
	return []*graph.Node{table(score2(f.Trace(in[:p], in[p], network.Options{}), in[p+1])...)}
}}

// endsGraph: θ_A, θ_B, x, y → loss and wrong of A, then of B; ⟨a,a⟩, ⟨a,b⟩, ⟨b,b⟩ of every layer; with conditions, the Gram numbers
// of Definition 4 and of the inputs for every linear map, and the share of units that disagree in sign for every nonlinearity.
// Kept on the device: the values of A, then those of B.
func endsGraph(conditions bool) function {
	key := "measure: ends"
	if conditions {
		key += " and conditions"
	}
	return function{key, func(f *network.Model, in []*graph.Node) []*graph.Node {
		p, g := len(f.About.Params), grams{folded(f)}
		x, y := in[2*p], in[2*p+1]
		ta, tb := f.Trace(in[:p], x, network.Options{}), f.Trace(in[p:2*p], x, network.Options{})
		a, b := valuesOf(ta, conditions), valuesOf(tb, conditions)
		columns := append(score2(ta, y), score2(tb, y)...)
		for l := range a.layers {
			columns = append(columns, g.triple(a.nodes[l], b.nodes[l])...)
		}
		if conditions {
			for i, la := range ta.Linears {
				columns = append(columns, g.commutativity(la, tb.Linears[i])...)
			}
			for _, z := range a.acts {
				columns = append(columns, disagreement(a.nodes[z], b.nodes[z]))
			}
		}
		return slices.Concat([]*graph.Node{table(columns...)}, a.nodes, b.nodes)
	}}
}

// alphaGraph: θ_α, α, 1−α, x, y, layers of A, layers of B → loss, wrong, and whether the blend of the two networks' logits is
// wrong (Lemma 1); ⟨f,f⟩, ⟨f,a⟩, ⟨f,b⟩ of every layer.
var alphaGraph = function{"measure: alpha", func(f *network.Model, in []*graph.Node) []*graph.Node {
	p, g := len(f.About.Params), grams{folded(f)}
	alpha, beta, x, y, ends := in[p], in[p+1], in[p+2], in[p+3], in[p+4:]
	t := f.Trace(in[:p], x, network.Options{})
	v := valuesOf(t, false)
	a, b := ends[:v.layers], ends[v.layers:]
	last := v.layers - 1
	columns := append(score2(t, y), wrong(blend(alpha, a[last], beta, b[last]), y))
	for l, h := range v.nodes {
		columns = append(columns, g.inner(h, h), g.inner(h, a[l]), g.inner(h, b[l]))
	}
	return []*graph.Node{table(columns...)}
}}

// weakGraph: α, 1−α, then z of A and z of B for every nonlinearity → Gram numbers of σ(αz_A + (1−α)z_B) and ασ(z_A) + (1−α)σ(z_B),
// the two sides of Definition 3.
var weakGraph = function{"measure: weak", func(f *network.Model, in []*graph.Node) []*graph.Node {
	g := grams{folded(f)}
	acts := len(f.About.Acts)
	alpha, beta, a, b := in[0], in[1], in[2:2+acts], in[2+acts:]
	var columns []*graph.Node
	for i, act := range f.About.Acts {
		left := act.Apply(blend(alpha, a[i], beta, b[i]))
		right := blend(alpha, act.Apply(a[i]), beta, act.Apply(b[i]))
		columns = append(columns, g.triple(left, right)...)
	}
	return []*graph.Node{table(columns...)}
}}

// values are what is kept of a forward pass: the layers, each once, then the inputs of nonlinearities that are no layer's value.
type values struct {
	nodes  []*graph.Node
	layers int
	about  []Layer
	acts   []int // for every nonlinearity, where its input stands in nodes
}

// valuesOf leaves out the input and taps that give a value a second name.
func valuesOf(t *network.Trace, acts bool) values {
	var v values
	at := map[*graph.Node]int{}
	for _, tap := range t.Taps {
		if _, seen := at[tap.Node]; tap.Kind != "input" && !seen {
			at[tap.Node] = len(v.nodes)
			v.nodes = append(v.nodes, tap.Node)
			v.about = append(v.about, Layer{tap.Name, tap.Kind})
		}
	}
	v.layers = len(v.nodes)
	if !acts {
		return v
	}
	for _, act := range t.Acts {
		i, seen := at[act.In]
		if !seen {
			i, v.nodes = len(v.nodes), append(v.nodes, act.In)
			at[act.In] = i
		}
		v.acts = append(v.acts, i)
	}
	return v
}

// survey reads the values and the weight of every linear map off a graph that is built for one sample and thrown away.
func survey(f *network.Model) (v values, weights []int) {
	g := graph.NewGraph(f.Backend, "survey")
	defer g.Finalize()
	var theta []*graph.Node
	for _, p := range f.About.Params {
		theta = append(theta, graph.Parameter(g, p.Name, shapes.Make(dtypes.Float32, p.Dims...)))
	}
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, append([]int{1}, f.Network.Spec.Input...)...))
	t := f.Trace(theta, x, network.Options{})
	for _, l := range t.Linears {
		weights = append(weights, slices.Index(theta, l.W))
	}
	return valuesOf(t, true), weights
}

func blend(alpha, a, beta, b *graph.Node) *graph.Node {
	return graph.Add(graph.Mul(alpha, a), graph.Mul(beta, b))
}

// score2 is the cross-entropy in nats and 1 where the prediction is wrong, for every sample: two columns.
func score2(t *network.Trace, y *graph.Node) []*graph.Node {
	logits := t.Output.Node()
	loss := network.CrossEntropy(graph.ConvertDType(logits, dtypes.Float64), y)
	return []*graph.Node{loss, wrong(logits, y)}
}

// wrong is network.Wrong as a column of the table.
func wrong(logits, y *graph.Node) *graph.Node {
	return graph.ConvertDType(network.Wrong(logits, y), dtypes.Float64)
}

// disagreement is the share of units whose sign differs between a and b: on the others a ReLU is additive.
func disagreement(a, b *graph.Node) *graph.Node {
	a, b = flat(a), flat(b)
	zero := graph.ScalarZero(a.Graph(), a.DType())
	positive := func(z *graph.Node) *graph.Node {
		return graph.ConvertDType(graph.GreaterThan(z, zero), dtypes.Float64)
	}
	return graph.ReduceMean(graph.Abs(graph.Sub(positive(a), positive(b))), -1)
}

// table puts columns [batch] side by side.
func table(columns ...*graph.Node) *graph.Node { return graph.Stack(columns, -1) }

func flat(x *graph.Node) *graph.Node { return graph.Reshape(x, x.Shape().Dim(0), -1) }

// folded says whether sums are written as sums of slices.
func folded(f *network.Model) bool { return f.Backend.Name() == "xla" }

// grams builds inner products.
type grams struct{ folded bool }

// parts is the number of slices that a folded sum adds up.
const parts = 16

// inner is ⟨x, y⟩ for every sample, [batch, ...] → [batch]: products and sums in float64, in which a product of two float32 is exact.
// XLA's CPU compiler adds up a row one number after the other, each waiting for the last. Folded, the slices of the row are added
// as vectors first, 2.5 times faster; on the Go backend every slice would be a copy.
func (g grams) inner(x, y *graph.Node) *graph.Node {
	x, y = flat(x), flat(y)
	width := x.Shape().Dim(1)
	n := width / parts
	if !g.folded || n < 4 {
		return dot(x, y)
	}
	columns := func(v *graph.Node, from, to int) *graph.Node {
		return graph.Slice(v, graph.AxisRange(), graph.AxisRange(from, to))
	}
	var sum *graph.Node
	for i := range parts {
		term := product(columns(x, i*n, (i+1)*n), columns(y, i*n, (i+1)*n))
		if sum == nil {
			sum = term
		} else {
			sum = graph.Add(sum, term)
		}
	}
	total := graph.ReduceSum(sum, -1)
	if rest := parts * n; rest < width {
		total = graph.Add(total, dot(columns(x, rest, width), columns(y, rest, width)))
	}
	return total
}

func dot(x, y *graph.Node) *graph.Node { return graph.ReduceSum(product(x, y), -1) }

func product(x, y *graph.Node) *graph.Node {
	return graph.Mul(graph.ConvertDType(x, dtypes.Float64), graph.ConvertDType(y, dtypes.Float64))
}

// triple is ⟨x,x⟩, ⟨x,y⟩, ⟨y,y⟩: three columns.
func (g grams) triple(x, y *graph.Node) []*graph.Node {
	return []*graph.Node{g.inner(x, x), g.inner(x, y), g.inner(y, y)}
}

// commutativity is the Gram numbers of W_A·H_A + W_B·H_B with W_A·H_B + W_B·H_A, then of H_A with H_B (Definition 4): six columns.
func (g grams) commutativity(a, b network.Linear) []*graph.Node {
	straight := graph.Add(a.Apply(a.W, a.In), b.Apply(b.W, b.In))
	crossed := graph.Add(a.Apply(a.W, b.In), b.Apply(b.W, a.In))
	return append(g.triple(straight, crossed), g.triple(a.In, b.In)...)
}
