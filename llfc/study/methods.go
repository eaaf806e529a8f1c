package study

import (
	"fmt"
	"math"
	"slices"

	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// The methods that the paper's Figure 3 and section 5.2 are about: weight matching makes ΔW small, activation matching ΔH, and the last, which is of
// this project, the product that commutativity asks to be 0.
const (
	activationMatching    = "activation"
	commutativityMatching = "commutativity"
)

// permuted lists the kinds of pairs of those methods that package match knows, the one that others are compared with first.
func permuted(against string, methods ...string) (out []Kind) {
	for _, m := range methods {
		if slices.Contains(match.MethodNames(), m) {
			out = append(out, Permuted(m, against))
		}
	}
	return out
}

// by are the pairs that a method has permuted, under the first policy of their subject.
func (s *Study) by(sub Subject, method string) []Trial {
	for _, k := range sub.Kinds {
		if k.Method == method && method != "" {
			return s.of(sub.ID, k.ID, sub.Policies[0])
		}
	}
	return nil
}

// methodRules are the claims on matching methods beside one another. They were registered on 2026-11-25, before any of them was measured: activation
// matching has the smaller ΔH and weight matching the smaller ΔW (section 5.2; that both connect the MLPs is claimed of every kind of pair), and making
// the product small is better than making either factor small.
func (s *Study) methodRules(g group) []rule {
	if g.what != oneSubject {
		return nil
	}
	sub := g.subjects[0]
	const source, since = "§5.2", "2026-11-25"
	both := len(s.by(sub, weightMatching)) > 0 && len(s.by(sub, activationMatching)) > 0
	product := both && len(s.by(sub, commutativityMatching)) > 0
	beside := func(a, b string, q func(Trial) float64) func() []float64 {
		return func() []float64 { return together(s.by(sub, a), s.by(sub, b), less(q)) }
	}
	better := func(q func(Trial) float64) func() []float64 { // than the better of the two
		return func() []float64 {
			return worst(beside(commutativityMatching, weightMatching, q)(), beside(commutativityMatching, activationMatching, q)())
		}
	}
	return []rule{
		{applies: both, id: "activation-dist-h", source: source, since: since, says: "has inputs of its maps that are less far apart after activation matching than after weight matching",
			quantity: "Σ Dist_H over maps after activation matching − after weight matching", kind: llfc.AtMost, values: beside(activationMatching, weightMatching, Trial.sumH)},
		{applies: both, id: "weight-dist-w", source: source, since: since, says: "has weights that are less far apart after weight matching than after activation matching",
			quantity: "Σ Dist_W over maps after weight matching − after activation matching", kind: llfc.AtMost, values: beside(weightMatching, activationMatching, Trial.sumW)},
		{applies: product, id: "product-com", source: source, since: since, says: "commutes better after making the product of the two small than after making either factor small",
			quantity: "Σ Dist_com over maps after commutativity matching − the smaller of those after weight and activation matching", kind: llfc.AtMost, values: better(Trial.sumCom)},
		{applies: product, id: "product-barrier", source: source, since: since, says: "has a smaller error barrier after making the product of the two small than after making either factor small",
			quantity: "error barrier after commutativity matching − the smaller of those after weight and activation matching", percent: true, kind: llfc.AtMost, values: better(Trial.errorBarrier)},
	}
}

// sumW, sumH and sumCom are Dist_W, Dist_H and Dist_com summed over all linear maps.
func (t Trial) sumW() float64 {
	return t.commuting(func(c measure.Commutativity) measure.Profile { return c.W })
}
func (t Trial) sumH() float64 {
	return t.commuting(func(c measure.Commutativity) measure.Profile { return c.H })
}
func (t Trial) sumCom() float64 {
	return t.commuting(func(c measure.Commutativity) measure.Profile { return c.Com })
}

func (t Trial) commuting(of func(measure.Commutativity) measure.Profile) (sum float64) {
	c, err := t.Commutativity()
	if err != nil {
		return math.NaN()
	}
	for _, s := range of(c).Stats {
		sum += s.Mean
	}
	return sum
}

// manyMethods says whether pairs of a subject were permuted by several methods.
func manyMethods(sub Subject) bool {
	n := 0
	for _, k := range sub.Kinds {
		if k.Method != "" {
			n++
		}
	}
	return n > 1
}

// methodTable sets the methods of matching beside one another: what their lines do, the two factors of Eq. 9 and their product, LLFC, the time of
// the search.
func (s *Study) methodTable(g group) plotting.Table {
	columns := []column{
		{"error barrier %", 100, 2, Trial.errorBarrier}, {"error at ½ %", 100, 2, Trial.errorHalf},
		{"Σ Dist_W", 1, 3, Trial.sumW}, {"Σ Dist_H", 1, 3, Trial.sumH}, {"Σ Dist_com", 1, 3, Trial.sumCom},
	}
	if c, err := s.ofFirst(g.kinds()[0])[0].Commutativity(); err == nil {
		for i, layer := range c.Com.Layers[1:] { // of the first map it is 0
			columns = append(columns, column{"Dist_com, " + layer, 1, 3, func(t Trial) float64 {
				c, err := t.Commutativity()
				if err != nil {
					return math.NaN()
				}
				return c.Com.Stats[1+i].Mean
			}})
		}
	}
	columns = append(columns, column{"1 − cos_½, mean over layers", 1, 4, Trial.meanHalf}, column{"largest share of 1 − cos_AB", 1, 3, Trial.share})
	t := s.rows(s.noted(fmt.Sprintf("%s: methods of matching, %s. The time is of the search, its pass over data counted.", g.name, spread(g.seedsOf())), g.subjects...), g, columns, false)
	t.Headers = append(t.Headers, "matched in s")
	for i, k := range g.kinds() {
		took := "–"
		var seconds []float64
		for _, m := range s.ofFirst(k) {
			if m.Match != nil && m.Match.Seconds > 0 { // what was kept before the time was taken has none
				seconds = append(seconds, m.Match.Seconds)
			}
		}
		if len(seconds) > 0 {
			took = each(seconds, 1, 2)
		}
		t.Rows[i] = append(t.Rows[i], took)
	}
	return t
}
