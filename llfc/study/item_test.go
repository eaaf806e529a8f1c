package study

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"layerwise/internal/finite"
	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/plotting/report"
	"layerwise/results"
)

// Every figure from 1 to 22 and every table from 1 to 3 stands in one entry, and every entry says all that a reader needs.
func TestRegistry(t *testing.T) {
	numbers, seen := map[string]int{}, map[string]bool{}
	known := map[string]bool{}
	for _, scale := range llfc.ScaleNames() {
		subjects, err := Subjects(scale)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range subjects {
			known[s.ID] = true
		}
	}
	var measures []string
	for _, q := range measure.Quantities(false) {
		measures = append(measures, q.Name)
	}
	for _, i := range Registry() {
		for _, n := range i.Numbers {
			numbers[fmt.Sprint(i.Kind, " ", n)]++
		}
		if seen[i.ID] || i.ID == "" || i.Name == "" || i.Source == "" || i.About == "" || i.Kind == "" || i.States == "" || i.Expect == "" || i.Certain == "" || len(i.Subjects) == 0 || len(i.Measures) == 0 {
			t.Errorf("%+v", i)
		}
		seen[i.ID] = true
		if shows := len(i.Figures)+len(i.Tables)+len(i.Claims) > 0; shows == (i.Needs != "") {
			t.Errorf("%s: needs %q, and shows something: %v", i.ID, i.Needs, shows)
		}
		for _, s := range i.Subjects {
			if !known[s] {
				t.Errorf("%s: there is no subject %q", i.ID, s)
			}
		}
		for _, m := range i.Measures {
			if i.Needs == "" && !slices.Contains(append(measures, "error", "loss", "features"), m) {
				t.Errorf("%s: there is no measure %q", i.ID, m)
			}
		}
	}
	for kind, most := range map[string]int{ItemFigure: 22, ItemTable: 3} {
		for n := 1; n <= most; n++ {
			if numbers[fmt.Sprint(kind, " ", n)] != 1 {
				t.Errorf("%s %d stands in %d entries", kind, n, numbers[fmt.Sprint(kind, " ", n)])
			}
		}
	}
	for _, id := range []string{"lemma-1", "theorem-1", "appendix-a3", "appendix-b5"} {
		if !seen[id] {
			t.Errorf("no %s", id)
		}
	}
	for id, want := range map[string]string{"figure-9": "figure-8-15", "figure-8-15": "figure-8-15", "table-2": "table-2", "theorem-1": "theorem-1"} {
		if got, err := Items(id); err != nil || len(got) != 1 || got[0].ID != want {
			t.Errorf("%s: %v, %v", id, IDs(got), err)
		}
	}
	if got, err := Items("table-1", "figure-17", "figure-7", "figure-16"); err != nil || strings.Join(IDs(got), " ") != "figure-7 figure-16-19 table-1" {
		t.Errorf("%v, %v", IDs(got), err)
	}
}

// No two subjects of a scale have claims or files of one name.
func TestKindsApart(t *testing.T) {
	for _, scale := range llfc.ScaleNames() {
		subjects, err := Subjects(scale)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for _, s := range subjects {
			for _, k := range s.Kinds {
				id, _ := s.called(k, s.Policies[0])
				if other, twice := seen[id]; twice {
					t.Errorf("scale %s: %s and %s both have %s", scale, other, s.ID, id)
				}
				if seen[id] = s.ID; k.Against != "" && !slices.ContainsFunc(s.Kinds, func(other Kind) bool { return other.ID == k.Against }) {
					t.Errorf("scale %s: %s of %s is compared with %s, which it lacks", scale, k.ID, s.ID, k.Against)
				}
			}
		}
	}
}

// Without subjects a figure is of the paper's MLPs where they show it, under the policies that it needs.
func TestSelectFor(t *testing.T) {
	for _, c := range []struct{ items, subjects, want string }{
		{"figure-2", "", "mlp"},
		{"figure-3", "", "mlp-rebasin"},
		{"figure-2 figure-3", "", "mlp mlp-rebasin"},
		{"figure-7", "vgg16-bn", "vgg16-bn"},
	} {
		items, err := Items(strings.Fields(c.items)...)
		if err != nil {
			t.Fatal(err)
		}
		subjects, err := SelectFor("quick", items, strings.Fields(c.subjects)...)
		var got []string
		for _, s := range subjects {
			got = append(got, s.ID)
			for _, p := range s.Policies {
				if !slices.ContainsFunc(items, func(i Item) bool { return slices.Contains(i.Policies, slug(p)) }) {
					t.Errorf("%s of %s under %s", c.items, s.ID, p)
				}
			}
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s of %q: %v, %v", c.items, c.subjects, got, err)
		}
	}
	one, err := Items("figure-7")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := SelectFor("quick", one, "vgg16-bn"); err != nil || len(s[0].Policies) != 2 {
		t.Errorf("commutativity under %v, %v; expected raw and folded", s[0].Policies, err)
	}
}

