package network

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// layoutFile was written before digests were of the content: tensors b [1, -2.5] and a/w [[3]], metadata {"network":"{}"}.
const layoutFile = "8AAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJjaGVja3N1bSI6InNoYTI1NiIsIm5ldHdvcmsiOiJ7fSIsInNoYTI1NiI6ImQ3NTkyMGQ5ODgyOWQ0ODg4NTQ4Y2EwZGMzOGFl" +
	"YzA3ZmI2ODM3OGJjNGI0M2UyMTA5MzM1ODhjNTNmNjQ0OTQifSwiYiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzAsOF19LCJhL3ciOnsiZHR5" +
	"cGUiOiJGMzIiLCJzaGFwZSI6WzEsMV0sImRhdGFfb2Zmc2V0cyI6WzgsMTJdfX0AAIA/AAAgwAAAQEA="

// Files of before are checked as they were.
func TestDigestOfTheLayout(t *testing.T) {
	file, err := base64.StdEncoding.DecodeString(layoutFile)
	if err != nil {
		t.Fatal(err)
	}
	theta, meta, err := decodeBytes(file)
	if err != nil || !theta.Equal(Params{{"b", []int{2}, []float32{1, -2.5}}, {"a/w", []int{1, 1}, []float32{3}}}) || meta["network"] != "{}" {
		t.Fatalf("%v, %v, %v", theta, meta, err)
	}
	for i := range file {
		bad := slices.Clone(file)
		bad[i] ^= 1
		if _, _, err := decodeBytes(bad); err == nil {
			t.Errorf("byte %d changed unseen", i)
		}
	}
	if _, meta, err = decodeBytes(encode(t, theta, meta)); err != nil || meta[layoutSHA] != "" || meta[checksumKey] != contentSHA { // saved again, it is one of today
		t.Errorf("%v, %v", meta, err)
	}
}

// written is a file as another program might write it: fields, tensors and metadata in an order of its own, spaces between them.
func written(theta Params, meta map[string]string, dtypes map[string]string) []byte {
	var parts []string
	var data []byte
	for _, t := range theta {
		begin := len(data)
		for _, v := range t.Data {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		kind := "F32"
		if d := dtypes[t.Name]; d != "" {
			kind = d
		}
		dims := strings.ReplaceAll(fmt.Sprint(t.Dims), " ", ", ")
		parts = append(parts, fmt.Sprintf("%s: {\"data_offsets\": [%d, %d], \"shape\": %s, \"dtype\": %q}", quoted(t.Name), begin, len(data), dims, kind))
	}
	var entries []string
	for _, k := range slices.Backward(slices.Sorted(maps.Keys(meta))) {
		entries = append(entries, quoted(k)+": "+quoted(meta[k]))
	}
	slices.Reverse(parts) // the header in another order than the data
	head := "{" + strings.Join(append(parts, `"__metadata__": {`+strings.Join(entries, ", ")+"}"), ", ") + "}  \n"
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), data...)
}

func quoted(s string) string {
	text := header(nil, map[string]string{s: ""})
	return string(text[8+len(`{"__metadata__":{`) : strings.LastIndex(string(text), `:""`)])
}

// The same content in another order is the same file; another value, name, shape, dtype or metadata entry is not.
func TestDigestOfTheContent(t *testing.T) {
	theta, meta := sample()
	_, meta, err := decodeBytes(encode(t, theta, meta))
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(theta)
	byName := func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(other, byName)
	got, gotMeta, err := decodeBytes(written(other, meta, nil))
	if err != nil || got.Equal(theta) || !Params(slices.SortedFunc(slices.Values(got), byName)).Equal(other) || !maps.Equal(gotMeta, meta) {
		t.Fatalf("in another order: %v, %v", got, err)
	}
	change := func(do func(p Params)) Params { p := other.Clone(); do(p); return p }
	at := func(p Params, name string) *Tensor {
		i := slices.IndexFunc(p, func(t Tensor) bool { return t.Name == name })
		return &p[i]
	}
	with := func(key, value string) map[string]string {
		m := maps.Clone(meta)
		m[key] = value
		return m
	}
	less := maps.Clone(meta)
	delete(less, "checked")
	for what, file := range map[string][]byte{
		"value":           written(change(func(p Params) { at(p, "z/w").Data[2] = 3.25 }), meta, nil),
		"sign of zero":    written(change(func(p Params) { at(p, "z/w").Data[4] = 0 }), meta, nil),
		"order of values": written(change(func(p Params) { slices.Reverse(at(p, "z/w").Data) }), meta, nil),
		"name":            written(change(func(p Params) { at(p, "a/b").Name = "a/c" }), meta, nil),
		"names exchanged": written(change(func(p Params) { x, y := at(p, "empty"), at(p, "also empty"); x.Name, y.Name = y.Name, x.Name }), meta, nil),
		"shape":           written(change(func(p Params) { at(p, "z/w").Dims = []int{3, 2} }), meta, nil),
		"rank":            written(change(func(p Params) { at(p, "scalar").Dims = []int{1} }), meta, nil),
		"empty shape":     written(change(func(p Params) { at(p, "empty").Dims = []int{7, 0} }), meta, nil),
		"dtype":           written(other, meta, map[string]string{"empty": "F64"}),
		"tensor less":     written(slices.DeleteFunc(other.Clone(), func(t Tensor) bool { return t.Name == "empty" }), meta, nil),
		"tensor more":     written(append(other.Clone(), Tensor{"more", []int{0}, nil}), meta, nil),
		"metadata value":  written(other, with("checked", "no"), nil),
		"metadata key":    written(other, with("chequed", ""), nil),
		"metadata less":   written(other, less, nil),
	} {
		if _, _, err := decodeBytes(file); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("another %s: %v", what, err)
		}
	}
}

