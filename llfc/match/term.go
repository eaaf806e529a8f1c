package match

import (
	"slices"

	"layerwise/llfc/network"
)

// term is what one tensor (or several that nothing else moves) says about one group: its products ⟨A's row u, B's row
// v⟩ in the units of B as it came, where a row is all that belongs to a unit. The columns of B's rows move with the
// groups on the tensor's other axes; when few of them moved, only their products are computed anew.
type term struct {
	n, k   int
	a, b   []float32 // [n, k]
	others []mover   // what permutes the columns

	dims     []int
	axis     int
	at       [][]int
	from     []int     // column of b that stands at each column; nil before the first product
	product  []float32 // [n, n], for from
	scratchA []float32
	scratchB []float32
}

// mover is a group that permutes another axis of a term's tensor.
type mover struct {
	group int
	place network.Place
}

// gather returns the rows [n, k]: for each unit its positions one after the other, and for each of those the other
// axes in their order.
func (t *term) gather(data []float32) []float32 {
	outer, size, inner := split(t.dims, t.axis)
	out := make([]float32, 0, t.n*len(t.at[0])*outer*inner)
	for _, at := range t.at {
		for _, i := range at {
			for o := range outer {
				start := (o*size + i) * inner
				out = append(out, data[start:start+inner]...)
			}
		}
	}
	return out
}

// split returns the number of elements before, along and after an axis.
func split(dims []int, axis int) (outer, size, inner int) {
	outer, inner = 1, 1
	for _, d := range dims[:axis] {
		outer *= d
	}
	for _, d := range dims[axis+1:] {
		inner *= d
	}
	return outer, dims[axis], inner
}

// join appends the columns of u.
func (t *term) join(u *term) {
	a, b := make([]float32, 0, t.n*(t.k+u.k)), make([]float32, 0, t.n*(t.k+u.k))
	for i := range t.n {
		a = append(append(a, t.a[i*t.k:(i+1)*t.k]...), u.a[i*u.k:(i+1)*u.k]...)
		b = append(append(b, t.b[i*t.k:(i+1)*t.k]...), u.b[i*u.k:(i+1)*u.k]...)
	}
	t.a, t.b, t.k = a, b, t.k+u.k
}

// columns returns, for the groups' present permutations, the column of b that stands at each column.
func (t *term) columns(groups []*group) []int {
	axes := make([][]int, len(t.dims)) // position along each axis → where it comes from
	for axis, d := range t.dims {
		axes[axis] = make([]int, d)
		for i := range d {
			axes[axis][i] = i
		}
	}
	for _, o := range t.others {
		p := groups[o.group].p
		for u, at := range o.place.At {
			for j, i := range at {
				axes[o.place.Axis][i] = o.place.At[p[u]][j]
			}
		}
	}
	before, after := flat(t.dims[:t.axis], axes[:t.axis]), flat(t.dims[t.axis+1:], axes[t.axis+1:])
	out := make([]int, 0, t.k)
	for j := range t.at[0] {
		for _, o := range before {
			for _, i := range after {
				out = append(out, (j*len(before)+o)*len(after)+i)
			}
		}
	}
	return out
}

// flat returns, for every position in an array of those dims, the position it comes from.
func flat(dims []int, from [][]int) []int {
	out := []int{0}
	for axis, d := range dims {
		next := make([]int, 0, len(out)*d)
		for _, o := range out {
			for _, i := range from[axis] {
				next = append(next, o*d+i)
			}
		}
		out = next
	}
	return out
}

// products returns the matrix [n, n] of ⟨A's row u, B's row v⟩ for the groups' present permutations.
func (t *term) products(groups []*group) []float32 {
	var from []int
	switch {
	case len(t.others) > 0:
		from = t.columns(groups)
	case t.from != nil:
		return t.product // nothing moves its columns
	default:
		from = make([]int, t.k)
		for c := range from {
			from[c] = c
		}
	}
	var moved []int
	if t.from != nil {
		for c, f := range from {
			if f != t.from[c] {
				moved = append(moved, c)
			}
		}
	}
	if t.from == nil || 2*len(moved) > t.k { // anew; this also ends the rounding of many small changes
		t.product = slices.Grow(t.product[:0], t.n*t.n)[:t.n*t.n]
		clear(t.product)
		t.scratchB = slices.Grow(t.scratchB[:0], t.n*t.k)[:t.n*t.k]
		parallel(t.n, func(v int) {
			row, x := t.b[v*t.k:(v+1)*t.k], t.scratchB[v*t.k:(v+1)*t.k]
			for c, f := range from {
				x[c] = row[f]
			}
		})
		addProduct(t.a, t.scratchB, t.product, t.n, t.k)
	} else if len(moved) > 0 {
		m := (len(moved) + 15) &^ 15 // whole vectors of the widest kind; the rest is zeros
		t.scratchA = slices.Grow(t.scratchA[:0], t.n*m)[:t.n*m]
		t.scratchB = slices.Grow(t.scratchB[:0], t.n*m)[:t.n*m]
		parallel(t.n, func(u int) {
			rowA, rowB := t.a[u*t.k:(u+1)*t.k], t.b[u*t.k:(u+1)*t.k]
			x, y := t.scratchA[u*m:(u+1)*m], t.scratchB[u*m:(u+1)*m]
			for i, c := range moved {
				x[i], y[i] = rowA[c], rowB[from[c]]-rowB[t.from[c]]
			}
			clear(x[len(moved):])
			clear(y[len(moved):])
		})
		addProduct(t.scratchA, t.scratchB, t.product, t.n, m)
	}
	t.from = from
	return t.product
}

// inner returns one product in float64, for the columns of the last call of products.
func (t *term) inner(u, v int) float64 {
	a, b := t.a[u*t.k:(u+1)*t.k], t.b[v*t.k:(v+1)*t.k]
	s := 0.0
	for c, f := range t.from {
		s += float64(a[c]) * float64(b[f])
	}
	return s
}
