package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// strangers is the folder of files that other programs wrote.
func strangers(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "llfc", "formats", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return dir + string(filepath.Separator)
}

func TestInspect(t *testing.T) {
	dir := strangers(t)
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
	dir := strangers(t)
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
