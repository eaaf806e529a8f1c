package study

import (
	"fmt"
	"slices"

	"layerwise/llfc"
)

// The lines that claims must keep to. They were set before measuring, from the definitions and from a single-seed run of the paper's MLP in
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
	smallAgainst       = 0.5  // mean over layers of 1 − cos_½ of a connected pair over that of the independent one
	clearGain          = 0.01 // of the error barrier, for a policy that lowers it
)

// rule is a claim that is made on every group that it applies to.
type rule struct {
	applies  bool // to the group that the rules were asked for
	id       string
	source   string
	says     string // behind the group's name
	quantity string
	percent  bool
	kind     string
	line     float64
	since    string // the day on which claim and line were registered
	explored bool   // after its numbers had been seen
	values   func() []float64
}

// first is the day on which the first claims and lines were registered, before anything was measured: at 17:48 UTC those of the MLP, whose
// results are of 18:33, and at 21:11 the further ones of other networks, whose results begin at 22:14.
const first = "2026-11-23"

// rules lists what the papers state, as it reads for a group.
func (s *Study) rules(g group) []rule {
	each := func(q func(Trial) float64) func() []float64 {
		return func() []float64 { return values(s.trials(g), q) }
	}
	sub := g.subjects[0]
	against := func(q func(a, b Trial) float64) func() []float64 {
		return func() []float64 { return together(s.trials(g), s.of(sub.ID, g.kind.Against, g.policy), q) }
	}
	spawned := sub.spawned()
	later := func(q func(Trial) float64) func() []float64 {
		return func() []float64 {
			return together(s.of(sub.ID, sub.nearest().ID, g.policy), s.of(sub.ID, spawned[0].ID, g.policy), less(q))
		}
	}
	parted := ""
	if len(spawned) > 1 {
		parted = fmt.Sprintf(" at k = %g − at k = %g", spawned[len(spawned)-1].K(), spawned[0].K())
	}
	isLater := g.what == onePolicy && g.single() && len(spawned) > 1 && (raw(g.policy) || g.policy.Name == "reset")
	return []rule{
		// A kind of pair that the papers call linearly connected.
		{g.connected(), "lmc", "Def. 1; line: Frankle et al. 2020", "is linearly connected",
			"error barrier over the mean of the ends, test", true, llfc.AtMost, stableBarrier, first, false, each(Trial.errorBarrier)},
		{g.connected() && g.plain(), "llfc", "Def. 2, Figs 2–3", "has features that interpolate linearly, up to a scale, at every layer",
			"largest mean 1 − cos_½ over layers", false, llfc.AtMost, smallLLFC, first, false, each(Trial.mostHalf)},
		{g.connected(), "baseline", "Figs 2–3", "has features far closer to the blend of its ends than its ends are to each other",
			"largest (1 − cos_½) / (1 − cos_AB) over layers", false, llfc.AtMost, smallShare, first, false, each(Trial.share)},
		{g.connected() && g.single(), "against", "Fig. 4", "has features that interpolate far better than those of the " + g.kind.Against + " pair of the same seed",
			"ratio of their means over layers of 1 − cos_½", false, llfc.AtMost, smallAgainst, first, false, against(ratio(Trial.meanHalf))},
		{g.connected() && g.plain(), "coef-low", "App. B.2", "has features not much shorter than the blend of its ends at any layer",
			"smallest mean coef_½ over layers", false, llfc.AtLeast, lowCoef, first, false, each(Trial.leastCoef)},
		{g.connected() && g.plain(), "coef-high", "App. B.2", "has features not much longer than the blend of its ends at any layer",
			"largest mean coef_½ over layers", false, llfc.AtMost, highCoef, first, false, each(Trial.mostCoef)},
		{g.connected() && raw(g.policy), "weak", "Def. 3, Figs 5–6", "satisfies weak additivity far better than the " + g.kind.Against + " pair of the same seed", // folding leaves the inputs of the nonlinearities as they are
			"largest ratio of their mean Dist_σ(½) over layers", false, llfc.AtMost, smallWeak, first, false, against(weakShare)},
		{g.connected() && blends(g.policy), "commute", "Def. 4, Fig. 7", "satisfies commutativity at every layer, on the scale of its weights and inputs",
			"largest Dist_com / min(Dist_W, Dist_H) over layers after the first", false, llfc.AtMost, smallCommute, first, false, each(Trial.mostCommute)},
		{g.connected() && g.plain(), "lemma1", "Lemma 1", "makes nowhere on its line more errors than its two ends together",
			"largest Err(θ_α) − (Err_A + Err_B) over α, test", true, llfc.AtMost, 0, first, false, each(Trial.aboveEnds)},

		// Independent pairs: without them the others say nothing.
		{g.apart(), "lmc", "Fig. 4", "is not linearly connected",
			"error barrier over the mean of the ends, test", true, llfc.AtLeast, unconnectedBarrier, first, false, each(Trial.errorBarrier)},
		{g.apart() && g.plain(), "llfc", "Fig. 4", "has logits that do not interpolate linearly",
			"mean 1 − cos_½ at the logits", false, llfc.AtLeast, farLogits, first, false, each(Trial.lastHalf)},
		{g.apart() && blends(g.policy), "commute", "Figs 16–19", "violates commutativity at every layer after the first",
			"smallest Dist_com / min(Dist_W, Dist_H) over layers after the first", false, llfc.AtLeast, largeCommute, first, false, each(Trial.leastCommute)},

		// A network over its policies, and over the epochs at which spawned pairs part.
		{g.what == oneSubject && g.single(), "reset", "REPAIR (arXiv 2211.08403)", "loses part of the barrier of independent pairs when its statistics are reset",
			"error barrier with interpolated statistics − with reset ones", true, llfc.AtLeast, clearGain, first, false, func() []float64 { return s.resetGain(sub) }},
		{isLater, "later-barrier/" + slug(g.policy), "Frankle et al. 2020", "has a smaller error barrier where spawned pairs part later (" + label(g.policy) + ")",
			"error barrier" + parted, true, llfc.AtMost, 0, first, false, later(Trial.errorBarrier)},
		{isLater, "later-llfc/" + slug(g.policy), "Frankle et al. 2020", "has a smaller mean over layers of 1 − cos_½ where spawned pairs part later (" + label(g.policy) + ")",
			"mean over layers of 1 − cos_½" + parted, false, llfc.AtMost, 0, first, false, later(Trial.meanHalf)},

		// Permuted pairs against width.
		{g.what == widths, "matching", "arXiv 2209.04836", "lowers the barrier of independent pairs at every width",
			"largest error barrier after − before over widths", true, llfc.AtMost, 0, first, false, func() []float64 { return s.gains(g, Trial.errorBarrier) }},
		{g.what == widths, "llfc", "Def. 2, Fig. 3", "brings features closer to interpolating linearly at every width",
			"largest mean over layers of 1 − cos_½ after − before, over widths", false, llfc.AtMost, 0, first, false, func() []float64 { return s.gains(g, Trial.meanHalf) }},
		{g.what == widths, "width", "arXiv 2209.04836", "leaves less of a barrier the wider the network",
			"largest rise of the error barrier from one width to the next", true, llfc.AtMost, 0, first, false, func() []float64 { return s.rises(g) }},

		// What holds for any network, up to rounding.
		{g.what == allPairs, "first-layer", "Def. 2, linearity", "has a first linear layer that interpolates exactly",
			"mean 1 − cos_½ of the first layer", false, llfc.AtMost, exact, first, false, each(Trial.firstHalf)},
		{g.what == allPairs, "lemma1", "Lemma 1, its argument", "has logits whose blend makes no more errors than its two ends together",
			"largest Err(αf_A + (1−α)f_B) − (Err_A + Err_B) over α, test", true, llfc.AtMost, 0, first, false, each(Trial.blendExcess)},
		{g.what == theorem1, "theorem1-premises", "Theorem 1", "satisfies both",
			"largest mean Dist_σ and Dist_com over layers", false, llfc.AtMost, exact, first, false, each(Trial.premises)},
		{g.what == theorem1, "theorem1", "Theorem 1", "has features that therefore interpolate exactly",
			"largest mean 1 − cos_½ over layers", false, llfc.AtMost, exact, first, false, each(Trial.mostHalf)},
	}
}

