package notebook

import (
	"math"
	"slices"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
)

// Connected are the claims on a pair that the paper calls linearly connected, its lines set before measuring. Commutativity is that of
// conditions, measured with Conditions; nil leaves it out.
func Connected(p figures.Pair, conditions *measure.Result) llfc.Scorecard {
	linear, coef := Must(p.LLFC(0.5)), Must(p.Coef(0.5))
	out := llfc.Scorecard{
		{Source: "Def. 1", Quantity: "error barrier over the mean of the ends", Kind: llfc.AtMost, Line: 0.02, Percent: true, Values: []float64{p.Barrier().Mean}},
		{Source: "Def. 2", Quantity: "largest 1 − cos at ½", Kind: llfc.AtMost, Line: 0.08, Values: []float64{slices.Max(means(linear))}},
		{Source: "Fig. 2", Quantity: "largest 1 − cos at ½ over that of A and B", Kind: llfc.AtMost, Line: 0.25, Values: []float64{slices.Max(over(linear, p.Baseline()))}},
		{Source: "App. B.2", Quantity: "smallest coef at ½", Kind: llfc.AtLeast, Line: 0.55, Values: []float64{slices.Min(means(coef))}},
		{Source: "App. B.2", Quantity: "largest coef at ½", Kind: llfc.AtMost, Line: 1.05, Values: []float64{slices.Max(means(coef))}},
	}
	if conditions != nil {
		out = append(out, llfc.Claim{Source: "Fig. 7", Quantity: "largest Dist_com over the smaller of Dist_W and Dist_H", Kind: llfc.AtMost, Line: 0.3,
			Values: []float64{slices.Max(commuting(conditions))}})
	}
	return of(p, out)
}

// Apart are the claims on a pair that is not connected, without which the others say nothing.
func Apart(p figures.Pair, conditions *measure.Result) llfc.Scorecard {
	linear := means(Must(p.LLFC(0.5)))
	out := llfc.Scorecard{
		{Source: "Def. 1", Quantity: "error barrier over the mean of the ends", Kind: llfc.AtLeast, Line: 0.05, Percent: true, Values: []float64{p.Barrier().Mean}},
		{Source: "Fig. 4", Quantity: "1 − cos at ½ at the logits", Kind: llfc.AtLeast, Line: 0.1, Values: []float64{linear[len(linear)-1]}},
	}
	if conditions != nil {
		shares := slices.Sorted(slices.Values(commuting(conditions)))
		out = append(out, llfc.Claim{Source: "App. B.3", Quantity: "median of Dist_com over the smaller of Dist_W and Dist_H", Kind: llfc.AtLeast, Line: 0.5,
			Values: []float64{shares[len(shares)/2]}})
	}
	return of(p, out)
}

func of(p figures.Pair, claims llfc.Scorecard) llfc.Scorecard {
	for i := range claims {
		claims[i].Subject = p.Name
	}
	return claims
}

func means(p measure.Profile) (out []float64) {
	for _, s := range p.Stats {
		out = append(out, s.Mean)
	}
	return out
}

// over divides the means of a profile by the smallest of those of others, layer by layer.
func over(p measure.Profile, others ...measure.Profile) []float64 {
	out := means(p)
	for l := range out {
		least := math.Inf(1)
		for _, o := range others {
			least = min(least, o.Stats[l].Mean)
		}
		out[l] /= least
	}
	return out
}

// commuting is Dist_com over the smaller of Dist_W and Dist_H at every map after the first, which is exact for any pair.
func commuting(r *measure.Result) []float64 {
	c := Must(r.Commutativity())
	return over(c.Com, c.W, c.H)[1:]
}

// Claims is a table of claims, a column for each name; the scorecards have the same claims in the same order.
func Claims(names []string, cards ...llfc.Scorecard) (headers []string, rows [][]string) {
	for i, c := range cards[0] {
		row := []string{c.Source, c.Quantity, c.Subject, c.Threshold()}
		for _, card := range cards {
			row = append(row, card[i].Measured()+", "+card[i].Verdict())
		}
		rows = append(rows, row)
	}
	return append([]string{"paper", "quantity", "pair", "to expect"}, names...), rows
}
