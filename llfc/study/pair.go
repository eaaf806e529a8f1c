package study

import (
	"layerwise/internal/finite"
	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
)

// OfPair holds one measured pair to the claims that a study makes on its kind: a connected pair, or one that shares nothing. name begins the
// sentences. Claims that need a second pair, or quantities that were not measured, are left out.
func OfPair(name string, connected bool, r *measure.Result) (llfc.Scorecard, error) {
	half, err := r.LLFC(0.5)
	if err != nil {
		return nil, err
	}
	coef, err := r.Coef(0.5)
	if err != nil {
		return nil, err
	}
	kind := Independent("pair")
	if connected {
		kind = Spawned(0)
	}
	sub := Subject{ID: "pair", Plain: true, Kinds: []Kind{kind}, Policies: []merge.Policy{r.Policy}, Seeds: []int64{1}}
	s := &Study{Subjects: []Subject{sub}, Trials: []Trial{{Subject: sub.ID, Kind: kind.ID, Seed: 1, Policy: r.Policy, Result: r, Half: half, CoefHalf: coef}}}
	g := group{what: onePair, id: kind.ID, name: name, subjects: s.Subjects, kind: kind, policy: r.Policy}
	var out llfc.Scorecard
	for _, rule := range s.rules(g) {
		if !rule.applies {
			continue
		}
		if values := rule.values(); len(values) > 0 && finite.All(values...) {
			out = append(out, rule.claim(g, "pairs", values, ""))
		}
	}
	return out, nil
}
