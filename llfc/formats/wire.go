package formats

import "encoding/binary"

// wire reads protobuf's wire format from a file without holding it: a message is a run of fields, and what is long is only located.
type wire struct {
	r      reader
	buffer []byte // of the file from the offset first on
	first  int64
}

// field is one field of a message.
type field struct {
	number     int
	kind       int    // 0 a number, 1 eight bytes, 2 a run of bytes, 5 four bytes
	value      uint64 // of a number
	start, end int64  // of the others, in the file
}

// at returns n bytes, n ≤ 16.
func (w *wire) at(offset int64, n int) ([]byte, error) {
	if offset < w.first || offset+int64(n) > w.first+int64(len(w.buffer)) {
		size := min(1<<16, w.r.size-offset)
		if size < int64(n) {
			return nil, w.r.fail(offset, "a field is cut short")
		}
		if cap(w.buffer) < 1<<16 {
			w.buffer = make([]byte, min(1<<16, w.r.size))
		}
		w.buffer = w.buffer[:size]
		if _, err := w.r.ReadAt(w.buffer, offset); err != nil {
			w.buffer = w.buffer[:0]
			return nil, w.r.fail(offset, "%w", err)
		}
		w.first = offset
	}
	return w.buffer[offset-w.first:][:n], nil
}

// varint reads a number and returns where it ends.
func (w *wire) varint(offset, end int64) (uint64, int64, error) {
	b, err := w.at(offset, int(min(binary.MaxVarintLen64, max(0, end-offset))))
	if err != nil {
		return 0, 0, err
	}
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, 0, w.r.fail(offset, "a number without an end, or of more than 64 bits")
	}
	return v, offset + int64(n), nil
}

// fields calls each for the fields of the message in [offset, end).
func (w *wire) fields(offset, end int64, each func(field) error) error {
	for offset < end {
		tag, next, err := w.varint(offset, end)
		if err != nil {
			return err
		}
		f := field{number: int(tag >> 3), kind: int(tag & 7), start: next, end: next}
		if tag>>3 == 0 || tag>>3 > 1<<29 {
			return w.r.fail(offset, "a field of number %d", tag>>3)
		}
		length := uint64(0)
		switch f.kind {
		case 0:
			f.value, f.end, err = w.varint(next, end)
		case 1:
			length = 8
		case 2:
			length, f.start, err = w.varint(next, end)
		case 5:
			length = 4
		default:
			return w.r.fail(offset, "a field of the wire type %d, expected 0, 1, 2 or 5", f.kind)
		}
		if err != nil {
			return err
		}
		if length > uint64(end-f.start) {
			return w.r.fail(f.start, "a field of %d bytes in a message that ends at %d: the file is cut short or its lengths are wrong", length, end)
		}
		if f.kind != 0 {
			f.end = f.start + int64(length)
		}
		if err := each(f); err != nil {
			return err
		}
		offset = f.end
	}
	return nil
}

// text reads a field of text.
func (w *wire) text(f field, limit int64) (string, error) {
	if f.kind != 2 {
		return "", w.r.fail(f.start, "field %d has the wire type %d, expected text", f.number, f.kind)
	}
	b, err := w.r.bytes(f.start, f.end-f.start, limit, "a text")
	return string(b), err
}

// numbers calls each for the numbers of a repeated field, packed or not.
func (w *wire) numbers(f field, each func(v uint64) error) error {
	if f.kind == 0 {
		return each(f.value)
	}
	if f.kind != 2 {
		return w.r.fail(f.start, "field %d has the wire type %d, expected numbers", f.number, f.kind)
	}
	for at := f.start; at < f.end; {
		v, next, err := w.varint(at, f.end)
		if err != nil {
			return err
		}
		if err := each(v); err != nil {
			return err
		}
		at = next
	}
	return nil
}
