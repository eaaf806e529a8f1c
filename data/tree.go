package data

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"layerwise/internal/checksum"
	"layerwise/internal/impostor"
)

// tree is an archive or a folder that a data set is read from. Nothing is unpacked to disk, and what it may cost is
// bounded before it is believed. Links are followed in folders, which are the user's own, and never in archives.
type tree struct {
	path   string
	format string // "folder", "tar", "tar.gz" or "zip"
	limits limits
}

// limits bound what an archive can make this process do; they are far above any set of images that is trained on here.
type limits struct {
	entries  int   // files and folders in a tree
	names    int64 // bytes of all their names
	unpacked int64 // bytes that any archive may unpack to
	ratio    int64 // bytes more for each byte of the archive
	image    int64 // pixels of one image
	pixels   int64 // bytes of all images when decoded
	text     int64 // bytes of a file of names or labels
}

func standardLimits() limits {
	return limits{entries: 2 << 20, names: 256 << 20, unpacked: 1 << 30, ratio: 100, image: 64 << 20, pixels: 64 << 30, text: 16 << 20}
}

// member is one regular file of a tree: its name, slash-separated and clean, and its size. Its content can be read while
// it is visited.
type member struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

// openTree says what lies at path: a folder, or by its first bytes an archive.
func openTree(path string, l limits) (tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return tree{}, err
	}
	if info.IsDir() {
		return tree{path, "folder", l}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return tree{}, err
	}
	defer f.Close()
	head := make([]byte, impostor.HeadLen)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return tree{}, err
	}
	head = head[:n]
	what := impostor.Reply(head)
	switch {
	case n == 0:
		return tree{}, corrupt(path, 0, "the file is empty, expected an archive (tar, tar.gz or zip)")
	case what != "":
		return tree{}, corrupt(path, 0, "expected an archive (tar, tar.gz or zip), found %s", what)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return tree{path, "tar.gz", l}, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return tree{path, "zip", l}, nil
	case isTar(head):
		return tree{path, "tar", l}, nil
	}
	return tree{}, corrupt(path, 0, "not an archive: it begins %.8q, expected tar, tar.gz or zip (other kinds must be unpacked: a folder will do)", head)
}

// isTar reports whether head begins with a tar header, by its checksum, or with the zeros that end an empty tar. The
// header need not be that of a file: one that extends the next header comes first in many archives.
func isTar(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	block, field := head[:512], head[148:156]
	if len(bytes.Trim(block, "\x00")) == 0 {
		return true
	}
	want, err := strconv.ParseInt(string(bytes.Trim(field, " \x00")), 8, 64)
	if err != nil {
		return false
	}
	var plain, signed int64 // old programs added signed bytes
	for i, c := range block {
		if i >= 148 && i < 156 {
			c = ' '
		}
		plain += int64(c)
		signed += int64(int8(c))
	}
	return want == plain || want == signed
}

// id names what is in the tree: origin is the same for all states of one folder, content only for the same content. An
// archive is known by its SHA-256. A folder is known by the names, sizes and states of its files: to read 100,000 files at
// every start only to find them unchanged would cost more than to decode them.
func (t tree) id(ctx context.Context) (origin, content string, err error) {
	if t.format != "folder" {
		f, err := os.Open(t.path)
		if err != nil {
			return "", "", err
		}
		defer f.Close()
		content, _, err = checksum.Reader(patient{ctx, f})
		return content, content, err
	}
	real, err := filepath.EvalSymlinks(t.path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", "", err
	}
	at, h := checksum.Sum([]byte(real)), checksum.SHA256()
	buf := bufio.NewWriter(h)
	err = t.folder(ctx, func(name, path string, info fs.FileInfo) error {
		state, err := stateOf(ctx, path, info)
		if err == nil {
			fmt.Fprintf(buf, "%q %d %s\n", name, info.Size(), state)
		}
		return err
	})
	buf.Flush() // into a hash: it cannot fail
	return hex.EncodeToString(at[:]), hex.EncodeToString(h.Sum(nil)), err
}

// walk visits every regular file that is not litter: those of a folder in the order of their names, those of an archive as
// they lie.
func (t tree) walk(ctx context.Context, visit func(member) error) error {
	if t.format == "folder" {
		return t.folder(ctx, func(name, path string, info fs.FileInfo) error {
			return visit(member{name, info.Size(), func() (io.ReadCloser, error) { return os.Open(path) }})
		})
	}
	f, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	b := &budget{limits: t.limits, most: t.limits.entries, left: t.limits.unpacked + t.limits.ratio*info.Size()}
	if t.format == "zip" {
		return t.zip(ctx, f, info.Size(), b, visit)
	}
	return t.tar(ctx, f, b, visit)
}

