package network

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// sample holds what is easily lost: order, scalars, empty tensors, names and metadata that need quoting, bits of NaN.
func sample() (Params, map[string]string) {
	theta := Params{
		{"z/w", []int{2, 3}, []float32{1, -2, 3.5, 0, float32(math.Copysign(0, -1)), 1e-45}},
		{"empty", []int{0, 7}, []float32{}},
		{"scalar", []int{}, []float32{math.MaxFloat32}},
		{"a \"b\"\\\n\x01 größe 重み 🙂", []int{1}, []float32{math.Float32frombits(0x7fa00001)}},
		{"also empty", []int{0}, []float32{}},
		{"a/b", []int{3}, []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}},
	}
	meta := map[string]string{
		"network": `{"name":"mlp","widths":[512,512]}`, "": "empty key", "quote\"d": "tab\t \u2028 <&> é 🙂", "checked": "",
	}
	return theta, meta
}

func encode(t testing.TB, theta Params, meta map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, theta, meta); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// raw builds a file around any header.
func raw(head string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(b, head...), make([]byte, data)...)
}

func decodeBytes(b []byte) (Params, map[string]string, error) {
	return Decode(bytes.NewReader(b), int64(len(b)))
}

func TestSafetensorsRoundTrip(t *testing.T) {
	theta, meta := sample()
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if err := Save(path, theta, meta); err != nil {
		t.Fatal(err)
	}
	got, gotMeta, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(theta) {
		t.Errorf("got %v, want %v", got, theta)
	}
	if len(gotMeta[contentSHA]) != 64 {
		t.Errorf("no digest in %v", gotMeta)
	}
	again := encode(t, got, gotMeta) // what Load returns can be given to Save as it is
	if first, _ := os.ReadFile(path); !bytes.Equal(first, again) {
		t.Error("the same values gave other bytes")
	}
	delete(gotMeta, contentSHA)
	delete(gotMeta, checksumKey)
	if !maps.Equal(gotMeta, meta) {
		t.Errorf("metadata %q, want %q", gotMeta, meta)
	}
	for _, theta := range []Params{nil, {{"s", nil, []float32{4}}}} {
		got, meta, err := decodeBytes(encode(t, theta, nil))
		if err != nil || len(got) != len(theta) || meta == nil {
			t.Errorf("%v came back as %v, %v, %v", theta, got, meta, err)
		}
	}
}

func TestSafetensorsScalarHasEmptyShape(t *testing.T) {
	if b := encode(t, Params{{"s", nil, []float32{4}}}, nil); !bytes.Contains(b, []byte(`"shape":[],`)) {
		t.Errorf("%s", b)
	}
}

func TestSafetensorsRefusesToEncode(t *testing.T) {
	one := []float32{1}
	for want, theta := range map[string]Params{
		`two tensors are named "a"`:               {{"a", nil, one}, {"a", nil, one}},
		`"__metadata__" cannot be`:                {{"__metadata__", nil, one}},
		`"\xff" cannot be`:                        {{"\xff", nil, one}},
		`"a" has shape [2] but 1`:                 {{"a", []int{2}, one}},
		`"a" has shape [-1 -1] but`:               {{"a", []int{-1, -1}, one}},
		`has shape [4294967296 4294967296] but 0`: {{"a", []int{1 << 32, 1 << 32}, nil}},
	} {
		if err := Encode(io.Discard, theta, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ... %s ...", err, want)
		}
	}
	if err := Encode(io.Discard, nil, map[string]string{"k": "\xff"}); err == nil {
		t.Error("metadata that is not UTF-8 was written")
	}
}

