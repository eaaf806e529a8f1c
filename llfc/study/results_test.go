package study

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// records reads a CSV file as one map for each line.
func records(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out []map[string]string
	for _, line := range lines[1:] {
		r := map[string]string{}
		for i, name := range lines[0] {
			r[name] = line[i]
		}
		out = append(out, r)
	}
	return out
}

// same says whether two printed numbers agree to the digits that a float32 forward pass has.
func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-6*math.Max(math.Abs(x), math.Abs(y))+1e-12
}

// The committed numbers are of a time when XNNPACK could be on, which computes with outdated weights here and there. So they must agree with
// themselves, wherever one thing was measured more than once in passes of its own:
//
//   - the error and the loss of a network that is an end of several pairs, or of one pair under several policies that leave the ends alone;
//   - 1 − cos of the ends, in each layer, under those policies;
//   - the first linear layer, which interpolates exactly at every α.
func TestCommittedResultsAgreeWithThemselves(t *testing.T) {
	const root = "../../results"
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if folder.IsDir() {
			agree(t, filepath.Join(root, folder.Name()))
		}
	}
}

// agree fails unless the numbers of a report agree with themselves.
func agree(t *testing.T, dir string) {
	t.Helper()
	repeated, exact := 0, 0
	first := map[string]string{}
	again := func(value string, key ...string) {
		k := strings.Join(key, " ")
		was, known := first[k]
		if !known {
			first[k] = value
			return
		}
		repeated++
		if !same(t, was, value) {
			t.Errorf("%s: %s is %s and %s", dir, k, was, value)
		}
	}
	linear := func(value, where string) {
		v, err := strconv.ParseFloat(value, 64)
		if exact++; err != nil || !(v <= 1e-10) {
			t.Errorf("%s: 1 − cos of the first layer of %s is %s", dir, where, value)
		}
	}
	pairs, err := filepath.Glob(filepath.Join(dir, "pairs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range pairs { // "permuted-seed1" of a plain subject; those of others begin with its id, and their ends stand in path.csv too
		kind, seed, _ := strings.Cut(filepath.Base(pair), "-seed")
		if !slices.Contains([]string{"spawned", "independent", "permuted", "unpermuted"}, strings.Split(kind, "-")[0]) {
			continue
		}
		setting := "spawned"
		if strings.Contains(kind, "permuted") {
			setting, kind = "permuted", "either" // π(B) is the function B
		}
		for _, r := range records(t, filepath.Join(pair, "path.csv")) {
			if r["alpha"] == "0" || r["alpha"] == "1" {
				end := map[string]string{"0": "B of " + kind, "1": "A"}[r["alpha"]]
				again(r["error"], "error", setting, seed, r["split"], end)
				again(r["loss"], "loss", setting, seed, r["split"], end)
			}
		}
		layers := records(t, filepath.Join(pair, "layers.csv"))
		for _, r := range layers {
			if r["layer"] == layers[0]["layer"] {
				linear(r["one_minus_cos_mean"], filepath.Base(pair)+" at α = "+r["alpha"])
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "path.csv")); err == nil {
		for _, r := range records(t, filepath.Join(dir, "path.csv")) {
			if keepsEnds(r["policy"]) && (r["alpha"] == "0" || r["alpha"] == "1") {
				end := map[string]string{"0": "B of " + r["pair"], "1": "A"}[r["alpha"]]
				folded := strconv.FormatBool(strings.Contains(r["policy"], "folded"))
				if strings.Contains(r["pair"], "permuted") && r["alpha"] == "0" {
					end = "π(B)" // sums in another order, under other policies
				}
				again(r["error_fraction"], "error", r["network"], r["seed"], folded, end)
				again(r["loss_nats"], "loss", r["network"], r["seed"], folded, end)
			}
		}
		for _, r := range records(t, filepath.Join(dir, "layers.csv")) {
			if keepsEnds(r["policy"]) {
				folded := strconv.FormatBool(strings.Contains(r["policy"], "folded"))
				again(r["baseline_mean"], "1 − cos of the ends,", r["network"], r["pair"], r["seed"], folded, r["layer"])
			}
			if slices.Contains([]string{"fc1", "conv1", "conv1_1"}, r["layer"]) && strings.HasPrefix(r["policy"], "interpolate") {
				linear(r["one_minus_cos_half_mean"], r["network"]+" "+r["pair"])
			}
		}
	}
	t.Logf("%s: %d numbers measured again agree, %d first layers are exact", dir, repeated, exact)
	if repeated < 20 || exact < 6 {
		t.Errorf("%s: only %d numbers were measured again, and %d first layers", dir, repeated, exact)
	}
}

// keepsEnds says whether a policy leaves A and B as they are.
func keepsEnds(policy string) bool { return !strings.HasPrefix(policy, "reset") }
