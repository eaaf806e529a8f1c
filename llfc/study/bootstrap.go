package study

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"layerwise/internal/finite"
	"layerwise/llfc"
	"layerwise/llfc/measure"
)

// Where there are too few pairs for an interval over pairs, the images that a pair was measured on give one within it: they are drawn again
// with replacement, the same images for every pair, and every claim's values are made anew (Efron's percentile bootstrap).
const (
	bootstrapDraws = 400
	bootstrapSeed  = 1
)

// halfSamples are the quantities whose values by image the bootstrap needs: those at α = ½ that claims are on.
func halfSamples() []string {
	return []string{"one_minus_cos@0.5", "coef@0.5", "baseline", "dist_sigma_half"}
}

// bootstrap fills in the intervals within pairs of claims on fewer pairs than give one over pairs. A claim whose values do not move, because
// what it is on was measured for the whole set, has none.
func (s *Study) bootstrap(claims llfc.Scorecard) {
	few := func(c llfc.Claim) bool { return len(c.Values) > 0 && len(c.Values) < bandSeeds }
	if !slices.ContainsFunc(claims, few) || !slices.ContainsFunc(s.Trials, Trial.resamples) {
		return
	}
	values := make([][][]float64, len(claims)) // claim, value, draw
	for i, c := range claims {
		values[i] = make([][]float64, len(c.Values))
	}
	for k := range uint64(bootstrapDraws) {
		for i, c := range s.resampled(k).claims() {
			for v := range min(len(c.Values), len(values[i])) {
				values[i][v] = append(values[i][v], c.Values[v])
			}
		}
	}
	for i, c := range claims {
		if !few(c) {
			continue
		}
		var out [][2]float64
		for _, all := range values[i] {
			slices.Sort(all)
			low, high := stat.Quantile(0.025, stat.LinInterp, all, nil), stat.Quantile(0.975, stat.LinInterp, all, nil)
			if !finite.All(low, high) || low == high {
				out = nil
				break
			}
			out = append(out, [2]float64{low, high})
		}
		claims[i].Within = out
	}
}

// resampled is the study on images drawn again, the k-th time.
func (s *Study) resampled(k uint64) *Study {
	out := *s
	out.Trials = slices.Clone(s.Trials)
	counts := map[int][]float64{} // by the number of images
	for i, t := range out.Trials {
		if !t.resamples() {
			continue
		}
		n := t.Result.Samples
		if counts[n] == nil {
			counts[n] = drawn(n, k)
		}
		out.Trials[i] = t.resampled(counts[n])
	}
	return &out
}

// resamples says whether the values by image that the bootstrap needs were kept.
func (t Trial) resamples() bool {
	return slices.ContainsFunc(t.Rows, func(r measure.Row) bool { return r.Samples != nil && r.Alpha == 0.5 })
}

// drawn is how often each of n images comes up where n are drawn with replacement, the k-th time.
func drawn(n int, k uint64) []float64 {
	times := make([]float64, n)
	draw := rand.New(rand.NewPCG(bootstrapSeed, k))
	for range times {
		times[draw.IntN(n)]++
	}
	return times
}

// resampled is the trial on images that came up so many times.
func (t Trial) resampled(times []float64) Trial {
	r := *t.Result
	r.Rows = nil
	for _, row := range t.Rows {
		if row.Alpha != 0.5 && !math.IsNaN(row.Alpha) { // no claim is on it
			continue
		}
		if row.Samples != nil {
			row.Mean = weighted(row.Samples, times)
		}
		r.Rows = append(r.Rows, row)
	}
	t.Result = &r
	t.Half, _ = r.LLFC(0.5) // they were measured
	t.CoefHalf, _ = r.Coef(0.5)
	return t
}

// weighted is the mean of values that count so many times; NaN is left out.
func weighted(values, times []float64) float64 {
	sum, n := 0.0, 0.0
	for i, v := range values {
		if !math.IsNaN(v) {
			sum, n = sum+times[i]*v, n+times[i]
		}
	}
	return sum / n
}
