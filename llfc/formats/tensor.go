package formats

import (
	"fmt"
	"io"
	"math"
	"slices"

	"layerwise/internal/safetensors"
)

// Tensor is one array of a file; its numbers stay there until they are asked for.
type Tensor struct {
	Name     string
	DType    string // by safetensors' names: F32, BF16, I64, BOOL
	Shape    []int
	Constant bool   // of a Constant node of an ONNX graph: seldom a weight
	TiedTo   string // the tensor before it that is the same numbers; "" if there is none

	storage *storage
	offset  int64   // of the first number, in numbers
	strides []int64 // in numbers; nil is row-major without gaps
}

// storage is a run of bytes in a file.
type storage struct {
	name string // for errors
	size int64  // bytes

	r    io.ReaderAt // the bytes begin at the offset at; nil if they are packed
	at   int64
	open func() (io.ReadCloser, error) // of a packed run

	bigEndian bool
}

// inMemory is a storage of bytes that a parser has made.
func inMemory(name string, b []byte) *storage {
	return &storage{name: name, size: int64(len(b)), r: bytesAt(b)}
}

type bytesAt []byte

func (b bytesAt) ReadAt(to []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(to, b[at:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

// from returns the bytes of a storage from an offset on.
func (s *storage) from(offset, n int64) (io.ReadCloser, error) {
	if s.r != nil {
		return io.NopCloser(io.NewSectionReader(s.r, s.at+offset, n)), nil
	}
	r, err := s.open()
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Count is the number of numbers.
func (t Tensor) Count() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Bytes is the size of the numbers as the file writes them.
func (t Tensor) Bytes() int64 { return (int64(t.Count())*int64(safetensors.Bits(t.DType)) + 7) / 8 }

// Float reports whether the numbers are weights: of a float type that is read.
func (t Tensor) Float() bool { return slices.Contains(floats, t.DType) }

// Readable reports whether Floats knows the type.
func (t Tensor) Readable() bool { _, ok := widening[t.DType]; return ok }

// expanded is how many numbers a tensor may have beyond those of its storage, which strides of 0 repeat.
const expanded = 1 << 20

// checkShape returns an error unless the shape is one, and its bytes can be counted.
func (t Tensor) checkShape() error {
	if len(t.Name) > maxName {
		return fmt.Errorf("a tensor's name of %d bytes, expected at most %d", len(t.Name), maxName)
	}
	if _, ok := safetensors.Elements(t.Shape); len(t.Shape) > maxRank || !ok {
		return fmt.Errorf("tensor %.80q has the impossible shape %.200v", t.Name, t.Shape)
	}
	return nil
}

// check returns an error unless every number of the tensor lies in its storage.
func (t Tensor) check() error {
	if err := t.checkShape(); err != nil {
		return err
	}
	n, _ := safetensors.Elements(t.Shape)
	bits := int64(safetensors.Bits(t.DType))
	switch {
	case bits == 0 || n == 0: // a type that is only listed; nothing
		return nil
	case t.strides == nil:
		if t.offset < 0 || t.offset > math.MaxInt64/64-int64(n) || (t.offset+int64(n))*bits > 8*t.storage.size {
			return fmt.Errorf("tensor %.80q: %d numbers of %s from number %d on, and %s has %d bytes", t.Name, n, t.DType, t.offset, t.storage.name, t.storage.size)
		}
		return nil
	case len(t.strides) != len(t.Shape) || bits%8 != 0:
		return fmt.Errorf("tensor %.80q has shape %v and %d strides", t.Name, t.Shape, len(t.strides))
	}
	have := t.storage.size / (bits / 8)
	last := t.offset
	for i, s := range t.strides {
		d := int64(t.Shape[i])
		if s < 0 || d > 1 && s > have || last < 0 || last >= have { // so that no product overflows
			return fmt.Errorf("tensor %.80q: shape %v and strides %v from number %d on lie outside of %s, which has %d numbers of %s", t.Name, t.Shape, t.strides, t.offset, t.storage.name, have, t.DType)
		}
		if s > 0 && d > 1 {
			if d-1 > have/s {
				last = have
				continue
			}
			last += (d - 1) * s
		}
	}
	if last >= have {
		return fmt.Errorf("tensor %.80q: shape %v and strides %v from number %d on lie outside of %s, which has %d numbers of %s", t.Name, t.Shape, t.strides, t.offset, t.storage.name, have, t.DType)
	}
	if int64(n) > have && n > expanded {
		return fmt.Errorf("tensor %.80q repeats the %d numbers of %s as %d, more than is read", t.Name, have, t.storage.name, n)
	}
	return nil
}

// contiguous reports whether the numbers lie row-major without gaps.
func (t Tensor) contiguous() bool {
	if t.strides == nil {
		return true
	}
	want := int64(1)
	for i := len(t.Shape) - 1; i >= 0; i-- {
		if t.Shape[i] != 1 && t.strides[i] != want {
			return false
		}
		want *= int64(t.Shape[i])
	}
	return true
}

// Raw calls part with the bytes of all numbers, row-major and little-endian, piece by piece; a piece holds whole numbers and is only
// valid during the call.
func (t Tensor) Raw(part func(b []byte) error) error {
	if t.Count() == 0 {
		return nil
	}
	bits := int64(safetensors.Bits(t.DType))
	if bits == 0 || bits%8 != 0 {
		return fmt.Errorf("tensor %.80q: numbers of the type %.20q are not read", t.Name, t.DType)
	}
	err := error(nil)
	if size := bits / 8; t.contiguous() {
		err = t.pieces(t.offset*size, int64(t.Count())*size, size, part)
	} else {
		err = t.gathered(size, part)
	}
	if err != nil {
		return fmt.Errorf("tensor %.80q in %s: %w", t.Name, t.storage.name, err)
	}
	return nil
}

const piece = 1 << 18 // bytes read at a time

func (t Tensor) pieces(offset, n, size int64, part func([]byte) error) error {
	buf := make([]byte, min(piece, n))
	r, err := t.storage.from(offset, n)
	if err != nil {
		return err
	}
	defer r.Close()
	for at := int64(0); at < n; {
		b := buf[:min(int64(len(buf)), n-at)]
		if _, err := io.ReadFull(r, b); err != nil {
			return cut(err)
		}
		if t.storage.bigEndian {
			swap(b, int(size))
		}
		if err := part(b); err != nil {
			return err
		}
		at += int64(len(b))
	}
	return nil
}

// gathered is Raw for strides: it holds the part of the storage that the tensor spans.
func (t Tensor) gathered(size int64, part func([]byte) error) error {
	span := int64(1)
	for i, s := range t.strides {
		span += int64(t.Shape[i]-1) * s
	}
	r, err := t.storage.from(t.offset*size, span*size)
	if err != nil {
		return err
	}
	defer r.Close()
	from := make([]byte, span*size)
	if _, err := io.ReadFull(r, from); err != nil {
		return cut(err)
	}
	if t.storage.bigEndian {
		swap(from, int(size))
	}
	out := make([]byte, 0, min(piece, int64(t.Count())*size))
	index := make([]int, len(t.Shape))
	at := int64(0)
	for range t.Count() {
		out = append(out, from[at*size:(at+1)*size]...)
		if len(out) == cap(out) || int64(len(out))+size > int64(cap(out)) {
			if err := part(out); err != nil {
				return err
			}
			out = out[:0]
		}
		for i := len(index) - 1; i >= 0; i-- {
			at += t.strides[i]
			if index[i]++; index[i] < t.Shape[i] {
				break
			}
			at -= int64(t.Shape[i]) * t.strides[i]
			index[i] = 0
		}
	}
	if len(out) > 0 {
		return part(out)
	}
	return nil
}

// Floats fills out, of Count numbers, row-major: F16, BF16 and float8 are widened without loss, F64 and integers are rounded to float32. A
// number beyond float32 is an error.
func (t Tensor) Floats(out []float32) error {
	w, ok := widening[t.DType]
	if !ok {
		return fmt.Errorf("tensor %.80q: numbers of the type %.20q are not read", t.Name, t.DType)
	}
	if len(out) != t.Count() {
		return fmt.Errorf("tensor %.80q has %d numbers, room was given for %d", t.Name, t.Count(), len(out))
	}
	size, at := safetensors.Bits(t.DType)/8, 0
	return t.Raw(func(b []byte) error {
		n := len(b) / size
		if i := w(out[at:at+n], b); i >= 0 {
			return fmt.Errorf("the number at position %d is beyond ±%g, the largest that float32 holds", at+i, math.MaxFloat32)
		}
		at += n
		return nil
	})
}

// cut words the end of a file as what it means here.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("cut short: %w", io.ErrUnexpectedEOF)
	}
	return err
}

func swap(b []byte, size int) {
	for i := 0; i < len(b); i += size {
		slices.Reverse(b[i : i+size])
	}
}
