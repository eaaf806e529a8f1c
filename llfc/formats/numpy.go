package formats

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
)

// npyTypes are numpy's codes of types, without the order of bytes.
var npyTypes = map[string]string{"f4": "F32", "f8": "F64", "f2": "F16", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "u2": "U16",
	"u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64"}

const maxNpyHeader = 1 << 20

// npyHeader reads the header of an array: magic, version, length, a dictionary in Python's spelling. n is where the numbers begin.
func npyHeader(r io.Reader) (t Tensor, bigEndian bool, n int64, err error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil {
		return t, false, 0, cut(err)
	}
	if string(head[:6]) != "\x93NUMPY" || head[6] < 1 || head[6] > 3 {
		return t, false, 0, fmt.Errorf("it begins %.8q, expected a numpy array of version 1 to 3", head)
	}
	width := 2
	if head[6] > 1 {
		width = 4
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length[:width]); err != nil {
		return t, false, 0, cut(err)
	}
	size := int64(binary.LittleEndian.Uint32(length))
	if size > maxNpyHeader {
		return t, false, 0, fmt.Errorf("a header of %d bytes, expected at most %d", size, maxNpyHeader)
	}
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, size); err != nil {
		return t, false, 0, cut(err)
	}
	t, bigEndian, err = npyDictionary(text.String())
	return t, bigEndian, 8 + int64(width) + size, err
}

// npyDictionary reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
func npyDictionary(text string) (t Tensor, bigEndian bool, err error) {
	value := func(key, end string) (string, error) {
		_, rest, ok := strings.Cut(text, "'"+key+"':")
		if !ok {
			return "", fmt.Errorf("no %q in the header %.200q", key, text)
		}
		v, _, ok := strings.Cut(strings.TrimLeft(rest, " "), end)
		if !ok {
			return "", fmt.Errorf("no end of %q in the header %.200q", key, text)
		}
		return v, nil
	}
	descr, err := value("descr", ",")
	if err != nil {
		return t, false, err
	}
	code := strings.Trim(descr, "' ")
	if len(code) == 3 && strings.Contains("<>|=", code[:1]) {
		bigEndian, t.DType = code[0] == '>', npyTypes[code[1:]]
	}
	if t.DType == "" {
		return t, false, fmt.Errorf("numbers of the type %.60s, which is not read", descr)
	}
	fortran, err := value("fortran_order", ",")
	if err != nil {
		return t, false, err
	}
	shape, err := value("shape", ")")
	if err != nil {
		return t, false, err
	}
	t.Shape = []int{}
	for part := range strings.SplitSeq(strings.TrimPrefix(shape, "("), ",") {
		if part = strings.TrimSuffix(strings.TrimSpace(part), "L"); part == "" {
			continue
		}
		d, err := strconv.Atoi(part)
		if err != nil || d < 0 || len(t.Shape) == maxRank {
			return t, false, fmt.Errorf("the shape %.200q, expected at most %d sizes", shape, maxRank)
		}
		t.Shape = append(t.Shape, d)
	}
	if err := t.checkShape(); err != nil {
		return t, false, err
	}
	switch strings.TrimSpace(fortran) {
	case "True":
		t.strides = make([]int64, len(t.Shape))
		for i, step := 0, int64(1); i < len(t.Shape); i++ {
			t.strides[i] = step
			step *= int64(max(1, t.Shape[i]))
		}
	case "False":
	default:
		return t, false, fmt.Errorf("fortran_order %.40q, expected True or False", fortran)
	}
	return t, bigEndian, nil
}

func (f *File) npy(r reader, _ string) error {
	t, bigEndian, n, err := npyHeader(io.NewSectionReader(r, 0, r.size))
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	if r.size-n != t.Bytes() {
		return r.fail(n, "%d bytes for shape %v of %s, expected %d", r.size-n, t.Shape, t.DType, t.Bytes())
	}
	t.Name = strings.TrimSuffix(filepath.Base(r.path), ".npy")
	t.storage = &storage{name: r.path, size: r.size - n, r: r, at: n, bigEndian: bigEndian}
	f.Tensors = []Tensor{t}
	return nil
}

func (f *File) npz(e entries) error {
	f.Format = "npz"
	for _, name := range e.names {
		whole := e.byName[name]
		if !strings.HasSuffix(name, ".npy") {
			f.note("left out: %.80q, which is no array", name)
			continue
		}
		r, err := whole.from(0, whole.size)
		if err != nil {
			return fmt.Errorf("%s: %w", whole.name, err)
		}
		t, bigEndian, n, err := npyHeader(r)
		r.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", whole.name, err)
		}
		if whole.size-n != t.Bytes() {
			return fmt.Errorf("%s: %d bytes for shape %v of %s, expected %d", whole.name, whole.size-n, t.Shape, t.DType, t.Bytes())
		}
		t.Name = strings.TrimSuffix(name, ".npy")
		t.storage = whole.part(n, bigEndian)
		f.Tensors = append(f.Tensors, t)
	}
	f.prefixes()
	return nil
}

// part is a storage without its first n bytes.
func (s *storage) part(n int64, bigEndian bool) *storage {
	out := *s
	out.size, out.bigEndian = s.size-n, bigEndian
	if s.r != nil {
		out.at += n
		return &out
	}
	out.open = func() (io.ReadCloser, error) { return s.from(n, s.size-n) }
	return &out
}
