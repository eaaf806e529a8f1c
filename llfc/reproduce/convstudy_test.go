package reproduce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// microConv is every experiment on convolutional networks in its smallest form.
func microConv() ConvScale {
	s := llfc.Setting{
		Name: "micro", Data: "synthetic", TrainSamples: 200, TestSamples: 60,
		Network: network.Spec{Architecture: "resnet", Depth: 8, Width: 2, Norm: "batch", Shortcut: "pad", Init: "kaiming"},
		Train:   train.Config{Optimiser: train.Optimiser{Name: "sgd", Rate: 0.05, Momentum: 0.9}, Batch: 20, Epochs: 2},
	}
	out := ConvScale{Name: "micro", About: "for tests", Seeds: []int64{1, 2}, Alphas: 3,
		Nets: []Net{{ID: "bn", Name: "ResNet-8", Setting: s, Spawn: []float64{0, 1}, Policies: policies(40)}}}
	s.Network.Norm, s.Network.Shortcut, s.Network.Init = "layer", "conv3", "lecun"
	for _, m := range []int{1, 2} {
		s.Network.Width = 2 * m
		out.Nets = append(out.Nets, Net{ID: fmt.Sprintf("ln-x%d", m), Name: fmt.Sprintf("ResNet-8-LN×%d", m), Setting: s, Width: m, Policies: unnormed(40)})
	}
	return out
}

func TestConvStudy(t *testing.T) {
	runs, dir := t.TempDir(), t.TempDir()
	scale := microConv()
	var told []string
	study, err := RunConv(t.Context(), lab(t, runs), scale, func(m Trial) { told = append(told, m.String()) })
	if err != nil {
		t.Fatal(err)
	}
	want := 2 * (3*5 + 2*(2*3)) // seeds × (kinds × policies of each network)
	if len(study.Trials) != want {
		t.Fatalf("%d trials, expected %d", len(study.Trials), want)
	}
	if len(told) != want || !strings.Contains(told[want-1], "ln-x2, permuted, seed 2: ") || !strings.Contains(told[want-1], "rescale samples=40") {
		t.Errorf("told of %d trials, last %q", len(told), told)
	}
	for _, m := range study.Trials {
		if (m.Match != nil) != (m.Kind == "permuted") || math.IsNaN(m.K) == strings.HasPrefix(m.Kind, "spawned") || m.Ends[0].Theta != nil {
			t.Errorf("%s %s: match %v, k = %g", m.Net, m.Kind, m.Match, m.K)
		}
	}
	card, err := study.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("claims", func(t *testing.T) { checkConvClaims(t, study, card) })
	t.Run("tables", func(t *testing.T) { checkConvTables(t, dir, study, card) })
	t.Run("files", func(t *testing.T) { checkConvFiles(t, dir, study, card) })
	t.Run("again", func(t *testing.T) {
		before := files(t, runs)
		again, err := RunConv(t.Context(), lab(t, runs), scale, nil)
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
		for _, name := range []string{"scorecard.json", "path.csv", "layers.csv", "conditions.csv", "figures/instability-bn.svg"} {
			x, errX := os.ReadFile(filepath.Join(dir, name))
			y, errY := os.ReadFile(filepath.Join(other, name))
			if errX != nil || errY != nil || string(x) != string(y) {
				t.Errorf("%s differs the second time: %v %v", name, errX, errY)
			}
		}
	})
}

