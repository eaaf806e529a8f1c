package match

import (
	"fmt"
	"math"
	"slices"

	"layerwise/internal/finite"
	"layerwise/internal/memory"
	"layerwise/llfc/network"
)

// Merged is a network whose similar units have become one another's copies.
type Merged struct {
	Theta    network.Params     // of the same network
	Clusters map[string][][]int // of each group: the units that are copies of one another, ascending, first units first; a unit like no other is a cluster too
}

// Units returns how many units a group would need: copies can be one unit with the sum of what goes out of them.
func (m Merged) Units(group string) int { return len(m.Clusters[group]) }

// MergeSimilar merges units of one group whose incoming weights are similar (Iterative Feature Merging: Chen, Zhou and Yan 2024, arXiv
// 2310.06756): group after group from the input on, the two nearest clusters become one until none are nearer than the threshold. The
// distance of two is ‖w_i − w_j‖ over the root mean square of ‖w_i‖ and ‖w_j‖: 0 for copies, √2 for orthogonal weights. w is
// all that makes a unit, weights, bias and scales of a norm, the mean over a cluster; running statistics have no say. A cluster's units get
// the means of all that comes in and of all that goes out, which together is the sum: the function of copies does not change, and the
// network keeps its size. Only incoming weights that were already merged are compared, so that what was one below is one above.
//
// Distances are good to about 1e-3, as sums of float32 products are; exact copies have 0.
func MergeSimilar(s network.Symmetry, theta network.Params, threshold float64) (Merged, error) {
	if !(threshold >= 0) || math.IsInf(threshold, 0) {
		return Merged{}, fmt.Errorf("match: threshold %g, expected a distance from 0 on", threshold)
	}
	out := Merged{Theta: theta.Clone(), Clusters: map[string][][]int{}}
	var p product
	for _, g := range s.Groups {
		if err := memory.Room(fmt.Sprintf("the distances of %d units", g.Size), 8*float64(g.Size)*float64(g.Size), "merge narrower networks"); err != nil {
			return Merged{}, fmt.Errorf("match: %w", err)
		}
		var strips []strip
		for _, place := range g.Places {
			t, _ := out.Theta.Get(place.Tensor)
			if err := fits(place, t); err != nil {
				return Merged{}, fmt.Errorf("match: group %q: %w", g.Name, err)
			}
			if place.Axis < len(t.Dims)-1 || slices.Contains(s.Buffers, place.Tensor) { // the last axis is the one whose units a tensor makes
				continue
			}
			rows, err := newTerm(place, t, t)
			if err != nil {
				return Merged{}, fmt.Errorf("match: %w", err)
			}
			in, _ := rows.news(nil)
			strips = append(strips, in...)
		}
		gram := make([]float64, g.Size*g.Size)
		p.add(strips, gram, g.Size)
		for i, v := range gram {
			if !finite.Is(v) {
				return Merged{}, fmt.Errorf("match: group %q: the product of the weights of units %d and %d is %g", g.Name, i/g.Size, i%g.Size, v)
			}
		}
		clusters := nearest(gram, g.Size, threshold)
		out.Clusters[g.Name] = clusters
		for _, place := range g.Places {
			t, _ := out.Theta.Get(place.Tensor)
			for _, units := range clusters {
				if len(units) > 1 {
					average(t, place, units)
				}
			}
		}
	}
	return out, nil
}

// nearest joins, of n vectors with the inner products gram, the two nearest clusters by their means until they are further apart than the
// threshold, and returns the clusters. It overwrites gram: that of the means is kept in it.
func nearest(gram []float64, n int, threshold float64) [][]int {
	clusters := make([][]int, n) // nil once it is part of an earlier one
	for i := range clusters {
		clusters[i] = []int{i}
	}
	squared := func(i, j int) float64 {
		x, y := gram[i*n+i], gram[j*n+j]
		if x+y == 0 {
			return 0 // two of nothing are alike
		}
		return max(0, 2*(x+y-gram[i*n+j]-gram[j*n+i])/(x+y))
	}
	next, distance := make([]int, n), make([]float64, n) // of each cluster, the nearest later one
	look := func(i int) {
		next[i], distance[i] = -1, math.Inf(1)
		for j := i + 1; j < n; j++ {
			if clusters[j] != nil {
				if d := squared(i, j); d < distance[i] {
					next[i], distance[i] = j, d
				}
			}
		}
	}
	for i := range n {
		look(i)
	}
	for {
		i := -1
		for k := range n {
			if clusters[k] != nil && next[k] >= 0 && (i < 0 || distance[k] < distance[i]) {
				i = k
			}
		}
		if i < 0 || distance[i] > threshold*threshold+1e-12 { // the rounding of means of copies
			break
		}
		j := next[i]
		a, b := float64(len(clusters[i])), float64(len(clusters[j]))
		own := (a*a*gram[i*n+i] + a*b*(gram[i*n+j]+gram[j*n+i]) + b*b*gram[j*n+j]) / ((a + b) * (a + b))
		for k := range n {
			gram[i*n+k] = (a*gram[i*n+k] + b*gram[j*n+k]) / (a + b)
			gram[k*n+i] = (a*gram[k*n+i] + b*gram[k*n+j]) / (a + b)
		}
		gram[i*n+i] = own
		clusters[i], clusters[j] = append(clusters[i], clusters[j]...), nil
		look(i)
		for k := range j {
			switch {
			case k == i || clusters[k] == nil:
			case next[k] == i || next[k] == j:
				look(k)
			case k < i:
				if d := squared(k, i); d < distance[k] || d == distance[k] && i < next[k] {
					next[k], distance[k] = i, d
				}
			}
		}
	}
	var out [][]int
	for _, units := range clusters {
		if units != nil {
			slices.Sort(units)
			out = append(out, units)
		}
	}
	return out
}

// average gives units of a tensor their mean.
func average(t network.Tensor, place network.Place, units []int) {
	outer, size, inner := split(t.Dims, place.Axis)
	for j := range place.At[0] {
		for o := range outer {
			for i := range inner {
				sum := 0.0
				for _, u := range units {
					sum += float64(t.Data[(o*size+place.At[u][j])*inner+i])
				}
				for _, u := range units {
					t.Data[(o*size+place.At[u][j])*inner+i] = float32(sum / float64(len(units)))
				}
			}
		}
	}
}
