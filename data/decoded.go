package data

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"layerwise/internal/atomicfile"
	"layerwise/internal/checksum"
	"layerwise/internal/filelock"
)

// A decoded data set lies in the cache as one file, decoded/ORIGIN-KEY.pixels: the pixels of both splits, their labels, a
// description in JSON, and a trailer that says where it begins. The key is the SHA-256 of what was decoded and of the
// decoder's version. The file is mapped into memory, so that a later load reads no more than it needs to check the pixels.
const (
	decodedMagic  = "LWDECOD2"
	decodedAlign  = 4096
	decodedSum    = 32                                 // bytes of a SHA-256
	decodedFooter = 8 + decodedSum + len(decodedMagic) // length of the JSON, its SHA-256, magic
)

// decoder reads a tree. It calls start when it knows how many samples there will be, and then fills the draft. version must
// change whenever the same bytes would give other pixels.
type decoder struct {
	version string
	decode  func(ctx context.Context, t tree, start startDraft) error
}

type startDraft func(shape []int, counts [2]int) (*draft, error)

// draft is a data set that is being decoded: train, then test.
type draft struct {
	shape   []int
	classes []string
	labels  [2][]int32
	note    string
	pixels  io.WriterAt
	at      [2]int64 // where the pixels of each split begin
}

// put writes sample i of a split; several goroutines may, for different samples.
func (d *draft) put(split, i int, label int32, pixels []uint8) error {
	d.labels[split][i] = label
	_, err := d.pixels.WriteAt(pixels, d.at[split]+int64(i)*int64(len(pixels)))
	return err
}

// description is the JSON in a decoded file.
type description struct {
	Key     string             `json:"key"`
	Shape   []int              `json:"shape"`
	Classes []string           `json:"classes"`
	Mean    []float32          `json:"mean"`
	Std     []float32          `json:"std"`
	Note    string             `json:"note,omitempty"`
	Splits  [2]describedPixels `json:"splits"`
}

type describedPixels struct {
	N      int    `json:"n"`
	Pixels int64  `json:"pixels"` // offset
	Labels int64  `json:"labels"` // offset of N int32, little-endian
	SHA256 string `json:"sha256"` // Set.Checksum
}

// decodedSets returns what is in t, from the cache if it is there and whole. known is the SHA-256 of an archive that was
// checked already, or "".
func decodedSets(ctx context.Context, o Options, t tree, known string, d decoder) (train, test *Set, err error) {
	if o.Cache == "" {
		return decodeIntoMemory(ctx, t, d)
	}
	origin, content := known, known
	if known == "" {
		if origin, content, err = t.id(ctx); err != nil {
			return nil, nil, err
		}
	}
	sum := checksum.Sum([]byte(content + "\n" + d.version))
	key := hex.EncodeToString(sum[:])
	path := filepath.Join(o.Cache, "decoded", origin[:16]+"-"+key[:16]+".pixels")
	if train, test, err = openDecoded(path, key); err == nil {
		return train, test, nil
	}
	train, test, err = decodeIntoCache(ctx, path, key, t, d)
	var unkept cacheError
	if !errors.As(err, &unkept) || ctx.Err() != nil {
		return train, test, err
	}
	o.note("the images of %s were decoded into memory, and will be decoded again next time: %v", t.path, unkept)
	return decodeIntoMemory(ctx, t, d)
}

// cacheError is a failure of the cache. Decoded images can do without it, downloads cannot.
type cacheError struct{ error }

func (e cacheError) Error() string {
	return fmt.Sprintf("cache: %v (set XDG_CACHE_HOME or HOME to a folder that can be written to)", e.error)
}

func (e cacheError) Unwrap() error { return e.error }

// lockCache makes a folder of the cache, and waits until no other process writes to it.
func lockCache(ctx context.Context, folder string) (unlock func(), err error) {
	if err = os.MkdirAll(folder, 0o755); err == nil {
		unlock, err = filelock.Lock(ctx, filepath.Join(folder, ".lock"), nil)
	}
	if err != nil && ctx.Err() == nil {
		err = cacheError{err}
	}
	return unlock, err
}

