package network

import (
	"fmt"
	"math"
)

// fold is a norm that follows a linear map directly. A batch norm can then be taken into the map's weights.
type fold struct {
	linear, norm string
	batch        bool
	born         int // when the linear map's output was made
}

// normed records that x goes into a norm.
func (x X) normed(norm string, batch bool) {
	if x.linear != "" {
		x.trace.folds = append(x.trace.folds, fold{linear: x.linear, norm: norm, batch: batch, born: x.born})
	}
}

// Folds lists the batch norms that follow a linear map and nothing else does, as linear map → norm. Only these can be folded.
func (t *Trace) Folds() map[string]string { return t.following(func(f fold) bool { return f.batch }) }

// Norms lists the norms of either kind that follow a linear map and nothing else does, as linear map → norm. The output of such a
// map is seen only through the norm, so the norm's γ and β can scale and shift it.
func (t *Trace) Norms() map[string]string { return t.following(func(fold) bool { return true }) }

func (t *Trace) following(wanted func(fold) bool) map[string]string {
	out, uses := map[string]string{}, map[int]int{} // uses of the value made at a time
	for _, s := range t.spans {
		uses[s[0]]++
	}
	for _, f := range t.folds {
		if wanted(f) && uses[f.born] == 1 {
			out[f.linear] = f.norm
		}
	}
	return out
}

// Fold moves every batch norm into the linear map before it and returns weights of the same network with the same function in
// evaluation: W ← W·γ/√(v+ε), and b and β such that the norm has γ = 1, μ = 0, v = 1 − ε. A blend of folded weights is linear in
// what the network computes, a blend of raw ones is not: γ, v and W then enter as a product of blends.
func (n Network) Fold(theta Params) (Params, error) {
	t, err := n.Describe()
	if err != nil {
		return nil, err
	}
	out := theta.Clone()
	tensors := out.ByName()
	at := func(name string) []float32 { return tensors[name].Data }
	folds := t.Folds()
	for _, l := range t.Linears {
		norm, ok := folds[l.Name]
		if !ok {
			continue
		}
		w, b := at(l.Name+"/w"), at(l.Name+"/b")
		gamma, beta, mean, variance := at(norm+"/gamma"), at(norm+"/beta"), at(norm+"/mean"), at(norm+"/var")
		units := len(gamma)
		if units == 0 || len(w)%units != 0 || len(beta) != units || len(mean) != units || len(variance) != units {
			return nil, fmt.Errorf("fold: the weights lack tensors of %q or %q, or their sizes do not fit", l.Name, norm)
		}
		for u := range units {
			s := float64(gamma[u]) / math.Sqrt(float64(variance[u])+batchEpsilon)
			for j := u; j < len(w); j += units {
				w[j] = float32(float64(w[j]) * s)
			}
			shift := float64(beta[u]) - float64(mean[u])*s
			if b != nil {
				b[u], shift = float32(float64(b[u])*s+shift), 0
			}
			gamma[u], beta[u], mean[u], variance[u] = 1, float32(shift), 0, 1-batchEpsilon
		}
	}
	return out, nil
}
