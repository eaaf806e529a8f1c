package match

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"layerwise/llfc/network"
)

// corner is a permutation of every group, in the order of the symmetry: a corner of the set of doubly stochastic matrices.
type corner [][]int

// cornerOf is a permutation as a corner.
func cornerOf(s network.Symmetry, p network.Permutation) (out corner) {
	for _, g := range s.Groups {
		out = append(out, p[g.Name])
	}
	return out
}

func (c corner) permutation(s network.Symmetry) network.Permutation {
	out := network.Permutation{}
	for i, g := range s.Groups {
		out[g.Name] = slices.Clone(c[i])
	}
	return out
}

// mixture is a weighted sum of corners and of the centre, where every entry is 1/n. With weights of sum 1, none below 0, it is a doubly
// stochastic matrix for every group, and never needs n² numbers.
type mixture struct {
	corners []corner
	weights []float64
	centre  float64
}

// towards returns (1 − share) P + share S.
func (m mixture) towards(to corner, share float64) mixture {
	if share == 1 {
		return mixture{[]corner{to}, []float64{1}, 0}
	}
	out := mixture{slices.Clone(m.corners), nil, (1 - share) * m.centre}
	for _, w := range m.weights {
		out.weights = append(out.weights, (1-share)*w)
	}
	same := func(c corner) bool { return slices.EqualFunc(c, to, slices.Equal[[]int]) }
	if i := slices.IndexFunc(out.corners, same); i >= 0 {
		out.weights[i] += share
		return out
	}
	out.corners, out.weights = append(out.corners, to), append(out.weights, share)
	return out
}

// less is S − P, the direction of a step.
func (m mixture) less(to corner) mixture {
	out := mixture{[]corner{to}, []float64{1}, -m.centre}
	for i, c := range m.corners {
		out.corners, out.weights = append(out.corners, c), append(out.weights, -m.weights[i])
	}
	return out
}

// apply mixes the units of a group along one axis of t: a new tensor, whose other positions stay.
func (m mixture) apply(group int, place network.Place, t network.Tensor) network.Tensor {
	rows := rowsOf(place, t)
	n := len(place.At)
	k := len(rows) / n
	out := make([]float32, len(rows))
	mean := make([]float64, k)
	if m.centre != 0 {
		for u := range n {
			for c, v := range rows[u*k : (u+1)*k] {
				mean[c] += float64(v)
			}
		}
		for c := range mean {
			mean[c] *= m.centre / float64(n)
		}
	}
	parallel(n, func(u int) {
		row := out[u*k : (u+1)*k]
		for c, v := range mean {
			row[c] = float32(v)
		}
		for i, corner := range m.corners {
			w, from := float32(m.weights[i]), corner[group][u]
			for c, v := range rows[from*k : (from+1)*k] {
				row[c] += w * v
			}
		}
	})
	t.Data = slices.Clone(t.Data)
	setRows(place, t, out)
	return t
}

// shares are the matrices themselves, [n, n] for each group, but for the centre, whose entries are all alike.
func (m mixture) shares(s network.Symmetry) [][]float64 {
	out := make([][]float64, len(s.Groups))
	for i, g := range s.Groups {
		out[i] = make([]float64, g.Size*g.Size)
		for j, c := range m.corners {
			for u, v := range c[i] {
				out[i][u*g.Size+v] += m.weights[j]
			}
		}
	}
	return out
}

// along is Σ ⟨gains, P⟩ over the groups.
func (m mixture) along(gains [][]float64) (sum float64) {
	for i, g := range gains {
		for j, c := range m.corners {
			part := 0.0
			for u, v := range c[i] {
				part += g[u*len(c[i])+v]
			}
			sum += m.weights[j] * part
		}
		if m.centre != 0 {
			part := 0.0
			for _, v := range g {
				part += v
			}
			sum += m.centre * part / math.Sqrt(float64(len(g)))
		}
	}
	return sum
}

