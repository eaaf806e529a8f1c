package llfc

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"layerwise/internal/finite"
)

// Claim is a statement of the paper as a check: a quantity, measured once for each seed or pair, and the line that it must keep to. Lines are
// set before measuring and never moved.
type Claim struct {
	ID        string    `json:"id"`
	Source    string    `json:"source"`    // where the statement stands, and where the line comes from
	Subject   string    `json:"subject"`   // what it is about, the beginning of Statement; claims on one subject stand together
	Statement string    `json:"statement"` // what is claimed, a sentence
	Quantity  string    `json:"quantity"`  // what is measured
	Kind      string    `json:"kind"`      // AtMost or AtLeast
	Line      float64   `json:"line"`
	Percent   bool      `json:"percent,omitempty"` // the quantity is a share, printed in percent
	Over      string    `json:"over"`              // what Values range over: "seeds" or "pairs"; empty is "seeds"
	Values    []float64 `json:"values"`            // NaN is a value that could not be made
	Note      string    `json:"note,omitempty"`

	Registered  string `json:"registered,omitempty"`  // the day on which claim and line were written down
	Exploratory bool   `json:"exploratory,omitempty"` // that was after its numbers had been seen

	// Within has for each value a 95 % interval over test images: those of one pair, drawn again with replacement (percentile bootstrap). Empty
	// where no values by image were kept. It says nothing about other pairs; Interval does.
	Within [][2]float64 `json:"within,omitempty"`

	Elsewhere *Finding `json:"elsewhere,omitempty"` // what a larger run found for the same claim
}

// Finding is the outcome of a claim in another run.
type Finding struct {
	Run      string `json:"run"` // where its report is
	ID       string `json:"id"`  // of the claim there
	Measured string `json:"measured"`
	Interval string `json:"interval"`
	Verdict  string `json:"verdict"`
}

// String is the verdict and the mean: "holds: 0.155".
func (f Finding) String() string { return f.Verdict + ": " + f.Measured }

// Found is a claim's outcome, to be set beside that of another run.
func (c Claim) Found(run string) *Finding {
	return &Finding{Run: run, ID: c.ID, Measured: c.Measured(), Interval: c.Interval(), Verdict: c.Verdict()}
}

// WithinText is Within in words, "" without.
func (c Claim) WithinText() string {
	if len(c.Within) == 0 {
		return ""
	}
	var out []string
	for _, w := range c.Within {
		out = append(out, fmt.Sprintf("[%s, %s]", c.Format(w[0]), c.Format(w[1])))
	}
	return "over the test images of a pair " + strings.Join(out, ", ")
}

// The kinds of lines.
const (
	AtMost  = "at most"
	AtLeast = "at least"
)

// The verdicts on a claim.
const (
	Holds       = "holds"
	Fails       = "fails"
	NotMeasured = "not measured"
)

// Keeps reports whether one value keeps to the line. NaN does not, nor does an infinity, which a ratio to 0 gives.
func (c Claim) Keeps(v float64) bool {
	if c.Kind == AtLeast {
		return v >= c.Line && finite.Is(v)
	}
	return v <= c.Line && finite.Is(v)
}

// Verdict is Holds if every value keeps to the line.
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
	if c.Kind == AtLeast {
		sign = "≥ "
	}
	return sign + c.Format(c.Line)
}

// Format prints a value of the claim's quantity in three digits.
func (c Claim) Format(v float64) string { return c.format(v, 3) }

// rounding is the share below which a difference of two shares is the rounding of their subtraction.
const rounding = 1e-12

func (c Claim) format(v float64, digits int) string {
	unit := ""
	if c.Percent {
		if unit = " %"; math.Abs(v) < rounding {
			v = 0
		}
		v *= 100
	}
	switch {
	case !finite.Is(v):
		return "undefined"
	case v == 0: // −0 too
		return "0" + unit
	}
	return fmt.Sprintf("%.*g", digits, v) + unit
}

// Measured is the mean of the values.
func (c Claim) Measured() string {
	if len(c.Values) == 0 {
		return "–"
	}
	return c.Format(stat.Mean(c.Values, nil))
}

// mostDigits is how many digits are printed where three do not tell two numbers apart.
const mostDigits = 6

