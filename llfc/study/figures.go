package study

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// figure is a drawing with a name for its files and a caption for the report.
type figure struct {
	file, caption string
	*plotting.Figure
}

// The sections of the report that are not named after a subject.
const (
	sectionPaths    = "Paths: linear mode connectivity"
	sectionFeatures = "Features: layerwise linear feature connectivity"
	sectionWeak     = "Weak additivity"
	sectionCommute  = "Commutativity"
	sectionWidth    = "Weight matching against width"
	sectionNetworks = "The networks"
)

// drawing makes figures of every group that it applies to.
type drawing struct {
	applies bool // to the group that the drawings were asked for
	section string
	draw    func(g group) ([]figure, error)
}

// drawings lists the figures of the report.
func (s *Study) drawings(g group) []drawing {
	plain, alone := g.what == plainOnes, g.what == oneSubject && !g.plain()
	return []drawing{
		{plain, sectionPaths, s.kindPaths},
		{plain, sectionFeatures, s.features},
		{plain, sectionWeak, s.weakness},
		{plain, sectionCommute, s.commuting},
		{plain, sectionFeatures, s.featureMaps},
		{plain, sectionPaths, s.bounds},
		{alone, g.name, s.policyPaths},
		{alone, g.name, s.layerwise},
		{alone, g.name, s.conditions},
		{alone, g.name, s.featureMaps},
		{alone && len(g.subjects[0].spawned()) > 1, g.name, s.instability},
		{g.what == allWidths && len(g.subjects) > 1, sectionWidth, s.widening},
	}
}

// kindPaths draws loss and error along the line of every kind of pair.
func (s *Study) kindPaths(g group) ([]figure, error) {
	var out []figure
	for _, q := range []struct {
		file, title, axis string
		percent           bool
		curve             func(t Trial) measure.Curve
	}{
		{"path-test-error", "Error along the line, test", "test error", true, func(t Trial) measure.Curve { return t.Lines[0].Errors() }},
		{"path-test-loss", "Loss along the line, test", "test loss (nats)", false, func(t Trial) measure.Curve { return t.Lines[0].Losses() }},
		{"path-train-error", "Error along the line, training set", "training error", true, func(t Trial) measure.Curve { return t.Lines[1].Errors() }},
		{"path-train-loss", "Loss along the line, training set", "training loss (nats)", false, func(t Trial) measure.Curve { return t.Lines[1].Losses() }},
	} {
		var series []plotting.Series
		for _, k := range g.kinds() {
			series = append(series, plotting.Series{Name: k.Name, Data: meanCurve(s.ofFirst(k), q.curve)})
		}
		fig, err := plotting.Lines(q.title, "α (0 is B, 1 is A)", q.axis, series...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.file, err)
		}
		fig.Percent = q.percent
		caption := q.title + ", " + spread(g.seedsOf()) + "."
		if g.seedsOf() >= bandSeeds {
			caption = q.title + ", mean of the seeds; band: 95 % interval of that mean (Student's t)."
		}
		out = append(out, figure{q.file, caption, fig})
	}
	return out, nil
}

// bandSeeds is the least number of seeds whose interval is drawn: that of two is 13 times as wide as they lie apart.
const bandSeeds = 3

// meanCurve is the mean over seeds, with the half width of its 95 % interval as the error where there are seeds enough.
func meanCurve(trials []Trial, q func(Trial) measure.Curve) measure.Curve {
	out := measure.Curve{Alphas: q(trials[0]).Alphas}
	for i := range out.Alphas {
		v := values(trials, func(t Trial) float64 { return q(t).Values[i] })
		out.Values = append(out.Values, stat.Mean(v, nil))
		if len(v) >= bandSeeds {
			out.Errors = append(out.Errors, llfc.HalfWidth(v))
		}
	}
	return out
}

// features draws the paper's layerwise figures (Figs 2–4 and those of App. B.2): means over seeds.
func (s *Study) features(g group) ([]figure, error) {
	const bars = " Bars: standard deviation over samples."
	var out []figure
	var half []figures.Pair
	for _, k := range g.kinds() {
		mean, err := average(s.ofFirst(k))
		if err != nil {
			return nil, err
		}
		half = append(half, figures.Pair{Name: k.Name, Result: mean})
		linear, err1 := figures.LLFC("1 − cos, "+k.Name, mean)
		coef, err2 := figures.Coef("coef, "+k.Name, mean)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		out = append(out,
			figure{"llfc-" + k.ID, "1 − cos between f(θ_α) and the blend of f(θ_A) and f(θ_B), " + k.Name + " pairs, beside 1 − cos of the two ends." + bars, linear},
			figure{"coef-" + k.ID, "coef_α = ⟨f_α, f_int⟩ / ‖f_int‖², " + k.Name + " pairs; 1 is f(θ_α) equal to the blend in size." + bars, coef})
	}
	fig, err := figures.Half("1 − cos at α = 0.5, connected or not", half...)
	return append(out, figure{"llfc-half", "Linearly connected pairs against pairs that are not, at α = 0.5." + bars, fig}), err
}

