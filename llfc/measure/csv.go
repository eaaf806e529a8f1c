package measure

import (
	"cmp"
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"

	"layerwise/llfc/merge"
)

// The columns of the tables.
var (
	pathColumns      = []string{"alpha", "split", "loss", "error", "policy"}
	layerColumns     = []string{"layer", "kind", "alpha"} // then those of the quantities
	conditionColumns = []string{"layer", "quantity", "mean", "std", "policy"}
	sampleColumns    = []string{"layer", "quantity", "alpha", "sample", "value", "policy"}
)

// WritePath writes loss (nats) and error (a fraction) of every split and α, with the policy by which θ_α was made. Where the policy makes
// other networks of the ends, two more rows per split give B and A as they were given: they are the ends of "interpolate".
func (r *Result) WritePath(w io.Writer) error {
	t := newTable(w, pathColumns...)
	for _, l := range r.Lines {
		for k, alpha := range l.Alphas {
			t.row(number(alpha), l.Split, number(l.Loss[k]), number(l.Error[k]), l.Policy.String())
		}
		for alpha, s := range l.Given {
			t.row(strconv.Itoa(alpha), l.Split, number(s.Loss), number(s.Error), merge.Policy{}.String())
		}
	}
	return t.flush()
}

// measured lists the quantities of the result at some places, in the order of Quantities.
func (r *Result) measured(at func(Where) bool) []Quantity {
	var out []Quantity
	for _, q := range Quantities(false) {
		if at(q.Where) && (slices.Contains(r.Empty, q.Name) || slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Quantity == q.Name })) {
			out = append(out, q)
		}
	}
	return out
}

func atLayers(w Where) bool     { return w == Layers }
func atConditions(w Where) bool { return w != Layers }

func (r *Result) hasConditions() bool { return len(r.measured(atConditions)) > 0 }

// rowAt is the row of a quantity at a layer; one without α stands at every α.
func (r *Result) rowAt(q Quantity, layer Layer, alpha float64) Row {
	i := slices.IndexFunc(r.Rows, func(row Row) bool {
		return row.Quantity == q.Name && row.Layer == layer && (q.When == Ends || same(row.Alpha, alpha))
	})
	return r.Rows[i]
}

// WriteLayers writes mean and standard deviation over samples of every quantity of layers, for every layer and α; a quantity of the whole set
// has no deviation. used and skipped count the samples of 1 − cos_α.
func (r *Result) WriteLayers(w io.Writer) error {
	quantities := r.measured(atLayers)
	columns := slices.Clone(layerColumns)
	for _, q := range quantities {
		columns = append(columns, q.Name+"_mean", q.Name+"_std")
	}
	t := newTable(w, append(columns, "samples_used", "samples_skipped", "policy")...)
	for _, layer := range r.Layers {
		for _, alpha := range r.Alphas {
			fields := []string{layer.Name, layer.Kind, number(alpha)}
			for _, q := range quantities {
				row := r.rowAt(q, layer, alpha)
				fields = append(fields, number(row.Mean), deviation(q, row))
			}
			first := r.rowAt(quantities[0], layer, alpha)
			t.row(append(fields, strconv.Itoa(first.Used), strconv.Itoa(first.Skipped), r.Policy.String())...)
		}
	}
	return t.flush()
}

// deviation is that over samples, or nothing for one number of the whole set.
func deviation(q Quantity, row Row) string {
	if q.Set {
		return ""
	}
	return number(row.Std)
}

// Conditions are the rows of nonlinearities and linear maps, Definitions 3 and 4, one quantity after the other.
func (r *Result) Conditions() []Row { return r.rowsOf(r.measured(atConditions)) }

// rowsOf are the rows of these quantities, one after the other.
func (r *Result) rowsOf(quantities []Quantity) []Row {
	var out []Row
	for _, q := range quantities {
		for _, row := range r.Rows {
			if row.Quantity == q.Name {
				out = append(out, row)
			}
		}
	}
	return out
}

// WriteConditions writes the quantities of nonlinearities and linear maps, Definitions 3 and 4. Those of the whole set have no deviation.
func (r *Result) WriteConditions(w io.Writer) error {
	t := newTable(w, conditionColumns...)
	for _, q := range r.measured(atConditions) {
		for _, row := range r.rowsOf([]Quantity{q}) {
			t.row(row.Layer.Name, q.Name, number(row.Mean), deviation(q, row), r.Policy.String())
		}
	}
	return t.flush()
}

// WriteSamples writes every sample's values that were kept, one a line, place by place. Samples count from 0 in the order of the set; NaN marks
// one left out.
func (r *Result) WriteSamples(w io.Writer) error {
	t := newTable(w, sampleColumns...)
	policy := r.Policy.String()
	for _, at := range []func(Where) bool{atLayers, atConditions} {
		rows := slices.DeleteFunc(r.rowsOf(r.measured(at)), func(row Row) bool { return row.Samples == nil })
		slices.SortStableFunc(rows, func(a, b Row) int {
			if c := r.place(a.Layer) - r.place(b.Layer); c != 0 || at(Nonlinearities) {
				return c
			}
			return compareAlpha(a.Alpha, b.Alpha)
		})
		for _, row := range rows {
			alpha := ""
			if !math.IsNaN(row.Alpha) {
				alpha = number(row.Alpha)
			}
			for i, v := range row.Samples {
				t.row(row.Layer.Name, row.Quantity, alpha, strconv.Itoa(i), number(v), policy)
			}
		}
	}
	return t.flush()
}

// place is where a layer first stands among the rows.
func (r *Result) place(l Layer) int {
	return slices.IndexFunc(r.Rows, func(row Row) bool { return row.Layer == l })
}

// compareAlpha puts what has no α first.
func compareAlpha(a, b float64) int {
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return -1
	case math.IsNaN(b):
		return 1
	}
	return cmp.Compare(a, b)
}

// csvTable writes CSV and keeps the first error.
type csvTable struct {
	w   *csv.Writer
	err error
}

func newTable(w io.Writer, columns ...string) *csvTable {
	t := &csvTable{w: csv.NewWriter(w)}
	t.row(columns...)
	return t
}

func (t *csvTable) row(fields ...string) {
	if t.err == nil {
		t.err = t.w.Write(fields)
	}
}

func (t *csvTable) flush() error {
	t.w.Flush()
	if t.err != nil {
		return t.err
	}
	return t.w.Error()
}

// number keeps every bit of a float64, in the fewest digits.
func number(v float64) string {
	if math.IsNaN(v) {
		return "NaN"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
