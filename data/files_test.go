package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// toy is a data set like MNIST, of 60 and 30 images of 5×4, small enough to break in every way.
type toy struct {
	collection
	raw map[string][]byte // by canonical name, decompressed
}

func newToy() toy { return newToyOf(60, 30, 5, 4) }

func newToyOf(train, test, h, w int) toy {
	rng := rand.New(rand.NewPCG(1, 2))
	t := toy{collection{name: "toy", folders: []string{"", "toy", "MNIST/raw"}, mirrors: []string{"http://localhost:1/toy"}}, map[string][]byte{}}
	for _, part := range []struct {
		name string
		n    int
	}{{"train", train}, {"t10k", test}} {
		pixels, labels := make([]byte, part.n*h*w), make([]byte, part.n)
		for i := range pixels {
			pixels[i] = byte(rng.Uint32())
		}
		for i := range labels {
			labels[i] = byte(i * 7 % 10)
		}
		images, ls := part.name+"-images-idx3-ubyte", part.name+"-labels-idx1-ubyte"
		t.raw[images], t.raw[ls] = idx([]int{part.n, h, w}, pixels...), idx([]int{part.n}, labels...)
		t.files = append(t.files,
			idxImageFile(part.n, h, w, hash(t.raw[images]), images, part.name+"-images.idx3-ubyte"),
			idxLabelFile(part.n, 10, hash(t.raw[ls]), ls, part.name+"-labels.idx1-ubyte"))
	}
	return t
}

