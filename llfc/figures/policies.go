package figures

import (
	"errors"

	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// Policies draws the test error along one pair's line under every policy on batch statistics.
func Policies(title string, lines ...measure.Line) (*plotting.Figure, error) {
	var all []plotting.Series
	for _, l := range lines {
		l.Policy.Samples = 0 // the legend has no room for them
		all = append(all, plotting.Series{Name: l.Policy.String(), Data: l.Errors()})
	}
	fig, err := plotting.Lines(title, "α (0 is B, 1 is A)", "test error", all...)
	if err == nil {
		fig.Percent, fig.YRange = true, [2]float64{0, 1}
	}
	return fig, err
}

// stableBarrier is the error barrier below which a pair counts as connected (Frankle et al. 2020).
const stableBarrier = 0.02

// Heights is a table of how far one pair's lines lie above the chord between their ends: the largest over α, and the mean. The last column
// is the part of the mean that a policy takes away from that of the first line, where that is not connected.
func Heights(name string, lines ...measure.Line) (headers []string, rows [][]string) {
	first := 0.0
	for j, l := range lines {
		mean, last := 0.0, len(l.Error)-1
		for k, alpha := range l.Alphas {
			mean += (l.Error[k] - alpha*l.Error[last] - (1-alpha)*l.Error[0]) / float64(last)
		}
		if j == 0 {
			first = mean
		}
		part := "–"
		if lines[0].ErrorBarrier().Mean > stableBarrier {
			part = Percent(1 - mean/first)
		}
		rows = append(rows, []string{name, l.Policy.String(), Percent(l.ErrorBarrier().Chord), Percent(mean), part})
	}
	return []string{"network", "policy", "barrier over the chord", "mean height over the chord", "taken away"}, rows
}

// WeakLayers draws the mean over samples of Dist_σ, the largest over α, at every nonlinearity (Definition 3). The pairs must have been
// measured with Conditions. Where the network has blocks, a line joins the nonlinearities inside them and another those that end them.
func WeakLayers(title string, pairs ...Pair) (*plotting.Figure, error) {
	if len(pairs) == 0 {
		return nil, errors.New("figures: no pairs; give at least one")
	}
	var all []plotting.Series
	var layers []string
	for _, p := range pairs {
		w, err := p.WeakAdditivity()
		if err != nil {
			return nil, err
		}
		layers, all = w.Max.Layers, append(all, plotting.Series{Name: p.Name, Data: w.Max})
	}
	fig, err := plotting.Layers(title, "E[Dist_σ], largest over α", layers, all...)
	if err == nil {
		fig.Joined, err = InsideAndEnds(pairs[0].Layers, layers)
	}
	return fig, err
}

// Beside draws a figure of each pair under its name, side by side on one y axis.
func Beside(draw func(title string, p Pair) (*plotting.Figure, error), pairs ...Pair) (*plotting.Figure, error) {
	var panels []*plotting.Figure
	for _, p := range pairs {
		fig, err := draw(p.Name, p)
		if err != nil {
			return nil, err
		}
		panels = append(panels, fig)
	}
	if err := plotting.Level(panels...); err != nil {
		return nil, err
	}
	return plotting.Row(panels...)
}
