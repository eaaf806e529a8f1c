package reproduce

import (
	"math"
	"slices"

	"layerwise/llfc"
	"layerwise/llfc/measure"
)

// The lines that claims must keep to. They were set before measuring, from the definitions and from a single-seed run of the same MLP in
// another implementation, and are the same at every scale.
const (
	stableBarrier      = 0.02 // Frankle et al. 2020: a pair is linearly connected below 2 % of error over the mean of its ends
	unconnectedBarrier = 0.05
	smallLLFC          = 0.08 // 1 − cos_½ of a connected pair, at every layer
	smallShare         = 0.25 // of the baseline 1 − cos_AB
	lowCoef, highCoef  = 0.55, 1.05
	smallCommute       = 0.3 // Dist_com over the smaller of Dist_W and Dist_H
	largeCommute       = 0.5
	farLogits          = 0.1 // 1 − cos_½ of the logits of a pair that is not connected
	smallWeak          = 0.3 // Dist_σ of a connected pair over that of the independent one
	exact              = 1e-10
)

// Claims checks the paper's statements on what was measured.
func (s *Study) Claims() llfc.Scorecard {
	var out llfc.Scorecard
	for _, kind := range s.Scale.kinds() {
		if kind.connected {
			out = append(out, s.connected(kind)...)
		} else {
			out = append(out, s.unconnected(kind)...)
		}
	}
	return append(out, s.exactClaims()...)
}

// connected are the claims on a kind of pair that the paper calls linearly connected.
func (s *Study) connected(k kind) llfc.Scorecard {
	pairs := s.of(k.id)
	each := func(q func(m Measured) float64) []float64 { return values(pairs, q) }
	claims := llfc.Scorecard{
		{ID: "lmc", Source: "Def. 1; line: Frankle et al. 2020", Statement: "is linearly connected", Percent: true,
			Quantity: "error barrier over the mean of the ends, test", Kind: llfc.AtMost, Line: stableBarrier,
			Values: each(func(m Measured) float64 { return barrier(m.Test) })},
		{ID: "llfc", Source: "Def. 2, Figs 2–3", Statement: "has features that interpolate linearly, up to a scale, at every layer",
			Quantity: "largest mean 1 − cos_½ over layers", Kind: llfc.AtMost, Line: smallLLFC,
			Values: each(func(m Measured) float64 { return largest(m.Linear[0.5], nil) })},
		{ID: "baseline", Source: "Figs 2–3", Statement: "has features far closer to the blend of its ends than its ends are to each other",
			Quantity: "largest (1 − cos_½) / (1 − cos_AB) over layers", Kind: llfc.AtMost, Line: smallShare,
			Values: each(func(m Measured) float64 { return largest(m.Linear[0.5], divisor(m.Baseline())) })},
		{ID: "coef-low", Source: "App. B.2", Statement: "has features not much shorter than the blend of its ends at any layer",
			Quantity: "smallest mean coef_½ over layers", Kind: llfc.AtLeast, Line: lowCoef,
			Values: each(func(m Measured) float64 { return smallest(m.Coef[0.5]) })},
		{ID: "coef-high", Source: "App. B.2", Statement: "has features not much longer than the blend of its ends at any layer",
			Quantity: "largest mean coef_½ over layers", Kind: llfc.AtMost, Line: highCoef,
			Values: each(func(m Measured) float64 { return largest(m.Coef[0.5], nil) })},
		{ID: "weak", Source: "Def. 3, Figs 5–6", Statement: "satisfies weak additivity far better than the " + k.against + " pair of the same seed",
			Quantity: "largest ratio of their mean Dist_σ(½) over layers", Kind: llfc.AtMost, Line: smallWeak,
			Values: s.weakShares(k)},
		{ID: "commute", Source: "Def. 4, Fig. 7", Statement: "satisfies commutativity at every layer, on the scale of its weights and inputs",
			Quantity: "largest Dist_com / min(Dist_W, Dist_H) over layers after the first", Kind: llfc.AtMost, Line: smallCommute,
			Values: each(commuteShare(math.Max))},
		{ID: "lemma1", Source: "Lemma 1", Statement: "makes nowhere on its line more errors than its two ends together", Percent: true,
			Quantity: "largest Err(θ_α) − (Err_A + Err_B) over α, test", Kind: llfc.AtMost, Line: 0,
			Values: each(func(m Measured) float64 { return aboveEnds(m.Test) })},
	}
	return about("a "+k.name+" pair", k.id, claims)
}

