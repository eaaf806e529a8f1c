package reproduce

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// micro is every experiment in its smallest form.
func micro() Scale {
	s := llfc.Setting{
		Name: "micro", Network: network.Spec{Architecture: "mlp", Widths: []int{12, 8}, Init: "torch"}, Data: "synthetic", TrainSamples: 200, TestSamples: 60,
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 2},
	}
	permuted := s
	permuted.Network.Init, permuted.Unit = "lecun", true
	return Scale{Name: "micro", About: "for tests", Spawned: s, Permuted: permuted, SpawnEpochs: []float64{0, 1}, Seeds: []int64{1, 2, 3}, Alphas: 3, TrainSamples: 100}
}

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
	scale := micro()
	study, err := Run(t.Context(), lab(t, runs), scale)
	if err != nil {
		t.Fatal(err)
	}
	kinds, seeds := len(scale.kinds()), len(scale.Seeds)
	if len(study.Pairs) != kinds*seeds || len(study.Theorem) != seeds {
		t.Fatalf("%d pairs of %d kinds and %d seeds, %d of Theorem 1", len(study.Pairs), kinds, seeds, len(study.Theorem))
	}
	card, err := study.Write(dir)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("claims", func(t *testing.T) { checkClaims(t, card, kinds, seeds) })
	t.Run("report", func(t *testing.T) { checkPage(t, filepath.Join(dir, "index.html"), card) })
	t.Run("files", func(t *testing.T) { checkFiles(t, dir, study) })
	t.Run("bands", func(t *testing.T) { checkBands(t, study) })

	t.Run("again", func(t *testing.T) {
		before := files(t, runs)
		again, err := Run(t.Context(), lab(t, runs), scale)
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
		for _, name := range []string{"scorecard.json", "pairs/permuted-seed2/layers.csv", "figures/llfc-half.svg"} {
			x, errX := os.ReadFile(filepath.Join(dir, name))
			y, errY := os.ReadFile(filepath.Join(other, name))
			if errX != nil || errY != nil || string(x) != string(y) {
				t.Errorf("%s differs the second time: %v %v", name, errX, errY)
			}
		}
	})
}

func checkClaims(t *testing.T, card llfc.Scorecard, kinds, seeds int) {
	seen := map[string]bool{}
	for _, c := range card {
		want := seeds
		if c.Over == "pairs" {
			want = kinds * seeds
		}
		switch {
		case seen[c.ID] || c.Source == "" || c.Quantity == "":
			t.Errorf("%+v", c)
		case !strings.HasPrefix(c.Statement, c.Subject+" ") || c.Subject == "":
			t.Errorf("%s: the sentence %q does not begin with its subject %q", c.ID, c.Statement, c.Subject)
		case len(c.Values) != want || slices.ContainsFunc(c.Values, math.IsNaN):
			t.Errorf("%s has the values %v, expected %d", c.ID, c.Values, want)
		case strings.HasPrefix(c.ID, "exact/") && c.Verdict() != llfc.Holds: // identities, at any scale
			t.Errorf("%s %s: %v", c.ID, c.Verdict(), c.Values)
		}
		seen[c.ID] = true
	}
	for _, id := range []string{"spawned-0/lmc", "spawned-1/weak", "permuted/llfc", "independent/commute", "unpermuted/lmc", "exact/theorem1"} {
		if !seen[id] {
			t.Errorf("no claim %s", id)
		}
	}
}

// The page needs nothing but itself, and names every claim.
func checkPage(t *testing.T, path string, card llfc.Scorecard) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)(src|href|action|poster)\s*=\s*["']?\s*(https?:|//|\.?/)[^>]{0,40}|url\(\s*["']?(https?:|//)|@import|<iframe`).Find(text); found != nil {
		t.Errorf("index.html asks for something else: %s", found)
	}
	page := string(text)
	for _, c := range card {
		if !strings.Contains(page, c.Interval()) || !strings.Contains(page, c.Measured()) {
			t.Errorf("index.html says nothing of %s: %s, %s", c.ID, c.Measured(), c.Interval())
		}
	}
	for _, want := range []string{"micro", "SHA-256", "Theorem 1", "go:ops_sequential", "15 pairs", "3 seeds"} {
		if !strings.Contains(page, want) {
			t.Errorf("index.html: no %q", want)
		}
	}
}

func checkFiles(t *testing.T, dir string, study *Study) {
	f, err := os.Open(filepath.Join(dir, "scorecard.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := llfc.ReadScorecard(f); err != nil {
		t.Error(err)
	}
	figs, err := study.Figures()
	if err != nil || len(figs) < 20 {
		t.Fatalf("%d figures, %v", len(figs), err)
	}
	seen := map[string]bool{}
	for _, fig := range figs {
		base := filepath.Join(dir, "figures", fig.file)
		if seen[base] || fig.caption == "" {
			t.Errorf("figure %q, caption %q", fig.file, fig.caption)
		}
		seen[base] = true
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
	for _, m := range study.Pairs {
		pair := filepath.Join(dir, "pairs", fmt.Sprintf("%s-seed%d", m.Kind, m.Seed))
		if n := len(readTable(t, filepath.Join(pair, "path.csv"))); n != 1+2*5 { // 0, ½, 1 and the paper's ¼, ¾, on two splits
			t.Errorf("%s: %d rows of path.csv", pair, n)
		}
		readTable(t, filepath.Join(pair, "layers.csv"))
		readTable(t, filepath.Join(pair, "conditions.csv"))
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
		s := *study
		s.Scale.Seeds = study.Scale.Seeds[:n]
		s.Pairs = nil
		for _, m := range study.Pairs {
			if slices.Contains(s.Scale.Seeds, m.Seed) {
				s.Pairs = append(s.Pairs, m)
			}
		}
		figs, err := s.paths()
		if err != nil {
			t.Fatal(err)
		}
		columns := figs[0].Table().Headers
		if slices.Contains(columns, "err_low") != (n >= 3) || strings.Contains(figs[0].caption, "band") != (n >= 3) {
			t.Errorf("%d seeds: columns %v, caption %q", n, columns, figs[0].caption)
		}
		if row := s.Table().Rows[0]; strings.Contains(strings.Join(row, ""), "±") != (n >= 3) {
			t.Errorf("%d seeds: %v", n, row)
		}
	}
}

func TestStudyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, lab(t, t.TempDir()), micro()); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled study ended with %v", err)
	}
}
