package study

import (
	"math"
	"slices"

	"layerwise/llfc/measure"
)

// The numbers of a trial that claims, figures and tables are made of.

func (t Trial) errorA() float64 { e := t.Errors().Values; return e[len(e)-1] }
func (t Trial) errorB() float64 { return t.Errors().Values[0] }
func (t Trial) lossA() float64  { l := t.Losses().Values; return l[len(l)-1] }
func (t Trial) lossB() float64  { return t.Losses().Values[0] }

// errorHalf is the error in the middle of the line.
func (t Trial) errorHalf() float64 { return t.Barrier().Middle + (t.errorA()+t.errorB())/2 }

// errorBarrier is the error barrier over the mean of the ends, a fraction.
func (t Trial) errorBarrier() float64 { return barrier(t.Lines[0]) }

// aboveEnds is how far the error of the line rises above the sum of its two ends.
func (t Trial) aboveEnds() float64 { return aboveEnds(t.Lines[0]) }

// blendExcess is how far the error of the blended logits rises above the bound of Lemma 1.
func (t Trial) blendExcess() float64 {
	blend, bound := t.Lemma1()
	return excess(blend.Values, bound, t.Result.Samples)
}

// meanHalf is the mean over layers of E[1 − cos_½]; layers without a value are left out.
func (t Trial) meanHalf() float64 {
	sum, n := 0.0, 0
	for _, s := range t.Half.Stats {
		if !math.IsNaN(s.Mean) {
			sum, n = sum+s.Mean, n+1
		}
	}
	return sum / float64(n)
}

// mostHalf is the largest over layers of E[1 − cos_½], firstHalf and lastHalf those of the first layer and of the logits.
func (t Trial) mostHalf() float64  { return largest(t.Half, nil) }
func (t Trial) firstHalf() float64 { return t.Half.Stats[0].Mean }
func (t Trial) lastHalf() float64  { return t.Half.Stats[t.Half.Len()-1].Mean }

// share is the largest E[1 − cos_½] over layers as a share of the baseline E[1 − cos_AB] there.
func (t Trial) share() float64 { return largest(t.Half, divisor(t.Baseline())) }

func (t Trial) leastCoef() float64 { return smallest(t.CoefHalf) }
func (t Trial) mostCoef() float64  { return largest(t.CoefHalf, nil) }

// weakShare is the largest ratio over layers of Dist_σ(½) to that of another trial.
func weakShare(a, b Trial) float64 {
	x, err1 := a.WeakAdditivity()
	y, err2 := b.WeakAdditivity()
	if err1 != nil || err2 != nil {
		return math.NaN()
	}
	return largest(x.Half, divisor(y.Half))
}

// mostCommute and leastCommute are Dist_com over the smaller of Dist_W and Dist_H, at the worst and the best layer after the first, where both
// networks see the same input and Dist_com is 0.
func (t Trial) mostCommute() float64  { return t.commute(math.Max) }
func (t Trial) leastCommute() float64 { return t.commute(math.Min) }

func (t Trial) commute(pick func(a, b float64) float64) float64 {
	c, err := t.Commutativity()
	if err != nil {
		return math.NaN()
	}
	return extremeCommute(c, pick)
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

// premises is the largest mean Dist_σ and Dist_com over layers: how far a pair is from the premises of Theorem 1.
func (t Trial) premises() float64 {
	weak, err1 := t.WeakAdditivity()
	com, err2 := t.Commutativity()
	if err1 != nil || err2 != nil {
		return math.NaN()
	}
	return math.Max(largest(weak.Max, nil), largest(com.Com, nil))
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

// values is one number of each trial, in their order.
func values(trials []Trial, q func(Trial) float64) []float64 {
	out := make([]float64, len(trials))
	for i, t := range trials {
		out[i] = q(t)
	}
	return out
}

// together is one number of each two trials of one seed.
func together(trials, against []Trial, q func(a, b Trial) float64) []float64 {
	var out []float64
	for _, a := range trials {
		if i := slices.IndexFunc(against, func(b Trial) bool { return b.Seed == a.Seed }); i >= 0 {
			out = append(out, q(a, against[i]))
		}
	}
	return out
}

// ratio and less compare a quantity of two trials.
func ratio(q func(Trial) float64) func(a, b Trial) float64 {
	return func(a, b Trial) float64 { return q(a) / q(b) }
}
func less(q func(Trial) float64) func(a, b Trial) float64 {
	return func(a, b Trial) float64 { return q(a) - q(b) }
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