func (t tree) zip(ctx context.Context, f *os.File, size int64, b *budget, visit func(member) error) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return corrupt(t.path, -1, "%v: not a whole zip file; its list of contents stands at its end, so it may be cut", err)
	}
	for _, e := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Some programs for Windows write \ between folders, against the format's rules.
		full := strings.ReplaceAll(e.Name, `\`, "/")
		isDir := strings.HasSuffix(full, "/")
		name, err := b.name(full)
		if err == nil && !isDir {
			err = b.spend(name, int64(min(e.UncompressedSize64, 1<<62)))
		}
		switch {
		case err != nil:
			return corrupt(t.path, -1, "%v", err)
		case isDir || litter(name):
			continue
		case !e.Mode().IsRegular():
			return corrupt(t.path, -1, "%s is %s, expected files and folders only", name, kind(e.Mode()))
		case e.Flags&1 != 0:
			return corrupt(t.path, -1, "%s is encrypted: unpack the archive, a folder will do", name)
		}
		content := &watched{} // what stops the reading of an entry is the archive's fault, what is wrong with its content is not
		open := func() (io.ReadCloser, error) {
			r, err := e.Open()
			content.r, content.err = r, err
			return struct {
				io.Reader
				io.Closer
			}{content, r}, err
		}
		if err := visit(member{name, int64(e.UncompressedSize64), open}); err != nil && content.err != nil && content.err != io.EOF {
			return t.damage(name, -1, content.err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (t tree) tar(ctx context.Context, f *os.File, b *budget, visit func(member) error) error {
	packed := &counter{r: patient{ctx, f}}
	in := bufio.NewReaderSize(packed, 1<<16)
	at := func() int { return int(packed.n) - in.Buffered() }
	end := &zeros{watched: watched{r: in}}
	if t.format == "tar.gz" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return t.damage("", at(), err)
		}
		end.r = z
	}
	end.left = b.left
	name := ""
	for r := tar.NewReader(struct{ io.Reader }{end}); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			name, err = b.name(h.Name)
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			err = b.spend(name, h.Size)
		}
		switch {
		case packed.err != nil:
			return fmt.Errorf("%s: %w", t.path, packed.err)
		case err != nil:
			return t.damage("", at(), err)
		case h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || litter(name):
			continue
		case h.Typeflag != tar.TypeReg:
			return corrupt(t.path, at(), "%s is %s, expected files and folders only", name, kind(h.FileInfo().Mode()))
		}
		if err := visit(member{name, h.Size, func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}); err != nil {
			if packed.err != nil {
				return fmt.Errorf("%s: %w", t.path, packed.err)
			}
			if end.err != nil { // the archive's fault, not that of what is in it
				return t.damage(name, at(), end.err)
			}
			return err
		}
	}
	if _, err := io.Copy(io.Discard, end); packed.err != nil { // gzip's checksum stands at the end
		return fmt.Errorf("%s: %w", t.path, packed.err)
	} else if err != nil {
		return t.damage(name, at(), err)
	}
	if end.n < 1024 { // the end of a tar is two blocks of zeros
		return corrupt(t.path, at(), "the archive ends after %q without the mark of its end: it is cut", name)
	}
	return nil
}

// damage says in plain words what an error in reading an archive means.
func (t tree) damage(name string, offset int, err error) error {
	if name != "" {
		name = "in " + name + ": "
	}
	var bits flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF:
		return corrupt(t.path, offset, "%sthe archive ends here: it is cut", name)
	case errors.Is(err, tar.ErrHeader):
		return corrupt(t.path, offset, "%sno tar header where one is due: not a tar archive, or damaged", name)
	case errors.Is(err, errBudget), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, zip.ErrChecksum),
		errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), errors.As(err, &bits):
		return corrupt(t.path, offset, "%s%v", name, err)
	}
	return err
}

var errBudget = errors.New("refused")

// budget is what is left of the limits in one walk.
type budget struct {
	limits
	most int   // entries that there were
	left int64 // bytes to unpack
}

// name checks a name as it stands in an archive and makes it clean.
func (b *budget) name(n string) (string, error) {
	if b.entries--; b.entries < 0 {
		return "", fmt.Errorf("%w: more files than the %d that are read from one data set", errBudget, b.most)
	}
	if b.names -= int64(len(n)); b.names < 0 {
		return "", fmt.Errorf("%w: the names of the files are longer than all limits", errBudget)
	}
	clean := strings.TrimSuffix(strings.TrimPrefix(n, "./"), "/")
	if clean == "" && n != "" {
		clean = "."
	}
	if !fs.ValidPath(clean) || strings.ContainsAny(clean, "\\\x00") || len(clean) > 2 && clean[1:3] == ":/" {
		return "", fmt.Errorf("%w: the name %.100q, expected one inside the data set, of UTF-8, with / and never .. between folders: "+
			"rename the file (in an archive: pack it anew)", errBudget, n)
	}
	return clean, nil
}

func (b *budget) spend(name string, size int64) error {
	if b.left -= size; size < 0 || b.left < 0 {
		return fmt.Errorf("%w: with %s (%d bytes) the archive unpacks to more than its own size makes likely, as a decompression bomb does", errBudget, name, size)
	}
	return nil
}

// zeros passes on what it reads, up to left bytes, and counts the zeros at its end.
type zeros struct {
	watched
	n, left int64
}

func (z *zeros) Read(p []byte) (int, error) {
	n, err := z.watched.Read(p)
	if z.left -= int64(n); z.left < 0 {
		z.err = fmt.Errorf("%w: the archive unpacks to more than its own size makes likely, as a decompression bomb does", errBudget)
		return 0, z.err
	}
	tail := n
	for tail > 0 && p[tail-1] == 0 {
		tail--
	}
	if tail > 0 {
		z.n = 0
	}
	z.n += int64(n - tail)
	return n, err
}

// watched remembers the error that ended the reading of r, io.EOF included.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// patient stops reading when ctx ends.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link (links in archives are not followed: pack the file itself)"
	case m.IsRegular():
		return "a hard link or a sparse file (links in archives are not followed: pack the file itself)"
	}
	return "neither a file nor a folder"
}
