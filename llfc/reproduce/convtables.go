package reproduce

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// Table is the errors, barriers and 1 − cos_½ of every kind of pair of a network under every policy: means over seeds, and the barrier of
// each seed.
func (s *ConvStudy) Table(n Net) plotting.Table {
	t := plotting.Table{Title: s.noted(fmt.Sprintf("%s, %d test samples, %s; errors in percent, loss in nats; barriers over the mean of the ends.",
		n.Name, s.of(n.ID, "independent", n.Policies[0])[0].Samples, spread(len(s.Scale.Seeds)))),
		Headers: []string{"pair", "policy", "error A", "error B", "error at ½", "error barrier", "each seed", "loss barrier", "1 − cos_½, mean over layers", "largest", "largest share of 1 − cos_AB"}}
	for _, k := range n.kinds() {
		for _, p := range n.Policies {
			trials := s.of(n.ID, k.id, p)
			mean := func(factor float64, digits int, q func(Trial) float64) string {
				return plusMinus(values(trials, q), factor, digits)
			}
			each := ""
			for i, t := range trials {
				if i > 0 {
					each += ", "
				}
				each += fmt.Sprintf("%.2f", 100*t.errorBarrier())
			}
			t.Rows = append(t.Rows, []string{k.name, label(p), mean(100, 2, errorA), mean(100, 2, errorB),
				mean(100, 2, func(t Trial) float64 { return t.Barrier().Middle + (errorA(t)+errorB(t))/2 }), mean(100, 2, Trial.errorBarrier), each,
				mean(1, 3, func(t Trial) float64 { return t.Lines[0].LossBarrier().Mean }), mean(1, 4, Trial.meanHalf), mean(1, 4, Trial.mostHalf), mean(1, 3, Trial.share)})
		}
	}
	return t
}

func errorA(t Trial) float64 { e := t.Errors().Values; return e[len(e)-1] }
func errorB(t Trial) float64 { return t.Errors().Values[0] }
func lossA(t Trial) float64  { l := t.Losses().Values; return l[len(l)-1] }
func lossB(t Trial) float64  { return t.Losses().Values[0] }

// Networks is what every trained network reached.
func (s *ConvStudy) Networks() plotting.Table {
	t := plotting.Table{Title: s.noted("The networks: error and loss on the test samples, seconds of training."),
		Headers: []string{"network", "run", "role", "test samples", "test error %", "test loss (nats)", "trained in s", "on", "training data"}}
	var seen []string
	for _, m := range s.Trials {
		if m.Policy.Name != interpolate || m.Policy.Folded {
			continue
		}
		for i, c := range m.Ends {
			if c.Run == nil || slices.Contains(seen, c.Run.Name()) {
				continue
			}
			seen = append(seen, c.Run.Name())
			wrong, loss, role := errorA(m), lossA(m), fmt.Sprintf("A, seed %d", m.Seed)
			if i == 1 {
				wrong, loss, role = errorB(m), lossB(m), fmt.Sprintf("B, %s, seed %d", m.Kind, m.Seed)
			}
			t.Rows = append(t.Rows, []string{m.Net, c.Run.Name(), role, strconv.Itoa(m.Samples), fmt.Sprintf("%.2f", 100*wrong), fmt.Sprintf("%.3f", loss), c.Meta["seconds"], c.Meta["backend"],
				strings.TrimSpace(fmt.Sprintf("%s, %d samples. %s", c.Run.Data.Name, c.Run.Data.Samples, c.Run.Data.Note))})
		}
	}
	return t
}

// MatchTable tells how the searches for permutations went.
func (s *ConvStudy) MatchTable() plotting.Table {
	t := matchTable("network")
	t.Title = s.noted(t.Title + ".")
	for _, m := range s.Trials {
		if m.Match != nil && m.Policy.Name == interpolate {
			t.Rows = append(t.Rows, append([]string{m.Net}, matchRow(m.Seed, *m.Match)...))
		}
	}
	return t
}

// matchTable is an empty table of searches, with columns before those of matchRow.
func matchTable(before ...string) plotting.Table {
	return plotting.Table{Title: "Weight matching", Headers: append(before, "seed", "Σ⟨A, B⟩", "Σ⟨A, π(B)⟩", "searches", "worst search", "sweeps of the first")}
}

