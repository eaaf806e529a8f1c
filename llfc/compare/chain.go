package compare

import (
	"strings"
	"unicode"

	"layerwise/llfc/network"
)

// chain is what the shapes of consecutive weights say of hidden units: where the outputs of one are as many as the inputs of the next, they
// are taken for the same units. It may be wrong where a network is no chain; the test of independence allows for that, and a permutation
// is only believed when the weights are equal after it.
type chain struct {
	layout   layout
	symmetry network.Symmetry
}

// layout says which axes of a weight are its outputs and inputs.
type layout struct{ matrixOut, matrixIn, kernelOut, kernelIn int } // of tensors of two axes and of more, from the end where negative

var layouts = []layout{
	{0, 1, 0, 1},     // PyTorch: [out, in], OIHW
	{-1, -2, -1, -2}, // TensorFlow, JAX and this program: [in, out], HWIO
	{1, 0, 0, 1},     // ONNX, where matrices are of MatMul: [in, out], OIHW
}

func (l layout) axes(shape []int) (out, in int) {
	out, in = l.kernelOut, l.kernelIn
	if len(shape) == 2 {
		out, in = l.matrixOut, l.matrixIn
	}
	if out < 0 {
		out, in = out+len(shape), in+len(shape)
	}
	return out, in
}

// matrix returns the sizes of a tensor as a matrix, row-major as it lies in memory, with the outputs on one side.
func (c chain) matrix(shape []int) (rows, columns int) {
	if len(shape) < 2 {
		return 1, 1
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n == 0 {
		return 0, 0
	}
	if out, _ := c.layout.axes(shape); out == len(shape)-1 {
		return n / shape[out], shape[out]
	}
	return shape[0], n / shape[0]
}

// fewest is the least number of units of a group.
const fewest = 2

// findChain takes the layout under which the most weights are linked.
func findChain(partners []partner) chain {
	best, most := chain{layout: layouts[0]}, 0
	for _, l := range layouts {
		if s := l.link(partners); len(s.Groups) > most {
			best, most = chain{l, s}, len(s.Groups)
		}
	}
	return best
}

// link finds the groups of hidden units.
func (l layout) link(partners []partner) network.Symmetry {
	var s network.Symmetry
	var weights []Tensor // of two axes or more
	of := map[string]int{}
	for _, p := range partners {
		if t := p.a; p.a.Float && p.b.Float && len(t.Shape) >= 2 && t.count() > 0 && !special(t.Name) {
			of[t.Name] = len(weights)
			weights = append(weights, t)
		}
	}
	groupAfter := make([]int, len(weights)) // the group of a weight's outputs, −1 if there is none
	open := network.Group{}                 // the units that the next weight may take in
	begun := -1
	var members []int
	for i, w := range weights {
		groupAfter[i] = -1
		out, in := l.axes(w.Shape)
		n := w.Shape[out]
		if begun >= 0 && len(w.Shape) > 2 && w.Shape[in] == 1 && n == open.Size { // depthwise: units stay
			open.Places = append(open.Places, network.Place{Tensor: w.Name, Axis: out, At: positions(n, 1, true)})
			members = append(members, i)
			continue
		}
		if begun >= 0 {
			before := len(weights[begun].Shape)
			switch k := w.Shape[in] / open.Size; {
			case k < 1 || w.Shape[in] != k*open.Size, k > 1 && (before < 3 || len(w.Shape) != 2): // only images are flattened
			default:
				open.Places = append(open.Places, network.Place{Tensor: w.Name, Axis: in, At: positions(open.Size, k, l.kernelOut == 0)})
				for _, m := range append(members, begun) {
					groupAfter[m] = len(s.Groups)
				}
				s.Groups = append(s.Groups, open)
			}
		}
		begun, members = -1, nil
		if n >= fewest {
			open = network.Group{Name: w.Name, Size: n, Places: []network.Place{{Tensor: w.Name, Axis: out, At: positions(n, 1, true)}}}
			begun = i
		}
	}
	l.vectors(&s, partners, weights, groupAfter)
	return s
}

// positions are those of n units with k neighbours each, unit by unit or, where channels come last, position by position.
func positions(n, k int, unitFirst bool) [][]int {
	at := make([][]int, n)
	for u := range n {
		for j := range k {
			if unitFirst {
				at[u] = append(at[u], u*k+j)
			} else {
				at[u] = append(at[u], j*n+u)
			}
		}
	}
	return at
}

// vectors adds biases and the parameters of norms to the groups of the weights that they belong to: the weight of the same module, the weight whose module
// differs in its letters only (conv1, bn1), else the last one before with as many outputs.
func (l layout) vectors(s *network.Symmetry, partners []partner, weights []Tensor, groupAfter []int) {
	last := -1
	next := 0
	for _, p := range partners {
		t := p.a
		if next < len(weights) && t.Name == weights[next].Name {
			last = next
			next++
			continue
		}
		if !p.a.Float || !p.b.Float || len(t.Shape) != 1 {
			continue
		}
		owner := -1
		fits := func(i int) bool {
			out, _ := l.axes(weights[i].Shape)
			return weights[i].Shape[out] == t.Shape[0]
		}
		for i, w := range weights {
			if module(w.Name) == module(t.Name) && fits(i) {
				owner = i
			}
		}
		for i, w := range weights {
			if owner < 0 && twins(module(w.Name), module(t.Name)) && fits(i) {
				owner = i
			}
		}
		if owner < 0 && last >= 0 && fits(last) {
			owner = last
		}
		if owner < 0 || groupAfter[owner] < 0 {
			continue
		}
		g := &s.Groups[groupAfter[owner]]
		g.Places = append(g.Places, network.Place{Tensor: t.Name, Axis: 0, At: positions(g.Size, 1, true)})
	}
}

func module(name string) string {
	return name[:max(0, strings.LastIndexAny(name, "./"))]
}

// twins reports whether two modules differ in the letters of their last part only, and have a number there.
func twins(a, b string) bool {
	cut := func(s string) (parent, digits string) {
		parent = module(s)
		return parent, strings.TrimLeftFunc(s[len(parent):], func(r rune) bool { return !unicode.IsDigit(r) })
	}
	pa, da := cut(a)
	pb, db := cut(b)
	return pa == pb && da == db && da != ""
}

// special reports whether the units of a tensor are bound to each other: heads of attention, gates of recurrent layers, words.
func special(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"attn", "attention", "q_proj", "k_proj", "v_proj", "o_proj", "qkv", "in_proj", "embed", "lstm", "gru", "rnn", "_hh", "_ih"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
