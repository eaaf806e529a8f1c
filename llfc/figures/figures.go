// Package figures draws the paper's figures of measured pairs of networks: one call, one figure, the numbers beside it.
package figures

import (
	"fmt"
	"image"
	"math"
	"slices"

	"layerwise/data"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// Pair is a measured pair of networks and what a legend calls it.
type Pair struct {
	Name string
	*measure.Result
}

// Alphas are those of the paper's layerwise figures; measure them.
func Alphas() []float64 { return []float64{0.25, 0.5, 0.75} }

// Paths draws the test error along the line between the two networks of every pair (Definition 1).
func Paths(title string, pairs ...Pair) (*plotting.Figure, error) {
	var errs []plotting.Series
	for _, p := range pairs {
		errs = append(errs, plotting.Series{Name: p.Name, Data: p.Errors()})
	}
	fig, err := plotting.Lines(title, "α (0 is B, 1 is A)", "error", errs...)
	if err == nil {
		fig.Percent = true
	}
	return fig, err
}

// Lemma1 draws the error along a line and that of the blend of the two networks' logits; the dashed line is the bound Err_A + Err_B of
// Lemma 1, above which the blend never lies.
func Lemma1(title string, p Pair) (*plotting.Figure, error) {
	blend, bound := p.Lemma1()
	fig, err := plotting.Lines(title, "α (0 is B, 1 is A)", "error",
		plotting.Series{Name: "of θ_α", Data: p.Errors()}, plotting.Series{Name: "of the blended logits", Data: blend})
	if err == nil {
		fig.Percent, fig.Reference = true, []float64{bound}
	}
	return fig, err
}

// LLFC draws the layers that [Kinds.LLFC] draws by default.
func LLFC(title string, r *measure.Result) (*plotting.Figure, error) {
	return Kinds(nil).LLFC(title, r)
}

// LLFC draws 1 − cos_α at every layer for α = 0.25, 0.5 and 0.75, and 1 − cos_{A,B}, without which it says nothing (Definition 2; the
// paper's Figures 2 and 3). Bars are deviations over samples.
func (k Kinds) LLFC(title string, r *measure.Result) (*plotting.Figure, error) {
	at, err := byAlpha(r.LLFC)
	if err != nil {
		return nil, err
	}
	at = append(at, plotting.Series{Name: "A and B", Data: r.Baseline(), Style: plotting.BaselineStyle()})
	return k.layers(title, "E[1 − cos]", r, r.Baseline().Layers, at)
}

// Coef draws the layers that [Kinds.Coef] draws by default.
func Coef(title string, r *measure.Result) (*plotting.Figure, error) {
	return Kinds(nil).Coef(title, r)
}

// Coef draws coef_α at every layer, beside the 1 at which f(θ_α) is as large as the blend of f(θ_A) and f(θ_B) (App. B.2).
func (k Kinds) Coef(title string, r *measure.Result) (*plotting.Figure, error) {
	at, err := byAlpha(r.Coef)
	if err != nil {
		return nil, err
	}
	fig, err := k.layers(title, "E[coef]", r, r.Baseline().Layers, at)
	if err == nil {
		fig.Reference = []float64{1}
	}
	return fig, err
}

func byAlpha(q func(alpha float64) (measure.Profile, error)) ([]plotting.Series, error) {
	var out []plotting.Series
	for _, alpha := range Alphas() {
		p, err := q(alpha)
		if err != nil {
			return nil, err
		}
		out = append(out, plotting.Series{Name: fmt.Sprintf("α = %g", alpha), Data: p})
	}
	return out, nil
}

// Half draws the layers that [Kinds.Half] draws by default.
func Half(title string, pairs ...Pair) (*plotting.Figure, error) {
	return Kinds(nil).Half(title, pairs...)
}

// Half draws 1 − cos_½ at every layer of several pairs: connected or not (the paper's Figure 4).
func (k Kinds) Half(title string, pairs ...Pair) (*plotting.Figure, error) {
	return k.half(title, "E[1 − cos] at α = 0.5", pairs, func(p Pair) (measure.Profile, error) { return p.LLFC(0.5) })
}

// CoefHalf draws the layers that [Kinds.CoefHalf] draws by default.
func CoefHalf(title string, pairs ...Pair) (*plotting.Figure, error) {
	return Kinds(nil).CoefHalf(title, pairs...)
}

// CoefHalf draws coef_½ at every layer of several pairs, beside 1.
func (k Kinds) CoefHalf(title string, pairs ...Pair) (*plotting.Figure, error) {
	fig, err := k.half(title, "E[coef] at α = 0.5", pairs, func(p Pair) (measure.Profile, error) { return p.Coef(0.5) })
	if err == nil {
		fig.Reference = []float64{1}
	}
	return fig, err
}

func (k Kinds) half(title, ylabel string, pairs []Pair, q func(Pair) (measure.Profile, error)) (*plotting.Figure, error) {
	if len(pairs) == 0 {
		return nil, fmt.Errorf("figures: %q: no pairs; give at least one", title)
	}
	var layers []string
	var out []plotting.Series
	for _, p := range pairs {
		profile, err := q(p)
		if err != nil {
			return nil, err
		}
		layers = profile.Layers
		out = append(out, plotting.Series{Name: p.Name, Data: profile})
	}
	return k.layers(title, ylabel, pairs[0].Result, layers, out)
}

// Weak draws the distribution over samples of Dist_σ, the largest over α, at every nonlinearity (Definition 3; Figures 5 and 6). The
// pairs must have been measured with Conditions and PerSample.
func Weak(title string, pairs ...Pair) (*plotting.Figure, error) {
	var panels []*plotting.Figure
	for l := 0; ; l++ {
		var samples []plotting.Sample
		layer := ""
		for _, p := range pairs {
			w, err := p.WeakAdditivity()
			if err != nil {
				return nil, err
			}
			if l < w.Max.Len() {
				layer = w.Max.Layers[l]
				values, err := p.PerSample("dist_sigma_max", math.NaN())
				if err != nil {
					return nil, fmt.Errorf("figures: %q: %s: %w", title, p.Name, err)
				}
				samples = append(samples, plotting.Sample{Name: p.Name, Values: values[l]})
			}
		}
		if len(samples) == 0 {
			break
		}
		fig, err := plotting.ECDF(layer, "Dist_σ, largest over α", samples...)
		if err != nil {
			return nil, err
		}
		fig.LogX = true
		panels = append(panels, fig)
	}
	row, err := plotting.Row(panels...)
	if err == nil {
		row.Title = title
	}
	return row, err
}

// Commutativity draws Dist_com at every linear map beside Dist_W and Dist_H, the distances of its two weights and its two inputs
// (Definition 4; the paper's Figure 7). The pair must have been measured with Conditions.
func Commutativity(title string, r *measure.Result) (*plotting.Figure, error) {
	c, err := r.Commutativity()
	if err != nil {
		return nil, err
	}
	return plotting.Bars(title, "Dist", c.Com.Layers, plotting.Series{Name: "Dist_com", Data: c.Com},
		plotting.Series{Name: "Dist_W", Data: c.W}, plotting.Series{Name: "Dist_H", Data: c.H})
}

// CommutativityOf is Commutativity of a pair.
func CommutativityOf(title string, p Pair) (*plotting.Figure, error) {
	return Commutativity(title, p.Result)
}

// Baselines draws 1 − cos between the features of the two networks of each pair at every layer.
func Baselines(title string, pairs ...Pair) (*plotting.Figure, error) {
	return Kinds(nil).half(title, "E[1 − cos]", pairs, func(p Pair) (measure.Profile, error) { return p.Baseline(), nil })
}

// AboveEnds is how far the error on the line rises above the sum of those at its ends, the bound of Lemma 1.
func (p Pair) AboveEnds() float64 {
	_, bound := p.Lemma1()
	return slices.Max(p.Errors().Values) - bound
}

// Samples draws the first n pictures of a set over their class names: in colour those of three channels, of others the first channel in grey.
func Samples(title string, s *data.Set, n int) (*plotting.Figure, error) {
	names, pictures := []string{}, []image.Image{}
	for i := range min(n, s.Len()) {
		names, pictures = append(names, s.Classes[s.Labels[i]]), append(pictures, Picture(s, i))
	}
	return plotting.Images(title, names, pictures...)
}