// unconnected are the claims on independently trained pairs: without them the others say nothing.
func (s *Study) unconnected(k kind) llfc.Scorecard {
	pairs := s.of(k.id)
	each := func(q func(m Measured) float64) []float64 { return values(pairs, q) }
	claims := llfc.Scorecard{
		{ID: "lmc", Source: "Fig. 4", Statement: "is not linearly connected", Percent: true,
			Quantity: "error barrier over the mean of the ends, test", Kind: llfc.AtLeast, Line: unconnectedBarrier,
			Values: each(func(m Measured) float64 { return barrier(m.Test) })},
		{ID: "llfc", Source: "Fig. 4", Statement: "has logits that do not interpolate linearly",
			Quantity: "mean 1 − cos_½ at the logits", Kind: llfc.AtLeast, Line: farLogits,
			Values: each(func(m Measured) float64 { p := m.Linear[0.5]; return p.Stats[p.Len()-1].Mean })},
		{ID: "commute", Source: "Figs 16–19", Statement: "violates commutativity at every layer after the first",
			Quantity: "smallest Dist_com / min(Dist_W, Dist_H) over layers after the first", Kind: llfc.AtLeast, Line: largeCommute,
			Values: each(commuteShare(math.Min))},
	}
	return about("an "+k.name+" pair", k.id, claims)
}

// exactClaims hold for any network, up to rounding.
func (s *Study) exactClaims() llfc.Scorecard {
	var first, blend, conclusion, premises []float64
	for _, m := range s.Pairs {
		first = append(first, m.Linear[0.5].Stats[0].Mean)
		blend = append(blend, blendExcess(m.Result))
	}
	for _, r := range s.Theorem {
		conclusion = append(conclusion, largest(r.Linear[0.5], nil))
		premises = append(premises, math.Max(largest(r.Weak.Max, nil), largest(r.Commute.Com, nil)))
	}
	built := llfc.Scorecard{
		{ID: "theorem1-premises", Source: "Theorem 1", Statement: "satisfies both",
			Quantity: "largest mean Dist_σ and Dist_com over layers", Kind: llfc.AtMost, Line: exact, Values: premises},
		{ID: "theorem1", Source: "Theorem 1", Statement: "has features that therefore interpolate exactly",
			Quantity: "largest mean 1 − cos_½ over layers", Kind: llfc.AtMost, Line: exact, Values: conclusion},
	}
	return append(exactPairClaims(first, blend), about("a pair built to satisfy weak additivity and commutativity", "exact", built)...)
}

// exactPairClaims are on 1 − cos_½ of the first layer, and on how far blended logits rise above Lemma 1's bound.
func exactPairClaims(first, blend []float64) llfc.Scorecard {
	return about("any pair", "exact", llfc.Scorecard{
		{ID: "first-layer", Source: "Def. 2, linearity", Statement: "has a first linear layer that interpolates exactly",
			Quantity: "mean 1 − cos_½ of the first layer", Kind: llfc.AtMost, Line: exact, Values: first, Over: "pairs"},
		{ID: "lemma1", Source: "Lemma 1, its argument", Statement: "has logits whose blend makes no more errors than its two ends together", Percent: true,
			Quantity: "largest Err(αf_A + (1−α)f_B) − (Err_A + Err_B) over α, test", Kind: llfc.AtMost, Line: 0, Values: blend, Over: "pairs"},
	})
}

