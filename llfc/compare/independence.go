package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"layerwise/llfc/network"
)

// Test is a test of the hypothesis that two networks were trained independently (Zhu et al., Independence Tests for Language Models, ICML
// 2025, PERMTEST). Training treats hidden units alike, so a permutation of A's units is as likely to come out as A itself; if B was
// trained without knowledge of A, the similarity of A to B is then one draw among those of A's permutations to B. The statistic is the sum,
// over the weights on both sides of the chosen groups, of the inner product of A and B as the units stand, each divided by the norms.
//
// P is exact: under the hypothesis P(P ≤ p) = p for every p that is a multiple of 1/(Draws+1), whatever the statistic, the number of units or the
// training. Groups are chosen so that no tensor has two of them. In a chain that was only guessed from shapes, groups of the same size are moved by the
// same permutation, so that the test stays exact where they are in truth one group, joined by residual connections.
type Test struct {
	P         float64 // of independence; at least 1/(Draws+1)
	Z         float64 // the statistic in standard deviations of its null distribution, above the mean
	Statistic float64
	Draws     int
	Units     int // looked at, of all groups
}

// What is looked at of one group: more tells nothing new.
const (
	mostUnits   = 128
	mostColumns = 256 // numbers of each unit in a tensor
)

// test is a test under way.
type test struct {
	groups []*tested
	byName map[string][]look
	tied   bool
}

// tested is one group with the products of its units.
type tested struct {
	network.Group
	tensors []string
	units   []int

	mu  sync.Mutex
	sum map[string][]float32 // tensor → [units, units]: ⟨A's unit u, B's unit v⟩ / (‖A‖ ‖B‖); joined in the order of tensors
}

// look says where the units of a group lie in a tensor.
type look struct {
	of    *tested
	place network.Place
	shape []int
	cols  []int // numbers of a unit that are looked at, of all that it has
	each  int   // numbers of a unit
}

func newTest(s network.Symmetry, partners []partner, tied bool, seed int64) *test {
	t := &test{byName: map[string][]look{}, tied: tied}
	shapes := map[string][]int{}
	for _, p := range partners {
		if p.a.Float && p.b.Float {
			shapes[p.a.Name] = p.a.Shape
		}
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 0x6c6f6f6b)) // "look"
	bySize := map[int][]int{}                              // units of groups that are tied
	for _, g := range s.Groups {
		var places []network.Place
		free := g.Size >= fewest
		for _, p := range g.Places {
			shape, ok := shapes[p.Tensor]
			if !ok || len(shape) < 2 { // vectors of training's own are not drawn alike: biases, statistics
				continue
			}
			places = append(places, p)
			if _, taken := t.byName[p.Tensor]; taken {
				free = false
			}
		}
		if !free || len(places) == 0 || repeats(places) {
			continue
		}
		units := bySize[g.Size]
		if units == nil || !tied {
			units = rng.Perm(g.Size)[:min(g.Size, mostUnits)]
			slices.Sort(units)
			bySize[g.Size] = units
		}
		of := &tested{Group: g, units: units, sum: map[string][]float32{}}
		for _, p := range places {
			shape := shapes[p.Tensor]
			each := len(p.At[0])
			for axis, d := range shape {
				if axis != p.Axis {
					each *= d
				}
			}
			cols := rng.Perm(each)[:min(each, mostColumns)]
			slices.Sort(cols)
			of.tensors = append(of.tensors, p.Tensor)
			t.byName[p.Tensor] = append(t.byName[p.Tensor], look{of, p, shape, cols, each})
		}
		t.groups = append(t.groups, of)
	}
	return t
}

// repeats reports whether a group lies on two axes of one tensor.
func repeats(places []network.Place) bool {
	seen := map[string]bool{}
	for _, p := range places {
		if seen[p.Tensor] {
			return true
		}
		seen[p.Tensor] = true
	}
	return false
}

func (t *test) about() (out []string) {
	for _, g := range t.groups {
		out = append(out, fmt.Sprintf("%d units of %s", g.Size, strings.Join(g.tensors, ", ")))
	}
	return out
}

// add takes the numbers of a tensor. It is called by several goroutines at once.
func (t *test) add(name string, a, b []float32) {
	for _, l := range t.byName[name] {
		n, k := len(l.of.units), len(l.cols)
		x, y := l.gather(a), l.gather(b)
		norm := math.Sqrt(square(x) * square(y))
		if norm == 0 {
			continue
		}
		c := make([]float32, n*n)
		blas32.Gemm(blas.NoTrans, blas.Trans, float32(1/norm), blas32.General{Rows: n, Cols: k, Stride: k, Data: x},
			blas32.General{Rows: n, Cols: k, Stride: k, Data: y}, 0, blas32.General{Rows: n, Cols: n, Stride: n, Data: c})
		l.of.mu.Lock()
		l.of.sum[name] = c
		l.of.mu.Unlock()
	}
}

func square(x []float32) (s float64) {
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// gather returns the numbers looked at, [units, cols].
func (l look) gather(data []float32) []float32 {
	outer, inner := 1, 1
	for _, d := range l.shape[:l.place.Axis] {
		outer *= d
	}
	for _, d := range l.shape[l.place.Axis+1:] {
		inner *= d
	}
	size := l.shape[l.place.Axis]
	out := make([]float32, 0, len(l.of.units)*len(l.cols))
	for _, u := range l.of.units {
		at := l.place.At[u]
		for _, c := range l.cols { // c counts neighbours, then what lies before the axis, then what lies after it
			o, i := c%(outer*inner)/inner, c%inner
			out = append(out, data[(o*size+at[c/(outer*inner)])*inner+i])
		}
	}
	return out
}

// result draws the null distribution.
func (t *test) result(draws int, seed int64) *Test {
	type part struct {
		gains []float64 // [n, n], of all groups that one permutation moves
		n     int
	}
	var parts []part
	bySize := map[int]int{}
	units := 0
	for _, g := range t.groups {
		if len(g.sum) == 0 {
			continue
		}
		n := len(g.units)
		at, ok := bySize[g.Size]
		if !ok || !t.tied {
			at = len(parts)
			bySize[g.Size] = at
			parts = append(parts, part{make([]float64, n*n), n})
		}
		for _, name := range g.tensors {
			for i, v := range g.sum[name] {
				parts[at].gains[i] += float64(v)
			}
		}
		units += n
	}
	if len(parts) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 0x64726177)) // "draw"
	perms := make([][]int, len(parts))
	for i, p := range parts {
		perms[i] = make([]int, p.n)
		for u := range p.n {
			perms[i][u] = u
		}
	}
	statistic := func() (s float64) {
		for i, p := range parts {
			for v, u := range perms[i] {
				s += p.gains[u*p.n+v]
			}
		}
		return s
	}
	out := &Test{Draws: draws, Statistic: statistic(), Units: units}
	above, ties := 0, 0
	var sum, squares float64
	for range draws {
		for _, p := range perms {
			rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		}
		s := statistic()
		sum += s - out.Statistic
		squares += (s - out.Statistic) * (s - out.Statistic)
		switch {
		case s > out.Statistic:
			above++
		case s == out.Statistic:
			ties++
		}
	}
	mean := sum / float64(draws)
	if sd := math.Sqrt(max(0, squares/float64(draws)-mean*mean)); sd > 0 {
		out.Z = -mean / sd
	}
	out.P = float64(1+above+rng.IntN(ties+1)) / float64(draws+1) // ties are broken by chance, as exactness asks
	return out
}
