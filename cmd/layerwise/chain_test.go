package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/backend"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// table reads a CSV file and checks its header.
func table(t *testing.T, path, header string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if got := strings.Join(rows[0], ","); got != header {
		t.Errorf("%s begins with %q, expected %q", path, got, header)
	}
	return rows[1:]
}

func checkpoint(t *testing.T, path string) llfc.Checkpoint {
	t.Helper()
	c, err := llfc.LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const pathHeader = "alpha,split,loss,error,policy"

const layersHeader = "layer,kind,alpha,one_minus_cos_mean,one_minus_cos_std,coef_mean,coef_std,baseline_mean,baseline_std,samples_used,samples_skipped,policy"

// checkMeasured checks the files of a measurement of MLPs: every split and α of the path, every layer and α.
func checkMeasured(t *testing.T, dir string, layers []string, alphas []string, samples int) {
	t.Helper()
	path := table(t, filepath.Join(dir, "path.csv"), pathHeader)
	if len(path) != 2*len(alphas) {
		t.Errorf("%d rows of path.csv, expected both splits at %d α", len(path), len(alphas))
	}
	for i, row := range path {
		loss, errLoss := strconv.ParseFloat(row[2], 64)
		wrong, errWrong := strconv.ParseFloat(row[3], 64)
		if row[0] != alphas[i%len(alphas)] || errLoss != nil || errWrong != nil || !(loss > 0) || !(wrong >= 0 && wrong <= 1) {
			t.Errorf("path.csv: %v", row)
		}
	}
	rows := table(t, filepath.Join(dir, "layers.csv"), layersHeader)
	if len(rows) != len(layers)*len(alphas) {
		t.Fatalf("%d rows of layers.csv, expected %d layers at %d α", len(rows), len(layers), len(alphas))
	}
	for i, row := range rows {
		cos, errCos := strconv.ParseFloat(row[3], 64)
		used, errUsed := strconv.Atoi(row[9])
		skipped, errSkipped := strconv.Atoi(row[10])
		layer, alpha := layers[i/len(alphas)], alphas[i%len(alphas)]
		switch {
		case row[0] != layer || row[2] != alpha || errCos != nil || errUsed != nil || errSkipped != nil || used+skipped != samples:
			t.Errorf("layers.csv: %v, expected %s at α = %s over %d samples", row, layer, alpha, samples)
		case layer == layers[0] && !(cos >= 0 && cos <= 1e-12), (alpha == "0" || alpha == "1") && cos > 1e-12:
			t.Errorf("layers.csv: 1 − cos is %g in %v, expected 0", cos, row)
		}
	}
	seen := map[string]bool{}
	for _, row := range table(t, filepath.Join(dir, "conditions.csv"), "layer,quantity,mean,std,policy") {
		seen[row[1]] = true
	}
	for _, q := range []string{"dist_sigma_half", "dist_sigma_max", "sign_disagreement", "dist_com", "dist_w", "dist_h"} {
		if !seen[q] {
			t.Errorf("conditions.csv has no %s", q)
		}
	}
}

// The issue's chain of commands, small.
func TestChain(t *testing.T) {
	inside(t)
	const common = "--network mlp --widths 16 --data digits --backend go "
	ok(t, "train "+common+"--seed 1 --epochs 2 --out one.safetensors")
	said := ok(t, "spawn "+common+"--seed 1 --spawn-epoch 1 --epochs 2 --out-a new/a.safetensors --out-b new/b.safetensors") // makes the folder
	if strings.Count(said, "test error") != 2 {
		t.Errorf("spawn said %q", said)
	}
	one, a, b := checkpoint(t, "one.safetensors"), checkpoint(t, "new/a.safetensors"), checkpoint(t, "new/b.safetensors")
	if !one.Theta.Equal(a.Theta) || a.Theta.Equal(b.Theta) {
		t.Error("a of the spawn must be the run that train made, and b another")
	}
	said = ok(t, "match new/a.safetensors --out b.matched.safetensors --method weight new/b.safetensors --backend go") // flags in between
	if moved := checkpoint(t, "b.matched.safetensors"); !strings.Contains(said, "same function") || moved.Run != nil || moved.Meta["matched"] == "" {
		t.Errorf("match said %q of %v", said, moved.Meta)
	}
	said = ok(t, "measure new/a.safetensors b.matched.safetensors --alphas 0,0.25,0.5,0.75,1 --samples 100 --train-samples 200 --per-sample --out out/ab --backend go")
	if !strings.Contains(said, "test, 100 samples") || !strings.Contains(said, "train, 200 samples") || !strings.HasSuffix(said, "out/ab\n") {
		t.Errorf("measure said %q", said)
	}
	alphas := []string{"0", "0.25", "0.5", "0.75", "1"}
	checkMeasured(t, "out/ab", []string{"fc1", "fc1/relu", "logits"}, alphas, 100)
	if rows := table(t, "out/ab/samples.csv", "layer,quantity,alpha,sample,value,policy"); len(rows) != 100*(3*(1+2*5)+3) {
		t.Errorf("%d rows of samples.csv", len(rows))
	}
	// Asked again, a run is loaded, and measuring gives the same numbers.
	ok(t, "train "+common+"--seed 1 --epochs 2 --out again.safetensors")
	if c := checkpoint(t, "again.safetensors"); !c.Theta.Equal(one.Theta) || c.Meta["written"] != one.Meta["written"] {
		t.Error("a run that was done was trained again")
	}
	ok(t, "measure new/a.safetensors b.matched.safetensors --samples 100 --train-samples 200 --out out/again --backend go")
	for _, name := range []string{"path.csv", "layers.csv", "conditions.csv"} {
		x, errX := os.ReadFile(filepath.Join("out/ab", name))
		y, errY := os.ReadFile(filepath.Join("out/again", name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs between two measurements: %v %v", name, errX, errY)
		}
	}
	t.Run("Python", func(t *testing.T) { openInPython(t, "one.safetensors") })
}

// The same chain for a network with batch norm: its buffers move along with the units, and have no vote on where.
func TestConvolutionalChain(t *testing.T) {
	inside(t)
	const common = "--network resnet20 --depth 8 --width 4 --data digits --scale smoke --augment none --backend go "
	ok(t, "train "+common+"--seed 1 --out a.safetensors")
	ok(t, "spawn "+common+"--seed 2 --spawn-epoch 0.5 --out-a b.safetensors --out-b sibling.safetensors")
	a, b, sibling := checkpoint(t, "a.safetensors"), checkpoint(t, "b.safetensors"), checkpoint(t, "sibling.safetensors")
	if want := (train.Config{Optimiser: train.Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
		Schedule: train.Schedule{Name: "step", At: []int{2, 2}, Factor: 0.1}, Batch: 60, Epochs: 3, Streams: []train.Stream{{Order: 1, Dropout: 1}}}); !reflect.DeepEqual(a.Run.Train, want) {
		t.Errorf("trained by %+v, expected the paper's recipe on 3 epochs, %+v", a.Run.Train, want)
	}
	if a.Network.Init != "kaiming" || a.Run.Data.Samples != 300 || b.Theta.Equal(sibling.Theta) {
		t.Errorf("%s on %d samples", a.Network.JSON(), a.Run.Data.Samples)
	}
	said := ok(t, "match a.safetensors b.safetensors --out moved.safetensors --backend go")
	moved := checkpoint(t, "moved.safetensors")
	if !strings.Contains(said, "same function") || moved.Theta.Equal(b.Theta) {
		t.Errorf("match said %q", said)
	}
	for i, p := range b.Theta {
		if x, y := slices.Sorted(slices.Values(p.Data)), slices.Sorted(slices.Values(moved.Theta[i].Data)); !slices.Equal(x, y) {
			t.Errorf("%s holds other values after the matching", p.Name)
		}
	}
	// Other buffers, the same permutation.
	voteless := b
	voteless.Theta = b.Theta.Clone()
	buffers := 0
	for _, p := range voteless.Theta {
		if strings.HasSuffix(p.Name, "/bn/mean") || strings.HasSuffix(p.Name, "/bn/var") {
			buffers++
			slices.Reverse(p.Data)
		}
	}
	if err := llfc.SaveCheckpoint("voteless.safetensors", voteless); err != nil || buffers != 2*7 {
		t.Fatalf("%d buffers, %v", buffers, err)
	}
	ok(t, "match a.safetensors voteless.safetensors --out again.safetensors --backend go")
	var first, second struct{ Permutation json.RawMessage }
	if err := errors.Join(json.Unmarshal([]byte(moved.Meta["matched"]), &first), json.Unmarshal([]byte(checkpoint(t, "again.safetensors").Meta["matched"]), &second)); err != nil ||
		len(first.Permutation) == 0 || !bytes.Equal(first.Permutation, second.Permutation) {
		t.Errorf("the buffers have changed the permutation from %s to %s, %v", first.Permutation, second.Permutation, err)
	}
	n, err := network.New(a.Network)
	if err != nil {
		t.Fatal(err)
	}
	d, err := n.Description()
	if err != nil {
		t.Fatal(err)
	}
	var layers []string
	for _, tap := range d.Taps[1:] { // the first is the input
		layers = append(layers, tap.Name)
	}
	middle := map[string]bool{}
	for flags, policy := range map[string]string{
		"": "interpolate", "--folded": "interpolate folded", "--policy reset": "reset samples=100 batch=100",
		"--policy repair --policy-samples 50": "repair samples=50 batch=50", "--policy rescale --folded": "rescale folded samples=100 batch=100",
	} {
		said := ok(t, "measure a.safetensors moved.safetensors --alphas 0.5 --samples 100 --train-samples 100 --out ab --backend go "+flags)
		lines := strings.Split(strings.TrimSpace(said), "\n")
		for _, line := range lines[:len(lines)-1] {
			if !strings.Contains(line, "policy "+policy+":") && !strings.HasSuffix(line, "; policy "+policy) {
				t.Errorf("measure %s does not name its policy, %s, in %q", flags, policy, line)
			}
		}
		ends := 0
		for _, row := range table(t, "ab/path.csv", pathHeader) {
			switch {
			case row[4] == policy && row[0] == "0.5" && row[1] == "test":
				middle[row[2]] = true
			case row[4] == "interpolate" && row[4] != policy:
				ends++
			}
		}
		if reset := strings.Contains(flags, "reset"); reset != strings.Contains(said, "as they were given") || reset != (ends == 4) {
			t.Errorf("measure %s gives %d rows of A and B as they were: %s", flags, ends, said)
		}
		if !strings.Contains(flags, "reset") {
			checkMeasured(t, "ab", layers, []string{"0", "0.5", "1"}, 100)
		}
	}
	if len(middle) != 5 {
		t.Errorf("5 policies give the losses %v at the middle", middle)
	}
	// f(π(θ)) = f(θ), while the hidden layers are in another order.
	ok(t, "measure b.safetensors moved.safetensors --alphas 0.5 --samples 100 --train-samples 100 --out bb --backend go")
	for _, row := range table(t, "bb/layers.csv", layersHeader) {
		apart, err := strconv.ParseFloat(row[7], 64)
		if same := row[0] == "logits"; err != nil || same && apart > 1e-9 || row[0] == "conv1" && apart < 1e-3 {
			t.Errorf("%s of B and of the permuted B: 1 − cos %g, %v", row[0], apart, err)
		}
	}
}

// openInPython reads a checkpoint with the reference implementation.
func openInPython(t *testing.T, path string) {
	if err := exec.Command("python3", "-c", "import safetensors, numpy").Run(); err != nil {
		t.Skip("no python3 with safetensors and numpy")
	}
	out, err := exec.Command("python3", "-c", `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], "numpy") as f:
    print(json.dumps({"tensors": {k: f.get_tensor(k).shape for k in f.keys()}, "meta": f.metadata(), "first": float(f.get_tensor("fc1/w")[0, 0])}))
`, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got struct {
		Tensors map[string][]int
		Meta    map[string]string
		First   float32
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := checkpoint(t, path)
	for _, p := range c.Theta {
		if !slices.Equal(got.Tensors[p.Name], p.Dims) {
			t.Errorf("Python sees %s of shape %v, expected %v", p.Name, got.Tensors[p.Name], p.Dims)
		}
	}
	if len(got.Tensors) != len(c.Theta) || got.First != c.Theta[0].Data[0] || got.Meta["network"] != c.Network.JSON() || got.Meta["run"] == "" || got.Meta["versions"] == "" ||
		!strings.HasPrefix(got.Meta["normalize"], `{"mean":[`) {
		t.Errorf("Python sees %s", out)
	}
}

// The issue's lines as written, on MNIST, each a process of its own on the best backend.
func TestIssueLines(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on MNIST for half a minute")
	}
	if all := data.Status(data.DefaultOptions()); !slices.ContainsFunc(all, func(a data.Availability) bool { return a.Name == "mnist" && a.Ready }) {
		t.Skip("no MNIST here; layerwise data --get mnist brings it")
	}
	dir := inside(t)
	t.Setenv("GOMLX_BACKEND", "")
	t.Setenv("LAYERWISE_TUNED", "")
	for _, line := range []string{
		"train   --network mlp --data mnist --seed 1 --epochs 2 --out a.safetensors",
		"spawn   --network mlp --data mnist --seed 1 --spawn-epoch 1 --epochs 2 --out-a a.safetensors --out-b b.safetensors",
		"match   a.safetensors b.safetensors --method weight --out b.matched.safetensors",
		"measure a.safetensors b.safetensors --data mnist --alphas 0,0.25,0.5,0.75,1 --samples 1000 --out out/ab",
		"reproduce --scale smoke --out out/smoke",
	} {
		var out, errs bytes.Buffer
		cmd := program(t, dir, strings.Fields(line)...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		began := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatalf("layerwise %s: %v: %s", line, err, &errs)
		}
		t.Logf("layerwise %s: %s\n%s", line, time.Since(began).Round(time.Millisecond), &out)
	}
	checkMeasured(t, "out/ab", []string{"fc1", "fc1/relu", "fc2", "fc2/relu", "fc3", "fc3/relu", "logits"}, []string{"0", "0.25", "0.5", "0.75", "1"}, 1000)
	for _, row := range table(t, "out/ab/path.csv", pathHeader) {
		if wrong, err := strconv.ParseFloat(row[3], 64); err != nil || wrong > 0.08 { // 2 epochs leave 4 to 5 %, and so does the middle of such a pair
			t.Errorf("path.csv: %v", row)
		}
	}
	exists(t, "out/smoke/index.html")
	exists(t, "out/smoke/scorecard.json")
}

// Ctrl-C in mid-training: status 130, what was done is kept, and the same command ends with the bits of an undisturbed run.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signal can be sent to a process there")
	}
	dir := inside(t)
	line := strings.Fields("train --network mlp --widths 32 --data digits --epochs 600 --backend go --out a.safetensors")
	cmd := program(t, dir, line...)
	var out bytes.Buffer
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	all := make([]byte, 0, 1<<12)
	for sent := false; ; {
		part := make([]byte, 1<<10)
		n, err := said.Read(part)
		all = append(all, part[:n]...)
		if !sent && bytes.Contains(all, []byte("epoch")) {
			sent = true
			time.Sleep(300 * time.Millisecond) // beyond the first epoch
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != interrupted || out.Len() > 0 || !bytes.Contains(all, []byte("interrupted; what was trained is kept")) {
		t.Fatalf("status %d, stdout %q, stderr %s", code, &out, all)
	}
	if kept, err := filepath.Glob("runs/*/state.safetensors"); err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v", kept, err)
	}
	if _, err := os.Stat("a.safetensors"); err == nil {
		t.Error("an interrupted training wrote its checkpoint")
	}
	if left, err := filepath.Glob(".*.tmp"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if said, err := program(t, dir, line...).CombinedOutput(); err != nil || bytes.Contains(said, []byte("epoch 1/600 ")) {
		t.Fatalf("the same command, again: %v: %s; it must go on, not begin anew", err, said)
	}
	t.Setenv("LAYERWISE_RUNS", filepath.Join(dir, "other"))
	line[len(line)-1] = "undisturbed.safetensors"
	if said, err := program(t, dir, line...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if !checkpoint(t, "a.safetensors").Theta.Equal(checkpoint(t, "undisturbed.safetensors").Theta) {
		t.Error("the interrupted run ended with other weights")
	}
}

// The doctor's status says whether something must be mended, and every such row says how.
func TestDoctor(t *testing.T) {
	inside(t)
	status, out, errs := do(t, "doctor --json")
	var rows []backend.Row
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	missing := 0
	for _, r := range rows {
		if r.State == backend.Missing {
			missing++
			if r.Mend == "" || !strings.Contains(errs, r.Item) {
				t.Errorf("%+v; stderr %q", r, errs)
			}
		}
	}
	want := success
	if missing > 0 {
		want = failure
	}
	if status != want {
		t.Errorf("%d things are missing, and the status is %d", missing, status)
	}
	for _, item := range []string{"Go", "backend", "XLA plugin", "GPU", "data digits", "data mnist", "GoNB kernel"} {
		if !slices.ContainsFunc(rows, func(r backend.Row) bool { return r.Item == item }) {
			t.Errorf("no row on %s in %s", item, out)
		}
	}
	// A damaged data set must be mended.
	bad := filepath.Join(t.TempDir(), "mnist")
	if err := os.MkdirAll(bad, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "train-labels-idx1-ubyte"), []byte("<html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAYERWISE_DATA", filepath.Dir(bad))
	status, out, errs = do(t, "doctor")
	if status != failure || !strings.Contains(errs, "data mnist") || !strings.Contains(out, "→ remove or replace the damaged file") {
		t.Errorf("status %d with a damaged data set: %s\n%s", status, errs, out)
	}
}