// Numbers of other widths become the float32 that they are, bit by bit.
func TestSafetensorsDtypes(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for dtype, values := range map[string]map[uint64]float64{
		"F16": {0x0000: 0, 0x8000: math.Copysign(0, -1), 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504, 0x0400: 0x1p-14,
			0x0001: 0x1p-24, 0x03ff: 1023 * 0x1p-24, 0x8200: -0x1p-15, 0x7c00: inf, 0xfc00: -inf, 0x7e00: nan, 0x7c01: nan},
		"BF16": {0x0000: 0, 0x8000: math.Copysign(0, -1), 0x3f80: 1, 0xc000: -2, 0x4049: 3.140625, 0x7f7f: 0x1.fep127, 0x0080: 0x1p-126,
			0x0001: 0x1p-133, 0x807f: -127 * 0x1p-133, 0x7f80: inf, 0xff80: -inf, 0x7fc0: nan, 0x7f81: nan},
		"F64": {0: 0, 1 << 63: math.Copysign(0, -1), 0x3ff0000000000000: 1, 0x3fb999999999999a: float64(float32(0.1)), 0x47efffffe0000000: math.MaxFloat32,
			0x36a0000000000000: 0x1p-149, 0x0000000000000001: 0, 0x7ff0000000000000: inf, 0xfff0000000000000: -inf, 0x7ff8000000000000: nan,
			0x47efffffefffffff: math.MaxFloat32}, // rounds down to it
	} {
		kind, _ := dtypeNamed(dtype)
		for bits, want := range values {
			file := raw(fmt.Sprintf(`{"w":{"dtype":%q,"shape":[1],"data_offsets":[0,%d]}}`, dtype, kind.size), 0)
			file = append(file, binary.LittleEndian.AppendUint64(nil, bits)[:kind.size]...)
			theta, _, err := decodeBytes(file)
			if err != nil {
				t.Errorf("%s %#x: %v", dtype, bits, err)
				continue
			}
			got := theta[0].Data[0]
			if same := math.Float32bits(got) == math.Float32bits(float32(want)); !same && !(math.IsNaN(want) && math.IsNaN(float64(got))) {
				t.Errorf("%s %#x is %v (%#x), expected %v", dtype, bits, got, math.Float32bits(got), want)
			}
		}
	}
	var data []byte
	for i := range 3 * chunk {
		v := 1.5
		if i == 2*chunk+7 {
			v = -1e39
		}
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	file := append(raw(fmt.Sprintf(`{"fc1/w":{"dtype":"F64","shape":[%d],"data_offsets":[0,%d]}}`, 3*chunk, len(data)), 0), data...)
	if _, _, err := decodeBytes(file); err == nil || !strings.Contains(err.Error(), `tensor "fc1/w"`) || !strings.Contains(err.Error(), fmt.Sprint("position ", 2*chunk+7)) {
		t.Errorf("a number too large for float32: %v", err)
	}
}

// Tensors of several dtypes lie side by side, and what was read can be saved.
func TestSafetensorsMixedDtypes(t *testing.T) {
	file := append(raw(`{"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"d":{"dtype":"F64","shape":[1,1],"data_offsets":[6,14]},"f":{"dtype":"F32","shape":[],"data_offsets":[14,18]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[18,20]}}`, 0),
		"\x00\x3c\x00\x40\x00\x42"+"\x00\x00\x00\x00\x00\x00\x10\x40"+"\x00\x00\xa0\x40"+"\xc0\x40"...)
	want := Params{{"h", []int{3}, []float32{1, 2, 3}}, {"d", []int{1, 1}, []float32{4}}, {"f", []int{}, []float32{5}}, {"b", []int{1}, []float32{6}}}
	theta, meta, err := decodeBytes(file)
	if err != nil || !theta.Equal(want) {
		t.Fatalf("%v, %v", theta, err)
	}
	if again, _, err := decodeBytes(encode(t, theta, meta)); err != nil || !again.Equal(want) {
		t.Errorf("saved and read again: %v, %v", again, err)
	}
}