// beyond is what other papers claim or draw.
var beyond = []string{"*/later-barrier/*", "*/later-llfc/*", "bn/reset", "instability-*"}

// checkItems: what is drawn and claimed stands in an entry, what an entry names is there, and a report of some entries has these only.
func checkItems(t *testing.T, study *Study, card llfc.Scorecard) {
	sections, err := study.sections()
	if err != nil {
		t.Fatal(err)
	}
	views := study.views(card, sections)
	claimed, drawn := map[string]bool{}, map[string]bool{}
	for _, v := range views {
		for _, c := range v.claims {
			claimed[c.ID] = true
		}
		for _, f := range v.figures {
			drawn[f.file] = true
		}
		for kind, patterns := range map[string][]string{"claim": v.Claims, "figure": v.Figures, "table": v.Tables} {
			for _, p := range patterns {
				found := false
				for _, c := range v.claims {
					found = found || kind == "claim" && matches([]string{p}, c.ID, study.Subjects)
				}
				for _, f := range v.figures {
					found = found || kind == "figure" && matches([]string{p}, f.file, study.Subjects)
				}
				for _, l := range v.tables {
					found = found || kind == "table" && matches([]string{p}, l.id, study.Subjects)
				}
				if !found {
					t.Errorf("%s: no %s is a %q", v.ID, kind, p)
				}
			}
		}
		if verdict, words := v.verdict(); v.Needs != "" && (verdict != report.NotMeasured || !strings.Contains(words, v.Needs)) || words == "" {
			t.Errorf("%s: %v, %q", v.ID, verdict, words)
		}
	}
	for _, c := range card {
		if !claimed[c.ID] && !matches(beyond, c.ID, study.Subjects) {
			t.Errorf("the claim %s stands in no entry", c.ID)
		}
		if c.Registered == "" || c.Exploratory {
			t.Errorf("%s: registered %q, exploratory %v", c.ID, c.Registered, c.Exploratory)
		}
		if c.Elsewhere != nil {
			t.Errorf("%s of a scale that is none of ours is compared with %v", c.ID, c.Elsewhere)
		}
	}
	for _, sec := range sections {
		for _, f := range sec.figures {
			if !drawn[f.file] && !matches(beyond, f.file, study.Subjects) {
				t.Errorf("the figure %s stands in no entry", f.file)
			}
		}
	}
	one := *study
	if one.Items, err = Items("figure-7"); err != nil {
		t.Fatal(err)
	}
	few := one.claims()
	if sections, err = one.sections(); err != nil || len(few) == 0 {
		t.Fatalf("%d claims, %v", len(few), err)
	}
	for _, c := range few {
		if !strings.HasSuffix(c.ID, "/commute") {
			t.Errorf("%s in a report of Figure 7", c.ID)
		}
	}
	for _, sec := range sections {
		for _, f := range sec.figures {
			if !strings.HasPrefix(f.file, "commute-") {
				t.Errorf("%s in a report of Figure 7", f.file)
			}
		}
	}
}

// Intervals within pairs stand where there are too few pairs for one over them, and hold the value that they are of.
func checkWithin(t *testing.T, card llfc.Scorecard) {
	some := 0
	for _, c := range card {
		if len(c.Within) == 0 {
			continue
		}
		some++
		if len(c.Values) >= bandSeeds || len(c.Within) != len(c.Values) {
			t.Errorf("%s: %d intervals of %d values", c.ID, len(c.Within), len(c.Values))
			continue
		}
		for i, w := range c.Within {
			// A maximum over layers is biased upwards by drawing again, so the value may stand below the middle, not outside by far.
			if width := w[1] - w[0]; !(width > 0) || c.Values[i] < w[0]-width || c.Values[i] > w[1]+width {
				t.Errorf("%s: %v of %v", c.ID, w, c.Values[i])
			}
		}
	}
	if some < 5 {
		t.Errorf("%d claims have intervals within pairs", some)
	}
}

