package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// idx writes an IDX file of unsigned bytes.
func idx(dims []int, values ...byte) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, values...)
}

func TestParseIDX(t *testing.T) {
	s, err := parseIDXPair("images", idx([]int{2, 1, 3}, 1, 2, 3, 4, 5, 6), "labels", idx([]int{2}, 9, 0), numerals())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Shape, []int{1, 3, 1}) || !slices.Equal(s.Pixels, []byte{1, 2, 3, 4, 5, 6}) || !slices.Equal(s.Labels, []int32{9, 0}) {
		t.Errorf("read %+v", s)
	}
}

func TestParseIDXNamesFileOffsetExpectation(t *testing.T) {
	images, labels := idx([]int{2, 1, 3}, 1, 2, 3, 4, 5, 6), idx([]int{2}, 9, 0)
	for _, c := range []struct {
		name           string
		images, labels []byte
		path           string
		offset         int64
		want           string
	}{
		{"empty", nil, labels, "i", 0, "file ends in the magic number"},
		{"three bytes", images[:3], labels, "i", 3, "file ends in the magic number"},
		{"labels for images", labels, labels, "i", 0, "0x00000801 (labels), expected 0x00000803 (images)"},
		{"images for labels", images, images, "l", 0, "0x00000803 (images), expected 0x00000801 (labels)"},
		{"floats", append([]byte{0, 0, 0x0d, 3}, images[4:]...), labels, "i", 0, "not IDX of unsigned bytes"},
		{"little-endian", append([]byte{3, 8, 0, 0}, images[4:]...), labels, "i", 0, "0x03080000"},
		{"header cut", images[:10], labels, "i", 10, "expected 16 bytes for 3 dimensions"},
		{"zero images", idx([]int{0, 1, 3}), labels, "i", 4, "dimension 0 is 0"},
		{"zero width", idx([]int{2, 1, 0}, 1, 2), labels, "i", 12, "dimension 2 is 0"},
		{"truncated", images[:len(images)-1], labels, "i", 12, "more than the 5 bytes"},
		{"too long", append(slices.Clone(images), 7, 7), labels, "i", 22, "2 bytes too many after 2×1×3"},
		{"absurd", idx([]int{0xffffffff, 0xffffffff, 0xffffffff}, 1), labels, "i", 4, "more than the 1 bytes"},
		{"product wraps to 0", idx([]int{1 << 31, 1 << 31, 4}, make([]byte, 64)...), labels, "i", 4, "more than the 64 bytes"},
		{"label 10", images, idx([]int{2}, 3, 10), "l", 9, "label 10 of sample 1, expected 0 to 9"},
		{"labels cut", images, labels[:9], "l", 4, "more than the 1 bytes"},
		{"count", images, idx([]int{3}, 1, 2, 3), "l", 4, "3 labels, expected 2, one for every image of i"},
	} {
		_, err := parseIDXPair("i", c.images, "l", c.labels, numerals())
		var e *CorruptError
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v, expected a CorruptError", c.name, err)
		} else if e.Path != c.path || e.Offset != c.offset || !strings.Contains(e.Problem, c.want) {
			t.Errorf("%s: error %q, expected %s, offset %d and %q", c.name, err, c.path, c.offset, c.want)
		}
	}
}

// A header costs no memory, whatever it claims.
func TestParseIDXAllocatesLittle(t *testing.T) {
	b := idx([]int{0xffffffff, 0xffffffff, 0xffffffff}, make([]byte, 100)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		parseIDX("i", b, 3)
	}
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / 100; bytes > 4096 {
		t.Errorf("%d bytes for a damaged header", bytes)
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idx([]int{2, 1, 3}, 1, 2, 3, 4, 5, 6), 2)
	f.Add(idx([]int{2}, 9, 0), 0)
	f.Add(idx([]int{1 << 31, 1 << 31, 4}, 0, 0), 2)
	f.Fuzz(func(t *testing.T, b []byte, rank int) {
		rank = 1 + int(uint(rank)%4)
		dims, values, err := parseIDX("fuzz", b, rank)
		if err != nil {
			var e *CorruptError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(b)) {
				t.Fatalf("error %v is no CorruptError inside the %d bytes", err, len(b))
			}
			return
		}
		if !bytes.Equal(idx(dims, values...), b) {
			t.Fatalf("dims %v and %d values do not give the file back", dims, len(values))
		}
		if labels, err := parseIDXLabels("fuzz", b, 10); err == nil && (len(labels) != dims[0] || slices.Max(labels) > 9) {
			t.Fatalf("labels %v", labels)
		}
	})
}