func matchRow(seed int64, r match.Result) []string {
	return []string{fmt.Sprint(seed), fmt.Sprintf("%.5g", r.Identity), fmt.Sprintf("%.5g", r.Objective),
		fmt.Sprint(len(r.Objectives)), fmt.Sprintf("%.5g", slices.Min(r.Objectives)), fmt.Sprint(r.Sweeps[0])}
}

// number has the digits that a float32 forward pass gives; errors and their differences, shares of a few thousand samples, need fewer.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 7, 64) }

// long is a table of every trial, a line for each number or point: what a program reads.
type long struct {
	note string
	plotting.Table
}

// newLong has the columns that say what a line is about before its own.
func (s *ConvStudy) newLong(columns ...string) *long {
	return &long{s.note(), plotting.Table{Headers: append([]string{"network", "pair", "k_epochs", "seed", "policy", "data"}, columns...)}}
}

func (l *long) add(t Trial, cells ...string) {
	k := ""
	if !math.IsNaN(t.K) {
		k = number(t.K)
	}
	set := t.Set
	if l.note != "" {
		set += " (" + l.note + ")"
	}
	l.Rows = append(l.Rows, append([]string{t.Net, t.Kind, k, fmt.Sprint(t.Seed), t.Result.Policy.String(), set}, cells...))
}

// convTables are the files of the tables of a ConvStudy.
var convTables = []string{"path.csv", "barriers.csv", "layers.csv", "conditions.csv", "networks.csv"}

// tables are the files of numbers: the line, its barriers, the layers at α = ½, and Definitions 3 and 4.
func (s *ConvStudy) tables() (map[string]plotting.Table, error) {
	path, barriers := s.newLong("alpha", "error_fraction", "loss_nats", "blended_logits_error_fraction"),
		s.newLong("samples", "error_a_fraction", "error_b_fraction", "error_barrier_mean_fraction", "error_barrier_chord_fraction", "error_barrier_middle_fraction",
			"loss_barrier_mean_nats", "loss_barrier_chord_nats", "loss_barrier_middle_nats", "one_minus_cos_half_mean_over_layers", "one_minus_cos_half_largest", "largest_share_of_baseline")
	layers := s.newLong("layer", "kind", "one_minus_cos_half_mean", "one_minus_cos_half_std", "coef_half_mean", "coef_half_std", "baseline_mean", "baseline_std", "samples_used", "samples_skipped")
	conditions := s.newLong("layer", "quantity", "mean", "std")
	for _, t := range s.Trials {
		mixed, _ := t.Lemma1()
		for i, alpha := range t.Alphas {
			path.add(t, number(alpha), number(t.Errors().Values[i]), number(t.Losses().Values[i]), number(mixed.Values[i]))
		}
		e, l := t.Barrier(), t.Lines[0].LossBarrier()
		barriers.add(t, fmt.Sprint(t.Samples), number(errorA(t)), number(errorB(t)), number(e.Mean), number(e.Chord), number(e.Middle),
			number(l.Mean), number(l.Chord), number(l.Middle), number(t.meanHalf()), number(t.mostHalf()), number(t.share()))
		base := t.Baseline()
		for i, layer := range t.Layers {
			cos, coef, b := t.Half.Stats[i], t.CoefHalf.Stats[i], base.Stats[i]
			layers.add(t, layer.Name, layer.Kind, number(cos.Mean), number(cos.Std), number(coef.Mean), number(coef.Std), number(b.Mean), number(b.Std),
				fmt.Sprint(cos.Used), fmt.Sprint(cos.Skipped))
		}
		if t.Policy.Name != interpolate {
			continue
		}
		weak, err := t.WeakAdditivity()
		if err != nil {
			return nil, err
		}
		com, err := t.Commutativity()
		if err != nil {
			return nil, err
		}
		for _, q := range []struct {
			name string
			p    measure.Profile
		}{{"dist_sigma_half", weak.Half}, {"dist_sigma_max", weak.Max}, {"sign_disagreement", weak.Disagreement}, {"dist_com", com.Com}, {"dist_w", com.W}, {"dist_h", com.H}} {
			for i, v := range q.p.Stats {
				conditions.add(t, q.p.Layers[i], q.name, number(v.Mean), number(v.Std))
			}
		}
	}
	return map[string]plotting.Table{"path.csv": path.Table, "barriers.csv": barriers.Table, "layers.csv": layers.Table, "conditions.csv": conditions.Table,
		"networks.csv": s.Networks()}, nil
}
