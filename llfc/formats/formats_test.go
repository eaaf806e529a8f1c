package formats

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// row is one tensor of expected.json: what torch, onnx, safetensors or numpy say of it.
type row struct {
	Name, DType string
	Shape       []int
	Values      []any
}

func expected(t testing.TB, folder string) map[string][]row {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string][]row
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// same is equality of numbers in which NaN is NaN.
func same(got float32, want any) bool {
	switch want := want.(type) {
	case float64:
		return got == float32(want)
	case bool:
		return (got == 1) == want
	case string:
		v, err := strconv.ParseFloat(want, 64)
		return err == nil && (math.IsNaN(v) && got != got || got == float32(v))
	}
	return false
}

// agrees compares a folder of files with its expected.json.
func agrees(t *testing.T, folder string) {
	t.Helper()
	for name, want := range expected(t, folder) {
		file, key, _ := strings.Cut(name, "#")
		f, err := Open(filepath.Join(folder, filepath.FromSlash(file)), key)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(f.Tensors) != len(want) {
			t.Errorf("%s: %d tensors, expected %d: %v", name, len(f.Tensors), len(want), names(f))
		}
		for _, w := range want {
			got, ok := f.Tensor(w.Name)
			if !ok || got.DType != w.DType || !slices.Equal(got.Shape, w.Shape) {
				t.Errorf("%s: %q is %v %s %v, expected %s %v", name, w.Name, ok, got.DType, got.Shape, w.DType, w.Shape)
				continue
			}
			values := make([]float32, got.Count())
			if err := got.Floats(values); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for i, v := range values {
				if !same(v, w.Values[i]) {
					t.Errorf("%s: %s[%d] is %v, expected %v", name, w.Name, i, v, w.Values[i])
					break
				}
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func names(f *File) (out []string) {
	for _, t := range f.Tensors {
		out = append(out, t.Name)
	}
	return out
}

// What is read is what the libraries themselves say is in their files.
func TestFilesOfOthers(t *testing.T) { agrees(t, "testdata") }

// The same with the files that the libraries of this machine write.
func TestFilesWrittenNow(t *testing.T) {
	python := os.Getenv("LAYERWISE_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import torch, onnx, safetensors, numpy").Run() != nil {
		t.Skip("no python3 (or $LAYERWISE_PYTHON) with torch, onnx, safetensors and numpy")
	}
	folder := t.TempDir()
	if out, err := exec.Command(python, filepath.Join("testdata", "make.py"), folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	agrees(t, folder)
}

func open(t *testing.T, name, key string) *File {
	t.Helper()
	f, err := Open(filepath.Join("testdata", filepath.FromSlash(name)), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestNotesSayWhatWasChosen(t *testing.T) {
	for name, want := range map[string][]string{
		"wrapped.ckpt": {`the weights stand under "state_dict"`, `left out: 18 tensors of the optimiser under "optimizer"`,
			`left out: 9 tensors under "ema"`, `removed before every name: "module."`, `removed before every name: "_orig_mod."`, "argparse.Namespace"},
		"module.pt":                            {"left out, nothing of them was run: __main__.Block, __main__.Net"},
		"script.pt":                            {"its code is not run"},
		"traced.pt":                            {"1 constants of the code"},
		"sharded/model.safetensors.index.json": {"lists 3 tensors in 2 files"},
	} {
		notes := strings.Join(open(t, name, "").Notes, "\n")
		for _, w := range want {
			if !strings.Contains(notes, w) {
				t.Errorf("%s: no %q in\n%s", name, w, notes)
			}
		}
	}
	if f := open(t, "raw.onnx", ""); f.Meta["producer"] != "make.py" || f.Format != "ONNX" {
		t.Errorf("%s %v", f.Format, f.Meta)
	}
	if f := open(t, "types.safetensors", ""); f.Meta["origin"] != "make.py" {
		t.Errorf("%v", f.Meta)
	}
	tied, _ := open(t, "views.pt", "").Tensor("again")
	other, _ := open(t, "views.pt", "").Tensor("transposed")
	if tied.TiedTo != "tied" || other.TiedTo != "" {
		t.Errorf("tied to %q, %q", tied.TiedTo, other.TiedTo)
	}
}

// Nothing in a file is run, and what would be is refused by name, with the file.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	replaced := func(name, old, new string) []byte {
		b := read(name)
		if len(old) != len(new) || !strings.Contains(string(b), old) {
			t.Fatalf("%s has no %q to replace", name, old)
		}
		return []byte(strings.ReplaceAll(string(b), old, new))
	}
	legacy, onnx, state := read("legacy.pth"), read("raw.onnx"), read("state.pt")
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "weights.bin")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, key, want string
	}{
		{filepath.Join("testdata", "evil.pt"), "", `posix.system`},
		{filepath.Join("testdata", "wrapped.ckpt"), "nothing", `there is no "nothing"`},
		{filepath.Join("testdata", "raw.onnx"), "ema", "a key"},
		{filepath.Join("testdata", "plain.npz"), "ema", "a key"},
		{filepath.Join("testdata", "unpacked.zip"), "", "without PyTorch's data.pkl"},
		{dir, "", "not a regular file"},
		{filepath.Join(dir, "missing"), "", "missing"},
		{write("empty", nil), "", "expected safetensors"},
		{write("page", []byte("<!doctype html><title>404")), "", "a web page"},
		{write("cut.pt", state[:len(state)/2]), "", "cut short or damaged"},
		{write("cut.pth", legacy[:len(legacy)-5]), "", "more than the file"},
		{write("cut.onnx", onnx[:len(onnx)/2]), "", "offset"},
		{write("cut.safetensors", read("types.safetensors")[:900]), "", "safetensors"},
		{write("cut.npy", read("one.npy")[:140]), "", "bytes for shape [2 3] of F32, expected 24"},
		{write("shape.npy", replaced("one.npy", "'shape': (2, 3), }", "'shape': (9, 9), }")), "", "expected 324"},
		{write("moon.npy", replaced("one.npy", "'shape': (2, 3), }    ", "'shape': (9e9, 9), }  ")), "", "the shape"},
		{write("outside.onnx", replaced("external/model.onnx", "weights.bin", "../../../et")), "", "not inside its folder"},
		{write("link.onnx", read("external/model.onnx")), "", "escapes"},
		{write("loop.index.json", []byte(`{"weight_map":{"w":"loop.index.json"}}`)), "", "an index that is named by an index"},
		{write("up.index.json", []byte(`{"weight_map":{"w":"../x"}}`)), "", "not inside its folder"},
		{write("no.index.json", []byte(`{"a":1}`)), "", "no weight_map"},
	} {
		f, err := Open(c.path, c.key)
		if err == nil {
			f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Base(c.path)) || len(err.Error()) > 1000 {
			t.Errorf("%s: %v, expected %q", c.path, err, c.want)
		}
	}
	if _, err := os.Stat("evil"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("code in a file was run")
	}
}

// A shape, an offset or strides that lead out of a storage are refused, whatever their products.
func TestTensorsStayInTheirStorage(t *testing.T) {
	s := inMemory("s", make([]byte, 96)) // 24 numbers
	for _, c := range []struct {
		shape   []int
		offset  int64
		strides []int64
		ok      bool
	}{
		{[]int{4, 6}, 0, nil, true},
		{[]int{4, 6}, 1, nil, false},
		{[]int{4, 6}, -1, nil, false},
		{[]int{5, 5}, 0, nil, false},
		{[]int{}, 23, nil, true},
		{[]int{}, 24, nil, false},
		{[]int{4, 6}, 0, []int64{6, 1}, true},
		{[]int{6, 4}, 0, []int64{1, 6}, true},
		{[]int{6, 4}, 1, []int64{1, 6}, false},
		{[]int{2}, 0, []int64{23}, true},
		{[]int{2}, 0, []int64{24}, false},
		{[]int{2}, 0, []int64{-1}, false},
		{[]int{2, 2}, 0, []int64{1}, false},
		{[]int{1 << 20, 1 << 20}, 0, []int64{1 << 40, 1}, false},
		{[]int{1 << 20, 1 << 11}, 0, []int64{0, 0}, false}, // two thousand million numbers of one
		{[]int{1 << 10, 1 << 10}, 0, []int64{0, 0}, true},
		{[]int{0, 5}, 99, []int64{5, 1}, true},
		{[]int{1, 24}, 0, []int64{1 << 62, 1}, true}, // the stride of an axis of one is never taken
		{[]int{math.MaxInt64, math.MaxInt64}, 0, []int64{1, 1}, false},
	} {
		err := Tensor{Name: "w", DType: "F32", Shape: c.shape, offset: c.offset, strides: c.strides, storage: s}.check()
		if (err == nil) != c.ok {
			t.Errorf("%v from %d by %v: %v", c.shape, c.offset, c.strides, err)
		}
	}
}

// Pickles that are small and stand for values without end are refused in a moment, and are not printed.
func TestEndlessPickles(t *testing.T) {
	doubled := []byte("\x80\x02]") // a list of itself twice, forty times
	for range 40 {
		doubled = append(doubled, "q\x00]q\x01(h\x00h\x00e"...)
	}
	nested := []byte("\x80\x02N") // _rebuild_from_type_v2 of itself, as deep as the file is long
	for range 1 << 16 {
		nested = append(nested, "q\x00ctorch._tensor\n_rebuild_from_type_v2\nq\x01h\x01N\x86\x85"...)
	}
	calls := []byte("\x80\x02ctorch._tensor\n_rebuild_from_type_v2\nq\x01(h\x01N(h\x01NNNtNtR.")
	self := []byte("\x80\x02]q\x00h\x00a.") // a list that holds itself
	keys := []byte("\x80\x02}(X\x01\x00\x00\x00a]q\x00h\x00aX\x01\x00\x00\x00bh\x00u.")
	for name, p := range map[string][]byte{"doubled": append(doubled, '.'), "nested": append(nested, '.'), "calls": calls, "self": self, "keys": keys} {
		e := entries{r: reader{path: name}, byName: map[string]*storage{"a/data.pkl": inMemory(name, p)}}
		f := &File{Path: name, Meta: map[string]string{}}
		if err := f.torch(e, "a/", ""); err == nil || len(err.Error()) > 1000 || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %.1000v", name, err)
		}
	}
}

// FuzzOpen takes any bytes as any of the formats. What is accepted can be read in full, and costs memory in proportion to the file.
func FuzzOpen(f *testing.F) {
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".py") || strings.Contains(path, "fuzz") {
			return err
		}
		b, err := os.ReadFile(path)
		f.Add(b)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) { readAll(t, b, "") })
}

