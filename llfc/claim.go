package llfc

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Claim is a statement of the paper as a check: a quantity measured once for each seed, and the line that it must keep to. Lines are set
// before measuring and never moved.
type Claim struct {
	ID        string    `json:"id"`
	Source    string    `json:"source"`    // where the statement stands, and where the line comes from
	Statement string    `json:"statement"` // what is claimed
	Quantity  string    `json:"quantity"`  // what is measured
	Kind      string    `json:"kind"`      // "at most" or "at least"
	Line      float64   `json:"line"`
	Percent   bool      `json:"percent,omitempty"` // the quantity is a share, printed in percent
	Values    []float64 `json:"values"`            // one for each seed
	Note      string    `json:"note,omitempty"`
}

// The verdicts on a claim.
const (
	Holds       = "holds"
	Fails       = "fails"
	NotMeasured = "not measured"
)

// Keeps reports whether one value keeps to the line. NaN does not.
func (c Claim) Keeps(v float64) bool {
	if c.Kind == "at least" {
		return v >= c.Line
	}
	return v <= c.Line
}

// Verdict is Holds if every seed keeps to the line.
func (c Claim) Verdict() string {
	if len(c.Values) == 0 {
		return NotMeasured
	}
	for _, v := range c.Values {
		if !c.Keeps(v) {
			return Fails
		}
	}
	return Holds
}

// Threshold is the line as text: "≤ 2 %".
func (c Claim) Threshold() string {
	sign := "≤ "
	if c.Kind == "at least" {
		sign = "≥ "
	}
	return sign + c.Format(c.Line)
}

// Format prints a value of the claim's quantity.
func (c Claim) Format(v float64) string {
	if c.Percent {
		return fmt.Sprintf("%.3g %%", 100*v)
	}
	return fmt.Sprintf("%.3g", v)
}

// Measured is the mean over seeds.
func (c Claim) Measured() string {
	if len(c.Values) == 0 {
		return "–"
	}
	return c.Format(Mean(c.Values))
}

// Interval is the 95 % interval of the mean over seeds, Student's t; without a second seed there is none.
func (c Claim) Interval() string {
	if len(c.Values) < 2 {
		return "one seed"
	}
	h := HalfWidth(c.Values)
	m := Mean(c.Values)
	return fmt.Sprintf("[%s, %s], %d seeds", c.Format(m-h), c.Format(m+h), len(c.Values))
}

// Scorecard is the claims with the means and verdicts spelled out.
type Scorecard []Claim

// Count returns how many claims hold, fail, and were not measured.
func (s Scorecard) Count() (holds, fails, open int) {
	for _, c := range s {
		switch c.Verdict() {
		case Holds:
			holds++
		case Fails:
			fails++
		default:
			open++
		}
	}
	return
}

// WriteJSON writes the scorecard with its derived fields.
func (s Scorecard) WriteJSON(w io.Writer) error {
	type row struct {
		Claim
		Mean     *float64 `json:"mean"`
		Interval string   `json:"interval"`
		Verdict  string   `json:"verdict"`
	}
	rows := make([]row, len(s))
	for i, c := range s {
		rows[i] = row{Claim: c, Interval: c.Interval(), Verdict: c.Verdict()}
		if m := Mean(c.Values); len(c.Values) > 0 && !math.IsNaN(m) {
			rows[i].Mean = &m
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

// Mean is the arithmetic mean; NaN of nothing.
func Mean(values []float64) float64 {
	s := 0.0
	for _, v := range values {
		s += v
	}
	return s / float64(len(values))
}

// Std is the unbiased standard deviation; NaN of fewer than two values.
func Std(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	m, s := Mean(values), 0.0
	for _, v := range values {
		s += (v - m) * (v - m)
	}
	return math.Sqrt(s / float64(len(values)-1))
}
