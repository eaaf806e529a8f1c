package study

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/plotting"
	"layerwise/plotting/report"
)

const (
	overviewTitle  = "The paper, figure by figure"
	elsewhereTitle = "At the paper's scale"
)

// view is an item with what this study has of it.
type view struct {
	Item
	claims  llfc.Scorecard
	figures []figure
	tables  []table
}

// views are the items of the study, or all where it is of everything.
func (s *Study) views(claims llfc.Scorecard, sections []section) []view {
	items := s.Items
	if len(items) == 0 {
		items = Registry()
	}
	var out []view
	for _, i := range items {
		v := view{Item: i}
		for _, c := range claims {
			if matches(i.Claims, c.ID, s.Subjects) {
				v.claims = append(v.claims, c)
			}
		}
		for _, sec := range sections {
			for _, f := range sec.figures {
				if matches(i.Figures, f.file, s.Subjects) {
					v.figures = append(v.figures, f)
				}
			}
			for _, t := range sec.tables {
				if matches(i.Tables, t.id, s.Subjects) {
					v.tables = append(v.tables, t)
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// verdict is that of all claims on an item, and why there is none.
func (v view) verdict() (verdict report.Verdict, words string) {
	holds, fails, open := v.claims.Count()
	n := len(v.claims)
	switch {
	case v.Needs != "":
		return report.NotMeasured, "not yet made: needs " + v.Needs
	case n == 0 && len(v.figures)+len(v.tables) == 0:
		return report.NotMeasured, "not in this report: --subjects " + strings.Join(v.Subjects, ",")
	case n == 0:
		return report.NotMeasured, "shown; nothing is claimed"
	case fails > 0:
		verdict = report.Fails
		if words = fmt.Sprintf("%d of %d claims fail", fails, n); n == 1 {
			words = "the claim fails"
		}
	case open == n:
		words = "not measured"
	default:
		verdict = report.Holds
		if words = fmt.Sprintf("%d of %d claims hold", holds, n); n == 1 {
			words = "the claim holds"
		}
	}
	if open > 0 && open < n {
		words += fmt.Sprintf(", %d not measured", open)
	}
	return verdict, words
}

// pairs is how many trained pairs the claims on an item are each made of: "3", or "3 to 15".
func (v view) pairs() string {
	var n []int
	for _, c := range v.claims {
		if len(c.Values) > 0 {
			n = append(n, len(c.Values))
		}
	}
	switch {
	case len(n) == 0:
		return "–"
	case slices.Min(n) == slices.Max(n):
		return fmt.Sprint(n[0])
	}
	return fmt.Sprintf("%d to %d", slices.Min(n), slices.Max(n))
}

// overviewTable lists items with their verdicts.
func overviewTable(views []view) plotting.Table {
	t := plotting.Table{Headers: []string{"of the paper", "source", "what it shows", "trained pairs a claim", "outcome"}}
	for _, v := range views {
		_, words := v.verdict()
		t.Rows = append(t.Rows, []string{v.Name, v.Source, v.About, v.pairs(), words})
	}
	return t
}

// itemSection is the section of an item. Its figures stand there unless they stand in an earlier one, to which it then leads; shown gathers both.
func (s *Study) itemSection(v view, shown map[string]bool) report.Section {
	out := report.Section{ID: v.ID, Title: v.Name, About: v.About}
	out.Verdict, out.Outcome = v.verdict()
	fact := func(name, value string) {
		if value != "" {
			out.Facts = append(out.Facts, report.Pair{Name: name, Value: value})
		}
	}
	fact("in the paper", v.Source+"; "+v.Certain)
	fact("it states", v.States)
	fact("to expect", v.Expect)
	if len(v.claims)+len(v.figures)+len(v.tables) > 0 {
		fact("measured", strings.Join(v.Measures, ", ")+"; scale "+s.Scale)
		fact("n", s.unit(v))
		fact("interval", intervals(v.claims))
		if data := s.note(s.Subjects...); data != "" {
			fact("data", data)
		}
	}
	fact("note", v.Note)
	for _, c := range v.claims {
		out.Claims = append(out.Claims, onPage(c))
	}
	for _, f := range v.figures {
		if shown[f.file] {
			out.See = append(out.See, report.Link{ID: f.file, Text: f.file})
			continue
		}
		shown[f.file] = true
		out.Figures = append(out.Figures, f.onPage())
	}
	for _, t := range v.tables {
		if !shown[t.Title] {
			shown[t.Title] = true
			out.Tables = append(out.Tables, t.Table)
		}
	}
	return out
}

// unit says what is counted.
func (s *Study) unit(v view) string {
	text := v.pairs() + " trained pairs a claim: a pair is one, and its test images are averaged over"
	if v.pairs() == "–" {
		text = "a trained pair is one, and its test images are averaged over"
	}
	var images, of []string
	for _, t := range s.Trials {
		images = append(images, fmt.Sprint(t.Result.Samples))
	}
	for _, sub := range s.Subjects {
		of = append(of, fmt.Sprintf("%s, seeds %v", sub.ID, sub.Seeds))
	}
	return text + " (" + strings.Join(distinct(images), ", ") + "). In this study: " + strings.Join(of, "; ") + "."
}

// intervals says what the intervals of some claims are.
func intervals(claims llfc.Scorecard) string {
	t, within, none := false, false, false
	for _, c := range claims {
		switch {
		case len(c.Values) >= bandSeeds:
			t = true
		case len(c.Within) > 0:
			within = true
		case len(c.Values) > 0:
			none = true
		}
	}
	var out []string
	if t {
		out = append(out, "95 % of the mean over pairs, Student's t")
	}
	if within {
		out = append(out, fmt.Sprintf("of fewer than %d pairs each pair's own, 95 %% over its test images (%d bootstrap draws): it says nothing about other pairs", bandSeeds, bootstrapDraws))
	}
	if none {
		out = append(out, fmt.Sprintf("none where there are fewer than %d pairs and the quantity is one number for all images", bandSeeds))
	}
	return strings.Join(out, "; ")
}

func (f figure) onPage() report.Figure {
	return report.Figure{ID: f.file, Figure: f.Figure, Caption: f.caption}
}

// onPage is a claim as a report shows it.
func onPage(c llfc.Claim) report.Claim {
	verdicts := map[string]report.Verdict{llfc.Holds: report.Holds, llfc.Fails: report.Fails, llfc.NotMeasured: report.NotMeasured}
	return report.Claim{ID: c.ID, Source: c.Source, Statement: c.Statement, Threshold: c.Threshold(), Measured: c.Measured(), Interval: interval(c),
		Verdict: verdicts[c.Verdict()], Note: c.Quantity, Elsewhere: elsewhere(c), Since: since(c)}
}

// interval is the interval over pairs, and within each where there are few.
func interval(c llfc.Claim) string {
	if within := c.WithinText(); within != "" {
		return c.Interval() + "; " + within
	}
	return c.Interval()
}

func elsewhere(c llfc.Claim) string {
	if c.Elsewhere == nil {
		return ""
	}
	return c.Elsewhere.String()
}

func since(c llfc.Claim) string {
	if c.Registered == "" {
		return ""
	}
	if c.Exploratory {
		return "exploratory: registered " + c.Registered + ", after its numbers had been seen"
	}
	return "registered " + c.Registered
}

// besides says how the claims that fail here fare in the committed run at the paper's settings.
func (s *Study) besides(claims llfc.Scorecard) string {
	fail, there, run := 0, 0, ""
	for _, c := range claims {
		if c.Elsewhere == nil {
			continue
		}
		if run = c.Elsewhere.Run; c.Verdict() == llfc.Fails {
			if fail++; c.Elsewhere.Verdict == llfc.Holds {
				there++
			}
		}
	}
	if run == "" {
		return ""
	}
	text := " Beside each verdict stands what the committed run at the paper's own settings and data, " + run + ", found for the same claim"
	if fail > 0 {
		text += fmt.Sprintf(": of the %d that fail at this smaller scale %d hold there", fail, there)
	}
	return text + ". Lines are the same at every scale."
}

// IDs are those of some items.
func IDs(items []Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.ID)
	}
	return out
}
