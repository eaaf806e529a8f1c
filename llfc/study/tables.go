package study

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"

	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// listing makes a table of every group that it applies to.
type listing struct {
	applies bool   // to the group that the listings were asked for
	id      string // by which items name it
	section string
	table   func(g group) plotting.Table
}

// listings lists the tables of the report.
func (s *Study) listings(g group) []listing {
	matched := slices.ContainsFunc(g.subjects, func(sub Subject) bool {
		return slices.ContainsFunc(sub.Kinds, func(k Kind) bool { return k.Method != "" })
	})
	return []listing{
		{g.what == plainOnes, "errors", sectionPaths, s.errorTable},
		{g.what == plainOnes, "losses", sectionPaths, s.lossTable},
		{g.what == plainOnes && matched, "matching", sectionPaths, s.matchTable},
		{g.what == oneSubject && g.plain() && manyMethods(g.subjects[0]), "methods", sectionPaths, s.methodTable},
		{g.what == oneSubject && !g.plain(), "policies", g.name, s.policyTable},
		{g.what == allWidths, "matching", sectionWidth, s.matchTable},
		{g.what == allPairs, "networks", sectionNetworks, s.networks},
	}
}

// table is a table of the report, by the id of its listing.
type table struct {
	id string
	plotting.Table
}

// column is one number of every trial, shown as a mean over seeds.
type column struct {
	name   string
	factor float64
	digits int
	of     func(Trial) float64
}

// errorTable is the ends, the middle and the barriers of the error of every kind of pair, in percent: mean over seeds ± half width of its
// 95 % interval, where there are seeds enough.
func (s *Study) errorTable(g group) plotting.Table {
	return s.rows("Error on the test split, percent: "+spread(g.seedsOf()), g, append([]column{
		{"error A", 100, 2, Trial.errorA}, {"error B", 100, 2, Trial.errorB}, {"error at ½", 100, 2, Trial.errorHalf},
	}, barriers(100, 2, measure.Line.ErrorBarrier)...), false)
}

// lossTable is the same for the loss, in nats.
func (s *Study) lossTable(g group) plotting.Table {
	return s.rows("Loss on the test split, nats: "+spread(g.seedsOf()), g, append([]column{
		{"loss A", 1, 3, Trial.lossA}, {"loss B", 1, 3, Trial.lossB},
	}, barriers(1, 3, measure.Line.LossBarrier)...), false)
}

// barriers are the three definitions on the test split, and the mean of the ends' on the training split.
func barriers(factor float64, digits int, of func(measure.Line) measure.Barrier) []column {
	return []column{
		{"barrier over mean", factor, digits, func(t Trial) float64 { return of(t.Lines[0]).Mean }},
		{"barrier over chord", factor, digits, func(t Trial) float64 { return of(t.Lines[0]).Chord }},
		{"barrier at middle", factor, digits, func(t Trial) float64 { return of(t.Lines[0]).Middle }},
		{"barrier over mean, train", factor, digits, func(t Trial) float64 { return of(t.Lines[1]).Mean }},
	}
}

// policyTable is the errors, barriers and 1 − cos_½ of every kind of pair under every policy: means over seeds, and the barrier of each seed.
func (s *Study) policyTable(g group) plotting.Table {
	title := fmt.Sprintf("%s, %d test samples, %s; errors in percent, loss in nats; barriers over the mean of the ends.",
		g.name, s.ofFirst(g.kinds()[0])[0].Result.Samples, spread(g.seedsOf()))
	return s.rows(s.noted(title, g.subjects...), g, []column{
		{"error A", 100, 2, Trial.errorA}, {"error B", 100, 2, Trial.errorB}, {"error at ½", 100, 2, Trial.errorHalf}, {"error barrier", 100, 2, Trial.errorBarrier},
		{"each seed", 100, 2, nil}, {"loss barrier", 1, 3, func(t Trial) float64 { return t.Lines[0].LossBarrier().Mean }},
		{"1 − cos_½, mean over layers", 1, 4, Trial.meanHalf}, {"largest", 1, 4, Trial.mostHalf}, {"largest share of 1 − cos_AB", 1, 3, Trial.share},
	}, true)
}

