package network

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"layerwise/internal/atomicfile"
)

// The metadata entries that guard a file. Each tells that the other belongs there, so that damage to either is seen.
const (
	checksumKey = "checksum" // names the algorithm: always "sha256"
	digestKey   = "sha256"   // hex digest of the header as Encode writes it without this entry, then the data
)

const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; as in the reference implementation
)

// Save writes theta and meta to a safetensors file, atomically (see atomicfile.Write): dtype F32, tensors in the
// order of theta, the same bytes for the same values. Two metadata entries of its own, "checksum" and "sha256",
// guard the file; entries of those names in meta are replaced.
func Save(path string, theta Params, meta map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Encode(w, theta, meta) })
}

// Load reads a safetensors file whose tensors are all F32, in the order in which their data lies in the file. It is
// strict: whatever is not exactly one valid file is an error that names file, tensor and offset. A file of Save's is
// checked against its checksum; in a foreign file the returned metadata has no entry "sha256". meta is never nil.
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
	meta[checksumKey] = digestKey
	delete(meta, digestKey)
	sum := &checksum{Hash: sha256.New()}
	sum.Write(header(theta, meta))
	for _, t := range theta {
		if err := writeFloats(sum, t.Data); err != nil {
			return err
		}
	}
	meta[digestKey] = hex.EncodeToString(sum.Sum(nil))
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
		n, ok := elements(t.Dims)
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

// elements returns the product of dims and whether it is one: no negative length, no overflow of the byte count.
func elements[T int | int64](dims []T) (uint64, bool) {
	n := uint64(1)
	for _, d := range dims {
		hi, lo := bits.Mul64(n, uint64(d))
		if d < 0 || hi != 0 {
			return 0, false
		}
		n = lo
	}
	return n, n <= math.MaxInt64/4
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
		return nil, nil, fmt.Errorf("header length %d at offset 0, expected 2 to %d: not safetensors, or cut short", n, min(maxHeader, size-8))
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, fmt.Errorf("header at offset 8: %w", cut(err))
	}
	entries, meta, err := parseHeader(head)
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if err := checkLayout(entries, 8+int64(n), size); err != nil {
		return nil, nil, err
	}
	theta := make(Params, len(entries))
	for i, e := range entries {
		theta[i] = Tensor{e.name, make([]int, len(e.shape)), make([]float32, (e.end-e.begin)/4)}
		for k, d := range e.shape {
			theta[i].Dims[k] = int(d)
		}
	}
	want, err := digest(meta)
	if err != nil {
		return nil, nil, err
	}
	sum := &checksum{Hash: sha256.New()}
	if want != nil {
		unsigned := maps.Clone(meta)
		delete(unsigned, digestKey)
		sum.Write(header(theta, unsigned))
		r = io.TeeReader(r, sum)
	}
	for i, t := range theta {
		if err := readFloats(r, t.Data); err != nil {
			return nil, nil, fmt.Errorf("tensor %.80q at offset %d: %w", t.Name, 8+int64(n)+entries[i].begin, cut(err))
		}
	}
	if want != nil && !bytes.Equal(sum.Sum(nil), want) {
		return nil, nil, fmt.Errorf("content has sha256 %x, its metadata says %x: the file is damaged, get it anew (if another tool rewrote it on purpose, have it drop the metadata entries %q and %q)",
			sum.Sum(nil), want, checksumKey, digestKey)
	}
	return theta, meta, nil
}

// digest returns the checksum that meta holds, nil if meta is a foreign file's and has none.
func digest(meta map[string]string) ([]byte, error) {
	algorithm, named := meta[checksumKey]
	hexed, there := meta[digestKey]
	if !named && !there {
		return nil, nil
	}
	d, err := hex.DecodeString(hexed)
	if algorithm != digestKey || err != nil || len(d) != sha256.Size || hex.EncodeToString(d) != hexed {
		return nil, fmt.Errorf("metadata has %s %.80q and %s %.80q, expected %q and 64 lower-case hex digits: the file is damaged",
			checksumKey, algorithm, digestKey, hexed, digestKey)
	}
	return d, nil
}

// checkLayout sorts the entries by offset and returns an error unless they tile the data exactly and fit their shapes.
// start is where the data begins in the file.
func checkLayout(entries []entry, start, size int64) error {
	slices.SortStableFunc(entries, func(x, y entry) int { // empty tensors share an offset: the header's order decides
		return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.end, y.end))
	})
	at := int64(0)
	for _, e := range entries {
		n, ok := elements(e.shape)
		switch {
		case e.dtype != "F32":
			return fmt.Errorf("tensor %.80q has dtype %.20q, only F32 is read: convert it", e.name, e.dtype)
		case !ok:
			return fmt.Errorf("tensor %.80q has the impossible shape %v", e.name, e.shape)
		case e.begin > at:
			return fmt.Errorf("tensor %.80q begins at offset %d, expected %d: a hole in the data", e.name, start+e.begin, start+at)
		case e.begin < at:
			return fmt.Errorf("tensor %.80q begins at offset %d, expected %d: it overlaps the tensor before it", e.name, start+e.begin, start+at)
		case e.end > size-start:
			return fmt.Errorf("tensor %.80q ends at offset %d, the file ends at %d: cut short", e.name, start+e.end, size)
		case e.end < e.begin || uint64(e.end-e.begin) != 4*n:
			return fmt.Errorf("tensor %.80q of shape %v has %d bytes at offset %d, expected %d", e.name, e.shape, e.end-e.begin, start+e.begin, 4*n)
		}
		at = e.end
	}
	if at != size-start {
		return fmt.Errorf("the tensors end at offset %d, the file at %d: %d bytes too many", start+at, size, size-start-at)
	}
	return nil
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

func readFloats(r io.Reader, data []float32) error {
	buf := make([]byte, 4*min(chunk, len(data)))
	for part := range slices.Chunk(data, chunk) {
		b := buf[:4*len(part)]
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		for i := range part {
			part[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
	return nil
}

// checksum is a SHA-256 that stays fast. Built with GOEXPERIMENT=simd, Go 1.27 leaves the upper halves of the vector
// registers in use whenever it interrupts a loop, and the SHA instructions then run 50 times slower (measured) until
// something clears them. runtime.memmove does so for lengths from 257 to 2047.
type checksum struct {
	hash.Hash
	scratch [512]byte
}

func (c *checksum) Write(b []byte) (int, error) {
	copy(c.scratch[:], b)
	return c.Hash.Write(b)
}
