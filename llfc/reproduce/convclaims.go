package reproduce

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/merge"
)

// The lines of convolutional networks beside those of the MLP, set before measuring.
const (
	smallAgainst = 0.5  // mean over layers of 1 − cos_½ of a connected pair over that of the independent one
	clearGain    = 0.01 // of the error barrier, for a policy that lowers it
)

// Claims checks what the papers state on what was measured.
func (s *ConvStudy) Claims() llfc.Scorecard {
	var out llfc.Scorecard
	for _, n := range s.Scale.Nets {
		if n.Width > 0 {
			continue
		}
		for _, p := range n.Policies {
			if p.Name == interpolate || p.Name == "reset" {
				out = append(out, s.spawnedClaims(n, p)...)
				out = append(out, s.independentClaims(n, p)...)
			}
		}
		out = append(out, s.netClaims(n)...)
	}
	out = append(out, s.widthClaims()...)
	out = append(out, s.exactClaims()...)
	for i := range out {
		out[i].Note = s.note()
	}
	return out
}

// spawnedClaims are on the pairs that share most epochs.
func (s *ConvStudy) spawnedClaims(n Net, p merge.Policy) llfc.Scorecard {
	pairs, against := s.of(n.ID, n.last(), p), s.of(n.ID, "independent", p)
	claims := llfc.Scorecard{
		{ID: "lmc", Source: "Def. 1; line: Frankle et al. 2020", Statement: "is linearly connected", Percent: true,
			Quantity: "error barrier over the mean of the ends, test", Kind: llfc.AtMost, Line: stableBarrier, Values: values(pairs, Trial.errorBarrier)},
		{ID: "baseline", Source: "Figs 2–3", Statement: "has features far closer to the blend of its ends than its ends are to each other",
			Quantity: "largest (1 − cos_½) / (1 − cos_AB) over layers", Kind: llfc.AtMost, Line: smallShare, Values: values(pairs, Trial.share)},
		{ID: "against", Source: "Fig. 4", Statement: "has features that interpolate far better than those of the independent pair of the same seed",
			Quantity: "ratio of their means over layers of 1 − cos_½", Kind: llfc.AtMost, Line: smallAgainst, Values: ratios(pairs, against, Trial.meanHalf)},
	}
	if p.Name == interpolate && !p.Folded { // folding leaves the inputs of the nonlinearities as they are
		claims = append(claims, llfc.Claim{ID: "weak", Source: "Def. 3, Figs 5–6", Statement: "satisfies weak additivity far better than the independent pair of the same seed",
			Quantity: "largest ratio of their mean Dist_σ(½) over layers", Kind: llfc.AtMost, Line: smallWeak, Values: weakRatios(pairs, against)})
	}
	if p.Name == interpolate {
		claims = append(claims, llfc.Scorecard{
			{ID: "commute", Source: "Def. 4, Fig. 7", Statement: "satisfies commutativity at every layer, on the scale of its weights and inputs",
				Quantity: "largest Dist_com / min(Dist_W, Dist_H) over layers after the first", Kind: llfc.AtMost, Line: smallCommute,
				Values: values(pairs, mostCommute(math.Max))},
		}...)
	}
	return about("a "+n.Name+" pair spawned at k = "+epoch(slices.Max(n.Spawn))+" ("+label(p)+")", n.ID+"/"+n.last()+"/"+slug(p), claims)
}

// independentClaims are on pairs that share nothing: without them the others say nothing.
func (s *ConvStudy) independentClaims(n Net, p merge.Policy) llfc.Scorecard {
	pairs := s.of(n.ID, "independent", p)
	claims := llfc.Scorecard{
		{ID: "lmc", Source: "Fig. 4", Statement: "is not linearly connected", Percent: true,
			Quantity: "error barrier over the mean of the ends, test", Kind: llfc.AtLeast, Line: unconnectedBarrier, Values: values(pairs, Trial.errorBarrier)},
	}
	if p.Name == interpolate {
		claims = append(claims, llfc.Claim{ID: "commute", Source: "Figs 16–19", Statement: "violates commutativity at every layer after the first",
			Quantity: "smallest Dist_com / min(Dist_W, Dist_H) over layers after the first", Kind: llfc.AtLeast, Line: largeCommute,
			Values: values(pairs, mostCommute(math.Min))})
	}
	return about("an independent "+n.Name+" pair ("+label(p)+")", n.ID+"/independent/"+slug(p), claims)
}

// netClaims compare pairs or policies of one network.
func (s *ConvStudy) netClaims(n Net) llfc.Scorecard {
	plain := merge.Policy{Name: interpolate}
	claims := llfc.Scorecard{
		{ID: "reset", Source: "REPAIR (arXiv 2211.08403)", Statement: "loses part of the barrier of independent pairs when its statistics are reset", Percent: true,
			Quantity: "error barrier with interpolated statistics − with reset ones", Kind: llfc.AtLeast, Line: clearGain,
			Values: differences(s.of(n.ID, "independent", plain), s.named(n, "independent", "reset"), Trial.errorBarrier)},
	}
	if len(n.Spawn) > 1 {
		first := spawnedKind(n.Setting, slices.Min(n.Spawn)).id
		for _, p := range n.Policies {
			if p != plain && p.Name != "reset" {
				continue
			}
			for _, q := range []struct {
				id, what string
				percent  bool
				of       func(Trial) float64
			}{{"barrier", "error barrier", true, Trial.errorBarrier}, {"llfc", "mean over layers of 1 − cos_½", false, Trial.meanHalf}} {
				claims = append(claims, llfc.Claim{ID: "later-" + q.id + "/" + slug(p), Source: "Frankle et al. 2020",
					Statement: "has a smaller " + q.what + " where spawned pairs part later (" + label(p) + ")", Percent: q.percent,
					Quantity: q.what + " at k = " + epoch(slices.Max(n.Spawn)) + " − at k = " + epoch(slices.Min(n.Spawn)), Kind: llfc.AtMost, Line: 0,
					Values: differences(s.of(n.ID, n.last(), p), s.of(n.ID, first, p), q.of)})
			}
		}
	}
	return about(n.Name, n.ID, claims)
}

