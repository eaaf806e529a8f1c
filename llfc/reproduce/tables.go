package reproduce

import (
	"fmt"

	"layerwise/llfc"
	"layerwise/plotting"
)

// Table is the ends, the middle and the barriers of every kind of pair: mean over seeds ± half width of its 95 % interval, where there are
// seeds enough.
func (s *Study) Table() plotting.Table {
	t := plotting.Table{Title: "Error on the test split, percent: " + s.spread(),
		Headers: []string{"pair", "error A", "error B", "error at ½", "barrier over mean", "barrier over chord", "barrier at middle", "barrier over mean, train"}}
	for _, k := range s.Scale.kinds() {
		row := []string{k.name}
		for _, q := range []func(m Measured) float64{
			func(m Measured) float64 { return m.Test.Error[len(m.Test.Error)-1] },
			func(m Measured) float64 { return m.Test.Error[0] },
			func(m Measured) float64 {
				return m.Test.ErrorBarrier().Middle + (m.Test.Error[0]+m.Test.Error[len(m.Test.Error)-1])/2
			},
			func(m Measured) float64 { return m.Test.ErrorBarrier().Mean },
			func(m Measured) float64 { return m.Test.ErrorBarrier().Chord },
			func(m Measured) float64 { return m.Test.ErrorBarrier().Middle },
			func(m Measured) float64 { return m.Train.ErrorBarrier().Mean },
		} {
			row = append(row, plusMinus(values(s.of(k.id), q), 100, 2))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// LossTable is the same for the loss, in nats.
func (s *Study) LossTable() plotting.Table {
	t := plotting.Table{Title: "Loss on the test split, nats: " + s.spread(),
		Headers: []string{"pair", "loss A", "loss B", "barrier over mean", "barrier over chord", "barrier at middle", "barrier over mean, train"}}
	for _, k := range s.Scale.kinds() {
		row := []string{k.name}
		for _, q := range []func(m Measured) float64{
			func(m Measured) float64 { return m.Test.Loss[len(m.Test.Loss)-1] },
			func(m Measured) float64 { return m.Test.Loss[0] },
			func(m Measured) float64 { return m.Test.LossBarrier().Mean },
			func(m Measured) float64 { return m.Test.LossBarrier().Chord },
			func(m Measured) float64 { return m.Test.LossBarrier().Middle },
			func(m Measured) float64 { return m.Train.LossBarrier().Mean },
		} {
			row = append(row, plusMinus(values(s.of(k.id), q), 1, 3))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// MatchTable tells how the searches for permutations went.
func (s *Study) MatchTable() plotting.Table {
	t := plotting.Table{Title: "Weight matching", Headers: []string{"seed", "Σ⟨A, B⟩", "Σ⟨A, π(B)⟩", "searches", "worst search", "sweeps of the first"}}
	for _, m := range s.Pairs {
		if m.Match == nil {
			continue
		}
		worst := m.Match.Objectives[0]
		for _, v := range m.Match.Objectives {
			worst = min(worst, v)
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(m.Seed), fmt.Sprintf("%.5g", m.Match.Identity), fmt.Sprintf("%.5g", m.Match.Objective),
			fmt.Sprint(len(m.Match.Objectives)), fmt.Sprintf("%.5g", worst), fmt.Sprint(m.Match.Sweeps[0])})
	}
	return t
}

// spread says what the numbers of a table are.
func (s *Study) spread() string {
	switch n := len(s.Scale.Seeds); {
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
	mean := fmt.Sprintf("%.*f", digits, factor*llfc.Mean(v))
	if len(v) < bandSeeds {
		return mean
	}
	return fmt.Sprintf("%s ± %.*f", mean, digits, factor*llfc.HalfWidth(v))
}
