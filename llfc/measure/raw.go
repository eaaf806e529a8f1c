package measure

// Raw holds every sample's values, in the order of the set. NaN marks samples that were left out, because a vector is zero.
type Raw struct {
	OneMinusCos, Coef [][][]float64 // [α][layer][sample]
	Baseline          [][]float64   // [layer][sample]

	WeakHalf, WeakMax, Disagreement [][]float64 // [nonlinearity][sample]; nil without conditions
}

func newRaw(alphas, layers int) *Raw {
	r := &Raw{Baseline: make([][]float64, layers)}
	for range alphas {
		r.OneMinusCos, r.Coef = append(r.OneMinusCos, make([][]float64, layers)), append(r.Coef, make([][]float64, layers))
	}
	return r
}

// The methods below take one more value of the running sample; on nil, which is the usual case, they do nothing.

func (r *Raw) baseline(l int, v float64) {
	if r != nil {
		r.Baseline[l] = append(r.Baseline[l], v)
	}
}

func (r *Raw) layer(k, l int, oneMinusCos, coef float64) {
	if r != nil {
		r.OneMinusCos[k][l] = append(r.OneMinusCos[k][l], oneMinusCos)
		r.Coef[k][l] = append(r.Coef[k][l], coef)
	}
}

func (r *Raw) weak(l int, half, most float64) {
	if r != nil {
		r.WeakHalf, r.WeakMax = grow(r.WeakHalf, l), grow(r.WeakMax, l)
		r.WeakHalf[l], r.WeakMax[l] = append(r.WeakHalf[l], half), append(r.WeakMax[l], most)
	}
}

func (r *Raw) disagreement(l int, share float64) {
	if r != nil {
		r.Disagreement = grow(r.Disagreement, l)
		r.Disagreement[l] = append(r.Disagreement[l], share)
	}
}

func grow(v [][]float64, l int) [][]float64 {
	for len(v) <= l {
		v = append(v, nil)
	}
	return v
}
