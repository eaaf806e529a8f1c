package llfc

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		kind   string
		line   float64
		values []float64
		want   string
	}{
		{AtMost, 0.02, []float64{0.01, 0.02}, Holds}, // the line itself is kept
		{AtMost, 0.02, []float64{0.01, 0.0201}, Fails},
		{AtMost, 0, []float64{-1}, Holds},
		{AtLeast, 0.05, []float64{0.05, 0.6}, Holds},
		{AtLeast, 0.05, []float64{0.04, 0.9, 0.9}, Fails}, // every seed counts, not the mean
		{AtMost, 1, []float64{0, nan}, Fails},
		{AtLeast, 1, []float64{2, nan}, Fails},
		{AtLeast, 1, []float64{inf}, Fails},
		{AtMost, 1, []float64{-inf}, Fails},
		{AtMost, 1, nil, NotMeasured},
	} {
		if got := (Claim{Kind: c.kind, Line: c.line, Values: c.values}).Verdict(); got != c.want {
			t.Errorf("%v %s %v: %s, expected %s", c.values, c.kind, c.line, got, c.want)
		}
	}
}

func TestClaimInWords(t *testing.T) {
	share := Claim{Kind: AtMost, Line: 0.02, Percent: true}
	plain := Claim{Kind: AtLeast, Line: 0.1}
	with := func(c Claim, over string, values ...float64) Claim {
		c.Over, c.Values = over, values
		return c
	}
	for _, c := range []struct {
		claim               Claim
		threshold, mean, in string
	}{
		{with(plain, "", 1, 2, 3), "≥ 0.1", "2", "[-0.484, 4.48], 3 seeds"}, // 2 ± 4.303/√3
		{with(share, "pairs", 0.01, 0.01), "≤ 2 %", "1 %", "2 pairs, all equal"},
		{with(share, "seeds", 0.01), "≤ 2 %", "1 %", "1 seed"},
		{with(share, "pairs", 0.01), "≤ 2 %", "1 %", "1 pair"},
		{share, "≤ 2 %", "–", "0 seeds"},
		{with(share, "", -0.155, -0.155001), "≤ 2 %", "-15.5 %", "-15.5 %, -15.5 %, 2 seeds"},
		{with(share, "", 0.005, 0.035), "≤ 2 %", "2 %", "0.5 %, 3.5 %, 2 seeds"},                              // two values say more than Student's t of two
		{with(plain, "", 0.09999, 0.5), "≥ 0.1", "0.3", "0.09999, 0.5, 2 seeds"},                              // with the digits that show the side of the line
		{with(share, "", -0.155, -0.155001, -0.155), "≤ 2 %", "-15.5 %", "[-15.5002 %, -15.4999 %], 3 seeds"}, // more digits where three show no width
		{with(share, "", 0.005, 0.005, 0.035), "≤ 2 %", "1.5 %", "[-2.8 %, 5.8 %], 3 seeds, worst 3.5 %"},     // the mean keeps, a seed does not
		{with(plain, "", 0.09999, 0.5, 0.5), "≥ 0.1", "0.367", "[-0.207, 0.94], 3 seeds, worst 0.09999"},
		{with(share, "", 0.01, 0.02, 0.0300001), "≤ 2 %", "2 %", "[-0.484 %, 4.48 %], 3 seeds, worst 3 %"}, // nor does it show where the mean looks like the line
		{with(plain, "", 1, 1, 1+1e-9), "≥ 0.1", "1", "3 seeds, equal to 6 digits"},
		{with(plain, "", math.NaN(), 0.5), "≥ 0.1", "undefined", "2 seeds, undefined on 1"},
		{with(plain, "", math.Inf(1), 0.5), "≥ 0.1", "undefined", "2 seeds, undefined on 1"},
	} {
		if a, b, d := c.claim.Threshold(), c.claim.Measured(), c.claim.Interval(); a != c.threshold || b != c.mean || d != c.in {
			t.Errorf("%v: %q, %q, %q; expected %q, %q, %q", c.claim.Values, a, b, d, c.threshold, c.mean, c.in)
		}
	}
	negative := math.Copysign(0, -1)
	for _, c := range []struct {
		claim Claim
		v     float64
		want  string
	}{
		{share, negative, "0 %"}, {plain, negative, "0"}, {share, 0.1 + 0.2 - 0.3, "0 %"}, {share, -0.0004, "-0.04 %"}, {share, 1, "100 %"},
		{plain, 9.69e-15, "9.69e-15"}, {plain, 0.3439, "0.344"},
	} {
		if got := c.claim.Format(c.v); got != c.want {
			t.Errorf("Format(%v) = %q, expected %q", c.v, got, c.want)
		}
	}
}

