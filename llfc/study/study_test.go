package study

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// micro is every experiment in its smallest form: two plain subjects as the paper's MLPs, a network with batch norm, one at two widths.
func micro() []Subject {
	dense := llfc.Setting{
		Name: "micro", Network: network.Spec{Architecture: "mlp", Widths: []int{12, 8}, Init: "torch"}, Data: "synthetic", TrainSamples: 200, TestSamples: 60,
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 2},
	}
	permuted := dense
	permuted.Network.Init, permuted.Unit = "lecun", true
	conv := dense
	conv.Network = network.Spec{Architecture: "resnet", Depth: 8, Width: 2, Norm: "batch", Shortcut: "pad", Init: "kaiming"}
	conv.Train.Optimiser = train.Optimiser{Name: "sgd", Rate: 0.05, Momentum: 0.9}
	three, two := []int64{1, 2, 3}, []int64{1, 2}
	out := []Subject{
		spawnedMLP(Subject{ID: "mlp", Name: "MLP", Setting: dense, Seeds: three, Alphas: 3}, amount{spawn: []float64{0, 1}, samples: 100}),
		permutedMLP(Subject{ID: "mlp-permuted", Name: "MLP (permuted)", Setting: permuted, Seeds: three, Alphas: 3}, amount{samples: 100}),
		spawnedNet(Subject{ID: "bn", Name: "ResNet-8", Setting: conv, Seeds: two, Alphas: 3}, amount{spawn: []float64{0, 1}, samples: 40}),
	}
	out[1].Kinds = []Kind{Independent("unpermuted")}
	for _, method := range match.MethodNames() {
		out[1].Kinds = append(out[1].Kinds, Permuted(method, "unpermuted"))
	}
	conv.Network.Norm, conv.Network.Shortcut, conv.Network.Init = "layer", "conv3", "lecun"
	for _, m := range []int{1, 2} {
		conv.Network.Width = 2 * m
		out = append(out, permutedNet(Subject{ID: fmt.Sprintf("ln-x%d", m), Name: fmt.Sprintf("ResNet-8-LN×%d", m), Setting: conv, Seeds: two, Alphas: 3, Width: m}, amount{samples: 40}))
	}
	return out
}

var (
	methods     = len(match.MethodNames())
	microPlain  = 3 * (3 + 1 + methods)
	microTrials = microPlain + 2*(3*5+2*(2*3)) // seeds × kinds × policies of each subject
	microBlends = microPlain + 2*(3*2+2*2)     // under policies that only blend
)