// decodeIntoCache writes what is in t to path, unless another process does, and opens it there.
func decodeIntoCache(ctx context.Context, path, key string, t tree, d decoder) (train, test *Set, err error) {
	folder := filepath.Dir(path)
	unlock, err := lockCache(ctx, folder)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	if train, test, err = openDecoded(path, key); err == nil { // another process was at it
		return train, test, nil
	}
	atomicfile.Sweep(folder, time.Minute) // nobody else writes here now
	if err := writeDecoded(ctx, path, key, t, d); err != nil {
		return nil, nil, err
	}
	if train, test, err = openDecoded(path, key); err != nil {
		return nil, nil, cacheError{fmt.Errorf("written just now, but %w", err)}
	}
	name, _, _ := strings.Cut(filepath.Base(path), "-")
	others, _ := filepath.Glob(filepath.Join(folder, name+"-*.pixels"))
	for _, other := range others { // of the same archive by another version, or an earlier state of the folder
		if other != path {
			os.Remove(other)
		}
	}
	return train, test, nil
}

func decodeIntoMemory(ctx context.Context, t tree, d decoder) (train, test *Set, err error) {
	var all *draft
	var m memory
	if err := d.decode(ctx, t, func(shape []int, counts [2]int) (*draft, error) {
		var size int64
		all, size = newDraft(shape, counts)
		m = make(memory, size)
		all.pixels = m
		return all, nil
	}); err != nil {
		return nil, nil, err
	}
	train, test = all.sets(m)
	wait := sync.WaitGroup{}
	wait.Go(func() { train.SHA256 = train.Checksum() })
	test.SHA256 = test.Checksum()
	wait.Wait()
	train.Mean, train.Std = train.moments()
	test.Mean, test.Std = train.Mean, train.Std
	return train, test, nil
}

// newDraft lays out the splits one after the other; size is the end of the last.
func newDraft(shape []int, counts [2]int) (d *draft, size int64) {
	d = &draft{shape: shape}
	sample := int64(1)
	for _, n := range shape {
		sample *= int64(n)
	}
	for i, n := range counts {
		d.labels[i] = make([]int32, n)
		d.at[i] = size
		size = aligned(size + int64(n)*sample)
	}
	return d, size
}

func aligned(n int64) int64 { return (n + decodedAlign - 1) / decodedAlign * decodedAlign }

// sets are the two splits, without their normalisation, over the pixels that the draft was written to.
func (d *draft) sets(pixels []byte) (train, test *Set) {
	var both [2]*Set
	for i, name := range []string{"train", "test"} {
		s := &Set{Split: name, Shape: d.shape, Classes: d.classes, Max: 255, Labels: d.labels[i], Note: d.note}
		n := int64(s.Len()) * int64(s.sampleSize())
		s.Pixels = pixels[d.at[i] : d.at[i]+n : d.at[i]+n]
		both[i] = s
	}
	return both[0], both[1]
}

// memory is a WriterAt.
type memory []byte

func (m memory) WriteAt(p []byte, at int64) (int, error) { return copy(m[at:], p), nil }

// keeper writes to a file of the cache. An error in writing is a cacheError, so that it is not taken for bad data.
type keeper struct{ *os.File }

func (k keeper) WriteAt(p []byte, at int64) (int, error) {
	n, err := k.File.WriteAt(p, at)
	if err != nil {
		err = cacheError{err}
	}
	return n, err
}