// voting is the tensors that vote in a matching by weights, with the places of each.
type voting struct {
	symmetry network.Symmetry
	tensors  []string
	places   map[string][]groupPlace
}

// groupPlace is a place of the group with that index.
type groupPlace struct {
	group int
	network.Place
}

// newVoting refuses what the joint methods cannot search: they step along lines on which π(θ) is quadratic, as it is where no tensor is moved along
// more than two axes.
func newVoting(s network.Symmetry, thetas ...network.Params) (*voting, error) {
	v := &voting{s, nil, map[string][]groupPlace{}}
	for _, name := range s.Tensors() {
		if !slices.Contains(s.Buffers, name) {
			v.tensors = append(v.tensors, name)
		}
	}
	for i, g := range s.Groups {
		for _, place := range g.Places {
			if slices.Contains(v.tensors, place.Tensor) {
				v.places[place.Tensor] = append(v.places[place.Tensor], groupPlace{i, place})
			}
		}
	}
	for _, name := range v.tensors {
		if n := len(v.axes(name)); n > 2 {
			return nil, fmt.Errorf("tensor %q moves along %d axes, and no more than two can be searched jointly; use weight matching", name, n)
		}
	}
	for i, theta := range thetas {
		if err := thetas[0].SameLayout(theta); err != nil {
			return nil, fmt.Errorf("networks 1 and %d differ: %w", i+1, err)
		}
	}
	_, err := s.Apply(s.Identity(), thetas[0]) // an error where the symmetry does not fit the weights
	return v, err
}

// axes lists the axes along which a tensor moves.
func (v *voting) axes(tensor string) (out []int) {
	for _, p := range v.places[tensor] {
		if !slices.Contains(out, p.Axis) {
			out = append(out, p.Axis)
		}
	}
	return out
}

// mixed is a tensor with a mixture applied along all of its axes, but one; −1 is none.
func (v *voting) mixed(m mixture, t network.Tensor, but int) network.Tensor {
	for _, p := range v.places[t.Name] {
		if p.Axis != but {
			t = m.apply(p.group, p.Place, t)
		}
	}
	return t
}

// moved is θ's voting tensors at a corner.
func (v *voting) moved(c corner, theta network.Params) (map[string]network.Tensor, error) {
	out, err := v.symmetry.Apply(c.permutation(v.symmetry), theta)
	return out.ByName(), err
}

// inner is Σ ⟨x, y⟩ over the tensors that vote, summed in float64.
func (v *voting) inner(x, y map[string]network.Tensor) float64 {
	parts := make([]float64, len(v.tensors))
	parallel(len(parts), func(i int) { parts[i] = dot(x[v.tensors[i]].Data, y[v.tensors[i]].Data) })
	sum := 0.0
	for _, p := range parts {
		sum += p
	}
	return sum
}

// rowsOf gathers what belongs to each unit of a place: [units, k], positions of a unit one after the other, for each the other axes in order.
func rowsOf(place network.Place, t network.Tensor) []float32 {
	out := make([]float32, 0, len(t.Data))
	outer, size, inner := split(t.Dims, place.Axis)
	for _, at := range place.At {
		for _, i := range at {
			if inner == 1 { // a column
				for o := range outer {
					out = append(out, t.Data[o*size+i])
				}
				continue
			}
			for o := range outer {
				start := (o*size + i) * inner
				out = append(out, t.Data[start:start+inner]...)
			}
		}
	}
	return out
}

// setRows is the way back: it writes the rows of all units to their places in t.
func setRows(place network.Place, t network.Tensor, rows []float32) {
	outer, size, inner := split(t.Dims, place.Axis)
	for _, at := range place.At {
		for _, i := range at {
			if inner == 1 {
				for o := range outer {
					t.Data[o*size+i] = rows[o]
				}
				rows = rows[outer:]
				continue
			}
			for o := range outer {
				start := (o*size + i) * inner
				copy(t.Data[start:start+inner], rows[:inner])
				rows = rows[inner:]
			}
		}
	}
}

// interrupted says whether an error is the end of a context: what was found by then counts.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