func hash(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// packed is every file of the toy as mirrors have it.
func (y toy) packed() map[string][]byte {
	m := map[string][]byte{}
	for name, b := range y.raw {
		m[name+".gz"] = gz(b)
	}
	return m
}

func (y toy) load(o Options) (train, test *Set, err error) {
	return loadMNIST(context.Background(), o, y.collection)
}

// put writes files into a folder that is made.
func put(t testing.TB, folder string, files map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// visible lists what a folder holds, dot files apart.
func visible(folder string) (names []string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestFilesAreFoundInEveryLayout(t *testing.T) {
	y := newToy()
	want, _, err := func() (*Set, *Set, error) {
		dir := t.TempDir()
		put(t, dir, y.raw)
		return y.load(Options{Dirs: []string{dir}, Offline: true})
	}()
	if err != nil {
		t.Fatal(err)
	}
	dotted := func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) }
	for _, sub := range []string{"", "toy", "MNIST/raw", "cache"} {
		for _, name := range []string{"raw", "gz", "dotted", "dotted gz"} {
			root := t.TempDir()
			o := Options{Dirs: []string{filepath.Join(root, "nowhere"), root}, Offline: true}
			folder := filepath.Join(root, sub)
			if sub == "cache" {
				o = Options{Dirs: o.Dirs[:1], Cache: root, Offline: true}
				folder = filepath.Join(root, "toy")
			}
			files := map[string][]byte{}
			for n, b := range y.raw {
				if strings.HasPrefix(name, "dotted") {
					n = dotted(n)
				}
				if strings.HasSuffix(name, "gz") {
					n, b = n+".gz", gz(b)
				}
				files[n] = b
			}
			put(t, folder, files)
			train, test, err := y.load(o)
			if err != nil || train.Checksum() != want.Checksum() || test.Len() != 30 || train.Split != "train" || test.Split != "test" {
				t.Errorf("%s in %q: %v, %v, %v", name, sub, train, test, err)
			}
		}
	}
}

// Some archives unpack to a folder named like the file it holds.
func TestFolderNamedLikeTheFile(t *testing.T) {
	y, dir := newToy(), t.TempDir()
	put(t, dir, y.packed())
	put(t, filepath.Join(dir, "train-images-idx3-ubyte"), nil)
	if _, _, err := y.load(Options{Dirs: []string{dir}}); err != nil {
		t.Error(err)
	}
}

// Damage to one file: the error names it and where, the user's file stays, the cache's goes.
func TestDamage(t *testing.T) {
	y := newToy()
	const images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
	ri, rl := y.raw[images], y.raw[labels]
	set := func(b []byte, at int, v byte) []byte { c := slices.Clone(b); c[at] = v; return c }
	pi := gz(ri)
	other := newToyOf(60, 30, 5, 5).raw[images]
	for _, c := range []struct {
		name string
		file string
		b    []byte
		want []string
	}{
		{"empty", images, nil, []string{"offset 0", "expected 4 bytes"}},
		{"raw cut", images, ri[:700], []string{"offset 12", "60×5×4", "more than the 684 bytes", "truncated"}},
		{"raw longer", images, append(slices.Clone(ri), 1), []string{"offset 1216", "goes on", "1216 bytes"}},
		{"raw pixel changed", images, set(ri, 99, ri[99]+1), []string{"SHA-256", y.files[0].sha256}},
		{"wrong magic", images, set(ri, 3, 1), []string{"offset 0", "0x00000801 (labels), expected 0x00000803 (images)"}},
		{"labels instead", images, rl, []string{"offset 0", "(labels)"}},
		{"other size", images, set(set(other, 7, 48), 3, 3)[:16+48*25], []string{"offset 4", "48×5×5, expected 60×5×4"}},
		{"absurd header", images, set(set(ri, 4, 255), 8, 255), []string{"offset 4", "more than"}},
		{"label out of range", labels, set(rl, 11, 200), []string{"offset 11", "label 200 of sample 3, expected 0 to 9"}},
		{"fewer labels", labels, idx([]int{59}, rl[8:67]...), []string{"offset 4", "59 labels, expected 60"}},
		{"label changed", labels, set(rl, 8, 5), []string{"SHA-256", y.files[1].sha256}},
		{"web page", images, []byte("\n<!DOCTYPE html><html><body>404</body></html>"), []string{"offset 0", "web page", "<!DOCTYPE html>"}},
		{"error in XML", images, []byte(`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`), []string{"offset 0", "XML", "<?xml"}},
		{"packed cut", images + ".gz", pi[:len(pi)/2], []string{fmt.Sprintf("offset %d", len(pi)/2), "truncated"}},
		{"packed cut at its sum", images + ".gz", pi[:len(pi)-3], []string{fmt.Sprintf("offset %d", len(pi)-3), "truncated"}},
		{"packed header cut", images + ".gz", pi[:6], []string{"offset 6", "gzip header"}},
		{"packed sum wrong", images + ".gz", set(pi, len(pi)-8, pi[len(pi)-8]+1), []string{fmt.Sprintf("offset %d", len(pi)), "checksum"}},
		{"packed with a tail", images + ".gz", append(slices.Clone(pi), "tail"...), []string{fmt.Sprintf("offset %d", len(pi)), "more follows"}},
		{"packed web page", images + ".gz", []byte("<html>log in</html>"), []string{"web page"}},
		{"packed bomb", images + ".gz", gz(append(slices.Clone(ri), make([]byte, 20<<20)...)), []string{"offset 1216", "goes on"}},
		{"packed twice", images + ".gz", gz(pi), []string{"offset 0", "magic number 0x1f8b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join(dir, "toy")
			put(t, folder, y.raw)
			os.Remove(filepath.Join(folder, strings.TrimSuffix(c.file, ".gz")))
			path := filepath.Join(folder, c.file)
			put(t, folder, map[string][]byte{c.file: c.b})

			_, _, err := y.load(Options{Dirs: []string{dir}, Cache: t.TempDir(), Offline: true})
			if !isCorrupt(err) {
				t.Fatalf("error %v, expected a CorruptError", err)
			}
			for _, want := range append(c.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, c.b) {
				t.Errorf("the user's file was touched: %v", err)
			}

			_, _, err = y.load(Options{Cache: dir, Offline: true})
			var missing *MissingError
			if !isCorrupt(err) || !errors.As(err, &missing) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "removed from the cache") {
				t.Errorf("from the cache: error %v, expected the damage and what is missing", err)
			}
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Error("the damaged file is still in the cache")
			}
			if len(visible(folder)) != 3 {
				t.Errorf("the cache holds %v, expected the three good files", visible(folder))
			}
		})
	}
}

// Every truncation and every flipped bit of a packed file is either noticed or harmless (gzip has bytes that mean nothing).
func TestEveryFlipAndCut(t *testing.T) {
	f := newToy().files[1]
	good := newToy().raw[f.names[0]]
	p := gz(good)
	for n := range p {
		if _, err := f.decode("p", bytes.NewReader(p[:n])); !isCorrupt(err) {
			t.Fatalf("cut at %d: error %v", n, err)
		}
		for bit := range 8 {
			q := slices.Clone(p)
			q[n] ^= 1 << bit
			if b, err := f.decode("p", bytes.NewReader(q)); err == nil && !bytes.Equal(b, good) {
				t.Fatalf("bit %d of byte %d flipped: wrong content without error", bit, n)
			} else if err != nil && !isCorrupt(err) {
				t.Fatalf("bit %d of byte %d flipped: error %v", bit, n, err)
			}
		}
	}
}