func checkConvClaims(t *testing.T, study *ConvStudy, card llfc.Scorecard) {
	seen := map[string]llfc.Claim{}
	blends := 2 * (3*2 + 2*2) // seeds × pairs × policies that only blend
	for _, c := range card {
		want := 2
		if c.Over == "pairs" {
			want = blends
		}
		_, twice := seen[c.ID]
		switch {
		case twice || c.Source == "" || c.Quantity == "" || c.Note != "synthetic blobs, no real data":
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
	for _, id := range []string{"bn/spawned-1/interpolate/lmc", "bn/spawned-1/interpolate-folded/weak", "bn/spawned-1/reset/baseline", "bn/independent/reset/lmc",
		"bn/reset", "bn/later-barrier/reset", "permuted/interpolate/width", "permuted/repair/matching"} {
		if _, ok := seen[id]; !ok {
			t.Errorf("no claim %s", id)
		}
	}
	// A network that was left out leaves its claims out, and a policy that was not measured says so.
	some := *study
	some.Scale.Nets = slices.Clone(study.Scale.Nets[:1])
	some.Scale.Nets[0].Policies = []merge.Policy{{Name: interpolate}}
	for _, c := range some.Claims() {
		if c.ID == "bn/reset" != (c.Verdict() == llfc.NotMeasured) || strings.HasPrefix(c.ID, "permuted/") {
			t.Errorf("of one network under one policy: %s %s", c.ID, c.Verdict())
		}
	}
}

// column reads one column of a table for the rows that hold all of some cells.
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
func checkConvTables(t *testing.T, dir string, study *ConvStudy, card llfc.Scorecard) {
	path, barriers, layers := readTable(t, filepath.Join(dir, "path.csv")), readTable(t, filepath.Join(dir, "barriers.csv")), readTable(t, filepath.Join(dir, "layers.csv"))
	readTable(t, filepath.Join(dir, "conditions.csv"))
	if n := len(path) - 1; n != 3*len(study.Trials) {
		t.Errorf("%d rows of path.csv for %d trials at 3 α", n, len(study.Trials))
	}
	for _, rows := range [][][]string{path, barriers, layers} {
		for _, row := range rows[1:] {
			if _, err := merge.Parse(row[4]); err != nil || !strings.Contains(row[5], "synthetic/test (synthetic blobs, no real data)") {
				t.Fatalf("policy %q, data %q: %v", row[4], row[5], err)
			}
		}
	}
	claim := func(id string) llfc.Claim {
		return card[slices.IndexFunc(card, func(c llfc.Claim) bool { return c.ID == id })]
	}
	blend, reset := "interpolate", "reset samples=40 batch=40"
	for i, seed := range []string{"1", "2"} {
		barrier := func(pair, policy string) float64 {
			e := columnOf(t, path, "error_fraction", map[string]string{"network": "bn", "pair": pair, "seed": seed, "policy": policy})
			return slices.Max(e) - (e[0]+e[len(e)-1])/2
		}
		if want, got := barrier("independent", blend)-barrier("independent", reset), claim("bn/reset").Values[i]; math.Abs(want-got) > 1e-6 { // of 7 digits
			t.Errorf("seed %s: a reset takes %g off the barrier by path.csv, %g by the claim", seed, want, got)
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
}

func checkConvFiles(t *testing.T, dir string, study *ConvStudy, card llfc.Scorecard) {
	figs, err := study.Figures()
	if err != nil || len(figs) < 15 {
		t.Fatalf("%d figures, %v", len(figs), err)
	}
	page, err1 := os.ReadFile(filepath.Join(dir, "index.html"))
	text, err2 := os.ReadFile(filepath.Join(dir, "README.md"))
	about, err3 := os.ReadFile(filepath.Join(dir, "study.json"))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for _, f := range figs {
		if !strings.Contains(f.caption, "synthetic blobs, no real data") {
			t.Errorf("%s: the caption %q says nothing of the data", f.file, f.caption)
		}
		if !strings.Contains(string(text), "figures/"+f.file+".png") {
			t.Errorf("README.md lacks %s", f.file)
		}
		for _, kind := range []string{".svg", ".png", ".csv"} {
			if _, err := os.Stat(filepath.Join(dir, "figures", f.file+kind)); err != nil {
				t.Error(err)
			}
		}
	}
	joined := map[string]string{"llfc-bn-interpolate": "3 1", "coef-ln-x1-interpolate": "3 1", "weak-bn": "4 3"} // three blocks, the logits; the ReLUs inside them and the first
	for _, f := range figs {
		var got []string
		for _, line := range f.Joined {
			got = append(got, fmt.Sprint(len(line)))
		}
		if want, ok := joined[f.file]; ok && strings.Join(got, " ") != want {
			t.Errorf("%s: lines over %v layers, expected %s", f.file, got, want)
		}
		delete(joined, f.file)
		if f.file == "llfc-bn-interpolate" {
			if rows, layers := len(f.Table().Rows), len(study.Trials[0].Layers); rows != 4*layers {
				t.Errorf("%s: %d numbers of %d layers", f.file, rows, layers)
			}
		}
	}
	if len(joined) > 0 {
		t.Errorf("no figures for %v", joined)
	}
	for _, c := range card {
		if !strings.Contains(string(page), c.Measured()) || !strings.Contains(string(text), c.Measured()) {
			t.Errorf("%s: %s is not in the report", c.ID, c.Measured())
		}
	}
	run := study.Trials[0].Ends[0].Run.Name()
	for _, want := range []string{run, "SHA-256", "go:ops_sequential", "synthetic blobs, no real data"} {
		if !strings.Contains(string(page), want) || !strings.Contains(string(text), want) {
			t.Errorf("no %q in index.html or README.md", want)
		}
	}
	if n := len(readTable(t, filepath.Join(dir, "networks.csv"))) - 1; n != len(networksOf(study)) || n != 2*(4+2+2) {
		t.Errorf("%d networks, expected %d", n, 2*(4+2+2))
	}
	var scale struct{ Scale ConvScale }
	if err := json.Unmarshal(about, &scale); err != nil || fmt.Sprint(scale.Scale) != fmt.Sprint(study.Scale) {
		t.Errorf("study.json holds %v: %v", scale.Scale, err)
	}
}

func networksOf(study *ConvStudy) map[string]bool {
	out := map[string]bool{}
	for _, m := range study.Trials {
		for _, c := range m.Ends {
			if c.Run != nil {
				out[c.Run.Name()] = true
			}
		}
	}
	return out
}

func TestConvStudyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := RunConv(ctx, lab(t, t.TempDir()), microConv(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled study ended with %v", err)
	}
}

func TestConvScales(t *testing.T) {
	for _, s := range ConvScales() {
		got, err := ConvScaleByName(s.Name)
		if err != nil || got.Name != s.Name || s.About == "" || len(s.Seeds) == 0 || s.Alphas%2 == 0 || len(s.Nets) < 2 {
			t.Errorf("%s: %+v, %v", s.Name, s, err)
		}
		widths := map[int]bool{}
		for _, n := range s.Nets {
			spec := n.Setting.Network
			spec.Input, spec.Classes = []int{32, 32, 3}, 10
			if _, err := network.New(spec); err != nil {
				t.Errorf("%s, %s: %v", s.Name, n.Name, err)
			}
			if n.Width > 0 {
				widths[spec.Width/n.Width] = true
			}
			for _, p := range n.Policies {
				if err := p.Check(); err != nil {
					t.Errorf("%s, %s: %v", s.Name, n.Name, err)
				}
			}
			for _, k := range n.Spawn {
				if k >= float64(n.Setting.Train.Epochs) {
					t.Errorf("%s, %s: spawns after %g of %d epochs", s.Name, n.Name, k, n.Setting.Train.Epochs)
				}
			}
		}
		if len(widths) > 1 || len(widths) == 0 && s.Name != "cpu-hour" {
			t.Errorf("%s: the permuted networks are not multiples of one width: %v", s.Name, widths)
		}
	}
	some, err := convQuick().Of("resnet20", "vgg16-bn")
	if err != nil || len(some.Nets) != 2 || some.Nets[0].ID != "resnet20" {
		t.Errorf("%+v, %v", some.Nets, err)
	}
	if _, err := convQuick().Of("alexnet"); err == nil || !strings.Contains(err.Error(), "vgg16-bn") {
		t.Errorf("alexnet: %v", err)
	}
}

func TestPlan(t *testing.T) {
	for _, s := range Scales() {
		if run, err := Plan(mlp, s.Name); err != nil || run == nil || !slices.Contains(ScaleNames(), s.Name) {
			t.Errorf("%s at %s: %v, of %v", mlp, s.Name, err, ScaleNames())
		}
	}
	for _, s := range ConvScales() {
		if run, err := Plan(convnets, s.Name); err != nil || run == nil || !slices.Contains(ScaleNames(), s.Name) {
			t.Errorf("%s at %s: %v, of %v", convnets, s.Name, err, ScaleNames())
		}
	}
	for _, bad := range [][]string{{"mlp", "huge"}, {"mlp", "cpu-hour"}, {"convnets", "huge"}, {"convnets", "quick", "alexnet"}, {"mlp", "quick", "resnet20"}, {"gan", "quick"}} {
		if _, err := Plan(bad[0], bad[1], bad[2:]...); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestWorstOfEachSeed(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct{ a, b, want []float64 }{
		{nil, []float64{1, 2}, []float64{1, 2}},
		{[]float64{1, 5}, []float64{3, 2}, []float64{3, 5}},
		{[]float64{1, nan}, []float64{nan, 2}, []float64{nan, nan}},
	} {
		if got := worst(c.a, c.b); !slices.EqualFunc(got, c.want, equal) {
			t.Errorf("worst of %v and %v: %v, expected %v", c.a, c.b, got, c.want)
		}
	}
	seed := func(n int64, mean float64) Trial { return Trial{Seed: n, Half: means(mean, nan)} }
	got := differences([]Trial{seed(1, 5), seed(2, 3)}, []Trial{seed(2, 1), seed(3, 9)}, Trial.meanHalf)
	if !slices.Equal(got, []float64{2}) { // only seed 2 has both
		t.Errorf("differences %v, expected [2]", got)
	}
}
