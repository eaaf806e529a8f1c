package data

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"layerwise/internal/pickle"
)

func readPickle(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "pickles", name+".pkl"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pickledPixel is the value that make.py gives to place j of row i.
func pickledPixel(i, j int) uint8 { return uint8(37*i+11*j) % 251 }

// Real files of numpy, in every protocol, say the same.
func TestUnpickle(t *testing.T) {
	for _, name := range []string{"python2", "protocol2", "protocol3", "protocol4", "text_keys", "fortran", "array_labels", "big_endian_labels"} {
		v, err := unpickle(name, readPickle(t, name))
		if err != nil {
			t.Error(err)
			continue
		}
		dict := v.(*pickle.Dict)
		data := dict.Get("data").(*ndarray)
		if data.code != "u1" || !slices.Equal(data.shape, []int{2, 3072}) || data.columns != (name == "fortran") {
			t.Errorf("%s: array of %s, shape %v, columns %v", name, data.code, data.shape, data.columns)
			continue
		}
		row := make([]byte, 3072)
		for i := range 2 {
			data.row(i, row)
			for j, got := range row {
				if want := pickledPixel(i, j); got != want {
					t.Fatalf("%s: data[%d][%d] = %d, expected %d", name, i, j, got, want)
				}
			}
		}
		if labels, err := integers(dict.Get("labels")); err != nil || !slices.Equal(labels, []int64{3, 9}) {
			t.Errorf("%s: labels %v, %v", name, labels, err)
		}
		if dict.Get("nothing") != nil || dict.Get("filenames") == nil {
			t.Errorf("%s: wrong keys", name)
		}
	}
}

func TestUnpickleNumbers(t *testing.T) {
	b := []byte("\x80\x02](K\xffM\xff\xffJ\xfe\xff\xff\xff\x8a\x00\x8a\x02\x00\x80\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fNG\x3f\xf8\x00\x00\x00\x00\x00\x00\x88\x89e.")
	v, err := unpickle("n", b)
	if err != nil {
		t.Fatal(err)
	}
	// python: pickletools, pickle.loads(b)
	want := []any{int64(255), int64(65535), int64(-2), int64(0), int64(-32768), int64(math.MaxInt64), nil, 1.5, true, false}
	if got := v.(*pickle.List).Items; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
}

// Whatever a pickle asks for that is not data is refused by name, and nothing is run.
func TestUnpickleRefuses(t *testing.T) {
	p2, p4 := readPickle(t, "protocol2"), readPickle(t, "protocol4")
	replace := func(b []byte, old, new string) []byte {
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("no %q to replace", old)
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
	bomb := []byte("\x80\x02X\x00\x04\x00\x00" + strings.Repeat("x", 1024) + "q\x00") // one text, made bytes over and over
	for range 9 {
		bomb = append(bomb, "c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"...)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"os.system, protocol 2", readPickle(t, "evil2"), "asks for \"posix.system\""},
		{"os.system, protocol 4", readPickle(t, "evil4"), "asks for \"posix.system\""},
		{"eval", []byte("\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R."), "asks for \"builtins.eval\""},
		{"numpy's own doors", []byte("\x80\x02cnumpy.testing._private.utils\nrunstring\n."), "asks for \"numpy.testing"},
		{"persistent object", []byte("\x80\x02K\x01Q."), "lies outside"},
		{"new object", []byte("\x80\x02cnumpy\nndarray\n)\x81."), "a new object of data.pyGlobal"},
		{"extension registry", []byte("\x80\x02\x82\x01."), "instruction 0x82"},
		{"constructor of something else", []byte("\x80\x02cnumpy\nndarray\n)R."), "a call of data.pyGlobal \"numpy.ndarray\""},
		{"call of a number", []byte("\x80\x02K\x01)R."), "a call of int64"},
		{"state of a number", []byte("\x80\x02K\x01)b."), "the state of a int64"},
		{"protocol 5", readPickle(t, "protocol5"), "protocol=4"},
		{"protocol 0", []byte("(dp0\n."), "protocol 2 to 4"},
		{"empty", nil, "protocol 2 to 4"},
		{"web page", []byte("<html>"), "expected a pickle, found a web page"},
		{"floats", readPickle(t, "floats"), "a numpy array of \"f4\""},
		{"cut", p4[:len(p4)/2], "announced"},
		{"cut before its end", p4[:len(p4)-1], "without its STOP"},
		{"longer", append(slices.Clone(p4), 'x'), "1 bytes follow the end"},
		{"length of the moon", []byte("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), "18446744073709551615 bytes are announced"},
		{"fewer bytes than its shape", replace(p2, "K\x02M\x00\x0c", "K\x03M\x00\x0c"), "6144 bytes for shape [3 3072] of u1, expected 9216"},
		{"shape of the moon", replace(p2, "K\x02M\x00\x0c\x86", "J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86"), "product below 2^31"},
		{"negative shape", replace(p2, "K\x02M\x00\x0c\x86", "J\xff\xff\xff\xffM\x00\x0c\x86"), "product below 2^31"},
		{"not UTF-8", []byte("\x80\x02X\x01\x00\x00\x00\xff."), "not UTF-8"},
		{"stack too short", []byte("\x80\x02\x86."), "2 values are due, 0"},
		{"mark for a value", []byte("\x80\x02(."), "a mark is on the stack"},
		{"no mark", []byte("\x80\x02]K\x01e."), "none is on the stack"},
		{"odd pairs", []byte("\x80\x02}(K\x01u."), "a dict and pairs"},
		{"never kept", []byte("\x80\x02h\x07."), "value 7 is asked for"},
		{"more bytes than it has", bomb, "more bytes made from text"},
		{"objects without end", append([]byte("\x80\x02"), bytes.Repeat([]byte{']'}, 4<<20+1)...), "more than 4194304 objects"},
		{"nested without end", nested(200), "labels"},
	} {
		v, err := unpickle("f", c.b)
		if c.name == "nested without end" && err == nil { // legal: it must only not be printed
			if _, err = integers(v); err != nil {
				err = corrupt("f", 0, "labels: %v", err)
			}
		}
		var e *CorruptError
		if !errors.As(err, &e) || !strings.Contains(e.Problem, c.want) || e.Offset > int64(len(c.b)) || len(e.Problem) > 500 {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
	}
}

// nested is a list of one tuple that doubles n times: 2^n values when it is printed.
func nested(n int) []byte {
	b := []byte("\x80\x02])")
	for range n {
		b = append(b, "q\x00h\x00\x86"...)
	}
	return append(b, "a."...)
}

func FuzzUnpickle(f *testing.F) {
	for _, name := range []string{"python2", "protocol2", "protocol4", "meta", "evil4", "array_labels"} {
		f.Add(readPickle(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := unpickle("fuzz", b)
		if err != nil {
			var e *CorruptError
			if !errors.As(err, &e) || e.Offset > int64(len(b)) {
				t.Fatalf("error %v is no CorruptError inside the %d bytes", err, len(b))
			}
			return
		}
		if d, ok := v.(*pickle.Dict); ok {
			if a, ok := d.Get("data").(*ndarray); ok && len(a.shape) == 2 && len(a.raw) > 0 && a.code == "u1" {
				row := make([]byte, a.shape[1])
				for i := range a.shape[0] {
					a.row(i, row)
				}
			}
			integers(d.Get("labels"))
		}
	})
}