// The JSON is read by others: it must not change unnoticed.
const cardJSON = `[
  {
    "id": "spawned-0/lmc",
    "source": "Def. 1",
    "subject": "a pair",
    "statement": "a pair is connected",
    "quantity": "barrier",
    "kind": "at most",
    "line": 0.02,
    "percent": true,
    "over": "seeds",
    "values": [
      0.01,
      0.03,
      null
    ],
    "mean": null,
    "interval": "3 seeds, undefined on 1",
    "verdict": "fails"
  },
  {
    "id": "exact/first",
    "source": "",
    "subject": "",
    "statement": "",
    "quantity": "",
    "kind": "at least",
    "line": 1,
    "over": "pairs",
    "values": [
      1,
      3
    ],
    "mean": 2,
    "interval": "1, 3, 2 pairs",
    "verdict": "holds"
  },
  {
    "id": "open",
    "source": "",
    "subject": "",
    "statement": "",
    "quantity": "",
    "kind": "at most",
    "line": 0,
    "over": "",
    "note": "later",
    "values": [],
    "mean": null,
    "interval": "0 seeds",
    "verdict": "not measured"
  }
]
`

func TestScorecardJSON(t *testing.T) {
	card := Scorecard{
		{ID: "spawned-0/lmc", Source: "Def. 1", Subject: "a pair", Statement: "a pair is connected", Quantity: "barrier", Kind: AtMost, Line: 0.02, Percent: true,
			Over: "seeds", Values: []float64{0.01, 0.03, math.NaN()}},
		{ID: "exact/first", Kind: AtLeast, Line: 1, Over: "pairs", Values: []float64{1, 3}},
		{ID: "open", Kind: AtMost, Note: "later"},
	}
	var text bytes.Buffer
	if err := card.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	if text.String() != cardJSON {
		t.Errorf("got\n%s", &text)
	}
	if h, f, o := card.Count(); h != 1 || f != 1 || o != 1 {
		t.Errorf("%d hold, %d fail, %d open, expected one of each", h, f, o)
	}
	got, err := ReadScorecard(&text)
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(got[0].Values[2]) {
		t.Errorf("null came back as %v", got[0].Values)
	}
	got[0].Values[2], card[0].Values[2], card[2].Values = 0, 0, []float64{}
	if !reflect.DeepEqual(got, card) {
		t.Errorf("came back as %+v", got)
	}
	for change, want := range map[string][2]string{
		"a forged verdict":   {`"verdict": "fails"`, `claim "spawned-0/lmc": the verdict is "holds", but its values make it "fails"`},
		"an unknown kind":    {`"kind": "at most"`, `kind "holds"`},
		"an unknown field":   {`"over"`, "unknown field"},
		"a text for a value": {`0.01`, "scorecard"},
	} {
		with := strings.NewReplacer(`"over"`, `"under"`, `0.01`, `"x"`).Replace(want[0])
		if with == want[0] {
			with = strings.NewReplacer(`"fails"`, `"holds"`, `"at most"`, `"holds"`).Replace(want[0])
		}
		if _, err := ReadScorecard(strings.NewReader(strings.Replace(cardJSON, want[0], with, 1))); err == nil || !strings.Contains(err.Error(), want[1]) {
			t.Errorf("%s: %v, expected %q", change, err, want[1])
		}
	}
}