// rows has a row for every kind of pair and policy of a group. A column without a quantity lists that of the one before it for each seed.
func (s *Study) rows(title string, g group, columns []column, policies bool) plotting.Table {
	t := plotting.Table{Title: title, Headers: []string{"pair"}}
	if policies {
		t.Headers = append(t.Headers, "policy")
	}
	for _, c := range columns {
		t.Headers = append(t.Headers, c.name)
	}
	for _, k := range g.kinds() {
		for _, p := range k.subject.Policies {
			row := []string{k.Name}
			if policies {
				row = append(row, label(p))
			}
			trials := s.of(k.subject.ID, k.ID, p)
			for i, c := range columns {
				if c.of == nil {
					row = append(row, each(values(trials, columns[i-1].of), c.factor, c.digits))
					continue
				}
				row = append(row, plusMinus(values(trials, c.of), c.factor, c.digits))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// matchTable tells how the searches for permutations went.
func (s *Study) matchTable(g group) plotting.Table {
	t := plotting.Table{Title: s.noted("Matching: how the searches for permutations went.", g.subjects...),
		Headers: []string{"network", "method", "seed", "Σ⟨A, B⟩", "Σ⟨A, π(B)⟩", "searches", "worst search", "sweeps of the first"}}
	for _, k := range g.kinds() {
		for _, m := range s.ofFirst(k) {
			if r := m.Match; r != nil {
				t.Rows = append(t.Rows, []string{m.Subject, k.Method, fmt.Sprint(m.Seed), fmt.Sprintf("%.5g", r.Identity), fmt.Sprintf("%.5g", r.Objective),
					fmt.Sprint(len(r.Objectives)), fmt.Sprintf("%.5g", slices.Min(r.Objectives)), fmt.Sprint(r.Sweeps[0])})
			}
		}
	}
	return t
}

// networks is what every trained network reached.
func (s *Study) networks(g group) plotting.Table {
	t := plotting.Table{Title: s.noted("The networks: error and loss on the test samples, seconds of training.", g.subjects...),
		Headers: []string{"network", "run", "role", "test samples", "test error %", "test loss (nats)", "trained in s", "on", "training data"}}
	var seen []string
	for _, m := range s.Trials {
		if !raw(m.Policy) {
			continue
		}
		for i, c := range m.Ends {
			if c.Run == nil || slices.Contains(seen, c.Run.Name()) {
				continue
			}
			seen = append(seen, c.Run.Name())
			wrong, loss, role := m.errorA(), m.lossA(), fmt.Sprintf("A, seed %d", m.Seed)
			if i == 1 {
				wrong, loss, role = m.errorB(), m.lossB(), fmt.Sprintf("B, %s, seed %d", m.Kind, m.Seed)
			}
			t.Rows = append(t.Rows, []string{m.Subject, c.Run.Name(), role, strconv.Itoa(m.Result.Samples), fmt.Sprintf("%.2f", 100*wrong), fmt.Sprintf("%.3f", loss), c.Meta["seconds"], c.Meta["backend"],
				strings.TrimSpace(fmt.Sprintf("%s, %d samples. %s", c.Run.Data.Name, c.Run.Data.Samples, c.Run.Data.Note))})
		}
	}
	return t
}

// spread says what the numbers of a table are.
func spread(seeds int) string {
	switch n := seeds; {
	case n == 1:
		return "one seed"
	case n < bandSeeds:
		return fmt.Sprintf("mean of %d seeds", n)
	default:
		return fmt.Sprintf("mean of %d seeds ± half width of its 95 %% interval", n)
	}
}

// plusMinus is mean ± half width of the interval, times a factor.
func plusMinus(v []float64, factor float64, digits int) string {
	mean := fmt.Sprintf("%.*f", digits, factor*stat.Mean(v, nil))
	if len(v) < bandSeeds {
		return mean
	}
	return fmt.Sprintf("%s ± %.*f", mean, digits, factor*llfc.HalfWidth(v))
}

// each lists the values.
func each(v []float64, factor float64, digits int) string {
	var out []string
	for _, v := range v {
		out = append(out, fmt.Sprintf("%.*f", digits, factor*v))
	}
	return strings.Join(out, ", ")
}

// number has the digits that a float32 forward pass gives; errors and their differences, shares of a few thousand samples, need fewer.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 7, 64) }

// long is a table of every trial, a line for each number or point: what a program reads.
type long struct {
	name string
	plotting.Table
}

// newLong has the columns that say what a line is about before its own.
func newLong(name string, columns ...string) *long {
	return &long{name, plotting.Table{Headers: append([]string{"network", "pair", "k_epochs", "seed", "policy", "data"}, columns...)}}
}

func (l *long) add(t Trial, cells ...string) {
	k := ""
	if !math.IsNaN(t.K) {
		k = number(t.K)
	}
	set := t.Set
	if c := t.Ends[0]; c.Run != nil && c.Run.Data.Note != "" {
		set += " (" + c.Run.Data.Note + ")"
	}
	l.Rows = append(l.Rows, append([]string{t.Subject, t.Kind, k, fmt.Sprint(t.Seed), t.Result.Policy.String(), set}, cells...))
}

// longNames are the files of numbers.
var longNames = []string{"path.csv", "barriers.csv", "layers.csv", "conditions.csv", "networks.csv"}

// longTables are the line, its barriers, the layers at α = ½, Definitions 3 and 4, and the networks.
func (s *Study) longTables() ([]*long, error) {
	path := newLong("path.csv", "alpha", "error_fraction", "loss_nats", "blended_logits_error_fraction")
	barriers := newLong("barriers.csv", "samples", "error_a_fraction", "error_b_fraction", "error_barrier_mean_fraction", "error_barrier_chord_fraction", "error_barrier_middle_fraction",
		"loss_barrier_mean_nats", "loss_barrier_chord_nats", "loss_barrier_middle_nats", "one_minus_cos_half_mean_over_layers", "one_minus_cos_half_largest", "largest_share_of_baseline")
	layers := newLong("layers.csv", "layer", "kind", "one_minus_cos_half_mean", "one_minus_cos_half_std", "coef_half_mean", "coef_half_std", "baseline_mean", "baseline_std", "samples_used", "samples_skipped")
	conditions := newLong("conditions.csv", "layer", "quantity", "mean", "std")
	for _, t := range s.Trials {
		mixed, _ := t.Lemma1()
		for i, alpha := range t.Result.Alphas {
			path.add(t, number(alpha), number(t.Errors().Values[i]), number(t.Losses().Values[i]), number(mixed.Values[i]))
		}
		e, l := t.Barrier(), t.Lines[0].LossBarrier()
		barriers.add(t, fmt.Sprint(t.Result.Samples), number(t.errorA()), number(t.errorB()), number(e.Mean), number(e.Chord), number(e.Middle),
			number(l.Mean), number(l.Chord), number(l.Middle), number(t.meanHalf()), number(t.mostHalf()), number(t.share()))
		base := t.Baseline()
		for i, layer := range t.Result.Layers {
			cos, coef, b := t.Half.Stats[i], t.CoefHalf.Stats[i], base.Stats[i]
			layers.add(t, layer.Name, layer.Kind, number(cos.Mean), number(cos.Std), number(coef.Mean), number(coef.Std), number(b.Mean), number(b.Std),
				fmt.Sprint(cos.Used), fmt.Sprint(cos.Skipped))
		}
		if !blends(t.Policy) {
			continue
		}
		for _, row := range t.Conditions() {
			conditions.add(t, row.Layer.Name, row.Quantity, number(row.Mean), number(row.Std))
		}
	}
	return []*long{path, barriers, layers, conditions, {"networks.csv", s.networks(group{subjects: s.Subjects})}}, nil
}
