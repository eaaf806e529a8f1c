package measure

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// pointGraph: θ, x, y → loss, wrong.
var pointGraph = pass.Function{Key: "measure: point", Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
	p := len(f.About.Params)
	return []*graph.Node{table(score2(f.Trace(in[:p], in[p], network.Options{}), in[p+1])...)}
}}

// formulas are the quantities that a pass measures, with the columns that they need and where those stand in a row.
type formulas struct {
	quantities []Quantity
	columns    []Columns // each once
	key        string    // names the columns
}

func newFormulas(o Options) (*formulas, error) {
	quantities, err := chosen(o)
	if err != nil {
		return nil, err
	}
	f := &formulas{quantities: quantities}
	for _, q := range quantities {
		for _, c := range q.Columns {
			if !slices.ContainsFunc(f.columns, func(d Columns) bool { return d.Name == c.Name }) {
				f.columns = append(f.columns, c)
				f.key += " " + c.Name
			}
		}
	}
	return f, nil
}

// needs says whether a quantity is made of these columns.
func (f *formulas) needs(c Columns) bool {
	return slices.ContainsFunc(f.columns, func(d Columns) bool { return d.Name == c.Name })
}

// where is the kind of place that columns look at: that of the quantities which need them.
func (f *formulas) where(c Columns) Where {
	i := slices.IndexFunc(f.quantities, func(q Quantity) bool {
		return slices.ContainsFunc(q.Columns, func(d Columns) bool { return d.Name == c.Name })
	})
	return f.quantities[i].Where
}

// build builds the columns of some networks at every place, in order.
func (f *formulas) build(when When, places [3][]Place) []*graph.Node {
	var out []*graph.Node
	for _, c := range f.columns {
		if c.When == when && c.Build != nil {
			for _, p := range places[f.where(c)] {
				out = append(out, c.Build(p)...)
			}
		}
	}
	return out
}

// offsets says where the columns of some networks begin in a row, first of all at the column from; places are how many there are of each kind.
func (f *formulas) offsets(when When, from int, places [3]int) map[string]int {
	out := map[string]int{}
	for _, c := range f.columns {
		if c.When == when && c.Build != nil {
			out[c.Name] = from
			from += c.N * places[f.where(c)]
		}
	}
	return out
}

// The columns before those of the quantities.
const (
	endsHead  = 2 * predictions   // of A, then of B
	alphaHead = 2*predictions + 1 // of θ_α, then of the blend of the two networks' logits (Lemma 1), and where those two are apart
)

// ends is the graph function θ_A, θ_B, x, y, samples → predictions of A, then of B, and the columns of the ends. Kept on the device:
// the values of A, then those of B.
func (q *formulas) ends() pass.Function {
	return pass.Function{Key: "measure: ends" + q.key, Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		p, g := len(f.About.Params), grams{folded(f)}
		x, y, samples := in[2*p], in[2*p+1], in[2*p+2]
		ta, tb := f.Trace(in[:p], x, network.Options{}), f.Trace(in[p:2*p], x, network.Options{})
		acts := slices.ContainsFunc(q.columns, func(c Columns) bool { return q.where(c) == Nonlinearities })
		a, b := valuesOf(ta, acts), valuesOf(tb, acts)
		var places [3][]Place
		for l := range a.layers {
			places[Layers] = append(places[Layers], Place{A: a.nodes[l], B: b.nodes[l], Real: samples, grams: g})
		}
		for i, z := range a.acts {
			places[Nonlinearities] = append(places[Nonlinearities], Place{A: a.nodes[z], B: b.nodes[z], Act: ta.Acts[i], Real: samples, grams: g})
		}
		for i, la := range ta.Linears {
			places[LinearMaps] = append(places[LinearMaps], Place{LinearA: la, LinearB: tb.Linears[i], Real: samples, grams: g})
		}
		columns := slices.Concat(predicted(ta.Output.Node(), y), predicted(tb.Output.Node(), y), q.build(Ends, places))
		return slices.Concat([]*graph.Node{table(columns...)}, a.nodes, b.nodes)
	}}
}

// alpha is the graph function θ_α, α, 1−α, x, y, layers of A, layers of B → predictions of θ_α and of the blend of the two networks' logits, where
// they are apart, and the columns of θ_α.
func (q *formulas) alpha() pass.Function {
	return pass.Function{Key: "measure: alpha" + q.key, Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		p, g := len(f.About.Params), grams{folded(f)}
		alpha, beta, x, y, ends := in[p], in[p+1], in[p+2], in[p+3], in[p+4:]
		t := f.Trace(in[:p], x, network.Options{})
		v := valuesOf(t, false)
		a, b := ends[:v.layers], ends[v.layers:]
		last := v.layers - 1
		var places [3][]Place
		for l, h := range v.nodes {
			places[Layers] = append(places[Layers], Place{A: a[l], B: b[l], F: h, Alpha: alpha, Beta: beta, grams: g})
		}
		if q.needs(recursionColumns) || q.needs(originColumns) {
			recursion(f, in[:p], x, v, places[Layers], q.needs(originColumns))
		}
		logits, mixed := v.nodes[last], blend(alpha, a[last], beta, b[last])
		columns := slices.Concat(predicted(logits, y), predicted(mixed, y), []*graph.Node{apart(logits, mixed)}, q.build(EveryAlpha, places))
		return []*graph.Node{table(columns...)}
	}}
}

// grid is the graph function α, 1−α, then z of A and z of B for every nonlinearity → the columns of the grid.
func (q *formulas) grid() pass.Function {
	return pass.Function{Key: "measure: grid" + q.key, Build: func(f *network.Model, in []*graph.Node) []*graph.Node {
		acts := len(f.About.Acts)
		alpha, beta, a, b := in[0], in[1], in[2:2+acts], in[2+acts:]
		var places [3][]Place
		for i, act := range f.About.Acts {
			places[Nonlinearities] = append(places[Nonlinearities], Place{A: a[i], B: b[i], Act: act, Alpha: alpha, Beta: beta, grams: grams{folded(f)}})
		}
		return []*graph.Node{table(q.build(Grid, places)...)}
	}}
}

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
func score2(t *network.Trace, y *graph.Node) []*graph.Node { return scoreOf(t.Output.Node(), y) }

func scoreOf(logits, y *graph.Node) []*graph.Node {
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