// average is the mean over seeds.
func average(trials []Trial) (*measure.Result, error) {
	var all []*measure.Result
	for _, t := range trials {
		all = append(all, t.Result)
	}
	return measure.Average(all...)
}

// weakness draws Dist_σ: its distribution over samples for the first seed, and its mean by layer.
func (s *Study) weakness(g group) ([]figure, error) {
	var first []figures.Pair
	var series []plotting.Series
	var layers []string
	for _, k := range g.kinds() {
		first = append(first, figures.Pair{Name: k.Name, Result: s.ofFirst(k)[0].Result})
		mean, err := average(s.ofFirst(k))
		if err != nil {
			return nil, err
		}
		weak, err := mean.WeakAdditivity()
		if err != nil {
			return nil, err
		}
		layers = weak.Max.Layers
		series = append(series, plotting.Series{Name: k.Name, Data: weak.Max})
	}
	row, err1 := figures.Weak("", first...)
	mean, err2 := plotting.Layers("Dist_σ by layer", "E[Dist_σ]", layers, series...)
	return []figure{
		{"weak-ecdf", fmt.Sprintf("Distribution over test samples of Dist_σ, the largest over α, seed %d. Left is better.", g.subjects[0].Seeds[0]), row},
		{"weak-layers", "Mean over samples and seeds of Dist_σ. Bars: standard deviation over samples.", mean},
	}, errors.Join(err1, err2)
}

// commuting draws Definition 4 (Fig. 7 and Figs 16–19).
func (s *Study) commuting(g group) ([]figure, error) {
	var out []figure
	for _, k := range g.kinds() {
		mean, err := average(s.ofFirst(k))
		if err != nil {
			return nil, err
		}
		fig, err := figures.Commutativity("Commutativity, "+k.Name, mean)
		if err != nil {
			return nil, fmt.Errorf("commutativity, %s: %w", k.Name, err)
		}
		out = append(out, figure{"commute-" + k.ID, "Dist_com beside the distances of the weights and of the inputs, " + k.Name + " pairs, over the whole test set, mean over seeds. The first layer sees one input, so two of its bars are exactly 0.", fig})
	}
	return out, nil
}

// featureMaps draws the features of three images (Fig. 1) where they were taken.
func (s *Study) featureMaps(g group) ([]figure, error) {
	var out []figure
	for _, k := range g.kinds() {
		t := s.ofFirst(k)[0]
		if t.Maps == nil {
			continue
		}
		tap := t.Maps.Taps[0]
		fig, err := figures.FeatureMaps(fmt.Sprintf("Features at %s, %s", tap, k.Name), t.Maps, 0, 0)
		if err != nil {
			return nil, fmt.Errorf("maps, %s: %w", k.Name, err)
		}
		name, what := "maps-"+k.ID, "All units of the layer, set in rows"
		if !k.subject.Plain {
			name = "maps-" + k.subject.ID + "-" + k.ID
		}
		if len(t.Maps.A[0].Dims) == 4 {
			what = "The channel that is most active in A"
		}
		mean := t.Half.Stats[slices.Index(t.Half.Layers, tap)].Mean
		out = append(out, figure{name, fmt.Sprintf("Three test images, and what the networks of a pair make of them after the first nonlinearity (%s), %s, seed %d. %s; white is 0, a column has one scale. "+
			"Blend: ½f(θ_A) + ½f(θ_B). Over all test images 1 − cos between it and f(θ_½) is %.3g here.", tap, k.Name, t.Seed, what, mean), fig})
	}
	return out, nil
}

// bounds draws the error along the line below the bound of Lemma 1.
func (s *Study) bounds(g group) ([]figure, error) {
	var out []figure
	for _, k := range g.kinds() {
		mean, err := average(s.ofFirst(k))
		if err != nil {
			return nil, err
		}
		fig, err := figures.Lemma1("Lemma 1, "+k.Name, figures.Pair{Name: k.Name, Result: mean})
		if err != nil {
			return nil, err
		}
		out = append(out, figure{"lemma1-" + k.ID, "Test error of θ_α and of the blended logits of " + k.Name + " pairs, mean of the seeds; dashed: Err_A + Err_B, which the latter never exceeds.", fig})
	}
	return out, nil
}
