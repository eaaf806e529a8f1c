package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"layerwise/internal/checksum"
	"layerwise/internal/impostor"
)

// collection is a data set that lives in files: where they may lie and where they come from.
type collection struct {
	name    string   // its folder in the cache
	folders []string // below each of Options.Dirs
	files   []file
	mirrors []string // base URLs

	editions  []edition // of a set that is published as one archive: any of them is the set, and files is empty
	standIn   *standIn
	mean, std []float32 // the customary normalisation of such a set
}

// file is pinned by its decompressed content; on disk it may be raw or gzip. An archive is packed: it is pinned by its own
// bytes, and read here only to be checked.
type file struct {
	names  []string // that it may have, without .gz; the first, with .gz, is its name on the mirrors and in the cache
	packed bool     // an archive: names are complete, and the file is never compressed again
	size   int64    // bytes
	sha256 string
	check  func(path string, b []byte) error // finds where content with a wrong checksum is damaged; may be nil
}

// content is a verified file.
type content struct {
	path  string
	bytes []byte
}

func (f file) remote() string { return f.names[0] + f.suffixes()[0] }

// suffixes are what a name of f can end in, on the mirrors the first.
func (f file) suffixes() []string {
	if f.packed {
		return []string{""}
	}
	return []string{".gz", ""}
}

// read returns the content of every file of c, in the order of c.files, downloading what is missing.
func (c collection) read(ctx context.Context, o Options) ([]content, error) {
	var all []content
	for _, f := range c.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := c.get(ctx, o, f)
		if err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	return all, nil
}

// get looks in the user's folders, then in the cache, then on the network. A damaged file in the user's folders is an error,
// and stays. A damaged file in the cache is removed, and is an error only if it cannot be downloaded again.
func (c collection) get(ctx context.Context, o Options, f file) (content, error) {
	if path := find(c.inDirs(o), f); path != "" {
		return f.read(path)
	}
	if path := find(c.inCache(o), f); path != "" {
		if got, err := f.read(path); err == nil || !isCorrupt(err) {
			return got, err
		}
	} else if o.Offline || o.Cache == "" {
		return content{}, c.missing(o, nil)
	}
	return c.refresh(ctx, o, f)
}

// refresh puts a good f into the cache, holding the cache's lock, so that of two processes one downloads and the other
// waits and reads; a damaged f is removed first.
func (c collection) refresh(ctx context.Context, o Options, f file) (content, error) {
	folder := filepath.Join(o.Cache, c.name)
	unlock, err := lockCache(ctx, folder)
	if err != nil {
		return content{}, err
	}
	defer unlock()
	var removed []error
	for path := find(c.inCache(o), f); path != ""; path = find(c.inCache(o), f) {
		got, err := f.read(path)
		if err == nil || !isCorrupt(err) {
			return got, err
		}
		if e := os.Remove(path); e != nil {
			return content{}, fmt.Errorf("cache: %w; it could not be removed: %w", err, e)
		}
		removed = append(removed, fmt.Errorf("%w (removed from the cache)", err))
	}
	var got content
	if o.Offline {
		err = c.missing(o, nil)
	} else {
		got, err = c.download(ctx, o, f, filepath.Join(folder, f.remote()))
	}
	if err != nil {
		err = errors.Join(append(removed, err)...)
	}
	return got, err
}

// inDirs lists the folders of the user's that may hold c, inCache the one of the cache.
func (c collection) inDirs(o Options) (folders []string) {
	for _, dir := range o.Dirs {
		for _, sub := range c.folders {
			folders = append(folders, filepath.Join(dir, filepath.FromSlash(sub)))
		}
	}
	return folders
}

func (c collection) inCache(o Options) []string {
	if o.Cache == "" {
		return nil
	}
	return []string{filepath.Join(o.Cache, c.name)}
}

// find returns the first path in folders that holds f under one of its names, or "". Folders named like f (some archives
// unpack so) are passed over.
func find(folders []string, f file) string {
	for _, folder := range folders {
		for _, name := range f.names {
			for _, suffix := range slices.Backward(f.suffixes()) {
				path := filepath.Join(folder, name+suffix)
				if info, err := os.Stat(path); err == nil && !info.IsDir() {
					return path
				}
			}
		}
	}
	return ""
}