// A disk that fails is not bad data: nothing is removed for it.
func TestReadErrorIsNotDamage(t *testing.T) {
	f := newToy().files[0]
	p := gz(newToy().raw[f.names[0]])
	disk := errors.New("input/output error")
	for _, n := range []int{0, 1, 5, 600, len(p) - 1} {
		_, err := f.decode("p", &failing{bytes.NewReader(p[:n]), disk})
		if !errors.Is(err, disk) || isCorrupt(err) {
			t.Errorf("after %d bytes: error %v, expected the disk's", n, err)
		}
	}
}

type failing struct {
	r   *bytes.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.r.Len() == 0 {
		return 0, f.err
	}
	return f.r.Read(p)
}

func TestMissingSaysWhereAndWhat(t *testing.T) {
	y, dir, cache := newToy(), t.TempDir(), t.TempDir()
	files := y.packed()
	delete(files, "t10k-labels-idx1-ubyte.gz")
	put(t, dir, files)
	gone := filepath.Join(dir, "gone")
	_, _, err := y.load(Options{Dirs: []string{dir, gone}, Cache: cache, Offline: true})
	var missing *MissingError
	if !errors.As(err, &missing) || !slices.Equal(missing.Files, []string{"t10k-labels-idx1-ubyte.gz"}) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"not found: t10k-labels-idx1-ubyte.gz\n", dir, gone + " (no such folder)", filepath.Join(cache, "toy"),
		"LAYERWISE_OFFLINE is set", "into " + filepath.Join(dir, "toy"), "LAYERWISE_DATA"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if len(visible(cache)) != 0 {
		t.Errorf("offline, the cache was written to: %v", visible(cache))
	}
	_, _, err = y.load(Options{})
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "there is no cache folder") || !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
		t.Errorf("without folders: %v", err)
	}
}

func TestStatusOfFiles(t *testing.T) {
	y := newToy()
	for _, c := range []struct {
		state  string
		ready  bool
		spoil  func(m map[string][]byte)
		online bool
		get    string
	}{
		{"verified", true, func(map[string][]byte) {}, false, ""},
		{"missing", false, func(m map[string][]byte) { clear(m) }, false, "put train-images"},
		{"missing", false, func(m map[string][]byte) { clear(m) }, true, "is downloaded when first asked for; or put"},
		{"incomplete", false, func(m map[string][]byte) { delete(m, "t10k-images-idx3-ubyte.gz") }, false, "put t10k-images-idx3-ubyte.gz,"},
		{"corrupt", false, func(m map[string][]byte) { m["t10k-images-idx3-ubyte.gz"] = []byte("no") }, true, "remove or replace"},
	} {
		dir := t.TempDir()
		files := y.packed()
		c.spoil(files)
		put(t, filepath.Join(dir, "toy"), files)
		var a Availability
		y.status(Options{Cache: dir, Offline: !c.online}, &a)
		if a.State != c.state || a.Ready != c.ready || !strings.Contains(a.Get, c.get) || (a.Get == "") != c.ready || len(a.Files) != 4 {
			t.Errorf("%s: %+v", c.state, a)
		}
		if len(visible(filepath.Join(dir, "toy"))) != len(files) {
			t.Errorf("%s: Status changed the cache", c.state)
		}
		var size int64
		for _, b := range files {
			size += int64(len(b))
		}
		if a.Size != size || (a.Where == "") != (len(files) == 0) {
			t.Errorf("%s: %d bytes in %q, expected %d", c.state, a.Size, a.Where, size)
		}
	}
}

func FuzzDecode(f *testing.F) {
	y := newToyOf(3, 3, 2, 2)
	good := y.raw["train-labels-idx1-ubyte"]
	f.Add(good)
	f.Add(gz(good))
	f.Add(gz(good)[:20])
	f.Add(gz(make([]byte, 1<<16)))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := y.files[1].decode("fuzz", bytes.NewReader(b))
		if err == nil && !bytes.Equal(got, good) {
			t.Fatalf("accepted %x", got)
		}
		if err != nil && !isCorrupt(err) {
			t.Fatalf("error %v is no CorruptError", err)
		}
		if int64(len(got)) > y.files[1].size+1 {
			t.Fatalf("kept %d bytes of a file of %d", len(got), y.files[1].size)
		}
	})
}