// about makes sentences of the claims: the subject before each.
func about(subject, id string, claims llfc.Scorecard) llfc.Scorecard {
	for i := range claims {
		c := &claims[i]
		c.ID, c.Subject, c.Statement = id+"/"+c.ID, subject, subject+" "+c.Statement
		if c.Over == "" {
			c.Over = "seeds"
		}
	}
	return claims
}

// values is one number of each, in their order.
func values[M any](pairs []M, q func(M) float64) []float64 {
	out := make([]float64, len(pairs))
	for i, m := range pairs {
		out[i] = q(m)
	}
	return out
}

// weakShares is, for each seed, the largest ratio of Dist_σ to that of the independent pair of the same setting.
func (s *Study) weakShares(k kind) []float64 {
	against := s.of(k.against)
	var out []float64
	for i, m := range s.of(k.id) {
		if i < len(against) {
			out = append(out, largest(m.Weak.Half, divisor(against[i].Weak.Half)))
		}
	}
	return out
}

// commuteShare is Dist_com over the smaller of Dist_W and Dist_H, at the worst or the best layer after the first, where both nets see the
// same input and Dist_com is 0.
func commuteShare(pick func(a, b float64) float64) func(m Measured) float64 {
	return func(m Measured) float64 { return extremeCommute(m.Commute, pick) }
}

func extremeCommute(c measure.Commutativity, pick func(a, b float64) float64) float64 {
	out := math.NaN()
	for i, s := range commuteShares(c).Stats[1:] {
		if i == 0 {
			out = s.Mean
		}
		out = pick(out, s.Mean)
	}
	return out
}

// commuteShares is Dist_com over the smaller of Dist_W and Dist_H at every linear map.
func commuteShares(c measure.Commutativity) measure.Profile {
	out := measure.Profile{Layers: c.Com.Layers, Stats: slices.Clone(c.Com.Stats)}
	for i := range out.Stats {
		out.Stats[i].Mean /= math.Min(c.W.Stats[i].Mean, c.H.Stats[i].Mean)
	}
	return out
}

// blendExcess is how far the error of the blended logits rises above the bound of Lemma 1.
func blendExcess(r *measure.Result) float64 {
	blend, bound := r.Lemma1()
	return excess(blend.Values, bound, r.Samples)
}

// aboveEnds is how far the error of a line rises above the sum of its two ends.
func aboveEnds(l measure.Line) float64 {
	return excess(l.Error, l.Error[0]+l.Error[len(l.Error)-1], l.Samples)
}

// barrier is the error barrier over the mean of the ends, a whole number of half samples (see excess).
func barrier(l measure.Line) float64 { return toWhole(l.ErrorBarrier().Mean, 2*l.Samples) }

// excess is how far the largest of the errors lies above a bound. Both are whole numbers of samples, so their difference is made one again:
// the rounding of a subtraction must not break a line at 0.
func excess(errors []float64, bound float64, samples int) float64 {
	return toWhole(slices.Max(errors)-bound, samples)
}

// toWhole is the nearest of the multiples of 1/n.
func toWhole(v float64, n int) float64 { return math.Round(v*float64(n)) / float64(n) }

func divisor(p measure.Profile) *measure.Profile { return &p }

// largest is the largest mean of the layers, or of their ratios to another profile; layers without a value, or with a divisor of 0, are
// left out. The exact zeros of the first layer do not raise a maximum.
func largest(p measure.Profile, by *measure.Profile) float64 {
	out := math.NaN()
	for i, s := range p.Stats {
		v := s.Mean
		if by != nil {
			if by.Stats[i].Mean == 0 {
				continue
			}
			v /= by.Stats[i].Mean
		}
		if !math.IsNaN(v) && !(v <= out) {
			out = v
		}
	}
	return out
}

func smallest(p measure.Profile) float64 {
	out := math.NaN()
	for _, s := range p.Stats {
		if v := s.Mean; !math.IsNaN(v) && !(v >= out) {
			out = v
		}
	}
	return out
}
