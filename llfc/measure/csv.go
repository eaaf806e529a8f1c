package measure

import (
	"cmp"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"layerwise/internal/atomicfile"
	"layerwise/llfc/merge"
)

// Save writes path.csv and layers.csv into a directory, which it makes, conditions.csv where conditions were measured, and samples.csv
// where samples were kept. Each file appears whole or not at all. NaN stands for a mean without samples and a deviation of one
// sample; an empty field for what the quantity does not have.
func (r *Result) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
		skip  bool
	}{
		{"path.csv", r.WritePath, false},
		{"layers.csv", r.WriteLayers, false},
		{"conditions.csv", r.WriteConditions, !r.hasConditions()},
		{"samples.csv", r.WriteSamples, !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Samples != nil })},
	} {
		if file.skip {
			continue
		}
		if err := atomicfile.Write(filepath.Join(dir, file.name), file.write); err != nil {
			return err
		}
	}
	return nil
}

// WritePath writes loss (nats) and error (a fraction) of every split and α, with the policy by which θ_α was made. Where the policy makes
// other networks of the ends, two more rows per split give B and A as they were given: they are the ends of "interpolate".
func (r *Result) WritePath(w io.Writer) error {
	t := newTable(w, "alpha", "split", "loss", "error", "policy")
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
	columns := []string{"layer", "kind", "alpha"}
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

// WriteConditions writes the quantities of nonlinearities and linear maps, Definitions 3 and 4. Those of the whole set have no deviation.
func (r *Result) WriteConditions(w io.Writer) error {
	t := newTable(w, "layer", "quantity", "mean", "std", "policy")
	for _, q := range r.measured(atConditions) {
		for _, row := range r.Rows {
			if row.Quantity == q.Name {
				t.row(row.Layer.Name, q.Name, number(row.Mean), deviation(q, row), r.Policy.String())
			}
		}
	}
	return t.flush()
}

// WriteSamples writes every sample's values that were kept, one a line, place by place. Samples count from 0 in the order of the set; NaN marks
// one left out.
func (r *Result) WriteSamples(w io.Writer) error {
	t := newTable(w, "layer", "quantity", "alpha", "sample", "value", "policy")
	policy := r.Policy.String()
	for _, at := range []func(Where) bool{atLayers, atConditions} {
		var rows []Row
		for _, q := range r.measured(at) {
			for _, row := range r.Rows {
				if row.Quantity == q.Name && row.Samples != nil {
					rows = append(rows, row)
				}
			}
		}
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