func lab(t *testing.T, runs string) *llfc.Lab {
	t.Helper()
	l, err := llfc.OpenOn("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.Runs = runs
	return l
}

// files are the files below a folder, with the times of their last change.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			out[strings.TrimPrefix(path, dir+"/")] = fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStudy(t *testing.T) {
	runs, dir := t.TempDir(), t.TempDir()
	var told []string
	study, err := Run(t.Context(), lab(t, runs), "micro", micro(), func(m Trial) { told = append(told, m.String()) })
	if err != nil {
		t.Fatal(err)
	}
	if len(study.Trials) != microTrials || len(study.Theorem) != 3 {
		t.Fatalf("%d trials, expected %d; %d of Theorem 1, expected 3", len(study.Trials), microTrials, len(study.Theorem))
	}
	last := microTrials - 1
	if len(told) != microTrials || !strings.Contains(told[last], "ln-x2, permuted, seed 2: ") || !strings.Contains(told[last], "rescale samples=40") {
		t.Errorf("told of %d trials, last %q", len(told), told)
	}
	for _, m := range study.Trials {
		if (m.Match != nil) != strings.HasPrefix(m.Kind, "permuted") || math.IsNaN(m.K) == strings.HasPrefix(m.Kind, "spawned") || m.Ends[0].Theta != nil {
			t.Errorf("%s %s: match %v, k = %g", m.Subject, m.Kind, m.Match, m.K)
		}
	}
	card, err := study.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("claims", func(t *testing.T) { checkClaims(t, study, card) })
	t.Run("report", func(t *testing.T) { checkReport(t, dir, study, card) })
	t.Run("figures", func(t *testing.T) { checkFigures(t, dir, study) })
	t.Run("numbers", func(t *testing.T) { checkNumbers(t, dir, study, card) })
	t.Run("repeated", func(t *testing.T) { agree(t, dir) })
	t.Run("pairs", func(t *testing.T) { checkPairs(t, dir, study) })
	t.Run("items", func(t *testing.T) { checkItems(t, study, card) })
	t.Run("within", func(t *testing.T) { checkWithin(t, card) })
	t.Run("bands", func(t *testing.T) { checkBands(t, study) })
	t.Run("again", func(t *testing.T) {
		before := files(t, runs)
		again, err := Run(t.Context(), lab(t, runs), "micro", micro(), nil)
		if err != nil {
			t.Fatal(err)
		}
		other := t.TempDir()
		if _, err := again.Write(other); err != nil {
			t.Fatal(err)
		}
		for name, was := range files(t, runs) {
			if filepath.Base(name) != "lock" && before[name] != was {
				t.Errorf("%s was written again", name)
			}
		}
		for _, name := range []string{"scorecard.json", "path.csv", "layers.csv", "conditions.csv", "pairs/permuted-seed2/layers.csv", "pairs/bn-independent-reset-seed1/path.csv",
			"figures/llfc-half.svg", "figures/instability-bn.svg"} {
			x, errX := os.ReadFile(filepath.Join(dir, name))
			y, errY := os.ReadFile(filepath.Join(other, name))
			if errX != nil || errY != nil || string(x) != string(y) {
				t.Errorf("%s differs the second time: %v %v", name, errX, errY)
			}
		}
	})
}

const blobs = "synthetic blobs, no real data" // the note of the data

