package network

import (
	"encoding/binary"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"layerwise/internal/atomicfile"
	"layerwise/internal/impostor"
	"layerwise/internal/safetensors"
)

const (
	metadataKey = safetensors.MetadataKey
	maxHeader   = safetensors.MaxHeader
)

// Save writes theta and meta to a safetensors file, atomically (see atomicfile.Write): dtype F32, tensors in the
// order of theta, the same bytes for the same values. Two metadata entries of its own, "checksum" and "content-sha256",
// guard what the file says; entries of those names in meta are replaced.
func Save(path string, theta Params, meta map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Encode(w, theta, meta) })
}

// Load reads a safetensors file whose tensors are F32, F64, F16 or BF16, in the order in which their data lies in the
// file, as float32. It is strict: whatever is not exactly one valid file is an error that names file, tensor and offset. A
// file of Save's is checked against its digest, also after another program has put its tensors or its header in another
// order; in a foreign file the returned metadata has no entry "checksum". meta is never nil.
func Load(path string) (theta Params, meta map[string]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("load: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("load: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("load %s: not a regular file (%s)", path, info.Mode().Type())
	}
	theta, meta, err = Decode(f, info.Size())
	if err != nil {
		return nil, nil, fmt.Errorf("load %s: %w", path, err)
	}
	return theta, meta, nil
}

