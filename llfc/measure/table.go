package measure

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Row is one quantity at one place: the mean over the samples of a set, or one number for all of it.
type Row struct {
	Quantity string // its name in Quantities
	Layer    Layer
	Alpha    float64 // NaN where the quantity has none
	Stat
	Samples []float64 // every sample's value in the order of the set, nil unless asked for; NaN marks one that was left out
}

// Profile is a quantity at all its places; alpha is NaN for one that has none.
func (r *Result) Profile(quantity string, alpha float64) (Profile, error) {
	rows, err := r.rows(quantity, alpha)
	if err != nil {
		return Profile{}, err
	}
	var p Profile
	for _, row := range rows {
		p.Layers, p.Stats = append(p.Layers, row.Layer.Name), append(p.Stats, row.Stat)
	}
	return p, nil
}

// PerSample is every sample's value of a quantity, by place. They must have been kept: see Options.PerSample and Options.Samples.
func (r *Result) PerSample(quantity string, alpha float64) ([][]float64, error) {
	rows, err := r.rows(quantity, alpha)
	if err != nil {
		return nil, err
	}
	var out [][]float64
	for _, row := range rows {
		if row.Samples == nil {
			return nil, fmt.Errorf("measure: the samples of %s were not kept; set Options.PerSample, or name it in Options.Samples", quantity)
		}
		out = append(out, row.Samples)
	}
	return out, nil
}

// rows returns those of a quantity at an α. A network without a place for it has none.
func (r *Result) rows(quantity string, alpha float64) ([]Row, error) {
	var out []Row
	var alphas []float64
	for _, row := range r.Rows {
		if row.Quantity != quantity {
			continue
		}
		if same(row.Alpha, alpha) || math.IsNaN(row.Alpha) && math.IsNaN(alpha) {
			out = append(out, row)
		} else if !slices.Contains(alphas, row.Alpha) {
			alphas = append(alphas, row.Alpha)
		}
	}
	switch {
	case len(out) > 0 || slices.Contains(r.Empty, quantity):
		return out, nil
	case len(alphas) > 0:
		return nil, fmt.Errorf("measure: α = %g was not measured; there is %v", alpha, alphas)
	}
	return nil, fmt.Errorf("measure: %s was not measured; set Options.Conditions, or name it in Options.Also", quantity)
}

// profile is Profile of what was certainly measured.
func (r *Result) profile(quantity string, alpha float64) Profile {
	p, err := r.Profile(quantity, alpha)
	if err != nil {
		return Profile{}
	}
	return p
}

// Keep is the result at some layers only, for a figure in which those of a deep network can be told apart. Quantities of nonlinearities and
// linear maps stay as they are; so do the lines. Samples are left out.
func (r *Result) Keep(keep func(Layer) bool) *Result {
	out := *r
	out.Layers, out.Rows = nil, nil
	for _, l := range r.Layers {
		if keep(l) {
			out.Layers = append(out.Layers, l)
		}
	}
	for _, row := range r.Rows {
		if row.Samples = nil; whereOf(row.Quantity) != Layers || keep(row.Layer) {
			out.Rows = append(out.Rows, row)
		}
	}
	return &out
}

// whereOf is where a quantity looks.
func whereOf(quantity string) Where {
	for _, q := range Quantities(false) {
		if q.Name == quantity {
			return q.Where
		}
	}
	return Layers
}

// WithoutSamples is the result without every sample's values, which can fill a hundred megabytes.
func (r *Result) WithoutSamples() *Result {
	out := *r
	out.Rows = slices.Clone(r.Rows)
	for i := range out.Rows {
		out.Rows[i].Samples = nil
	}
	return &out
}

// Average is the mean of results over seeds: of the means over samples, of the deviations over samples, and of loss and error. The results
// must be of the same layers, α, quantities and splits. Samples used and skipped are those of the first; values of samples are left out.
func Average(results ...*Result) (*Result, error) {
	if len(results) == 0 {
		return nil, errors.New("measure: the average of no results")
	}
	first := results[0]
	for _, r := range results[1:] {
		if r.Policy != first.Policy {
			return nil, fmt.Errorf("measure: the average of results of different policies: %q and %q", first.Policy, r.Policy)
		}
		if !slices.Equal(r.Layers, first.Layers) || !slices.Equal(r.Alphas, first.Alphas) || len(r.Lines) != len(first.Lines) || !slices.EqualFunc(r.Rows, first.Rows, samePlace) {
			return nil, fmt.Errorf("measure: the average of results of different layers, α or quantities: %v at %v and %v at %v", first.Layers, first.Alphas, r.Layers, r.Alphas)
		}
	}
	n := float64(len(results))
	out := *first
	out.Rows, out.Lines = nil, nil
	for i, row := range first.Rows {
		row.Samples, row.Mean, row.Std = nil, 0, 0
		for _, r := range results {
			row.Mean += r.Rows[i].Mean / n
			row.Std += r.Rows[i].Std / n
		}
		out.Rows = append(out.Rows, row)
	}
	out.Mixed = averageOf(results, func(r *Result) []float64 { return r.Mixed })
	out.Apart = averageOf(results, func(r *Result) []float64 { return r.Apart })
	out.Networks = averageCalibration(results, func(r *Result) []Calibration { return r.Networks })
	out.Ensembles = averageCalibration(results, func(r *Result) []Calibration { return r.Ensembles })
	for i, line := range first.Lines {
		line.Loss = averageOf(results, func(r *Result) []float64 { return r.Lines[i].Loss })
		line.Error = averageOf(results, func(r *Result) []float64 { return r.Lines[i].Error })
		line.Given = slices.Clone(line.Given)
		for k := range line.Given {
			line.Given[k] = Score{}
			for _, r := range results {
				line.Given[k].Loss += r.Lines[i].Given[k].Loss / n
				line.Given[k].Error += r.Lines[i].Given[k].Error / n
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return &out, nil
}

// samePlace says whether two rows are of one quantity, place and α.
func samePlace(a, b Row) bool {
	return a.Quantity == b.Quantity && a.Layer == b.Layer && (same(a.Alpha, b.Alpha) || math.IsNaN(a.Alpha) && math.IsNaN(b.Alpha))
}

// averageCalibration leaves the bins out.
func averageCalibration(results []*Result, of func(*Result) []Calibration) []Calibration {
	n := float64(len(results))
	out := make([]Calibration, len(of(results[0])))
	for _, r := range results {
		for i, c := range of(r) {
			o := &out[i]
			o.Loss, o.Error, o.Brier, o.ECE = o.Loss+c.Loss/n, o.Error+c.Error/n, o.Brier+c.Brier/n, o.ECE+c.ECE/n
		}
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
