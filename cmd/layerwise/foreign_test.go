package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written is a folder of files that other programs wrote.
func written(t *testing.T, room string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "llfc", room, "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return dir + string(filepath.Separator)
}

func TestInspect(t *testing.T) {
	dir := written(t, "formats")
	inside(t)
	text := ok(t, "inspect "+dir+"wrapped.ckpt")
	for _, want := range []string{"PyTorch, 9 tensors", "sha256 ", `left out: 9 tensors under "ema"`, "conv.weight             F32   3×2×3×3", "I64   scalar"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var r inspected
	if err := json.Unmarshal([]byte(ok(t, "inspect --json --key ema "+dir+"wrapped.ckpt")), &r); err != nil || r.Format != "PyTorch" || len(r.Tensors) != 9 {
		t.Errorf("%+v, %v", r, err)
	}
	// The same numbers in two formats have the same checksum.
	var a, b inspected
	for line, into := range map[string]*inspected{"state.pt": &a, "legacy.pth": &b} {
		if err := json.Unmarshal([]byte(ok(t, "inspect --json "+dir+line)), into); err != nil {
			t.Fatal(err)
		}
	}
	if a.SHA256 != b.SHA256 || a.Tensors[0].SHA256 == a.Tensors[1].SHA256 {
		t.Errorf("%s, %s", a.SHA256, b.SHA256)
	}
	if text := ok(t, "inspect "+dir+"views.pt"); !strings.Contains(text, "tied to tied") {
		t.Errorf("no tied tensor in\n%s", text)
	}
	if text := ok(t, "inspect "+dir+"raw.onnx"); !strings.Contains(text, "producer: make.py") {
		t.Errorf("no producer in\n%s", text)
	}
	ok(t, "train "+small+" --epochs 1 --out own")
	if text := ok(t, "inspect own"); !strings.Contains(text, "fc1/w") || !strings.Contains(text, `"architecture":"mlp"`) {
		t.Errorf("a file of this program:\n%s", text)
	}
}

func TestCompare(t *testing.T) {
	dir := written(t, "formats")
	inside(t)
	if text := ok(t, "compare "+dir+"state.pt "+dir+"legacy.pth"); !strings.HasPrefix(text, "identical: ") {
		t.Error(text)
	}
	ok(t, "spawn "+small+" --epochs 3 --spawn-epoch 2 --out-a a --out-b b")
	ok(t, "train "+small+" --epochs 2 --seed 7 --out c")
	text := ok(t, "compare a b --csv out/tensors.csv")
	if !strings.HasPrefix(text, "related: ") || !strings.Contains(text, "hidden units of the network that both files name: 16 units of fc1/w, logits/w") {
		t.Error(text)
	}
	f, err := os.Open("out/tensors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 5 || rows[1][0] != "fc1/w" || rows[1][3] != "784×16" && rows[1][3] != "64×16" {
		t.Errorf("%q, %v", rows, err)
	}
	if text := ok(t, "compare --markdown a c"); !strings.HasPrefix(text, "independent: ") || !strings.Contains(text, "| tensor |") {
		t.Error(text)
	}
	ok(t, "match a c --backend go --out d") // c permuted
	if text := ok(t, "compare c d"); !strings.HasPrefix(text, "the same up to a permutation: ") {
		t.Error(text)
	}
	if text := ok(t, "compare --search 0 c d"); !strings.HasPrefix(text, "partly frozen: 1 of 4") || !strings.Contains(text, "frozen: logits/b") {
		t.Error(text)
	}
	for _, c := range []struct{ line, want string }{
		{"inspect", "0 arguments"},
		{"inspect gone.pt", "there is no file gone.pt"},
		{"compare a", "1 arguments"},
		{"compare a gone", "there is no file gone"},
		{"compare a b --csv a", "--csv a is A, which stays as it is"},
		{"compare a b --draws 0", "--draws"},
		{"compare a b --search -1", "--search"},
	} {
		status, out, errs := do(t, c.line)
		if status != misused || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%s: status %d, %q, %s", c.line, status, out, errs)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"inspect " + dir + "evil.pt", "posix.system"},
		{"compare a " + dir + "unpacked.zip", "without PyTorch's data.pkl"},
	} {
		if status, _, errs := do(t, c.line); status != failure || !strings.Contains(errs, c.want) {
			t.Errorf("%s: status %d, %s", c.line, status, errs)
		}
	}
}

// A network that PyTorch saved is measured as one of this program's, after it has shown that it computes the same.
func TestMeasureOfStrangers(t *testing.T) {
	dir := written(t, "foreign")
	inside(t)
	ok(t, "train --network mlp --widths 12,9 --data digits --backend go --epochs 1 --out own")
	text := ok(t, "measure "+dir+"mlp.pt own --data digits --backend go --samples 50 --train-samples 50 --reference "+dir+"mlp.npz --out ab")
	for _, want := range []string{"1.weight [12 64] is fc1/w [64 12], [out, in] to [in, out]", "mlp.pt: computes what the original did, to", "on 3 samples (logits)",
		"fc1       1 − cos at α = 0.5: "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "not verified") {
		t.Errorf("A was verified, and B is this program's:\n%s", text)
	}
	exists(t, "ab/layers.csv")
	text = ok(t, "measure own "+dir+"mlp.pt --data digits --backend go --samples 50 --train-samples 50 --network mlp --out ba")
	if !strings.Contains(text, "mlp.pt: not verified against the original") {
		t.Errorf("nobody has verified it:\n%s", text)
	}
	for _, c := range []struct {
		line, want string
		status     int
	}{
		{"measure own own --backend go --out x --reference r.npz", "--reference is for files that other programs wrote", misused},
		{"measure " + dir + "mlp.pt own --backend go --out x", "give --data", misused},
		{"measure " + dir + "mlp.pt own --backend go --data digits --network vgg16 --out x", "mlp.pt fits {", misused},
		{"measure " + dir + "vgg.pt own --backend go --data digits --out x", "no network of this program fits", failure},
		{"measure " + dir + "mlp.pt own --backend go --data digits --reference " + dir + "lenet.npz --out x", `"inputs" has shape [3 1 28 28]`, failure},
		{"measure own " + dir + "mlp.pt --backend go --data digits --reference " + dir + "mlp.npz --out x", `"logits" is the first value that differs from the original`, failure}, // of the other file
	} {
		status, _, errs := do(t, c.line)
		if status != c.status || !strings.Contains(errs, c.want) {
			t.Errorf("%s: status %d, %s", c.line, status, errs)
		}
		if _, err := os.Stat("x"); err == nil {
			t.Errorf("%s: it measured", c.line)
		}
	}
	if text := ok(t, "inspect "+dir+"resnet.pt"); !strings.Contains(text, `fits: {"architecture":"resnet"`) || !strings.Contains(text, "by shapes and order") {
		t.Error(text)
	}
}