// Encode writes what Save writes. It reads theta twice: once for the checksum, which comes first in the file.
func Encode(w io.Writer, theta Params, meta map[string]string) error {
	if err := checkEncodable(theta, meta); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[checksumKey] = contentSHA
	delete(meta, layoutSHA)
	sum := newDigest(contentSHA, theta, meta)
	for _, t := range theta {
		shape := make([]int64, len(t.Dims))
		for i, d := range t.Dims {
			shape[i] = int64(d)
		}
		if err := writeFloats(sum.tensor(safetensors.Entry{Name: t.Name, DType: float32Name, Shape: shape}), t.Data); err != nil {
			return err
		}
	}
	meta[contentSHA] = sum.sum(meta)
	head := header(theta, meta)
	if len(head)-8 > maxHeader {
		return fmt.Errorf("safetensors: header of %d bytes, at most %d are allowed: metadata or tensor names are too long", len(head)-8, maxHeader)
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range theta {
		if err := writeFloats(w, t.Data); err != nil {
			return fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

func checkEncodable(theta Params, meta map[string]string) error {
	seen := map[string]bool{}
	for _, t := range theta {
		n, ok := safetensors.Elements(t.Dims)
		switch {
		case t.Name == metadataKey || !utf8.ValidString(t.Name):
			return fmt.Errorf("%q cannot be the name of a tensor", t.Name)
		case seen[t.Name]:
			return fmt.Errorf("two tensors are named %q", t.Name)
		case !ok || n != uint64(len(t.Data)):
			return fmt.Errorf("tensor %q has shape %v but %d values", t.Name, t.Dims, len(t.Data))
		}
		seen[t.Name] = true
	}
	for k, v := range meta {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fmt.Errorf("metadata entry %q is not UTF-8", k)
		}
	}
	return nil
}

// header returns the length and the JSON that precede the data: metadata sorted by key, tensors in order, padded
// with spaces so that the data begins at a multiple of 8 bytes.
func header(theta Params, meta map[string]string) []byte {
	quote := func(b []byte, s string) []byte {
		b, err := jsontext.AppendQuote(b, s)
		if err != nil { // only invalid UTF-8, which both callers have refused
			panic(fmt.Errorf("network: quote %q: %w", s, err))
		}
		return b
	}
	b := append(make([]byte, 8, 1<<10), "{\""+metadataKey+"\":{"...)
	for i, k := range slices.Sorted(maps.Keys(meta)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(append(quote(b, k), ':'), meta[k])
	}
	b = append(b, '}')
	offset := 0
	for _, t := range theta {
		b = append(quote(append(b, ','), t.Name), `:{"dtype":"F32","shape":[`...)
		for i, d := range t.Dims {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(d), 10)
		}
		b = fmt.Appendf(b, `],"data_offsets":[%d,%d]}`, offset, offset+4*len(t.Data))
		offset += 4 * len(t.Data)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b
}

// Decode reads what Load reads from r, which holds size bytes. It allocates in proportion to what it has read
// or size promises, never more, whatever the header claims.
func Decode(r io.Reader, size int64) (theta Params, meta map[string]string, err error) {
	theta, meta, err = decode(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: %w", err)
	}
	return theta, meta, nil
}

func decode(r io.Reader, size int64) (Params, map[string]string, error) {
	if size < 10 {
		return nil, nil, fmt.Errorf("%d bytes, expected at least 10: 8 of header length and the header {}", size)
	}
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, nil, fmt.Errorf("header length at offset 0: %w", cut(err))
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n < 2 || n > maxHeader || n > uint64(size-8) {
		if what := describe(length[:], r); what != "" {
			return nil, nil, fmt.Errorf("not safetensors but %s", what)
		}
		return nil, nil, fmt.Errorf("header length %d at offset 0, expected 2 to %d: not safetensors, or cut short", n, min(maxHeader, size-8))
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, fmt.Errorf("header at offset 8: %w", cut(err))
	}
	if head[0] != '{' { // a short length can be chance: two bytes of a pickle, then zeros
		if what := describe(slices.Concat(length[:], head[:min(n, glance)]), nil); what != "" {
			return nil, nil, fmt.Errorf("not safetensors but %s", what)
		}
	}
	found, meta, err := safetensors.ParseHeader(head)
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	entries, err := layout(found, 8+int64(n), size)
	if err != nil {
		return nil, nil, err
	}
	algorithm, want, err := promised(meta)
	if err != nil {
		return nil, nil, err
	}
	numbers := 0.0
	for _, e := range entries {
		numbers += float64((e.End - e.Begin) / int64(e.kind.size))
	}
	if err := Room(nil, "reading these weights", 4*numbers); err != nil {
		return nil, nil, err
	}
	theta := make(Params, len(entries))
	for i, e := range entries {
		theta[i] = Tensor{e.Name, make([]int, len(e.Shape)), make([]float32, (e.End-e.Begin)/int64(e.kind.size))}
		for k, d := range e.Shape {
			theta[i].Dims[k] = int(d)
		}
	}
	sum := newDigest(algorithm, theta, meta)
	for i, e := range entries {
		if err := readFloats(io.TeeReader(r, sum.tensor(e.Entry)), theta[i].Data, e.kind); err != nil {
			return nil, nil, fmt.Errorf("tensor %.80q at offset %d: %w", e.Name, 8+int64(n)+e.Begin, cut(err))
		}
	}
	if algorithm != "" {
		if err := sum.check(meta, want); err != nil {
			return nil, nil, err
		}
	}
	return theta, meta, nil
}

// glance is how much of a file is looked at to say what it is.
const glance = 512

// describe says what else a file is that begins with head and goes on with r; "" if that is not known.
func describe(head []byte, r io.Reader) string {
	if r != nil {
		rest, err := io.ReadAll(io.LimitReader(r, glance))
		if err != nil {
			return ""
		}
		head = slices.Concat(head, rest)
	}
	return impostor.Describe(head)
}

// entry is a tensor of a file, with the kind of its numbers.
type entry struct {
	safetensors.Entry
	kind dtype
}

// layout returns the entries in the order of their data. start is where the data begins in the file.
func layout(found []safetensors.Entry, start, size int64) ([]entry, error) {
	for _, e := range found {
		if _, known := dtypeNamed(e.DType); !known {
			return nil, fmt.Errorf("tensor %.80q has dtype %.20q; read are %s: convert it, or leave it out", e.Name, e.DType, dtypesRead)
		}
	}
	if err := safetensors.Layout(found, start, size); err != nil {
		return nil, err
	}
	out := make([]entry, len(found))
	for i, e := range found {
		kind, _ := dtypeNamed(e.DType)
		out[i] = entry{e, kind}
	}
	return out, nil
}

// cut words the end of input as what it means here.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("cut short: %w", io.ErrUnexpectedEOF)
	}
	return err
}

const chunk = 1 << 14 // floats converted at a time

func writeFloats(w io.Writer, data []float32) error {
	buf := make([]byte, 4*min(chunk, len(data)))
	for part := range slices.Chunk(data, chunk) {
		b := buf[:4*len(part)]
		for i, v := range part {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func readFloats(r io.Reader, data []float32, kind dtype) error {
	buf := make([]byte, kind.size*min(chunk, len(data)))
	at := 0
	for part := range slices.Chunk(data, chunk) {
		b := buf[:kind.size*len(part)]
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if i := kind.floats(part, b); i >= 0 {
			return fmt.Errorf("the number at position %d is beyond ±%g, the largest that float32 holds", at+i, math.MaxFloat32)
		}
		at += len(part)
	}
	return nil
}
