package match

import (
	"fmt"
	"math"

	"layerwise/llfc/network"
)

// term is what one tensor says about one group: its products ⟨A's row u, B's row v⟩ in the units of B as it came, where
// a row is all that belongs to a unit. The columns of B's rows move with the groups on the tensor's other axes; when
// some of them moved, only their products change. Nothing of the tensors is copied.
type term struct {
	a, b   []float32
	others []mover // what permutes the columns
	norm   float64 // ‖A‖·‖B‖

	dims  []int
	axis  int
	rows  [][]int // for each position of the units, where every unit begins
	at    []int32 // the columns in A: what is to be added to the beginning of a row
	count []int32 // the columns of B that the group's total has; nil: none yet
}

// mover is a group that permutes another axis of a term's tensor.
type mover struct {
	group int
	place network.Place
}

func newTerm(place network.Place, a, b network.Tensor) (*term, error) {
	if len(a.Data) > math.MaxInt32 {
		return nil, fmt.Errorf("tensor %q has %d elements, more than %d", a.Name, len(a.Data), math.MaxInt32)
	}
	t := &term{a: a.Data, b: b.Data, dims: a.Dims, axis: place.Axis}
	_, _, inner := split(t.dims, t.axis)
	for j := range place.At[0] {
		row := make([]int, len(place.At))
		for u, at := range place.At {
			row[u] = at[j] * inner
		}
		t.rows = append(t.rows, row)
	}
	t.at = t.columns(nil)
	return t, nil
}

// norm returns ‖x‖ in float64.
func norm(x []float32) float64 {
	var s [4]float64 // four sums do not wait for each other
	for ; len(x) >= 4; x = x[4:] {
		for i := range s {
			s[i] += float64(x[i]) * float64(x[i])
		}
	}
	for _, v := range x {
		s[0] += float64(v) * float64(v)
	}
	return math.Sqrt((s[0] + s[1]) + (s[2] + s[3]))
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

// columns returns, for the groups' present permutations, where in B each column comes from; nil groups move nothing.
func (t *term) columns(groups []*group) []int32 {
	axes := positions(t.dims)
	if groups != nil {
		for _, o := range t.others {
			move(o.place, groups[o.group].p, axes)
		}
	}
	_, size, inner := split(t.dims, t.axis)
	before, after := flat(t.dims[:t.axis], axes[:t.axis]), flat(t.dims[t.axis+1:], axes[t.axis+1:])
	out := make([]int32, 0, len(before)*len(after))
	for _, o := range before {
		for _, i := range after {
			out = append(out, int32(o*size*inner+i))
		}
	}
	return out
}

// positions returns for each axis the position that each position comes from before anything moves: itself.
func positions(dims []int) [][]int {
	axes := make([][]int, len(dims))
	for axis, d := range dims {
		axes[axis] = make([]int, d)
		for i := range d {
			axes[axis][i] = i
		}
	}
	return axes
}

// move has the positions of a group's units come from where p says.
func move(place network.Place, p []int, axes [][]int) {
	for u, at := range place.At {
		for j, i := range at {
			axes[place.Axis][i] = place.At[p[u]][j]
		}
	}
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

// news returns what is to be added to the group's total so that it counts the columns where they stand now, and how many columns that is.
func (t *term) news(groups []*group) (out []strip, columns int) {
	if t.count != nil && len(t.others) == 0 {
		return nil, 0
	}
	s := strip{a: t.a, b: t.b, at: t.at, from: t.columns(groups)}
	now := s.from
	if t.count != nil {
		s.at, s.from = nil, nil
		for c, f := range now {
			if f != t.count[c] {
				s.at, s.from, s.was = append(s.at, t.at[c]), append(s.from, f), append(s.was, t.count[c])
			}
		}
	}
	t.count = now
	if len(s.at) == 0 {
		return nil, 0
	}
	for _, row := range t.rows {
		s.row = row
		out = append(out, s)
	}
	return out, len(out) * len(s.at)
}

// inner returns one product in float64, for the columns that are counted.
func (t *term) inner(u, v int) float64 {
	s := 0.0
	for _, row := range t.rows {
		a, b := t.a[row[u]:], t.b[row[v]:]
		for c, f := range t.count {
			s += float64(a[t.at[c]]) * float64(b[f])
		}
	}
	return s
}

// inPlace returns ⟨A, π(B)⟩ of one tensor in float64, in the order of its elements, without moving anything.
func inPlace(dims []int, a, b []float32, axes [][]int) float64 {
	s, last := 0.0, len(dims)-1
	if last < 0 {
		return dot(a, b)
	}
	width := dims[last]
	for o, from := range flat(dims[:last], axes[:last]) {
		x, y := a[o*width:(o+1)*width], b[from*width:(from+1)*width]
		for i, j := range axes[last] {
			s += float64(x[i]) * float64(y[j])
		}
	}
	return s
}
