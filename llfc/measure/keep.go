package measure

import "slices"

// Keep is the result at some layers alone, for a figure in which those of a deep network can be told apart. Conditions stand at
// nonlinearities and linear maps, and stay as they are; so do the lines. Raw values are left out.
func (r *Result) Keep(keep func(Layer) bool) *Result {
	out := *r
	out.Layers, out.Raw = nil, nil
	var at []int
	for i, l := range r.Layers {
		if keep(l) {
			out.Layers, at = append(out.Layers, l), append(at, i)
		}
	}
	out.linear, out.coef = slices.Clone(r.linear), slices.Clone(r.coef)
	for k := range r.Alphas {
		out.linear[k], out.coef[k] = r.linear[k].keep(at), r.coef[k].keep(at)
	}
	out.baseline = r.baseline.keep(at)
	return &out
}

func (p Profile) keep(at []int) (out Profile) {
	for _, i := range at {
		out.Layers, out.Stats = append(out.Layers, p.Layers[i]), append(out.Stats, p.Stats[i])
	}
	return out
}