// read returns the verified content of the file at path.
func (f file) read(path string) (content, error) {
	r, err := os.Open(path)
	if err != nil {
		return content{}, err
	}
	defer r.Close()
	if f.packed {
		return content{path: path}, f.verifyPacked(path, r)
	}
	b, err := f.decode(path, r)
	return content{path, b}, err
}

// verifyPacked compares the checksum of an archive. A file that is too long is not read to its end.
func (f file) verifyPacked(path string, r io.Reader) error {
	in := bufio.NewReader(r)
	head, _ := in.Peek(impostor.HeadLen)
	if what := impostor.Reply(head); what != "" {
		return corrupt(path, 0, "expected an archive, found %s", what)
	}
	sum, n, err := checksum.Reader(io.LimitReader(in, f.size+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case n < f.size:
		return corrupt(path, int(n), "the archive ends, expected %d bytes: it is cut", f.size)
	case n > f.size:
		return corrupt(path, int(f.size), "the archive goes on, expected its end (%d bytes)", f.size)
	case sum != f.sha256:
		return corrupt(path, -1, "SHA-256 of the archive is %s, expected %s: another edition, or bytes were changed (unpack it, a folder will do if its files are right)", sum, f.sha256)
	}
	return nil
}

// decode returns what r holds, raw or gzip, if it is exactly f: never more than f.size bytes are kept. Otherwise the error
// says where it departs from what was expected.
func (f file) decode(path string, r io.Reader) ([]byte, error) {
	packed := &counter{r: r}
	in := bufio.NewReader(packed)
	head, err := in.Peek(impostor.HeadLen)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if what := impostor.Reply(head); what != "" {
		return nil, corrupt(path, 0, "expected gzip or the raw file, found %s", what)
	}
	var b bytes.Buffer
	b.Grow(int(f.size) + bytes.MinRead) // pinned, not claimed by the file
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		err = f.unpack(path, &b, in, packed)
	} else {
		_, err = io.Copy(&b, io.LimitReader(in, f.size+1))
	}
	if packed.err != nil {
		err = fmt.Errorf("%s: %w", path, packed.err)
	}
	if err != nil {
		return nil, err
	}
	return b.Bytes(), f.verify(path, b.Bytes())
}

// unpack adds the content of the gzip file in to b, up to one byte more than there should be. Offsets in its errors are of
// the compressed file, whose bytes come through packed.
func (f file) unpack(path string, b *bytes.Buffer, in *bufio.Reader, packed *counter) error {
	at := func() int { return int(packed.n) - in.Buffered() }
	z, err := gzip.NewReader(in)
	if err != nil {
		return corrupt(path, at(), "bad gzip header: %v", err)
	}
	z.Multistream(false)
	_, err = io.Copy(b, io.LimitReader(z, f.size+1))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt(path, at(), "the compressed file ends here, after %d of %d bytes of content: it is truncated", b.Len(), f.size)
	}
	if err != nil {
		return corrupt(path, at(), "of the compressed file, after %d of %d bytes of content: %v", b.Len(), f.size, err)
	}
	if _, err := in.ReadByte(); err == nil && int64(b.Len()) <= f.size {
		return corrupt(path, at()-1, "more follows the end of the gzip stream, expected the end of the file")
	}
	return nil
}

// verify compares the checksum, and looks closer when it is wrong.
func (f file) verify(path string, b []byte) error {
	sum := checksum.Sum(b)
	if hex.EncodeToString(sum[:]) == f.sha256 {
		return nil
	}
	if f.check != nil {
		if err := f.check(path, b[:min(int64(len(b)), f.size)]); err != nil {
			return err
		}
	}
	if int64(len(b)) > f.size {
		return corrupt(path, int(f.size), "content goes on, expected its end (%d bytes)", f.size)
	}
	if int64(len(b)) < f.size {
		return corrupt(path, len(b), "content ends, expected %d bytes", f.size)
	}
	return corrupt(path, -1, "SHA-256 of the content is %x, expected %s: another edition of the file, or bytes were changed", sum, f.sha256)
}

func isCorrupt(err error) bool {
	var c *CorruptError
	return errors.As(err, &c)
}

// counter counts the bytes read from r and remembers what stopped it, so that a failing disk is not taken for bad data.
type counter struct {
	r   io.Reader
	n   int64
	err error // other than io.EOF
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