// named are the trials under the policy of a name.
func (s *ConvStudy) named(n Net, kind, name string) []Trial {
	i := slices.IndexFunc(n.Policies, func(p merge.Policy) bool { return p.Name == name && !p.Folded })
	if i < 0 {
		return nil
	}
	return s.of(n.ID, kind, n.Policies[i])
}

// wide are the networks that are permuted, narrow first.
func (s *ConvStudy) wide() []Net {
	var out []Net
	for _, n := range s.Scale.Nets {
		if n.Width > 0 {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Net) int { return a.Width - b.Width })
	return out
}

// widthClaims are on permuted pairs against width.
func (s *ConvStudy) widthClaims() llfc.Scorecard {
	wide := s.wide()
	if len(wide) == 0 {
		return nil
	}
	var out llfc.Scorecard
	for _, p := range wide[0].Policies {
		var rises, gains, nearer []float64
		for i, n := range wide {
			permuted, plain := s.of(n.ID, "permuted", p), s.of(n.ID, "independent", p)
			gains = worst(gains, differences(permuted, plain, Trial.errorBarrier))
			nearer = worst(nearer, differences(permuted, plain, Trial.meanHalf))
			if i > 0 {
				rises = worst(rises, differences(permuted, s.of(wide[i-1].ID, "permuted", p), Trial.errorBarrier))
			}
		}
		out = append(out, about("weight matching ("+label(p)+")", "permuted/"+slug(p), llfc.Scorecard{
			{ID: "matching", Source: "arXiv 2209.04836", Statement: "lowers the barrier of independent pairs at every width", Percent: true,
				Quantity: "largest error barrier after − before over widths", Kind: llfc.AtMost, Line: 0, Values: gains},
			{ID: "llfc", Source: "Def. 2, Fig. 3", Statement: "brings features closer to interpolating linearly at every width",
				Quantity: "largest mean over layers of 1 − cos_½ after − before, over widths", Kind: llfc.AtMost, Line: 0, Values: nearer},
			{ID: "width", Source: "arXiv 2209.04836", Statement: "leaves less of a barrier the wider the network", Percent: true,
				Quantity: "largest rise of the error barrier from one width to the next", Kind: llfc.AtMost, Line: 0, Values: rises},
		})...)
	}
	return out
}

// exactClaims hold for any network whose weights are interpolated, up to rounding.
func (s *ConvStudy) exactClaims() llfc.Scorecard {
	var first, blend []float64
	for _, t := range s.Trials {
		if t.Policy.Name == interpolate {
			first = append(first, t.Half.Stats[0].Mean)
			blend = append(blend, blendExcess(t.Result))
		}
	}
	return exactPairClaims(first, blend)
}

// ratios is q of each trial over q of its counterpart.
func ratios(pairs, against []Trial, q func(Trial) float64) []float64 {
	return together(pairs, against, func(a, b Trial) float64 { return q(a) / q(b) })
}

// differences is q of each trial less q of its counterpart.
func differences(pairs, against []Trial, q func(Trial) float64) []float64 {
	return together(pairs, against, func(a, b Trial) float64 { return q(a) - q(b) })
}

func weakRatios(pairs, against []Trial) []float64 {
	return together(pairs, against, func(a, b Trial) float64 {
		x, err1 := a.WeakAdditivity()
		y, err2 := b.WeakAdditivity()
		if err1 != nil || err2 != nil {
			return math.NaN()
		}
		return largest(x.Half, divisor(y.Half))
	})
}

// together pairs trials of one seed.
func together(pairs, against []Trial, q func(a, b Trial) float64) []float64 {
	var out []float64
	for _, a := range pairs {
		if i := slices.IndexFunc(against, func(b Trial) bool { return b.Seed == a.Seed }); i >= 0 {
			out = append(out, q(a, against[i]))
		}
	}
	return out
}

// worst is the larger of two values of each seed; NaN is larger than all.
func worst(a, b []float64) []float64 {
	if a == nil {
		return b
	}
	out := slices.Clone(a)
	for i := range min(len(a), len(b)) {
		out[i] = math.Max(a[i], b[i])
	}
	return out
}

// mostCommute is the worst or the best layer after the first.
func mostCommute(pick func(a, b float64) float64) func(t Trial) float64 {
	return func(t Trial) float64 {
		c, err := t.Commutativity()
		if err != nil {
			return math.NaN()
		}
		return extremeCommute(c, pick)
	}
}

// slug is a policy in the name of a file or a claim.
func slug(p merge.Policy) string { return strings.ReplaceAll(label(p), " ", "-") }

func epoch(k float64) string { return fmt.Sprintf("%g", k) }