// FuzzTorchPickle puts a pickle into an otherwise sound archive: mutations of the archive itself seldom get that far.
func FuzzTorchPickle(f *testing.F) {
	for _, name := range []string{"state.pt", "wrapped.ckpt", "views.pt", "types.pt", "module.pt", "script.pt", "evil.pt"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		file := &File{Path: name}
		e, err := file.unzip(reader{name, bytesAt(b), int64(len(b))})
		if err != nil {
			f.Fatal(err)
		}
		for _, entry := range e.names {
			if strings.HasSuffix(entry, "data.pkl") {
				p, err := e.byName[entry].bytes(1 << 20)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(p)
			}
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		e := entries{r: reader{path: "fuzz"}, byName: map[string]*storage{"a/data.pkl": inMemory("pickle", p)}}
		for i := range 20 {
			e.byName[fmt.Sprintf("a/data/%d", i)] = inMemory("storage", make([]byte, 512))
		}
		file := &File{Path: "fuzz", Meta: map[string]string{}}
		if err := file.torch(e, "a/", ""); err == nil && file.check() == nil {
			readTensors(t, file, 1<<12)
		}
	})
}

// FuzzONNX takes any bytes behind the start of a model.
func FuzzONNX(f *testing.F) {
	for _, name := range []string{"raw.onnx", "typed.onnx", "branches.onnx", "external/model.onnx"} {
		b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file := &File{Path: "fuzz", Meta: map[string]string{}}
		if err := file.onnx(reader{"fuzz", bytesAt(b), int64(len(b))}, ""); err == nil && file.check() == nil {
			readTensors(t, file, len(b))
		}
		file.Close()
	})
}

