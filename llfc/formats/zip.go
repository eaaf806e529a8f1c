package formats

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxRatio is above what deflate can reach: an entry that claims more lies.
const maxRatio = 1100

// entries are the files of an archive as storages, by name.
type entries struct {
	r      reader
	byName map[string]*storage
	names  []string // in the order of the archive
}

func (f *File) unzip(r reader) (entries, error) {
	e := entries{r: r, byName: map[string]*storage{}}
	z, err := zip.NewReader(r, r.size)
	if err != nil {
		return e, fmt.Errorf("%s: %w: the archive is cut short or damaged", r.path, err)
	}
	if len(z.File) > maxTensors {
		return e, fmt.Errorf("%s: %d files in it, expected at most %d", r.path, len(z.File), maxTensors)
	}
	for _, file := range z.File {
		name := file.Name
		if e.byName[name] != nil {
			return e, fmt.Errorf("%s: two files in it are named %.80q", r.path, name)
		}
		at, err := file.DataOffset()
		if err != nil {
			return e, fmt.Errorf("%s: %.80q: %w", r.path, name, err)
		}
		packed, size := file.CompressedSize64, file.UncompressedSize64
		if at < 0 || at > r.size || packed > uint64(r.size-at) || file.Method == zip.Store && size != packed || size > packed*maxRatio+maxRatio {
			return e, r.fail(at, "%.80q has %d bytes, packed %d, and the file has %d", name, size, packed, r.size)
		}
		s := &storage{name: fmt.Sprintf("%s: %.80q", r.path, name), size: int64(size)}
		if file.Method == zip.Store {
			s.r, s.at = r, at
		} else {
			s.open = file.Open
		}
		e.byName[name], e.names = s, append(e.names, name)
	}
	return e, nil
}

// bytes reads a whole entry.
func (s *storage) bytes(limit int64) ([]byte, error) {
	if s.size > limit {
		return nil, fmt.Errorf("%s: %d bytes, expected at most %d", s.name, s.size, limit)
	}
	r, err := s.from(0, s.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, s.size))
	if err == nil && int64(len(b)) < s.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return b, nil
}

// zip reads PyTorch's archives, and numpy's.
func (f *File) zip(r reader, key string) error {
	e, err := f.unzip(r)
	if err != nil {
		return err
	}
	arrays := 0
	for _, name := range e.names {
		if path.Base(name) == "data.pkl" && strings.Count(name, "/") <= 1 {
			return f.torch(e, strings.TrimSuffix(name, "data.pkl"), key)
		}
		if strings.HasSuffix(name, ".npy") {
			arrays++
		}
	}
	if arrays > 0 {
		if key != "" {
			return fmt.Errorf("%s: a key (%q) chooses among the dictionaries of a PyTorch checkpoint, and this is an archive of numpy's", r.path, key)
		}
		return f.npz(e)
	}
	return fmt.Errorf("%s: a zip archive without PyTorch's data.pkl and without arrays of numpy; its first file is %.80q: unpack it", r.path, append(e.names, "")[0])
}