func checkClaims(t *testing.T, study *Study, card llfc.Scorecard) {
	seen := map[string]llfc.Claim{}
	for _, c := range card {
		want := 2
		switch _, plain, _ := strings.Cut(c.ID, "/"); {
		case c.Over == "pairs":
			want = microBlends
		case strings.HasPrefix(c.ID, "exact/"), !strings.Contains(plain, "/") && c.ID != "bn/reset":
			want = 3 // of the plain subjects
		}
		_, twice := seen[c.ID]
		switch {
		case twice || c.Source == "" || c.Quantity == "" || c.Note != blobs:
			t.Errorf("%+v", c)
		case !strings.HasPrefix(c.Statement, c.Subject+" ") || c.Subject == "":
			t.Errorf("%s: the sentence %q does not begin with its subject %q", c.ID, c.Statement, c.Subject)
		case len(c.Values) != want || slices.ContainsFunc(c.Values, math.IsNaN):
			t.Errorf("%s has the values %v, expected %d", c.ID, c.Values, want)
		case strings.HasPrefix(c.ID, "exact/") && c.Verdict() != llfc.Holds: // identities, at any scale
			t.Errorf("%s %s: %v", c.ID, c.Verdict(), c.Values)
		}
		seen[c.ID] = c
	}
	for id, statement := range map[string]string{
		"spawned-0/lmc":                           "a spawned (k = 0) pair is linearly connected",
		"spawned-1/weak":                          "a spawned (k = 1) pair satisfies weak additivity far better than the independent pair of the same seed",
		"mlp-permuted/activation-dist-h":          "MLP (permuted) has inputs of its maps that are less far apart after activation matching than after weight matching",
		"mlp-permuted/weight-dist-w":              "MLP (permuted) has weights that are less far apart after weight matching than after activation matching",
		"permuted-activation/lmc":                 "a permuted (activation) pair is linearly connected",
		"permuted/weak":                           "a permuted pair satisfies weak additivity far better than the unpermuted pair of the same seed",
		"permuted/llfc":                           "a permuted pair has features that interpolate linearly, up to a scale, at every layer",
		"independent/commute":                     "an independent pair violates commutativity at every layer after the first",
		"unpermuted/lmc":                          "an unpermuted pair is not linearly connected",
		"exact/theorem1":                          "a pair built to satisfy weak additivity and commutativity has features that therefore interpolate exactly",
		"bn/spawned-1/interpolate/lmc":            "a ResNet-8 pair spawned at k = 1 (interpolate) is linearly connected",
		"bn/spawned-1/interpolate/weak":           "a ResNet-8 pair spawned at k = 1 (interpolate) satisfies weak additivity far better than the independent pair of the same seed",
		"bn/spawned-1/interpolate-folded/commute": "a ResNet-8 pair spawned at k = 1 (interpolate folded) satisfies commutativity at every layer, on the scale of its weights and inputs",
		"bn/spawned-1/reset/baseline":             "a ResNet-8 pair spawned at k = 1 (reset) has features far closer to the blend of its ends than its ends are to each other",
		"bn/independent/reset/lmc":                "an independent ResNet-8 pair (reset) is not linearly connected",
		"bn/reset":                                "ResNet-8 loses part of the barrier of independent pairs when its statistics are reset",
		"bn/later-barrier/reset":                  "ResNet-8 has a smaller error barrier where spawned pairs part later (reset)",
		"permuted/interpolate/width":              "weight matching (interpolate) leaves less of a barrier the wider the network",
		"permuted/repair/matching":                "weight matching (repair) lowers the barrier of independent pairs at every width",
	} {
		if c, ok := seen[id]; !ok || c.Statement != statement {
			t.Errorf("%s: %q, expected %q", id, c.Statement, statement)
		}
	}
	for _, id := range []string{ // what is not claimed
		"bn/spawned-1/interpolate-folded/weak",                    // folding leaves the inputs of the nonlinearities as they are
		"bn/spawned-0/interpolate/lmc", "bn/spawned-1/repair/lmc", // only pairs that share most, and policies of the papers
		"bn/spawned-1/interpolate/llfc", "bn/spawned-1/interpolate/lemma1", // lines that were set for the MLP
		"ln-x1/independent/interpolate/lmc",
	} {
		if _, ok := seen[id]; ok {
			t.Errorf("%s is claimed", id)
		}
	}
	beside := 2 // of methods: the two factors, and the product where something minimises it
	if slices.Contains(match.MethodNames(), commutativityMatching) {
		beside = 4
	}
	if n, plain := len(card), len(plainOnly(study).claims()); plain != 8*(2+methods)+3*2+4+beside || n != plain+(5+2)+(4+2)+(3+1)+5+3*3 {
		t.Errorf("%d claims, %d of them on plain subjects", n, plain)
	}
	// A network that was left out leaves its claims out, and a policy that was not measured says so.
	some := *study
	some.Subjects, some.Theorem = slices.Clone(study.Subjects[2:3]), nil
	some.Subjects[0].Policies = []merge.Policy{{Name: interpolate}}
	for _, c := range some.claims() {
		if c.ID == "bn/reset" != (c.Verdict() == llfc.NotMeasured) || strings.HasPrefix(c.ID, "permuted/") {
			t.Errorf("of one network under one policy: %s %s", c.ID, c.Verdict())
		}
	}
}

// plainOnly is the part of a study that is the paper's MLPs.
func plainOnly(s *Study) *Study {
	out := *s
	out.Subjects = s.plain()
	return &out
}

