package study

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"layerwise/llfc"
	"layerwise/llfc/measure"
)

// The lines of cross-task linearity, written down before its first run.
const (
	crossTaskSource = "arXiv 2402.03660"
	crossTaskSince  = "2026-11-25"
	smallCross      = 0.25
	largeCross      = 0.5
	farCross        = 0.1
	fallingRank     = -0.8
)

// Departure is how far a pair is from linear in the middle: the largest mean 1 − cos_½ over layers, and the largest over layers of its share of 1 − cos_AB.
func Departure(r *measure.Result) (cos, share float64, err error) {
	half, err := r.LLFC(0.5)
	if err != nil {
		return 0, 0, err
	}
	for i, base := range r.Baseline().Stats {
		cos, share = max(cos, half.Stats[i].Mean), max(share, half.Stats[i].Mean/base.Mean)
	}
	return cos, share, nil
}

// CrossTask holds pairs of networks that were fine-tuned from one start to what is claimed of them. results[k] are the pairs, always the same in
// the same order, whose start was trained for the k-th of rising shares of its epochs; the first is 0, the last 1.
func CrossTask(results ...[]*measure.Result) (llfc.Scorecard, error) {
	if len(results) < 2 {
		return nil, fmt.Errorf("study: cross-task linearity at %d amounts of common training; it compares at least 2", len(results))
	}
	var trained, alone, falls []float64
	for i := range results[0] {
		var shares []float64
		for k, pairs := range results {
			if len(pairs) != len(results[0]) {
				return nil, fmt.Errorf("study: %d pairs at one amount of common training, %d at another", len(results[0]), len(pairs))
			}
			cos, share, err := Departure(pairs[i])
			if err != nil {
				return nil, err
			}
			if k == 0 {
				alone = append(alone, max(share/largeCross, cos/farCross))
			}
			shares = append(shares, share)
		}
		trained, falls = append(trained, shares[len(shares)-1]), append(falls, rising(shares))
	}
	slices.Sort(alone)
	n := len(alone)
	claim := func(id, subject, says, quantity, kind string, line float64, values ...float64) llfc.Claim {
		return llfc.Claim{ID: "cross-task/" + id, Source: crossTaskSource, Subject: subject, Statement: subject + " " + says, Quantity: quantity,
			Kind: kind, Line: line, Over: "pairs", Values: values, Registered: crossTaskSince}
	}
	return llfc.Scorecard{
		claim("trained", "children of a trained network", "have features that blend", "largest (1 − cos_½) / (1 − cos_AB) over layers", llfc.AtMost, smallCross, trained...),
		claim("untrained", "children of a random start", "do not", fmt.Sprintf("larger of (1 − cos_½) / (1 − cos_AB) over %g and 1 − cos_½ over %g, median pair", largeCross, farCross),
			llfc.AtLeast, 1, (alone[(n-1)/2]+alone[n/2])/2),
		claim("more", "all children", "are the more linear, the more training they have in common", "rank correlation of (1 − cos_½) / (1 − cos_AB) with the common training", llfc.AtMost, fallingRank, falls...),
	}, nil
}

// rising is Spearman's rank correlation of numbers with their place: 1 if each is larger than the one before. Equal numbers share a rank.
func rising(v []float64) float64 {
	place, ranks := make([]float64, len(v)), make([]float64, len(v))
	for i := range v {
		place[i] = float64(i)
		for _, w := range v {
			switch {
			case w < v[i]:
				ranks[i]++
			case w == v[i]:
				ranks[i] += 0.5
			}
		}
	}
	return stat.Correlation(place, ranks, nil)
}