// malicious are files that must be refused, with a part of the error each must give.
var malicious = []struct {
	name, want string
	file       []byte
}{
	{"nothing", "0 bytes, expected at least 10", nil},
	{"html", "not safetensors but a web page", []byte("<!DOCTYPE html><html></html>")},
	{"header of 2^63 bytes", "header length 9223372036854775808", append([]byte{0, 0, 0, 0, 0, 0, 0, 0x80}, "{}"...)},
	{"header of 2^64-1 bytes", "header length", append(bytes.Repeat([]byte{0xff}, 8), "{}"...)},
	{"header one byte too long", "header length 3", append([]byte{3, 0, 0, 0, 0, 0, 0, 0}, "{}"...)},
	{"header of one byte", "header length 1", append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, "{}"...)},
	{"array", "begins with '['", raw(`[]`, 0)},
	{"space before", "begins with ' '", raw(` {}`, 0)},
	{"two values", "more than one JSON value", raw(`{}{}`, 0)},
	{"junk after", "more than one JSON value", raw("{}\x00\x00", 0)},
	{"cut JSON", "unexpected EOF", raw(`{"a":{"dtype":"F32"`, 0)},
	{"not JSON", "offset", raw(`{a:1}`, 0)},
	{"not UTF-8 in a name", "UTF-8", raw("{\"\xff\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4)},
	{"half a surrogate pair", "surrogate", raw(`{"\ud800":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4)},
	{"tensor is a number", `tensor "a": found 1`, raw(`{"a":1}`, 0)},
	{"tensor is null", `tensor "a": found null`, raw(`{"a":null}`, 0)},
	{"same name twice", "duplicate", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, 8)},
	{"same name twice, one escaped", "duplicate", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, 8)},
	{"same field twice", "duplicate", raw(`{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4)},
	{"unknown field", `"stride": unknown field`, raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"stride":[1]}}`, 4)},
	{"no dtype", `tensor "a": 2 fields`, raw(`{"a":{"shape":[],"data_offsets":[0,4]}}`, 4)},
	{"no offsets", `tensor "a": 2 fields`, raw(`{"a":{"dtype":"F32","shape":[]}}`, 4)},
	{"metadata is an array", "expected an object", raw(`{"__metadata__":[]}`, 0)},
	{"metadata holds a number", `metadata entry "n": found 1`, raw(`{"__metadata__":{"n":1}}`, 0)},
	{"metadata holds an object", `metadata entry "n"`, raw(`{"__metadata__":{"n":{}}}`, 0)},
	{"metadata twice", "duplicate", raw(`{"__metadata__":{},"__metadata__":{}}`, 0)},
	{"deep nesting", "expected an object", raw(`{"a":`+strings.Repeat("[", 1<<16), 0)},
	{"rank 100", "more than 64 numbers", raw(`{"a":{"dtype":"F32","shape":[`+strings.Repeat("1,", 99)+`1],"data_offsets":[0,4]}}`, 4)},
	{"I64", `tensor "a" has dtype "I64"; read are F32, F64, F16 and BF16`, raw(`{"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`, 8)},
	{"F64 of 4 bytes", "and dtype F64 has 4 bytes at offset 61, expected 8", raw(`{"a":{"dtype":"F64","shape":[],"data_offsets":[0,4]}}`, 4)},
	{"F16 of 4 bytes", "has 4 bytes", raw(`{"a":{"dtype":"F16","shape":[],"data_offsets":[0,4]}}`, 4)},
	{"Git LFS pointer", "not safetensors but a Git LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n")},
	{"PyTorch", "not safetensors but a PyTorch file", []byte("PK\x03\x04\x00\x00\x08\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x12\x00archive/data.pkl")},
	{"npz", "not safetensors but numpy's archive", []byte("PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00fc1.npy")},
	{"pickle", "not safetensors but a Python pickle", []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")},
	{"ONNX", "not safetensors but an ONNX model", []byte("\x08\x07\x12\x07pytorch\x1a\x052.1.0")},
	{"HDF5", "not safetensors but an HDF5 file", []byte("\x89HDF\r\n\x1a\n\x00\x00\x00\x00")},
	{"f32", `tensor "a" has dtype "f32"`, raw(`{"a":{"dtype":"f32","shape":[],"data_offsets":[0,4]}}`, 4)},
	{"dtype is a number", `"dtype": found 32`, raw(`{"a":{"dtype":32,"shape":[],"data_offsets":[0,4]}}`, 4)},
	{"shape null", `"shape": found null`, raw(`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}`, 4)},
	{"negative dim", `-1 before offset`, raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4)},
	{"two negative dims", `-1 before offset`, raw(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 4)},
	{"minus zero", `-0 before offset`, raw(`{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}`, 0)},
	{"fraction", `1.5 before offset`, raw(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4)},
	{"exponent", `1e0 before offset`, raw(`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`, 4)},
	{"dim of 2^64", `18446744073709551616 before`, raw(`{"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}}`, 4)},
	{"dims whose product is 2^64+1", "impossible shape", raw(`{"a":{"dtype":"F32","shape":[274177,67280421310721],"data_offsets":[0,4]}}`, 4)},
	{"dims whose product is 2^62", "impossible shape", raw(`{"a":{"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,0]}}`, 0)},
	{"16 TiB", "cut short", raw(`{"a":{"dtype":"F32","shape":[4398046511104],"data_offsets":[0,17592186044416]}}`, 4)},
	{"offset of 2^63", "before offset", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,9223372036854775808]}}`, 4)},
	{"offsets at 2^63-1", "a hole in the data", raw(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}`, 4)},
	{"negative offset", "-4 before offset", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[-4,0]}}`, 4)},
	{"one offset", "1 numbers, expected 2", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0]}}`, 4)},
	{"three offsets", "3 numbers, expected 2", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4,8]}}`, 8)},
	{"end before begin", `has -4 bytes`, raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[4,0]}}`, 4)},
	{"shape larger than bytes", "has 4 bytes at offset 70, expected 8", raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}        `, 4)},
	{"shape smaller than bytes", "has 8 bytes", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, 8)},
	{"odd number of bytes", "has 5 bytes", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,5]}}`, 5)},
	{"overlap", `tensor "b" begins`, raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, 8)},
	{"same bytes twice", "overlaps", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4)},
	{"hole at the start", "a hole in the data", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, 8)},
	{"hole in the middle", "a hole in the data", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`, 12)},
	{"empty tensor in the middle of another", "overlaps", raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}`, 8)},
	{"trailing byte", "1 bytes too many", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 5)},
	{"data of no tensor", "4 bytes too many", raw(`{}`, 4)},
	{"data cut", "cut short", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 3)},
	{"checksum without digest", "the file is damaged", raw(`{"__metadata__":{"checksum":"sha256"}}`, 0)},
	{"digest without checksum", "the file is damaged", raw(`{"__metadata__":{"sha256":"`+strings.Repeat("0", 64)+`"}}`, 0)},
	{"digest too short", "the file is damaged", raw(`{"__metadata__":{"checksum":"sha256","sha256":"00"}}`, 0)},
	{"unknown algorithm", "of a newer version", raw(`{"__metadata__":{"checksum":"sha512","sha512":"`+strings.Repeat("0", 64)+`"}}`, 0)},
	{"both digests", "the file is damaged", raw(`{"__metadata__":{"checksum":"sha256","content-sha256":"`+strings.Repeat("0", 64)+`","sha256":"`+strings.Repeat("0", 64)+`"}}`, 0)},
	{"wrong digest of the content", "content has content-sha256", raw(`{"__metadata__":{"checksum":"content-sha256","content-sha256":"`+strings.Repeat("0", 64)+`"}}`, 0)},
	{"wrong digest of the layout", "content has sha256", raw(`{"__metadata__":{"checksum":"sha256","sha256":"`+strings.Repeat("0", 64)+`"}}`, 0)},
}

func TestSafetensorsRefusesMaliciousFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.safetensors")
	for _, c := range malicious {
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Load(path)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || len(err.Error()) > 500 {
			t.Errorf("%s: got %v, want ... %s ...", c.name, err, c.want)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(1<<16+16*len(c.file)) {
			t.Errorf("%s: %d bytes allocated for a file of %d", c.name, grown, len(c.file))
		}
	}
}

func TestSafetensorsReadsForeignFiles(t *testing.T) {
	for name, file := range map[string][]byte{
		"no metadata, order of the header is not that of the data": raw(`{"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"a":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}}`, 8),
		"metadata last, other white space":                         raw("{ \"a\" : { \"dtype\":\"F32\",\"shape\":[ ],\n\"data_offsets\":[0,4]},\t\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]},\"__metadata__\":{\"format\":\"pt\"}} \n ", 8),
	} {
		theta, meta, err := decodeBytes(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if theta[0].Name != "a" || theta[1].Name != "b" {
			t.Errorf("%s: order is %s, %s", name, theta[0].Name, theta[1].Name)
		}
		if _, ok := meta[checksumKey]; ok {
			t.Errorf("%s: a checksum from nowhere", name)
		}
	}
}

// Cut anywhere and flipped in any bit, a file of ours is refused.
func TestSafetensorsSeesAllDamage(t *testing.T) {
	theta, meta := sample()
	file := encode(t, theta, meta)
	for n := range file {
		if _, _, err := decodeBytes(file[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes, and read", n, len(file))
		}
		if _, _, err := Decode(bytes.NewReader(file[:n]), int64(len(file))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("shrank to %d of %d bytes while read: %v", n, len(file), err)
		}
	}
	for bit := range 8 * len(file) {
		bad := slices.Clone(file)
		bad[bit/8] ^= 1 << (bit % 8)
		if got, _, err := decodeBytes(bad); err == nil {
			// The one thing that may change unseen is spelling: \u001f and \u001F are the same letter.
			t.Errorf("bit %d of byte %d (%q) flipped, and read as %v", bit%8, bit/8, file[bit/8], got)
		}
	}
}

func TestSafetensorsSeesBitFlipsInLargeFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]float32, 300_000)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	file := encode(t, Params{{"w", []int{300, 1000}, data}}, nil)
	for range 50 {
		bit := r.IntN(8 * len(file))
		file[bit/8] ^= 1 << (bit % 8)
		if _, _, err := decodeBytes(file); err == nil {
			t.Errorf("bit %d flipped unseen", bit)
		}
		file[bit/8] ^= 1 << (bit % 8)
	}
	if _, _, err := decodeBytes(file); err != nil {
		t.Errorf("the test itself damaged the file: %v", err)
	}
}

