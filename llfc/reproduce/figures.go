package reproduce

import (
	"fmt"
	"math"

	"layerwise/llfc"
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

// features draws the paper's layerwise figures (Figs 2–4 and those of App. B.2).
func (s *Study) features() ([]figure, error) {
	var out []figure
	add := func(file, caption string, fig *plotting.Figure, err error) error {
		out = append(out, figure{file, sectionFeatures, caption, fig})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return nil
	}
	for _, k := range s.Scale.kinds() {
		pairs := s.of(k.id)
		layers := pairs[0].Baseline().Layers
		var linear, coef []plotting.Series
		for _, alpha := range shown() {
			name := fmt.Sprintf("α = %g", alpha)
			linear = append(linear, plotting.Series{Name: name, Data: meanProfile(pairs, func(m Measured) measure.Profile { return m.Linear[alpha] })})
			coef = append(coef, plotting.Series{Name: name, Data: meanProfile(pairs, func(m Measured) measure.Profile { return m.Coef[alpha] })})
		}
		linear = append(linear, plotting.Series{Name: "A and B", Style: plotting.BaselineStyle(),
			Data: meanProfile(pairs, func(m Measured) measure.Profile { return m.Baseline() })})
		fig, err := plotting.Layers("1 − cos, "+k.name, "E[1 − cos]", layers, linear...)
		if err := add("llfc-"+k.id, "1 − cos between f(θ_α) and the blend of f(θ_A) and f(θ_B), "+k.name+" pairs, beside 1 − cos of the two ends. Bars: standard deviation over samples.", fig, err); err != nil {
			return nil, err
		}
		if fig, err = plotting.Layers("coef, "+k.name, "E[coef]", layers, coef...); err == nil {
			fig.Reference = []float64{1}
		}
		if err := add("coef-"+k.id, "coef_α = ⟨f_α, f_int⟩ / ‖f_int‖², "+k.name+" pairs; 1 is f(θ_α) equal to the blend in size. Bars: standard deviation over samples.", fig, err); err != nil {
			return nil, err
		}
	}
	var series []plotting.Series
	for _, k := range s.Scale.kinds() {
		series = append(series, plotting.Series{Name: k.name, Data: meanProfile(s.of(k.id), func(m Measured) measure.Profile { return m.Linear[0.5] })})
	}
	fig, err := plotting.Layers("1 − cos at α = 0.5, connected or not", "E[1 − cos]", s.Pairs[0].Baseline().Layers, series...)
	return out, add("llfc-half", "Linearly connected pairs against pairs that are not, at α = 0.5. Bars: standard deviation over samples.", fig, err)
}

// weakness draws Dist_σ: its distribution over samples for the first seed, and its mean by layer.
func (s *Study) weakness() ([]figure, error) {
	first := s.Scale.Seeds[0]
	var panels []*plotting.Figure
	for l, layer := range s.Pairs[0].Weak.Max.Layers {
		var samples []plotting.Sample
		for _, k := range s.Scale.kinds() {
			if m := s.of(k.id)[0]; m.Raw != nil {
				samples = append(samples, plotting.Sample{Name: k.name, Values: finite(m.Raw.WeakMax[l])})
			}
		}
		fig, err := plotting.ECDF(layer, "Dist_σ, largest over α", samples...)
		if err != nil {
			return nil, fmt.Errorf("weak additivity at %s: %w", layer, err)
		}
		fig.LogX = true
		panels = append(panels, fig)
	}
	row, err := plotting.Row(panels...)
	if err != nil {
		return nil, err
	}
	var series []plotting.Series
	for _, k := range s.Scale.kinds() {
		series = append(series, plotting.Series{Name: k.name, Data: meanProfile(s.of(k.id), func(m Measured) measure.Profile { return m.Weak.Max })})
	}
	mean, err := plotting.Layers("Dist_σ by layer", "E[Dist_σ]", s.Pairs[0].Weak.Max.Layers, series...)
	return []figure{
		{"weak-ecdf", sectionWeak, fmt.Sprintf("Distribution over test samples of Dist_σ, the largest over α, seed %d. Left is better.", first), row},
		{"weak-layers", sectionWeak, "Mean over samples and seeds of Dist_σ. Bars: standard deviation over samples.", mean},
	}, err
}

// commuting draws Definition 4 (Fig. 7 and Figs 16–19).
func (s *Study) commuting() ([]figure, error) {
	var out []figure
	for _, k := range s.Scale.kinds() {
		pairs := s.of(k.id)
		fig, err := plotting.Bars("Commutativity, "+k.name, "Dist", pairs[0].Commute.Com.Layers,
			plotting.Series{Name: "Dist_com", Data: meanProfile(pairs, func(m Measured) measure.Profile { return m.Commute.Com })},
			plotting.Series{Name: "Dist_W", Data: meanProfile(pairs, func(m Measured) measure.Profile { return m.Commute.W })},
			plotting.Series{Name: "Dist_H", Data: meanProfile(pairs, func(m Measured) measure.Profile { return m.Commute.H })})
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

// meanProfile is the mean over seeds of the means over samples, and of the standard deviations over samples.
func meanProfile(pairs []Measured, q func(Measured) measure.Profile) measure.Profile {
	out := measure.Profile{Layers: q(pairs[0]).Layers}
	for i := range out.Layers {
		at := func(v func(measure.Stat) float64) float64 {
			return llfc.Mean(values(pairs, func(m Measured) float64 { return v(q(m).Stats[i]) }))
		}
		s := q(pairs[0]).Stats[i]
		s.Mean = at(func(s measure.Stat) float64 { return s.Mean })
		s.Std = at(func(s measure.Stat) float64 { return s.Std })
		out.Stats = append(out.Stats, s)
	}
	return out
}

func finite(values []float64) []float64 {
	var out []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, v)
		}
	}
	return out
}
