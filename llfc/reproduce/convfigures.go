package reproduce

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// Figures draws everything that was measured.
func (s *ConvStudy) Figures() ([]figure, error) {
	var out []figure
	add := func(figs []figure, err error) error {
		out = append(out, figs...)
		return err
	}
	for _, n := range s.Scale.Nets {
		if err := errors.Join(add(s.paths(n)), add(s.layerwise(n)), add(s.conditions(n)), add(s.instability(n))); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	err := add(s.widening())
	for i := range out {
		out[i].caption = s.noted(out[i].caption)
	}
	return out, err
}

// shown are the kinds of pairs that stand side by side, the more they share the later: independent, of the first and the last fork, permuted.
func (n Net) shown() []kind {
	var out []kind
	for _, k := range slices.Backward(n.kinds()) {
		if math.IsNaN(k.epochs) || k.epochs == slices.Min(n.Spawn) || k.epochs == slices.Max(n.Spawn) {
			out = append(out, k)
		}
	}
	if n.Width > 0 {
		slices.Reverse(out)
	}
	return out
}

// paths draws the error along the line by policy, one panel for each kind of pair.
func (s *ConvStudy) paths(n Net) ([]figure, error) {
	var panels []*plotting.Figure
	top := 0.0
	for _, k := range n.shown() {
		var series []plotting.Series
		for _, p := range n.Policies {
			c := pathOf(s.of(n.ID, k.id, p))
			top = math.Max(top, slices.Max(c.high))
			series = append(series, plotting.Series{Name: label(p), Data: c})
		}
		fig, err := plotting.Lines(k.name, "α (0 is B, 1 is A)", "test error", series...)
		if err != nil {
			return nil, err
		}
		fig.Percent = true
		panels = append(panels, fig)
	}
	for _, p := range panels {
		p.YRange = [2]float64{0, 1.05 * top}
	}
	row, err := plotting.Row(panels...)
	if err != nil {
		return nil, err
	}
	row.Title = n.Name + ": error along the line"
	return []figure{{"path-" + n.ID, n.Name, "Test error along the line between the two networks of a pair, by policy, " + s.overSeeds(), row}}, nil
}

// band is a curve: the mean over seeds, and around it from the least to the largest of them. It is a plotter.XYer and YErrorer.
type band struct{ x, mean, low, high []float64 }

func (b *band) add(x float64, values []float64) {
	b.x, b.mean = append(b.x, x), append(b.mean, llfc.Mean(values))
	b.low, b.high = append(b.low, slices.Min(values)), append(b.high, slices.Max(values))
}

func (b band) Len() int                { return len(b.x) }
func (b band) XY(i int) (x, y float64) { return b.x[i], b.mean[i] }

func (b band) YError(i int) (low, high float64) { return b.mean[i] - b.low[i], b.high[i] - b.mean[i] }

func pathOf(trials []Trial) (out band) {
	for i, alpha := range trials[0].Alphas {
		out.add(alpha, values(trials, func(t Trial) float64 { return t.Errors().Values[i] }))
	}
	return out
}

// overSeeds says what a curve and its band are.
func (s *ConvStudy) overSeeds() string {
	if len(s.Scale.Seeds) == 1 {
		return "one seed."
	}
	return fmt.Sprintf("mean of %d seeds", len(s.Scale.Seeds)) + "; bands reach from the least to the largest of them."
}

// layerwise draws 1 − cos_½ and coef_½ of connected and independent pairs, under the policies that only blend weights and that reset.
func (s *ConvStudy) layerwise(n Net) ([]figure, error) {
	var out []figure
	for _, p := range n.Policies {
		if p.Name != interpolate && p.Name != "reset" || p.Folded {
			continue
		}
		var cos, coef []plotting.Series
		var layers []string
		var joined [][]int
		for i, id := range []string{n.connected(), "independent"} {
			mean, err := average(s.of(n.ID, id, p))
			if err != nil {
				return nil, err
			}
			half, err1 := mean.LLFC(0.5)
			size, err2 := mean.Coef(0.5)
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			layers = half.Layers
			if joined, err = figures.Kinds(nil).Joined(mean.Layers, layers); err != nil {
				return nil, err
			}
			look, base := plotting.StyleOf(i), plotting.BaselineStyle()
			base.Color = look.Color
			cos = append(cos, plotting.Series{Name: kindName(n, id), Data: bare{half}, Style: look}, plotting.Series{Name: kindName(n, id) + ": A and B", Data: bare{mean.Baseline()}, Style: base})
			coef = append(coef, plotting.Series{Name: kindName(n, id), Data: bare{size}, Style: look})
		}
		a, err1 := plotting.Layers(n.Name+", "+label(p)+": 1 − cos by layer", "E[1 − cos], α = 0.5", layers, cos...)
		b, err2 := plotting.Layers(n.Name+", "+label(p)+": coef by layer", "E[coef], α = 0.5", layers, coef...)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		b.Reference = []float64{1}
		a.Joined, b.Joined = joined, joined
		a.Width, b.Width = wideFor(layers, joined), wideFor(layers, joined)
		about := " of " + n.Name + " under the policy " + p.String() + ", mean over samples and seeds."
		if joined != nil {
			about += " Drawn after every block and at the logits; the numbers have every layer."
		}
		out = append(out,
			figure{"llfc-" + n.ID + "-" + slug(p), n.Name, "1 − cos between f(θ_½) and the blend of f(θ_A) and f(θ_B), beside 1 − cos of the two ends," + about, a},
			figure{"coef-" + n.ID + "-" + slug(p), n.Name, "coef_½ = ⟨f_½, f_int⟩ / ‖f_int‖²," + about, b})
	}
	return out, nil
}

// wideFor is a width at which curves over many layers can be told apart, at most that of a page.
func wideFor(layers []string, joined [][]int) vg.Length {
	n := len(layers)
	if joined != nil {
		n = len(slices.Concat(joined...))
	}
	return min(26, max(12, 0.4*vg.Length(n))) * vg.Centimeter
}

// bare is a profile without its deviations, which hide one another where layers stand close.
type bare struct{ p measure.Profile }

func (b bare) Len() int                { return b.p.Len() }
func (b bare) XY(i int) (x, y float64) { return b.p.XY(i) }

func kindName(n Net, id string) string {
	for _, k := range n.kinds() {
		if k.id == id {
			return k.name
		}
	}
	return id
}

// conditions draws Definitions 3 and 4 of connected and independent pairs, raw and folded.
func (s *ConvStudy) conditions(n Net) ([]figure, error) {
	var weak, com []plotting.Series
	var acts, maps []string
	var joined [][]int
	for _, p := range n.Policies {
		if p.Name != interpolate {
			continue
		}
		for _, id := range []string{n.connected(), "independent"} {
			mean, err := average(s.of(n.ID, id, p))
			if err != nil {
				return nil, err
			}
			w, err1 := mean.WeakAdditivity()
			c, err2 := mean.Commutativity()
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			acts, maps = w.Max.Layers, c.Com.Layers
			if joined, err = figures.InsideAndEnds(mean.Layers, acts); err != nil {
				return nil, err
			}
			name := kindName(n, id)
			if p.Folded {
				name += ", folded"
			}
			if !p.Folded { // folding leaves the inputs of the nonlinearities as they are
				weak = append(weak, plotting.Series{Name: name, Data: bare{w.Max}})
			}
			com = append(com, plotting.Series{Name: name, Data: bare{commuteShares(c)}})
		}
	}
	a, err1 := plotting.Layers(n.Name+": weak additivity", "E[Dist_σ], largest over α", acts, weak...)
	b, err2 := plotting.Layers(n.Name+": commutativity", "Dist_com / min(Dist_W, Dist_H)", maps, com...)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	a.Joined = joined
	a.Width, b.Width = wideFor(acts, joined), wideFor(maps, nil)
	within := ""
	if joined != nil {
		within = " Lines join the ReLUs inside blocks, and those at the ends of blocks."
	}
	return []figure{
		{"weak-" + n.ID, n.Name, "Mean over samples and seeds of Dist_σ at every ReLU (Definition 3); folding batch norms changes nothing here." + within, a},
		{"commute-" + n.ID, n.Name, "Dist_com of every linear map over the smaller of the distances of its weights and of its inputs (Definition 4), mean over seeds, batch norms as they are and folded.", b},
	}, nil
}

// sweep is a curve against k or width: the trials of every x, one for each seed.
type sweep struct {
	name   string
	x      []float64
	trials [][]Trial
}

// sweeps draws the barrier over the mean of the ends and, beside it, how far features are from interpolating linearly.
func sweeps(title, xlabel string, log bool, all []sweep) (*plotting.Figure, error) {
	var panels []*plotting.Figure
	for _, q := range []struct {
		title, axis string
		percent     bool
		of          func(Trial) float64
	}{
		{"error barrier, test", "error barrier", true, Trial.errorBarrier},
		{"1 − cos, mean over layers", "E[1 − cos], α = 0.5", false, Trial.meanHalf},
		{"1 − cos, largest of all layers", "E[1 − cos], α = 0.5", false, Trial.mostHalf},
	} {
		var series []plotting.Series
		for _, w := range all {
			var c band
			for i, x := range w.x {
				c.add(x, values(w.trials[i], q.of))
			}
			series = append(series, plotting.Series{Name: w.name, Data: c})
		}
		fig, err := plotting.Lines(q.title, xlabel, q.axis, series...)
		if err != nil {
			return nil, err
		}
		if fig.Percent = q.percent; q.percent {
			fig.Reference = []float64{stableBarrier}
		} else {
			fig.LogY = log
		}
		panels = append(panels, fig)
	}
	row, err := plotting.Row(panels...)
	if err == nil {
		row.Title = title
	}
	return row, err
}

// instability draws Frankle's curve with LLFC beside it, by policy.
func (s *ConvStudy) instability(n Net) ([]figure, error) {
	if len(n.Spawn) < 2 {
		return nil, nil
	}
	var all []sweep
	for _, p := range n.Policies {
		w := sweep{name: label(p)}
		for _, k := range slices.Sorted(slices.Values(n.Spawn)) {
			w.x, w.trials = append(w.x, k), append(w.trials, s.of(n.ID, spawnedKind(n.Setting, k).id, p))
		}
		all = append(all, w)
	}
	fig, err := sweeps(n.Name+": spawned pairs against the epoch at which they part", "k, epochs shared", true, all)
	return []figure{{"instability-" + n.ID, n.Name, "Instability (Frankle et al. 2020) and LLFC of pairs that share k epochs, by policy, " + s.overSeeds() +
		" The dashed line is the 2 % of a stable pair.", fig}}, err
}

// widening draws permuted pairs against width, before and after matching.
func (s *ConvStudy) widening() ([]figure, error) {
	nets := s.wide()
	if len(nets) < 2 {
		return nil, nil
	}
	var all []sweep
	for _, p := range nets[0].Policies {
		if p.Name == "rescale" { // six curves are as many as can be told apart; the tables have it
			continue
		}
		for _, k := range nets[0].kinds() {
			w := sweep{name: k.name + ", " + label(p)}
			for _, n := range nets {
				w.x, w.trials = append(w.x, float64(n.Width)), append(w.trials, s.of(n.ID, k.id, p))
			}
			all = append(all, w)
		}
	}
	fig, err := sweeps("Weight matching against width", "width, times the narrowest", false, all)
	return []figure{{"width", sectionWidth, "Barrier and LLFC of independent pairs before and after weight matching (Git Re-Basin) against width, by policy, " + s.overSeeds(), fig}}, err
}

const sectionWidth = "Weight matching against width"
