package reproduce

import (
	"errors"
	"fmt"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// figure is a drawing with a name for its files and a caption for the report.
type figure struct {
	file, section, caption string
	*plotting.Figure
}

// The sections of the report, in order.
const (
	sectionPaths    = "Paths: linear mode connectivity"
	sectionFeatures = "Features: layerwise linear feature connectivity"
	sectionWeak     = "Weak additivity"
	sectionCommute  = "Commutativity"
)

// Figures draws everything that was measured: means over seeds.
func (s *Study) Figures() ([]figure, error) {
	var out []figure
	for _, draw := range []func() ([]figure, error){s.paths, s.features, s.weakness, s.commuting} {
		figs, err := draw()
		if err != nil {
			return nil, err
		}
		out = append(out, figs...)
	}
	return out, nil
}

// paths draws loss and error along the line of every kind of pair.
func (s *Study) paths() ([]figure, error) {
	var out []figure
	for _, q := range []struct {
		file, title, axis string
		percent           bool
		curve             func(m Measured) measure.Curve
	}{
		{"path-test-error", "Error along the line, test", "test error", true, func(m Measured) measure.Curve { return m.Test.Errors() }},
		{"path-test-loss", "Loss along the line, test", "test loss (nats)", false, func(m Measured) measure.Curve { return m.Test.Losses() }},
		{"path-train-error", "Error along the line, training set", "training error", true, func(m Measured) measure.Curve { return m.Train.Errors() }},
		{"path-train-loss", "Loss along the line, training set", "training loss (nats)", false, func(m Measured) measure.Curve { return m.Train.Losses() }},
	} {
		var series []plotting.Series
		for _, k := range s.Scale.kinds() {
			series = append(series, plotting.Series{Name: k.name, Data: meanCurve(s.of(k.id), q.curve)})
		}
		fig, err := plotting.Lines(q.title, "α (0 is B, 1 is A)", q.axis, series...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.file, err)
		}
		fig.Percent = q.percent
		caption := q.title + ", " + s.spread() + "."
		if len(s.Scale.Seeds) >= bandSeeds {
			caption = q.title + ", mean of the seeds; band: 95 % interval of that mean (Student's t)."
		}
		out = append(out, figure{q.file, sectionPaths, caption, fig})
	}
	return out, nil
}

// features draws the paper's layerwise figures (Figs 2–4 and those of App. B.2): means over seeds.
func (s *Study) features() ([]figure, error) {
	const bars = " Bars: standard deviation over samples."
	var out []figure
	var half []figures.Pair
	for _, k := range s.Scale.kinds() {
		mean, err := s.mean(k)
		if err != nil {
			return nil, err
		}
		half = append(half, figures.Pair{Name: k.name, Result: mean})
		linear, err1 := figures.LLFC("1 − cos, "+k.name, mean)
		coef, err2 := figures.Coef("coef, "+k.name, mean)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		out = append(out,
			figure{"llfc-" + k.id, sectionFeatures, "1 − cos between f(θ_α) and the blend of f(θ_A) and f(θ_B), " + k.name + " pairs, beside 1 − cos of the two ends." + bars, linear},
			figure{"coef-" + k.id, sectionFeatures, "coef_α = ⟨f_α, f_int⟩ / ‖f_int‖², " + k.name + " pairs; 1 is f(θ_α) equal to the blend in size." + bars, coef})
	}
	fig, err := figures.Half("1 − cos at α = 0.5, connected or not", half...)
	return append(out, figure{"llfc-half", sectionFeatures, "Linearly connected pairs against pairs that are not, at α = 0.5." + bars, fig}), err
}

// mean averages a kind of pair over seeds.
func (s *Study) mean(k kind) (*measure.Result, error) {
	var all []*measure.Result
	for _, m := range s.of(k.id) {
		all = append(all, m.Result)
	}
	return measure.Average(all...)
}

// weakness draws Dist_σ: its distribution over samples for the first seed, and its mean by layer.
func (s *Study) weakness() ([]figure, error) {
	var first []figures.Pair
	var series []plotting.Series
	for _, k := range s.Scale.kinds() {
		first = append(first, figures.Pair{Name: k.name, Result: s.of(k.id)[0].Result})
		mean, err := s.mean(k)
		if err != nil {
			return nil, err
		}
		weak, err := mean.WeakAdditivity()
		if err != nil {
			return nil, err
		}
		series = append(series, plotting.Series{Name: k.name, Data: weak.Max})
	}
	row, err1 := figures.Weak("", first...)
	mean, err2 := plotting.Layers("Dist_σ by layer", "E[Dist_σ]", s.Pairs[0].Weak.Max.Layers, series...)
	return []figure{
		{"weak-ecdf", sectionWeak, fmt.Sprintf("Distribution over test samples of Dist_σ, the largest over α, seed %d. Left is better.", s.Scale.Seeds[0]), row},
		{"weak-layers", sectionWeak, "Mean over samples and seeds of Dist_σ. Bars: standard deviation over samples.", mean},
	}, errors.Join(err1, err2)
}

// commuting draws Definition 4 (Fig. 7 and Figs 16–19).
func (s *Study) commuting() ([]figure, error) {
	var out []figure
	for _, k := range s.Scale.kinds() {
		mean, err := s.mean(k)
		if err != nil {
			return nil, err
		}
		fig, err := figures.Commutativity("Commutativity, "+k.name, mean)
		if err != nil {
			return nil, fmt.Errorf("commutativity, %s: %w", k.name, err)
		}
		out = append(out, figure{"commute-" + k.id, sectionCommute, "Dist_com beside the distances of the weights and of the inputs, " + k.name + " pairs, over the whole test set, mean over seeds. The first layer sees one input, so two of its bars are exactly 0.", fig})
	}
	return out, nil
}

// bandSeeds is the least number of seeds whose spread is drawn: the interval of two is 13 times as
// wide as they lie apart.
const bandSeeds = 3

// meanCurve is the mean over seeds, with the half width of its 95 % interval as the error where there are seeds enough.
func meanCurve(pairs []Measured, q func(Measured) measure.Curve) measure.Curve {
	out := measure.Curve{Alphas: q(pairs[0]).Alphas}
	for i := range out.Alphas {
		v := values(pairs, func(m Measured) float64 { return q(m).Values[i] })
		out.Values = append(out.Values, llfc.Mean(v))
		if len(v) >= bandSeeds {
			out.Errors = append(out.Errors, llfc.HalfWidth(v))
		}
	}
	return out
}