// writeDecoded returns a cacheError where the file cannot be written, and the decoder's error where t cannot be read.
func writeDecoded(ctx context.Context, path, key string, t tree, d decoder) error {
	var unread error
	err := atomicfile.WriteFile(path, func(f *os.File) error {
		var all *draft
		var size int64
		if unread = d.decode(ctx, t, func(shape []int, counts [2]int) (*draft, error) {
			all, size = newDraft(shape, counts)
			all.pixels = keeper{f}
			if err := f.Truncate(size); err != nil {
				return nil, cacheError{err}
			}
			return all, nil
		}); unread != nil {
			return unread
		}
		pixels, err := mapFile(f, size)
		if err != nil {
			return err
		}
		train, test := all.sets(pixels)
		mean, std := train.moments()
		about := description{Key: key, Shape: all.shape, Classes: all.classes, Mean: mean, Std: std, Note: all.note}
		var tail []byte
		for i, s := range []*Set{train, test} {
			about.Splits[i] = describedPixels{s.Len(), all.at[i], size + int64(len(tail)), s.Checksum()}
			for _, l := range s.Labels {
				tail = binary.LittleEndian.AppendUint32(tail, uint32(l))
			}
		}
		text, err := json.Marshal(about)
		if err != nil {
			return err
		}
		sum := checksum.Sum(text)
		tail = append(tail, text...)
		tail = binary.LittleEndian.AppendUint64(tail, uint64(len(text)))
		tail = append(append(tail, sum[:]...), decodedMagic...)
		_, err = f.WriteAt(tail, size)
		return errors.Join(err, unmapFile(pixels))
	})
	if unread != nil || err == nil {
		return unread
	}
	return cacheError{err}
}

// openDecoded maps the file at path and checks all of it.
func openDecoded(path, key string) (train, test *Set, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	about, end, err := describe(f, info.Size())
	if err != nil {
		return nil, nil, err
	}
	if about.Key != key {
		return nil, nil, corrupt(path, -1, "decoded from something else (%s, expected %s)", about.Key, key)
	}
	b, err := mapFile(f, info.Size())
	if err != nil {
		return nil, nil, err
	}
	var both [2]*Set
	var wait sync.WaitGroup
	for i, d := range about.Splits {
		s := &Set{Split: []string{"train", "test"}[i], Shape: slices.Clone(about.Shape), Classes: slices.Clone(about.Classes), Max: 255,
			Mean: slices.Clone(about.Mean), Std: slices.Clone(about.Std), Note: about.Note, SHA256: d.SHA256}
		size := int64(d.N) * int64(s.sampleSize())
		if d.N < 0 || d.Pixels < 0 || d.Labels < 0 || size < 0 || d.Pixels+size > end || d.Labels+4*int64(d.N) > end {
			return nil, nil, errors.Join(corrupt(path, -1, "%s: %d samples do not fit", s.Split, d.N), unmapFile(b))
		}
		s.Pixels = b[d.Pixels : d.Pixels+size : d.Pixels+size]
		s.Labels = make([]int32, d.N)
		for j := range s.Labels {
			s.Labels[j] = int32(binary.LittleEndian.Uint32(b[d.Labels+4*int64(j):]))
		}
		both[i] = s
	}
	var sums [2]string
	for i, s := range both {
		wait.Go(func() { sums[i] = s.Checksum() })
	}
	wait.Wait()
	for i, s := range both {
		if sums[i] != s.SHA256 {
			return nil, nil, errors.Join(corrupt(path, -1, "%s: SHA-256 of the pixels is %s, expected %s", s.Split, sums[i], s.SHA256), unmapFile(b))
		}
	}
	return both[0], both[1], nil
}

// describe reads the end of a decoded file of size bytes; pixels and labels lie before end.
func describe(f *os.File, size int64) (about description, end int64, err error) {
	if size < int64(decodedFooter) {
		return about, 0, corrupt(f.Name(), int(size), "the file ends, expected at least %d bytes", decodedFooter)
	}
	footer := make([]byte, decodedFooter)
	if _, err := f.ReadAt(footer, size-int64(decodedFooter)); err != nil {
		return about, 0, err
	}
	n := binary.LittleEndian.Uint64(footer)
	if !strings.HasSuffix(string(footer), decodedMagic) || n > uint64(size-int64(decodedFooter)) {
		return about, 0, corrupt(f.Name(), -1, "no trailer at its end: half written, or another file")
	}
	end = size - int64(decodedFooter) - int64(n)
	text := make([]byte, n)
	if _, err := f.ReadAt(text, end); err != nil {
		return about, 0, err
	}
	if sum := checksum.Sum(text); string(sum[:]) != string(footer[8:8+decodedSum]) {
		return about, 0, corrupt(f.Name(), int(end), "SHA-256 of the description is %x, expected %x", sum, footer[8:8+decodedSum])
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return about, 0, corrupt(f.Name(), int(end), "%v", err)
	}
	return about, end, nil
}