// Interval is the 95 % interval of the mean, Student's t, and what it is over: "[0.0123, 0.0161], 3 seeds". It names the worst value where
// the mean does not show why the claim fails. Two values have no interval worth the name, and are printed themselves: "0.05 %, 0.4 %, 2 seeds".
func (c Claim) Interval() string {
	n, without := len(c.Values), 0
	for _, v := range c.Values {
		if !finite.Is(v) {
			without++
		}
	}
	text := c.count(n)
	switch {
	case n < 2:
		return text
	case without > 0:
		return fmt.Sprintf("%s, undefined on %d", text, without)
	case slices.Min(c.Values) == slices.Max(c.Values):
		text += ", all equal"
	case n == 2:
		return fmt.Sprintf("%s, %s, %s", c.apart(c.Values[0]), c.apart(c.Values[1]), text)
	default:
		m, h := stat.Mean(c.Values, nil), HalfWidth(c.Values)
		low, high := c.Format(m-h), c.Format(m+h)
		for digits := 4; low == high && digits <= mostDigits; digits++ {
			low, high = c.format(m-h, digits), c.format(m+h, digits)
		}
		if low == high {
			text += fmt.Sprintf(", equal to %d digits", mostDigits)
			break
		}
		text = fmt.Sprintf("[%s, %s], %s", low, high, text)
	}
	if c.Verdict() == Fails && (c.Keeps(stat.Mean(c.Values, nil)) || c.Measured() == c.Format(c.Line)) {
		text += ", worst " + c.worst()
	}
	return text
}

func (c Claim) count(n int) string {
	over := c.Over
	if over == "" {
		over = "seeds"
	}
	if n == 1 {
		over = strings.TrimSuffix(over, "s")
	}
	return fmt.Sprintf("%d %s", n, over)
}

// worst is the value that decides.
func (c Claim) worst() string {
	if c.Kind == AtLeast {
		return c.apart(slices.Min(c.Values))
	}
	return c.apart(slices.Max(c.Values))
}

// apart prints a value with the digits that show on which side of the line it lies.
func (c Claim) apart(v float64) string {
	digits := 3
	for c.format(v, digits) == c.format(c.Line, digits) && digits < mostDigits {
		digits++
	}
	return c.format(v, digits)
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

// row is a claim in JSON, with what follows from it. JSON knows no NaN and no infinity: null stands for both.
type row struct {
	Claim
	Values   []*float64 `json:"values"`
	Mean     *float64   `json:"mean"`
	Interval string     `json:"interval"`
	Verdict  string     `json:"verdict"`
}

// WriteJSON writes the scorecard with its derived fields.
func (s Scorecard) WriteJSON(w io.Writer) error {
	rows := make([]row, len(s))
	for i, c := range s {
		r := row{Claim: c, Values: make([]*float64, len(c.Values)), Interval: c.Interval(), Verdict: c.Verdict()}
		for k, v := range c.Values {
			r.Values[k] = orNull(v)
		}
		if len(c.Values) > 0 {
			r.Mean = orNull(stat.Mean(c.Values, nil))
		}
		rows[i] = r
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

func orNull(v float64) *float64 {
	if !finite.Is(v) {
		return nil
	}
	return &v
}

// ReadScorecard reads what WriteJSON has written. A verdict that does not follow from its values is an error.
func ReadScorecard(r io.Reader) (Scorecard, error) {
	var rows []row
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil {
		return nil, fmt.Errorf("scorecard: %w", err)
	}
	out := make(Scorecard, len(rows))
	for i, r := range rows {
		c := r.Claim
		c.Values = make([]float64, len(r.Values))
		for k, v := range r.Values {
			if c.Values[k] = math.NaN(); v != nil {
				c.Values[k] = *v
			}
		}
		switch {
		case c.Kind != AtMost && c.Kind != AtLeast:
			return nil, fmt.Errorf("scorecard: claim %q: kind %q, expected %q or %q", c.ID, c.Kind, AtMost, AtLeast)
		case r.Verdict != c.Verdict():
			return nil, fmt.Errorf("scorecard: claim %q: the verdict is %q, but its values make it %q", c.ID, r.Verdict, c.Verdict())
		}
		out[i] = c
	}
	return out, nil
}
