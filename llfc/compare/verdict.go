package compare

import (
	"fmt"
	"strings"
)

// Kind is how two networks are related.
type Kind string

// The kinds of pairs.
const (
	Identical    Kind = "identical"
	PartlyFrozen Kind = "partly frozen"
	Related      Kind = "related"
	Same         Kind = "the same up to a permutation"
	Independent  Kind = "independent"
	Undecided    Kind = "undecided"
	Different    Kind = "different networks"
)

// Verdict is a kind and the sentence that justifies it.
type Verdict struct {
	Kind   Kind
	Why    string
	Frozen []string // weights that are bit for bit the same in both, where others differ
}

func (v Verdict) String() string { return string(v.Kind) + ": " + v.Why }

// level is the p below which independence is rejected.
const level = 0.01

// judge sums up.
func (r *Result) judge() Verdict {
	weights, identical := 0, 0
	var frozen []string
	for _, row := range r.Rows {
		if !row.Float {
			continue
		}
		weights++
		if row.Identical {
			identical++
			if !row.Constant && !computed(row.Name) && row.Count > 1 {
				frozen = append(frozen, row.Name)
			}
		}
	}
	switch {
	case weights == 0:
		return Verdict{Kind: Different, Why: "no weight of one has a partner of the same shape in the other"}
	case identical == weights && len(r.OnlyA)+len(r.OnlyB) == 0:
		return Verdict{Kind: Identical, Why: fmt.Sprintf("%s, equal bit for bit", plural(weights, "weight"))}
	case r.Permuted != nil && r.Permuted.Same && r.Permuted.Moved > 0:
		return Verdict{Kind: Same, Why: fmt.Sprintf("%d of %d hidden units stand elsewhere, and after moving them back the weights are equal (relative distance %.1g)",
			r.Permuted.Moved, r.Permuted.Units, r.Permuted.Distance)}
	case len(frozen) > 0:
		why := fmt.Sprintf("%d of %s are equal bit for bit; all together: ", len(frozen), plural(weights, "weight"))
		if identical == weights {
			why = fmt.Sprintf("%d of %s have a partner, equal bit for bit", weights, plural(weights+len(r.OnlyA), "weight"))
			return Verdict{PartlyFrozen, why, frozen}
		}
		return Verdict{PartlyFrozen, why + r.evidence(), frozen}
	case r.Test == nil:
		return Verdict{Kind: Undecided, Why: "no hidden units were found in the shapes, so independence cannot be tested; " + r.evidence()}
	case r.Test.P <= level:
		return Verdict{Kind: Related, Why: "one was trained from the other, or both from a third (fine-tuned, spawned, averaged); " + r.evidence()}
	}
	return Verdict{Kind: Independent, Why: "nothing tells them from networks that know nothing of each other; " + r.evidence()}
}

// evidence is the numbers behind a verdict.
func (r *Result) evidence() string {
	distance, far := r.Whole()
	parts := []string{fmt.Sprintf("relative distance %.3g, cos %.4g", distance, 1-far)}
	if r.Test != nil {
		parts = append(parts, fmt.Sprintf("p of independence %.4g (%.1f standard deviations, %d draws)", r.Test.P, r.Test.Z, r.Test.Draws))
	}
	if p := r.Permuted; p != nil {
		parts = append(parts, fmt.Sprintf("matching the units raises cos from %.3g to %.3g, as it does for independent networks too", 1-p.OneMinusCosBefore, 1-p.OneMinusCos))
	}
	return strings.Join(parts, "; ")
}

// computed reports whether a tensor's name is that of something that a program computes, equal in all networks: tables, not weights.
func computed(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"basis", "stft", "fbank", "inv_freq", "position_ids", "window", "mask", "buffer", "anchor", "running_", "/mean", "/var"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
