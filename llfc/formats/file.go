package formats

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layerwise/internal/impostor"
)

// File is an open file of tensors.
type File struct {
	Path    string
	Format  string            // "safetensors", "PyTorch", "PyTorch before 1.6", "TorchScript", "ONNX", "npz", "npy"
	Tensors []Tensor          // in the order of the file
	Meta    map[string]string // what a safetensors or ONNX file says beside the tensors
	Notes   []string          // what was chosen, removed or left out, a sentence each

	closers []io.Closer
	shard   bool // one of several files
}

// Close releases the file; its tensors cannot be read any more.
func (f *File) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Tensor returns the tensor of that name, and whether there is one.
func (f *File) Tensor(name string) (Tensor, bool) {
	i := slices.IndexFunc(f.Tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

func (f *File) note(format string, a ...any) { f.Notes = append(f.Notes, fmt.Sprintf(format, a...)) }

// Bounds on what one file may hold.
const (
	maxTensors = 1 << 18
	maxRank    = 64
	maxName    = 1 << 12 // bytes
)

// reader is a file as the parsers see it.
type reader struct {
	path string
	io.ReaderAt
	size int64
}

// fail is an error at an offset of the file.
func (r reader) fail(offset int64, format string, a ...any) error {
	return fmt.Errorf("%s: offset %d: "+format, append([]any{r.path, offset}, a...)...)
}

// bytes reads n bytes at an offset, at most limit.
func (r reader) bytes(offset, n, limit int64, what string) ([]byte, error) {
	if n < 0 || n > limit || offset < 0 || offset > r.size-n {
		return nil, r.fail(offset, "%s of %d bytes, expected at most %d: the file is cut short or its lengths are wrong", what, n, min(limit, max(0, r.size-offset)))
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, offset); err != nil {
		return nil, r.fail(offset, "%s: %w", what, err)
	}
	return b, nil
}

// Open reads what the file at path says of its tensors. The format is told by the content, not by the name; *.index.json is a file that lies
// in shards beside it. key chooses what is read of a PyTorch checkpoint that wraps several dictionaries, such as "ema"; "" chooses by itself, and
// Notes says what. Close the file in the end.
func Open(path, key string) (*File, error) {
	f := &File{Path: path, Meta: map[string]string{}}
	err := f.open(path, key)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// add opens a file that f is made of.
func (f *File) add(path string, open func(string) (*os.File, error)) (reader, error) {
	file, err := open(path)
	if err != nil {
		return reader{}, err
	}
	f.closers = append(f.closers, file)
	info, err := file.Stat()
	if err != nil {
		return reader{}, err
	}
	if !info.Mode().IsRegular() {
		return reader{}, fmt.Errorf("%s: not a regular file (%s)", path, info.Mode().Type())
	}
	return reader{file.Name(), file, info.Size()}, nil
}

func (f *File) open(path, key string) error {
	r, err := f.add(path, os.Open)
	if err != nil {
		return err
	}
	return f.parse(r, key)
}

func (f *File) parse(r reader, key string) error {
	head := make([]byte, min(512, r.size))
	if _, err := r.ReadAt(head, 0); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	kind := kindOf(r, head)
	if kind == nil {
		what := impostor.Describe(head)
		if what == "" {
			what = fmt.Sprintf("something that begins %.16q", head)
		}
		return fmt.Errorf("%s: expected safetensors, a PyTorch file, ONNX, npz or npy, found %s", r.path, what)
	}
	if key != "" && !kind.keyed {
		return fmt.Errorf("%s: a key (%q) chooses among the dictionaries of a PyTorch checkpoint, and this is %s", r.path, key, kind.name)
	}
	if kind.name == "an index" && f.shard {
		return fmt.Errorf("%s: an index that is named by an index", r.path)
	}
	f.Format = kind.name
	return kind.parse(f, r, key)
}

// kind is a format.
type kind struct {
	name  string
	keyed bool
	is    func(r reader, head []byte) bool
	parse func(f *File, r reader, key string) error
}

func kinds() []kind {
	begins := func(with string) func(reader, []byte) bool {
		return func(_ reader, head []byte) bool { return strings.HasPrefix(string(head), with) }
	}
	return []kind{
		{"safetensors", false, isSafetensors, (*File).safetensors},
		{"zip", true, begins("PK\x03\x04"), (*File).zip},
		{"PyTorch before 1.6", true, begins("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"), (*File).legacy},
		{"npy", false, begins("\x93NUMPY"), (*File).npy},
		{"an index", true, isIndex, (*File).index},
		{"ONNX", false, isONNX, (*File).onnx},
	}
}

func kindOf(r reader, head []byte) *kind {
	for _, k := range kinds() {
		if k.is(r, head) {
			return &k
		}
	}
	return nil
}

// check is made of every file: names are unique and not without end, shapes fit their storages.
func (f *File) check() error {
	seen := map[string]bool{}
	if len(f.Tensors) == 0 {
		return fmt.Errorf("%s: no tensors in it", f.Path)
	}
	for _, t := range f.Tensors {
		if seen[t.Name] {
			return fmt.Errorf("%s: two tensors are named %.80q", f.Path, t.Name)
		}
		seen[t.Name] = true
		if err := t.check(); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	f.tie()
	return nil
}

// tie finds tensors that are the same numbers in the file.
func (f *File) tie() {
	type place struct {
		s     *storage
		at    int64
		shape string
	}
	first := map[place]string{}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.Count() == 0 {
			continue
		}
		p := place{t.storage, t.offset, fmt.Sprint(t.Shape, t.strides)}
		if name, ok := first[p]; ok {
			t.TiedTo = name
		} else {
			first[p] = t.Name
		}
	}
}

// beside opens a file in the folder of another, and nothing outside of it, whatever name and links say.
func (f *File) beside(path, name string) (reader, error) {
	if !filepath.IsLocal(name) {
		return reader{}, fmt.Errorf("%s: it names the file %.200q, which is not inside its folder", path, name)
	}
	return f.add(name, func(name string) (*os.File, error) {
		file, err := os.OpenInRoot(filepath.Dir(path), name)
		if err != nil {
			return nil, fmt.Errorf("%s: a file beside it is needed: %w", path, err)
		}
		return file, nil
	})
}
