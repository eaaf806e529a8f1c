package merge

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// repair gives every unit of the sites the deviation, and with shift the mean too, that the ends have on average. In each batch the value of a
// site is normalised by its own statistics in that batch and set to the blend of the ends' in the same batch, so later layers see
// corrected values, what a batch has of its own cancels, and the merge of A with A is A. What is fused into the weights is computed
// from means and deviations over all batches.
type repair struct {
	f     *network.Model
	sites []site
	units int // of all sites
	shift bool
}

// site is a value that is corrected: the norm, where only that uses a linear map's output, else that output. It owns the units at … at+n−1 of
// the vectors.
type site struct {
	tap   string
	at, n int
	scale int // the parameter that scales its units along the last axis: γ or W
	shift int // the one that shifts them: β or b; −1 if there is none
}

func newRepair(shift bool) func(m *Merger) (correction, error) {
	return func(m *Merger) (correction, error) {
		r := repair{f: m.f, shift: shift}
		about := m.f.About
		norms := about.Norms()
		param := func(name string) int {
			return slices.IndexFunc(about.Params, func(p network.Param) bool { return p.Name == name })
		}
		logits := about.Taps[len(about.Taps)-1].Name
		for _, l := range about.Linears {
			s := site{tap: l.Name, at: r.units, scale: param(l.Name + "/w"), shift: param(l.Name + "/b")}
			if norm, ok := norms[l.Name]; ok {
				s.tap, s.scale, s.shift = norm, param(norm+"/gamma"), param(norm+"/beta")
			}
			if s.tap == logits {
				continue
			}
			if s.scale < 0 {
				return nil, fmt.Errorf("the layer %q has no parameter to scale its units by", s.tap)
			}
			if shift && s.shift < 0 {
				return nil, fmt.Errorf("the layer %q has neither a bias nor a norm of its own, so its mean cannot be set; use rescale", s.tap)
			}
			dims := about.Params[s.scale].Dims
			s.n = dims[len(dims)-1]
			r.units += s.n
			r.sites = append(r.sites, s)
		}
		if len(r.sites) == 0 {
			return nil, fmt.Errorf("the network has no linear map before the logits, so there is nothing to correct; use interpolate")
		}
		return r, nil
	}
}

func (r repair) key() string {
	if r.shift {
		return "repair"
	}
	return "rescale"
}

// variances below this share of the squared mean are rounding.
const rounding = 1e-12

// moments are mean and variance, divisor n, of each unit of h [batch, ..., units] in float64, over samples and positions; positions first,
// since long sums in float32 lose digits.
func moments(h *graph.Node) (mean, variance *graph.Node) {
	mean = average(h)
	centred := graph.Sub(h, graph.ExpandLeftToRank(graph.ConvertDType(mean, h.DType()), h.Rank()))
	return mean, average(graph.Square(centred))
}

func average(h *graph.Node) *graph.Node {
	var positions []int
	for axis := 1; axis < h.Rank()-1; axis++ {
		positions = append(positions, axis)
	}
	if len(positions) > 0 { // of no axes it would be the mean of all
		h = graph.ReduceMean(h, positions...)
	}
	return graph.ReduceMean(graph.ConvertDType(h, dtypes.Float64), 0)
}

// edit runs a trace with the value of every site passed through f, and returns the means and then the variances before it, [2·units].
func (r repair) edit(theta []*graph.Node, x *graph.Node, f func(s site, h, mean, variance *graph.Node) *graph.Node) *graph.Node {
	out := make([]*graph.Node, 2*len(r.sites))
	r.f.Trace(theta, x, network.Options{Edit: func(tap string, h *graph.Node) *graph.Node {
		i := slices.IndexFunc(r.sites, func(s site) bool { return s.tap == tap })
		if i < 0 || out[i] != nil {
			return h
		}
		out[i], out[len(r.sites)+i] = moments(h)
		return f(r.sites[i], h, out[i], out[len(r.sites)+i])
	}})
	return graph.Concatenate(out, 0)
}

func (r repair) aim(theta []*graph.Node, x *graph.Node) *graph.Node {
	return r.edit(theta, x, func(_ site, h, _, _ *graph.Node) *graph.Node { return h })
}

func (r repair) pass(theta []*graph.Node, x, alpha, beta, a, b *graph.Node) *graph.Node {
	alpha, beta = graph.ConvertDType(alpha, dtypes.Float64), graph.ConvertDType(beta, dtypes.Float64)
	blend := func(p, q *graph.Node) *graph.Node { return graph.Add(graph.Mul(alpha, p), graph.Mul(beta, q)) }
	return r.edit(theta, x, func(s site, h, mean, variance *graph.Node) *graph.Node {
		means := func(v *graph.Node) *graph.Node { return graph.Slice(v, graph.AxisRange(s.at, s.at+s.n)) }
		deviations := func(v *graph.Node) *graph.Node {
			return graph.Sqrt(graph.Slice(v, graph.AxisRange(r.units+s.at, r.units+s.at+s.n)))
		}
		least := graph.AddScalar(graph.MulScalar(graph.Square(mean), rounding), math.SmallestNonzeroFloat32)
		varies := graph.GreaterThan(variance, least)
		one := graph.OnesLike(variance)
		scale := graph.Where(varies, graph.Div(blend(deviations(a), deviations(b)), graph.Sqrt(graph.Where(varies, variance, one))), one)
		over := func(v *graph.Node) *graph.Node {
			return graph.ExpandLeftToRank(graph.ConvertDType(v, h.DType()), h.Rank())
		}
		if !r.shift {
			return graph.Mul(h, over(scale))
		}
		return graph.Add(graph.Mul(graph.Sub(h, over(mean)), over(scale)), over(blend(means(a), means(b))))
	})
}

// settle returns the factors of all units, then the shifts: repair h·s + (μ − s·m), rescale h·s. A unit that does not vary keeps its factor 1.
func (r repair) settle(alpha float64, theta, a, b sums) []float32 {
	out := make([]float32, 2*r.units)
	for u := range r.units {
		// The variance over all samples is the mean of those of the batches and the variance of their means.
		variance := func(s sums) float64 { return s.mean(r.units+u) + s.variance(u) }
		mean, v := theta.mean(u), variance(theta)
		scale := 1.0
		if v > rounding*mean*mean+math.SmallestNonzeroFloat32 {
			scale = (alpha*math.Sqrt(variance(a)) + (1-alpha)*math.Sqrt(variance(b))) / math.Sqrt(v)
		}
		out[u] = float32(scale)
		if r.shift {
			out[r.units+u] = float32(alpha*a.mean(u) + (1-alpha)*b.mean(u) - scale*mean)
		}
	}
	return out
}

func (r repair) apply(theta []*graph.Node, vector *graph.Node) []*graph.Node {
	for _, s := range r.sites {
		scale := graph.Slice(vector, graph.AxisRange(s.at, s.at+s.n))
		theta[s.scale] = graph.Mul(theta[s.scale], graph.ExpandLeftToRank(scale, theta[s.scale].Rank()))
		if s.shift >= 0 {
			theta[s.shift] = graph.Add(graph.Mul(theta[s.shift], scale), graph.Slice(vector, graph.AxisRange(r.units+s.at, r.units+s.at+s.n)))
		}
	}
	return theta
}