// claim is the rule on a group, with what was measured.
func (r rule) claim(g group, over string, values []float64, note string) llfc.Claim {
	return llfc.Claim{ID: g.id + "/" + r.id, Source: r.source, Subject: g.name, Statement: g.name + " " + r.says, Quantity: r.quantity,
		Kind: r.kind, Line: r.line, Percent: r.percent, Over: over, Values: values, Note: note, Registered: r.since, Exploratory: r.explored}
}

// Claims checks the papers' statements on what was measured.
func (s *Study) Claims() llfc.Scorecard {
	out := s.claims()
	s.bootstrap(out)
	s.compare(out)
	return out
}

// claims are those of the study's items, with their values only.
func (s *Study) claims() llfc.Scorecard {
	var out llfc.Scorecard
	for _, g := range s.groups() {
		over := "seeds"
		if g.what == allPairs {
			over = "pairs"
		}
		for _, r := range append(s.rules(g), s.methodRules(g)...) {
			if r.applies {
				out = append(out, r.claim(g, over, r.values(), s.note(g.subjects...)))
			}
		}
	}
	return slices.DeleteFunc(out, func(c llfc.Claim) bool { return !s.wants(func(i Item) []string { return i.Claims }, c.ID) })
}

// resetGain is what a reset takes off the barrier of independent pairs; nothing where none was measured.
func (s *Study) resetGain(sub Subject) []float64 {
	var plain, reset []Trial
	for _, k := range sub.Kinds {
		for _, p := range sub.Policies {
			switch {
			case k.Connected():
			case raw(p):
				plain = append(plain, s.of(sub.ID, k.ID, p)...)
			case p.Name == "reset" && !p.Folded:
				reset = append(reset, s.of(sub.ID, k.ID, p)...)
			}
		}
	}
	return together(plain, reset, less(Trial.errorBarrier))
}

// gains is, for each seed, the largest over widths of what matching adds to a quantity of independent pairs.
func (s *Study) gains(g group, q func(Trial) float64) (out []float64) {
	for _, sub := range g.subjects {
		k := sub.nearest()
		out = worst(out, together(s.of(sub.ID, k.ID, g.policy), s.of(sub.ID, k.Against, g.policy), less(q)))
	}
	return out
}

// rises is, for each seed, the largest rise of the permuted pairs' barrier from one width to the next.
func (s *Study) rises(g group) (out []float64) {
	for i := 1; i < len(g.subjects); i++ {
		narrow, wide := g.subjects[i-1], g.subjects[i]
		out = worst(out, together(s.of(wide.ID, wide.nearest().ID, g.policy), s.of(narrow.ID, narrow.nearest().ID, g.policy), less(Trial.errorBarrier)))
	}
	return out
}
