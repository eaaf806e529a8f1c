package reproduce

import (
	"fmt"
	"slices"

	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// Table is the ends, the middle and the barriers of the error of every kind of pair, in percent: mean over seeds ± half width of its
// 95 % interval, where there are seeds enough.
func (s *Study) Table() plotting.Table {
	middle := column{"error at ½", func(m Measured) float64 {
		return m.Test.ErrorBarrier().Middle + (m.Test.Error[0]+m.Test.Error[len(m.Test.Error)-1])/2
	}}
	return s.table("Error on the test split, percent: ", 100, 2, slices.Concat(
		ends("error", func(m Measured) []float64 { return m.Test.Error }), []column{middle},
		barriers(func(l measure.Line) measure.Barrier { return l.ErrorBarrier() })))
}

// LossTable is the same for the loss, in nats.
func (s *Study) LossTable() plotting.Table {
	return s.table("Loss on the test split, nats: ", 1, 3, slices.Concat(
		ends("loss", func(m Measured) []float64 { return m.Test.Loss }),
		barriers(func(l measure.Line) measure.Barrier { return l.LossBarrier() })))
}

// column is one number of every pair.
type column struct {
	name string
	of   func(m Measured) float64
}

// ends are the values of A, at α = 1, and of B.
func ends(what string, of func(m Measured) []float64) []column {
	return []column{
		{what + " A", func(m Measured) float64 { v := of(m); return v[len(v)-1] }},
		{what + " B", func(m Measured) float64 { return of(m)[0] }},
	}
}

// barriers are the three definitions on the test split, and the mean of the ends' on the training split.
func barriers(of func(measure.Line) measure.Barrier) []column {
	return []column{
		{"barrier over mean", func(m Measured) float64 { return of(m.Test).Mean }},
		{"barrier over chord", func(m Measured) float64 { return of(m.Test).Chord }},
		{"barrier at middle", func(m Measured) float64 { return of(m.Test).Middle }},
		{"barrier over mean, train", func(m Measured) float64 { return of(m.Train).Mean }},
	}
}

// table has a row for every kind of pair.
func (s *Study) table(title string, factor float64, digits int, columns []column) plotting.Table {
	t := plotting.Table{Title: title + s.spread(), Headers: []string{"pair"}}
	for _, c := range columns {
		t.Headers = append(t.Headers, c.name)
	}
	for _, k := range s.Scale.kinds() {
		row := []string{k.name}
		for _, c := range columns {
			row = append(row, plusMinus(values(s.of(k.id), c.of), factor, digits))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// MatchTable tells how the searches for permutations went.
func (s *Study) MatchTable() plotting.Table {
	t := matchTable()
	for _, m := range s.Pairs {
		if m.Match != nil {
			t.Rows = append(t.Rows, matchRow(m.Seed, *m.Match))
		}
	}
	return t
}

// spread says what the numbers of a table are.
func (s *Study) spread() string { return spread(len(s.Scale.Seeds)) }

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
	mean := fmt.Sprintf("%.*f", digits, factor*llfc.Mean(v))
	if len(v) < bandSeeds {
		return mean
	}
	return fmt.Sprintf("%s ± %.*f", mean, digits, factor*llfc.HalfWidth(v))
}