// FuzzNpyHeader takes any text for the dictionary of an array.
func FuzzNpyHeader(f *testing.F) {
	for _, s := range []string{"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "{'descr': '>i8', 'fortran_order': True, 'shape': (), }",
		"{'shape': (3L,), 'descr': '|b1', 'fortran_order': False}", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := npyDictionary(text)
		if err == nil && (got.DType == "" || got.Count() < 0 || got.Bytes() < 0) {
			t.Errorf("%q is %v", text, got)
		}
	})
}

func readAll(t *testing.T, b []byte, key string) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, key)
	if err != nil {
		if !strings.Contains(err.Error(), path) && !strings.Contains(err.Error(), t.TempDir()) {
			t.Errorf("the error %q does not name the file", err)
		}
		return
	}
	defer f.Close()
	readTensors(t, f, len(b))
}

func readTensors(t *testing.T, f *File, size int) {
	for _, tensor := range f.Tensors {
		n := tensor.Count()
		if n < 0 || n > maxRatio*(size+1)*8 && n > expanded {
			t.Fatalf("tensor %q of %d numbers from a file of %d bytes", tensor.Name, n, size)
		}
		if n > 1<<22 || !tensor.Readable() {
			continue
		}
		_ = tensor.Floats(make([]float32, n)) // a packed entry may turn out to be damaged
	}
}
