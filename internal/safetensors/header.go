// Package safetensors reads the header of a safetensors file, strictly.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json/jsontext"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

const (
	MaxHeader   = 100_000_000 // bytes; as in the reference implementation
	MetadataKey = "__metadata__"
	maxRank     = 64 // numpy's limit
)

// Entry is one tensor as the header tells it; offsets count bytes from the start of the data.
type Entry struct {
	Name, DType string
	Shape       []int64
	Begin, End  int64
}

// Bits is the size of a number of a dtype in bits; 0 for one that the format did not have when this was written.
func Bits(dtype string) int {
	switch dtype {
	case "F64", "I64", "U64", "C64":
		return 64
	case "F32", "I32", "U32":
		return 32
	case "F16", "BF16", "I16", "U16":
		return 16
	case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
		return 8
	case "F6_E2M3", "F6_E3M2":
		return 6
	case "F4":
		return 4
	}
	return 0
}

// Elements returns the product of dims and whether it is one: no negative length, no overflow of the byte count.
func Elements[T int | int64](dims []T) (uint64, bool) {
	n := uint64(1)
	for _, d := range dims {
		hi, lo := bits.Mul64(n, uint64(d))
		if d < 0 || hi != 0 {
			return 0, false
		}
		n = lo
	}
	return n, n <= math.MaxInt64/64
}

// Layout sorts the entries by offset and returns an error unless they tile the data exactly and fit their shapes.
// start is where the data begins in the file of size bytes.
func Layout(entries []Entry, start, size int64) error {
	slices.SortStableFunc(entries, func(x, y Entry) int { // empty tensors share an offset: the header's order decides
		return cmp.Or(cmp.Compare(x.Begin, y.Begin), cmp.Compare(x.End, y.End))
	})
	at := int64(0)
	for _, e := range entries {
		n, ok := Elements(e.Shape)
		each := uint64(Bits(e.DType))
		switch {
		case !ok:
			return fmt.Errorf("tensor %.80q has the impossible shape %v", e.Name, e.Shape)
		case e.Begin > at:
			return fmt.Errorf("tensor %.80q begins at offset %d, expected %d: a hole in the data", e.Name, start+e.Begin, start+at)
		case e.Begin < at:
			return fmt.Errorf("tensor %.80q begins at offset %d, expected %d: it overlaps the tensor before it", e.Name, start+e.Begin, start+at)
		case e.End > size-start:
			return fmt.Errorf("tensor %.80q ends at offset %d, the file ends at %d: cut short", e.Name, start+e.End, size)
		case e.End < e.Begin || each > 0 && uint64(e.End-e.Begin) != (each*n+7)/8:
			return fmt.Errorf("tensor %.80q of shape %v and dtype %s has %d bytes at offset %d, expected %d", e.Name, e.Shape, e.DType, e.End-e.Begin, start+e.Begin, (each*n+7)/8)
		}
		at = e.End
	}
	if at != size-start {
		return fmt.Errorf("the tensors end at offset %d, the file at %d: %d bytes too many", start+at, size, size-start-at)
	}
	return nil
}

// ParseHeader reads the JSON of a header. jsontext refuses repeated names and invalid UTF-8.
func ParseHeader(head []byte) (entries []Entry, meta map[string]string, err error) {
	if head[0] != '{' {
		return nil, nil, fmt.Errorf("begins with %q at offset 8, expected {", head[0])
	}
	d := headerReader{jsontext.NewDecoder(bytes.NewReader(head))}
	meta = map[string]string{}
	err = d.object(func(name string) error {
		if name == MetadataKey {
			return d.object(func(key string) error {
				v, err := d.text()
				if err != nil {
					return fmt.Errorf("metadata entry %.80q: %w", key, err)
				}
				meta[key] = v
				return nil
			})
		}
		e, err := d.entry(name)
		if err != nil {
			return fmt.Errorf("tensor %.80q: %w", name, err)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF { // spaces may pad the header, nothing else
		return nil, nil, fmt.Errorf("more than one JSON value, the second before offset %d", 8+d.InputOffset())
	}
	return entries, meta, nil
}

type headerReader struct{ *jsontext.Decoder }

// entry reads the description of one tensor: dtype, shape and data_offsets, each once, in any order.
func (d headerReader) entry(name string) (Entry, error) {
	e := Entry{Name: name}
	fields := 0
	err := d.object(func(field string) (err error) {
		fields++
		switch field {
		case "dtype":
			e.DType, err = d.text()
		case "shape":
			e.Shape, err = d.integers()
		case "data_offsets":
			var o []int64
			if o, err = d.integers(); err == nil && len(o) != 2 {
				err = fmt.Errorf("%d numbers, expected 2", len(o))
			} else if err == nil {
				e.Begin, e.End = o[0], o[1]
			}
		default:
			err = fmt.Errorf("unknown field, expected dtype, shape and data_offsets")
		}
		if err != nil {
			return fmt.Errorf("%.80q: %w", field, err)
		}
		return nil
	})
	if err == nil && fields != 3 { // names do not repeat and no other is known
		err = fmt.Errorf("%d fields, expected dtype, shape and data_offsets", fields)
	}
	return e, err
}

// object reads an object, calling member after each name, to read the value.
func (d headerReader) object(member func(name string) error) error {
	if _, err := d.token('{', "an object"); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.text()
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := d.token('}', "the end of an object")
	return err
}

func (d headerReader) text() (string, error) {
	t, err := d.token('"', "a string")
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// integers reads an array of integers from 0 to 2⁶³−1. Other numbers, -0, 1.0 and 1e3 among them, are errors.
func (d headerReader) integers() ([]int64, error) {
	if _, err := d.token('[', "an array"); err != nil {
		return nil, err
	}
	var out []int64
	for d.PeekKind() != ']' {
		t, err := d.token('0', "a number")
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(t.String(), 10, 64)
		if err != nil || n < 0 || t.String()[0] == '-' {
			return nil, fmt.Errorf("%.40s before offset %d, expected an integer from 0 to 2^63-1", t.String(), 8+d.InputOffset())
		}
		if out = append(out, n); len(out) > maxRank {
			return nil, fmt.Errorf("more than %d numbers before offset %d", maxRank, 8+d.InputOffset())
		}
	}
	_, err := d.token(']', "the end of an array")
	return out, err
}

func (d headerReader) token(want jsontext.Kind, words string) (jsontext.Token, error) {
	t, err := d.ReadToken()
	if err != nil {
		return t, fmt.Errorf("at offset %d: %w", 8+d.InputOffset(), err)
	}
	if t.Kind() != want {
		return t, fmt.Errorf("found %.40s before offset %d, expected %s", t.String(), 8+d.InputOffset(), words)
	}
	return t, nil
}