// The bootstrap of a mean is that of theory: the mean ± 1.96 standard errors.
func TestBootstrap(t *testing.T) {
	const n = 500
	row := measure.Row{Quantity: "one_minus_cos", Layer: measure.Layer{Name: "a"}, Alpha: 0.5}
	for i := range n {
		row.Samples = append(row.Samples, math.Mod(float64(i)*0.6180339887, 1)) // even on [0, 1]: mean ½, deviation 1/√12
	}
	row.Stat = measure.Stat{Mean: 0.5, Used: n}
	other := row
	other.Quantity = "coef"
	base := row
	base.Quantity, base.Alpha = "baseline", math.NaN()
	r := &measure.Result{Samples: n, Rows: []measure.Row{row, other, base}}
	trial := Trial{Result: r}
	var means []float64
	for k := range uint64(2000) {
		again := trial.resampled(drawn(n, k))
		if b := again.Baseline().Stats[0].Mean; b != again.Half.Stats[0].Mean {
			t.Fatalf("draw %d: %g and %g of the same values: the images were not drawn together", k, again.Half.Stats[0].Mean, b)
		}
		means = append(means, again.meanHalf())
	}
	slices.Sort(means)
	want := 1.96 * math.Sqrt(1.0/12/n)
	if low, high := 0.5-means[50], means[1950]-0.5; math.Abs(low/want-1) > 0.1 || math.Abs(high/want-1) > 0.1 {
		t.Errorf("the middle 95 %% reach %g below and %g above the mean, expected %g", low, high, want)
	}
	if r.Rows[0].Mean != 0.5 {
		t.Error("drawing again has changed what was measured")
	}
	if got := weighted([]float64{1, math.NaN(), 4}, []float64{1, 5, 2}); got != 3 {
		t.Errorf("mean %g, expected 3", got)
	}
}

// What the committed run at the paper's settings found is of the same claims: of the same kind of pair, under the same line.
func TestElsewhere(t *testing.T) {
	committed, err := results.PaperScale()
	if err != nil || len(committed) < 30 {
		t.Fatalf("%d claims, %v", len(committed), err)
	}
	subjects, err := Select("quick")
	if err != nil {
		t.Fatal(err)
	}
	s := &Study{Scale: "quick", Subjects: subjects}
	blank := func(id string, line float64, values ...float64) llfc.Claim {
		kind := llfc.AtMost
		if strings.HasPrefix(id, "unpermuted") {
			kind = llfc.AtLeast
		}
		return llfc.Claim{ID: id, Kind: kind, Line: line, Values: values}
	}
	card := llfc.Scorecard{
		blank("spawned-0/lmc", stableBarrier, 0.01), blank("spawned-10/lmc", stableBarrier, 0.01), // of 100 epochs; there k = 5 of 30
		blank("permuted/weak", smallWeak, 0.7), blank("unpermuted/lmc", unconnectedBarrier, 0.1), blank("exact/first-layer", exact, 0),
		blank("permuted/weak", 0.31), blank("mlp/never", 1),
	}
	s.compare(card)
	for i, want := range []string{"spawned-0/lmc", "spawned-5/lmc", "permuted/weak", "unpermuted/lmc", "exact/first-layer", "", ""} {
		got := ""
		if e := card[i].Elsewhere; e != nil {
			got = e.ID
			k := slices.IndexFunc(committed, func(c llfc.Claim) bool { return c.ID == e.ID })
			if e.Run != results.MLP || e.Verdict != committed[k].Verdict() || e.Measured != committed[k].Measured() {
				t.Errorf("%s: %+v", card[i].ID, e)
			}
		}
		if got != want {
			t.Errorf("%s with line %g is compared with %q, expected %q", card[i].ID, card[i].Line, got, want)
		}
	}
	if text := s.besides(card); !strings.Contains(text, results.MLP) || !strings.Contains(text, "of the 1 that fail") || !strings.Contains(text, "1 hold there") {
		t.Errorf("%q", text)
	}
	text := claimsTable(card)
	if !strings.Contains(text, elsewhereTitle) || !strings.Contains(text, "| holds: 0.162 |") {
		t.Errorf("the table says nothing of the paper's scale:\n%s", text)
	}
	cifar, err := Select("quick", "mlp-cifar10")
	if err != nil || atPaper(cifar[0], "quick") != nil {
		t.Errorf("the MLP on CIFAR-10 is compared with one on MNIST: %v, %v", atPaper(cifar[0], "quick"), err)
	}
	for _, scale := range []string{"paper", "cpu-hour"} { // where MLPs are as published
		for _, sub := range subjects {
			if m := atPaper(sub, scale); m != nil {
				t.Errorf("scale %s is compared with itself: %v", scale, m)
			}
		}
	}
	// Every claim that was committed is still made under its line.
	lines := map[string]float64{}
	for _, c := range committed {
		lines[c.ID[strings.LastIndex(c.ID, "/")+1:]+c.Kind] = c.Line
	}
	sub := subjects[0]
	for _, g := range []group{{what: onePair, subjects: []Subject{sub}, kind: Spawned(0), policy: merge.Policy{Name: interpolate}}, {what: onePair, subjects: []Subject{sub}, kind: Independent("independent"), policy: merge.Policy{Name: interpolate}}} {
		for _, r := range s.rules(g) {
			if want, ok := lines[r.id+r.kind]; r.applies && (!ok || want != r.line || !finite.Is(r.line)) {
				t.Errorf("%s: line %g, committed %g", r.id, r.line, want)
			}
		}
	}
}