// The page needs nothing but itself; it and README.md name every claim, figure and run.
func checkReport(t *testing.T, dir string, study *Study, card llfc.Scorecard) {
	page, err1 := os.ReadFile(filepath.Join(dir, "index.html"))
	text, err2 := os.ReadFile(filepath.Join(dir, "README.md"))
	about, err3 := os.ReadFile(filepath.Join(dir, "study.json"))
	f, err4 := os.Open(filepath.Join(dir, "scorecard.json"))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if read, err := llfc.ReadScorecard(f); err != nil || len(read) != len(card) {
		t.Errorf("%d claims read, %v", len(read), err)
	}
	if found := regexp.MustCompile(`(?i)(src|href|action|poster)\s*=\s*["']?\s*(https?:|//|\.?/)[^>]{0,40}|url\(\s*["']?(https?:|//)|@import|<iframe`).Find(page); found != nil {
		t.Errorf("index.html asks for something else: %s", found)
	}
	for name, content := range map[string]string{"index.html": string(page), "README.md": string(text)} {
		for _, c := range card {
			if !strings.Contains(content, c.Interval()) || !strings.Contains(content, c.Measured()) {
				t.Errorf("%s says nothing of %s: %s, %s", name, c.ID, c.Measured(), c.Interval())
			}
		}
		run := study.Trials[0].Ends[0].Run.Name()
		for _, want := range []string{run, "micro", "SHA-256", "Theorem 1", "go:ops_sequential", fmt.Sprintf("%d pairs", microBlends), "3 seeds", "2 seeds", blobs, "Matching: how the searches", "MLP (permuted): methods of matching", "matched in s", match.MethodNames()[methods-1]} {
			if !strings.Contains(content, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
	}
	var kept struct{ Subjects []Subject }
	if err := json.Unmarshal(about, &kept); err != nil || len(kept.Subjects) != len(study.Subjects) {
		t.Fatalf("study.json holds %v: %v", kept.Subjects, err)
	}
	want, err5 := json.Marshal(study.Subjects)
	got, err6 := json.Marshal(kept.Subjects)
	if errors.Join(err5, err6) != nil || string(got) != string(want) {
		t.Errorf("study.json holds %s, expected %s", got, want)
	}
}

func checkFigures(t *testing.T, dir string, study *Study) {
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections, err := study.sections()
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	seen := map[string]figure{}
	for _, sec := range sections {
		titles = append(titles, sec.title)
		if sec.title != sectionNetworks && len(sec.figures) == 0 {
			t.Errorf("the section %q has no figures", sec.title)
		}
		for _, fig := range sec.figures {
			base := filepath.Join(dir, figuresFolder, fig.file)
			if _, twice := seen[fig.file]; twice || !strings.Contains(fig.caption, blobs) {
				t.Errorf("figure %q, caption %q", fig.file, fig.caption)
			}
			seen[fig.file] = fig
			if !strings.Contains(string(text), "figures/"+fig.file+".png") {
				t.Errorf("README.md lacks %s", fig.file)
			}
			svg, err := os.ReadFile(base + ".svg")
			if err != nil || !strings.Contains(string(svg), "</svg>") {
				t.Errorf("%s.svg: %v", base, err)
			}
			readTable(t, base+".csv")
			img, err := os.Open(base + ".png")
			if err != nil {
				t.Fatal(err)
			}
			if c, err := png.DecodeConfig(img); err != nil || c.Width < 300 {
				t.Errorf("%s.png: %v, %v", base, c, err)
			}
			img.Close()
		}
	}
	if want := []string{sectionPaths, sectionFeatures, sectionWeak, sectionCommute, "ResNet-8", "ResNet-8-LN×1", "ResNet-8-LN×2", sectionWidth, sectionNetworks}; !slices.Equal(titles, want) {
		t.Errorf("sections %q, expected %q", titles, want)
	}
	if plain, nets := 4+(2*(4+methods)+1)+2+(4+methods)+(4+methods)+4, (1+4+2+1+2)+2*(1+2+2+2)+1; len(seen) != plain+nets {
		t.Errorf("%d figures, expected %d of the plain subjects and %d of the networks", len(seen), plain, nets)
	}
	for file, want := range map[string]string{"llfc-bn-interpolate": "3 1", "coef-ln-x1-interpolate": "3 1", "weak-bn": "4 3"} { // three blocks, the logits; the ReLUs inside them and the first
		var got []string
		for _, line := range seen[file].Joined {
			got = append(got, fmt.Sprint(len(line)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: lines over %v layers, expected %s", file, got, want)
		}
	}
	layers := len(study.of("bn", "independent", merge.Policy{Name: interpolate})[0].Result.Layers)
	if rows := len(seen["llfc-bn-interpolate"].Table().Rows); rows != 4*layers {
		t.Errorf("llfc-bn-interpolate: %d numbers of %d layers", rows, layers)
	}
}

// columnOf reads one column of a table for the rows that hold all of some cells.
func columnOf(t *testing.T, rows [][]string, name string, cells map[string]string) (out []float64) {
	t.Helper()
	for _, row := range rows[1:] {
		if !slices.ContainsFunc(rows[0], func(h string) bool { want, ok := cells[h]; return ok && row[slices.Index(rows[0], h)] != want }) {
			v, err := strconv.ParseFloat(row[slices.Index(rows[0], name)], 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
	}
	return out
}

// What claims and figures say follows from the files of numbers.
func checkNumbers(t *testing.T, dir string, study *Study, card llfc.Scorecard) {
	path, barriers, layers := readTable(t, filepath.Join(dir, "path.csv")), readTable(t, filepath.Join(dir, "barriers.csv")), readTable(t, filepath.Join(dir, "layers.csv"))
	conditions := readTable(t, filepath.Join(dir, "conditions.csv"))
	if n, want := len(path)-1, 5*microPlain+3*(microTrials-microPlain); n != want { // 0, ½, 1, and of the plain subjects the paper's ¼ and ¾
		t.Errorf("%d rows of path.csv, expected %d", n, want)
	}
	for _, rows := range [][][]string{path, barriers, layers} {
		for _, row := range rows[1:] {
			if _, err := merge.Parse(row[4]); err != nil || !strings.Contains(row[5], "synthetic/test ("+blobs+")") {
				t.Fatalf("policy %q, data %q: %v", row[4], row[5], err)
			}
		}
	}
	claim := func(id string) llfc.Claim {
		return card[slices.IndexFunc(card, func(c llfc.Claim) bool { return c.ID == id })]
	}
	blend, reset := "interpolate", "reset samples=40 batch=40"
	barrier := func(network, pair, seed, policy string) float64 {
		e := columnOf(t, path, "error_fraction", map[string]string{"network": network, "pair": pair, "seed": seed, "policy": policy})
		return slices.Max(e) - (e[0]+e[len(e)-1])/2
	}
	for i, seed := range []string{"1", "2"} {
		if want, got := barrier("bn", "independent", seed, blend)-barrier("bn", "independent", seed, reset), claim("bn/reset").Values[i]; math.Abs(want-got) > 1e-6 { // of 7 digits
			t.Errorf("seed %s: a reset takes %g off the barrier by path.csv, %g by the claim", seed, want, got)
		}
		if want, got := barrier("mlp-permuted", "permuted", seed, blend), claim("permuted/lmc").Values[i]; math.Abs(want-got) > 1e-6 {
			t.Errorf("seed %s: the barrier of a permuted pair is %g by path.csv, %g by the claim", seed, want, got)
		}
		com := func(pair, quantity string) (sum float64) {
			for _, v := range columnOf(t, conditions, "mean", map[string]string{"network": "mlp-permuted", "pair": pair, "seed": seed, "quantity": quantity}) {
				sum += v
			}
			return sum
		}
		for id, want := range map[string]float64{"activation-dist-h": com("permuted-activation", "dist_h") - com("permuted", "dist_h"), "weight-dist-w": com("permuted", "dist_w") - com("permuted-activation", "dist_w")} {
			if got := claim("mlp-permuted/" + id).Values[i]; math.Abs(want-got) > 1e-5 || got == 0 {
				t.Errorf("seed %s: %s is %g by conditions.csv, %g by the claim", seed, id, want, got)
			}
		}
		at := map[string]string{"network": "bn", "pair": "spawned-1", "seed": seed, "policy": reset}
		cos, base := columnOf(t, layers, "one_minus_cos_half_mean", at), columnOf(t, layers, "baseline_mean", at)
		most := 0.0
		for l := range cos {
			most = math.Max(most, cos[l]/base[l])
		}
		if got := claim("bn/spawned-1/reset/baseline").Values[i]; math.Abs(most-got) > 1e-6*got || len(cos) < 15 {
			t.Errorf("seed %s: largest share of the baseline %g of %d layers, %g in the claim", seed, most, len(cos), got)
		}
	}
	curve := readTable(t, filepath.Join(dir, "figures", "instability-bn.csv"))
	for _, k := range []string{"0", "1"} {
		e := columnOf(t, barriers, "error_barrier_mean_fraction", map[string]string{"network": "bn", "pair": "spawned-" + k, "policy": blend})
		drawn := columnOf(t, curve, "y", map[string]string{"panel": "error barrier, test", "series": "interpolate", "x": k})
		if len(e) != 2 || len(drawn) != 1 || math.Abs(drawn[0]-(e[0]+e[1])/2) > 0.5/120 {
			t.Errorf("k = %s: barriers %v, drawn at %v", k, e, drawn)
		}
	}
	trained := map[string]bool{}
	for _, m := range study.Trials {
		for _, c := range m.Ends {
			if c.Run != nil {
				trained[c.Run.Name()] = true
			}
		}
	}
	if n := len(readTable(t, filepath.Join(dir, "networks.csv"))) - 1; n != len(trained) || n != 3*(4+2)+2*(4+2+2) {
		t.Errorf("%d networks of %d that were trained, expected %d", n, len(trained), 3*(4+2)+2*(4+2+2))
	}
}

func checkPairs(t *testing.T, dir string, study *Study) {
	seen := map[string]bool{}
	for _, m := range study.Trials {
		pair := filepath.Join(dir, study.pairFolder(m))
		want, conditions := 3, m.Policy.Name == interpolate
		if strings.HasPrefix(m.Subject, "mlp") {
			want = 2 * 5 // 0, ½, 1 and the paper's ¼, ¾, on two splits
		}
		rows := slices.DeleteFunc(readTable(t, filepath.Join(pair, "path.csv"))[1:], func(row []string) bool { return m.Policy.Name == "reset" && row[len(row)-1] == interpolate })
		if seen[pair] || len(rows) != want {
			t.Errorf("%s: %d rows of path.csv, expected %d", pair, len(rows), want)
		}
		seen[pair] = true
		readTable(t, filepath.Join(pair, "layers.csv"))
		if conditions {
			readTable(t, filepath.Join(pair, "conditions.csv"))
		}
		if _, err := os.Stat(filepath.Join(pair, "samples.csv")); !errors.Is(err, fs.ErrNotExist) { // every sample's values do not belong in a report
			t.Errorf("%s: samples.csv: %v", pair, err)
		}
	}
}

func readTable(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Errorf("%s: %d rows, %v", path, len(rows), err)
	}
	return rows
}

// Bands and ± stand for the interval of three seeds or more; two draw their mean alone.
func checkBands(t *testing.T, study *Study) {
	for n := 1; n <= 3; n++ {
		s := plainOnly(study)
		s.Trials = nil
		for i := range s.Subjects {
			s.Subjects[i].Seeds = s.Subjects[i].Seeds[:n]
		}
		for _, m := range study.Trials {
			if slices.Contains(s.Subjects[0].Seeds, m.Seed) {
				s.Trials = append(s.Trials, m)
			}
		}
		g := s.groups()[0]
		figs, err := s.kindPaths(g)
		if err != nil {
			t.Fatal(err)
		}
		columns := figs[0].Table().Headers
		if slices.Contains(columns, "err_low") != (n >= 3) || strings.Contains(figs[0].caption, "band") != (n >= 3) {
			t.Errorf("%d seeds: columns %v, caption %q", n, columns, figs[0].caption)
		}
		if row := s.errorTable(g).Rows[0]; strings.Contains(strings.Join(row, ""), "±") != (n >= 3) {
			t.Errorf("%d seeds: %v", n, row)
		}
	}
}

func TestStudyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, sub := range micro() {
		if _, err := Run(ctx, lab(t, t.TempDir()), "micro", []Subject{sub}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled study of %s ended with %v", sub.ID, err)
		}
	}
}