// failing accepts n bytes and then fails, as a full disk does.
type failing struct{ n int }

var errFull = errors.New("no space left on device")

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return len(b) + f.n, errFull
	}
	return len(b), nil
}

func TestSafetensorsReportsAFailingWriter(t *testing.T) {
	theta, meta := sample()
	size := len(encode(t, theta, meta))
	for n := range size {
		if err := Encode(&failing{n}, theta, meta); !errors.Is(err, errFull) {
			t.Errorf("%d of %d bytes accepted: %v", n, size, err)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing"), dir} {
		if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%v should name %s", err, path)
		}
	}
}

// python returns an interpreter that has safetensors and numpy: $LAYERWISE_PYTHON or python3. Without one the test is skipped.
func python(t *testing.T) string {
	t.Helper()
	for _, p := range []string{os.Getenv("LAYERWISE_PYTHON"), "python3"} {
		if p != "" && exec.Command(p, "-c", "import safetensors.numpy, numpy").Run() == nil {
			return p
		}
	}
	t.Skip("no python3 (or $LAYERWISE_PYTHON) with safetensors and numpy")
	return ""
}

func TestSafetensorsAndPythonAgree(t *testing.T) {
	py := python(t)
	dir := t.TempDir()
	ours, theirs, kept := filepath.Join(dir, "ours.safetensors"), filepath.Join(dir, "theirs.safetensors"), filepath.Join(dir, "kept.safetensors")
	theta, meta := sample()
	if err := Save(ours, theta, meta); err != nil {
		t.Fatal(err)
	}
	script := `
import sys, hashlib
from safetensors import safe_open
from safetensors.numpy import save_file
with safe_open(sys.argv[1], "np") as f:
    meta = f.metadata()
    theta = {k: f.get_tensor(k) for k in f.keys()}
for k in sorted(theta):
    print(k.encode().hex(), list(theta[k].shape), theta[k].dtype, theta[k].tobytes().hex())
for k in sorted(meta):
    print(k.encode().hex(), meta[k].encode().hex())
save_file(theta, sys.argv[2], {k: v for k, v in meta.items() if k not in ("checksum", "content-sha256")})
save_file({k: theta[k] for k in reversed(theta)}, sys.argv[3], dict(reversed(meta.items())))
`
	out, err := exec.Command(py, "-c", script, ours, theirs, kept).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want strings.Builder
	sorted := slices.Clone(theta)
	slices.SortFunc(sorted, func(x, y Tensor) int { return strings.Compare(x.Name, y.Name) })
	for _, s := range sorted {
		var bits bytes.Buffer
		if err := writeFloats(&bits, s.Data); err != nil {
			t.Fatal(err)
		}
		dims := strings.ReplaceAll(fmt.Sprint(s.Dims), " ", ", ")
		fmt.Fprintf(&want, "%x %s float32 %x\n", s.Name, dims, bits.Bytes())
	}
	_, full, err := Load(ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range slices.Sorted(maps.Keys(full)) {
		fmt.Fprintf(&want, "%x %x\n", k, full[k])
	}
	if string(out) != want.String() {
		t.Errorf("Python read\n%swant\n%s", out, want.String())
	}
	got, gotMeta, err := Load(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(gotMeta, meta) {
		t.Errorf("metadata %q, want %q", gotMeta, meta)
	}
	again, againMeta, err := Load(kept) // in Python's order, with our digest
	if err != nil || !maps.Equal(againMeta, full) || again.Equal(theta) || len(again) != len(theta) {
		t.Errorf("loaded and saved unchanged by Python: %v, %v, %v", again, againMeta, err)
	}
	slices.SortFunc(got, func(x, y Tensor) int { return strings.Compare(x.Name, y.Name) })
	if !got.Equal(Params(sorted)) {
		t.Errorf("got %v, want %v", got, sorted)
	}
}

func FuzzDecode(f *testing.F) {
	theta, meta := sample()
	f.Add(encode(f, theta, meta))
	f.Add(encode(f, theta[:1], nil))
	for _, c := range malicious {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		theta, meta, err := decodeBytes(file)
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Errorf("an error of %d letters", len(err.Error()))
			}
			return
		}
		again, againMeta, err := decodeBytes(encode(t, theta, meta)) // what was read can be written and read again
		if err != nil || !again.Equal(theta) {
			t.Fatalf("%v, %v; then %v, %v, %v", theta, meta, again, againMeta, err)
		}
		for k, v := range meta {
			if againMeta[k] != v && k != checksumKey && k != contentSHA && k != layoutSHA {
				t.Fatalf("metadata %q became %q", v, againMeta[k])
			}
		}
	})
}

func BenchmarkSafetensors(b *testing.B) {
	theta := Params{{"w", []int{25, 1000, 1000}, make([]float32, 25_000_000)}} // 100 MB
	for i := range theta[0].Data {
		theta[0].Data[i] = float32(i)
	}
	file := encode(b, theta, nil)
	b.Run("Encode", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if err := Encode(io.Discard, theta, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Decode", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, _, err := decodeBytes(file); err != nil {
				b.Fatal(err)
			}
		}
	})
}
