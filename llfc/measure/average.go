package measure

import (
	"errors"
	"fmt"
	"slices"
)

// Average is the mean of results over seeds: of the means over samples, of the deviations over samples, and of loss and error. The results
// must be of the same layers, α and splits. Samples used and skipped are those of the first; raw values are left out.
func Average(results ...*Result) (*Result, error) {
	if len(results) == 0 {
		return nil, errors.New("measure: the average of no results")
	}
	first := results[0]
	for _, r := range results[1:] {
		if r.Policy != first.Policy {
			return nil, fmt.Errorf("measure: the average of results of different policies: %q and %q", first.Policy, r.Policy)
		}
		if !slices.Equal(r.Layers, first.Layers) || !slices.Equal(r.Alphas, first.Alphas) || len(r.Lines) != len(first.Lines) ||
			(r.weak == nil) != (first.weak == nil) {
			return nil, fmt.Errorf("measure: the average of results of different layers, α or conditions: %v at %v and %v at %v", first.Layers, first.Alphas, r.Layers, r.Alphas)
		}
	}
	out := *first
	out.Raw = nil
	out.linear, out.coef, out.Lines = nil, nil, nil
	for k := range first.Alphas {
		out.linear = append(out.linear, averageProfile(results, func(r *Result) Profile { return r.linear[k] }))
		out.coef = append(out.coef, averageProfile(results, func(r *Result) Profile { return r.coef[k] }))
	}
	out.baseline = averageProfile(results, (*Result).Baseline)
	out.Mixed = averageOf(results, func(r *Result) []float64 { return r.Mixed })
	for i, line := range first.Lines {
		line.Loss = averageOf(results, func(r *Result) []float64 { return r.Lines[i].Loss })
		line.Error = averageOf(results, func(r *Result) []float64 { return r.Lines[i].Error })
		line.Given = averageGiven(results, func(r *Result) []Score { return r.Lines[i].Given })
		out.Lines = append(out.Lines, line)
	}
	if first.weak != nil {
		out.weak = &Weak{
			Half:         averageProfile(results, func(r *Result) Profile { return r.weak.Half }),
			Max:          averageProfile(results, func(r *Result) Profile { return r.weak.Max }),
			Disagreement: averageProfile(results, func(r *Result) Profile { return r.weak.Disagreement }),
		}
		out.commute = &Commutativity{
			Com: averageProfile(results, func(r *Result) Profile { return r.commute.Com }),
			W:   averageProfile(results, func(r *Result) Profile { return r.commute.W }),
			H:   averageProfile(results, func(r *Result) Profile { return r.commute.H }),
		}
	}
	return &out, nil
}

func averageProfile(results []*Result, of func(*Result) Profile) Profile {
	out := Profile{Layers: of(results[0]).Layers, Stats: slices.Clone(of(results[0]).Stats)}
	for i := range out.Stats {
		out.Stats[i].Mean, out.Stats[i].Std = 0, 0
		for _, r := range results {
			s := of(r).Stats[i]
			out.Stats[i].Mean += s.Mean / float64(len(results))
			out.Stats[i].Std += s.Std / float64(len(results))
		}
	}
	return out
}

func averageGiven(results []*Result, of func(*Result) []Score) []Score {
	out := slices.Clone(of(results[0]))
	loss := averageOf(results, func(r *Result) (v []float64) {
		for _, s := range of(r) {
			v = append(v, s.Loss)
		}
		return v
	})
	wrong := averageOf(results, func(r *Result) (v []float64) {
		for _, s := range of(r) {
			v = append(v, s.Error)
		}
		return v
	})
	for i := range out {
		out[i] = Score{loss[i], wrong[i]}
	}
	return out
}

func averageOf(results []*Result, of func(*Result) []float64) []float64 {
	out := make([]float64, len(of(results[0])))
	for _, r := range results {
		for i, v := range of(r) {
			out[i] += v / float64(len(results))
		}
	}
	return out
}
