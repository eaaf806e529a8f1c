package measure

import (
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"layerwise/internal/atomicfile"
	"layerwise/llfc/merge"
)

// Save writes path.csv and layers.csv into a directory, which it makes, conditions.csv where conditions were measured, and samples.csv
// where samples were kept; it removes those two of an earlier Save first. Each file appears whole or not at all. NaN stands for a mean without samples and a deviation of one
// sample; an empty field for what the quantity does not have.
func (r *Result) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := clearTables(dir); err != nil {
		return err
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
		skip  bool
	}{
		{"path.csv", r.WritePath, false},
		{"layers.csv", r.WriteLayers, false},
		{"conditions.csv", r.WriteConditions, r.weak == nil},
		{"samples.csv", r.WriteSamples, r.Raw == nil},
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

// WriteLayers writes mean and standard deviation over samples of 1 − cos_α, coef_α and the baseline 1 − cos_{A,B}, for every layer
// and α; used and skipped count the samples of the first two.
func (r *Result) WriteLayers(w io.Writer) error {
	t := newTable(w, "layer", "kind", "alpha", "one_minus_cos_mean", "one_minus_cos_std", "coef_mean", "coef_std",
		"baseline_mean", "baseline_std", "samples_used", "samples_skipped", "policy")
	for l, layer := range r.Layers {
		base := r.baseline.Stats[l]
		for k, alpha := range r.Alphas {
			cos, coef := r.linear[k].Stats[l], r.coef[k].Stats[l]
			t.row(layer.Name, layer.Kind, number(alpha), number(cos.Mean), number(cos.Std), number(coef.Mean), number(coef.Std),
				number(base.Mean), number(base.Std), strconv.Itoa(cos.Used), strconv.Itoa(cos.Skipped), r.Policy.String())
		}
	}
	return t.flush()
}

// WriteConditions writes Definitions 3 and 4: dist_sigma_half, dist_sigma_max and sign_disagreement of every nonlinearity, dist_com,
// dist_w and dist_h of every linear map. The last three are one number for the whole set and have no deviation.
func (r *Result) WriteConditions(w io.Writer) error {
	weak, err := r.WeakAdditivity()
	if err != nil {
		return err
	}
	t := newTable(w, "layer", "quantity", "mean", "std", "policy")
	write := func(quantity string, p Profile, spread bool) {
		for l, s := range p.Stats {
			std := ""
			if spread {
				std = number(s.Std)
			}
			t.row(p.Layers[l], quantity, number(s.Mean), std, r.Policy.String())
		}
	}
	write("dist_sigma_half", weak.Half, true)
	write("dist_sigma_max", weak.Max, true)
	write("sign_disagreement", weak.Disagreement, true)
	write("dist_com", r.commute.Com, false)
	write("dist_w", r.commute.W, false)
	write("dist_h", r.commute.H, false)
	return t.flush()
}

// WriteSamples writes every sample's values, one a line. Samples count from 0 in the order of the set; NaN marks one left out.
func (r *Result) WriteSamples(w io.Writer) error {
	t := newTable(w, "layer", "quantity", "alpha", "sample", "value", "policy")
	policy := r.Policy.String()
	write := func(layer, quantity, alpha string, values []float64) {
		for i, v := range values {
			t.row(layer, quantity, alpha, strconv.Itoa(i), number(v), policy)
		}
	}
	if r.Raw == nil {
		return t.flush()
	}
	for l, layer := range r.Layers {
		write(layer.Name, "baseline", "", r.Raw.Baseline[l])
		for k, alpha := range r.Alphas {
			write(layer.Name, "one_minus_cos", number(alpha), r.Raw.OneMinusCos[k][l])
			write(layer.Name, "coef", number(alpha), r.Raw.Coef[k][l])
		}
	}
	for l := range r.Raw.WeakHalf {
		name := r.weak.Half.Layers[l]
		write(name, "dist_sigma_half", "0.5", r.Raw.WeakHalf[l])
		write(name, "dist_sigma_max", "", r.Raw.WeakMax[l])
		write(name, "sign_disagreement", "", r.Raw.Disagreement[l])
	}
	return t.flush()
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
