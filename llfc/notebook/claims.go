package notebook

import (
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/llfc/study"
)

// Connected are the study's claims on a pair that the paper calls linearly connected. Commutativity is that of conditions, measured with
// Conditions; nil leaves it to the pair's own result.
func Connected(p figures.Pair, conditions *measure.Result) llfc.Scorecard {
	return claims(p, true, conditions)
}

// Apart are the study's claims on a pair that is not connected, without which the others say nothing.
func Apart(p figures.Pair, conditions *measure.Result) llfc.Scorecard {
	return claims(p, false, conditions)
}

func claims(p figures.Pair, connected bool, conditions *measure.Result) llfc.Scorecard {
	card := Must(study.OfPair(p.Name, connected, p.Result))
	if conditions == nil {
		return card
	}
	commutes := func(c llfc.Claim) bool { return strings.HasSuffix(c.ID, "/commute") }
	card = slices.DeleteFunc(card, commutes)
	for _, c := range Must(study.OfPair(p.Name, connected, conditions)) {
		if commutes(c) {
			card = append(card, c)
		}
	}
	return card
}

// Claims is a table of claims, a column for each name; the scorecards have the same claims in the same order.
func Claims(names []string, cards ...llfc.Scorecard) (headers []string, rows [][]string) {
	for i, c := range cards[0] {
		row := []string{c.Source, c.Quantity, c.Subject, c.Threshold()}
		for _, card := range cards {
			measured := card[i].Measured()
			if len(card[i].Values) > 1 { // the mean alone would not show why a claim fails
				measured += " " + card[i].Interval()
			}
			row = append(row, measured+", "+card[i].Verdict())
		}
		rows = append(rows, row)
	}
	return append([]string{"paper", "quantity", "pair", "to expect"}, names...), rows
}
