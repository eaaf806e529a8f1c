package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted decodes pets and knows how often.
func counted(n *atomic.Int32) decoder {
	d := folderDecoder()
	decode := d.decode
	d.decode = func(ctx context.Context, t tree, start startDraft) error {
		n.Add(1)
		return decode(ctx, t, start)
	}
	return d
}

func TestDecodedOnce(t *testing.T) {
	path := writeFile(t, "p.zip", asZip(pets()))
	o := Options{Cache: t.TempDir()}
	var n atomic.Int32
	var first *Set
	for range 3 {
		tree, err := openTree(path, standardLimits())
		if err != nil {
			t.Fatal(err)
		}
		train, test, err := decodedSets(context.Background(), o, tree, "", counted(&n))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first, _, _ = decodedSets(context.Background(), Options{}, tree, "", folderDecoder()) // without a cache
		}
		for _, s := range []*Set{train, test} {
			s.Name = "p"
			if err := s.Validate(); err != nil || s.SHA256 != s.Checksum() {
				t.Errorf("%v: %v, SHA256 %s", s, err, s.SHA256)
			}
		}
		if train.SHA256 != first.SHA256 || !slices.Equal(train.Labels, first.Labels) || !slices.Equal(train.Classes, first.Classes) ||
			!slices.Equal(train.Mean, first.Mean) || train.Note != first.Note || train.Split != "train" || train.Max != 255 {
			t.Errorf("%+v, expected as without a cache: %+v", train, first)
		}
		if _, err := train.Subset(2, 1); err != nil {
			t.Error(err)
		}
	}
	if n.Load() != 1 {
		t.Errorf("decoded %d times, expected once", n.Load())
	}
	if got := visible(filepath.Join(o.Cache, "decoded")); len(got) != 1 {
		t.Errorf("the cache holds %q", got)
	}
}

// A file in the cache that is not whole, or not what it should be, is made again.
func TestDecodedDamage(t *testing.T) {
	path := writeFile(t, "p.zip", asZip(pets()))
	tree, err := openTree(path, standardLimits())
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := decodedSets(context.Background(), Options{}, tree, "", folderDecoder())
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"empty":               func([]byte) []byte { return nil },
		"half written":        func(b []byte) []byte { return b[:len(b)/2] },
		"without its end":     func(b []byte) []byte { return b[:len(b)-1] },
		"longer":              func(b []byte) []byte { return append(b, 0) },
		"pixel changed":       func(b []byte) []byte { b[3]++; return b },
		"test pixel changed":  func(b []byte) []byte { b[decodedAlign]++; return b },
		"label changed":       func(b []byte) []byte { b[2*decodedAlign]++; return b },
		"description changed": func(b []byte) []byte { return []byte(strings.Replace(string(b), "cat", "cow", 1)) },
		"length of the moon": func(b []byte) []byte {
			copy(b[len(b)-decodedFooter:], "\xff\xff\xff\xff\xff\xff\xff\xff")
			return b
		},
		"zeros":      func(b []byte) []byte { return make([]byte, len(b)) },
		"a web page": func([]byte) []byte { return []byte("<html>" + strings.Repeat(" ", 100)) },
	} {
		o := Options{Cache: t.TempDir()}
		var n atomic.Int32
		load := func() *Set {
			train, _, err := decodedSets(context.Background(), o, tree, "", counted(&n))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return train
		}
		load()
		file := filepath.Join(o.Cache, "decoded", visible(filepath.Join(o.Cache, "decoded"))[0])
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(file) // what is mapped stays as it is
		if err := os.WriteFile(file, spoil(b), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := load(); got.SHA256 != want.SHA256 || got.Checksum() != want.SHA256 || got.Classes[0] != "cat" || n.Load() != 2 {
			t.Errorf("%s: %v, decoded %d times, expected 2", name, got, n.Load())
		}
		if load(); n.Load() != 2 {
			t.Errorf("%s: the file was not mended", name)
		}
	}
}

// What was decoded from something else is not taken, and what it replaces goes.
func TestDecodedKeys(t *testing.T) {
	o := Options{Cache: t.TempDir()}
	dir := unpack(t, pets())
	load := func(path, version string) *Set {
		d := folderDecoder()
		d.version += version
		tree, err := openTree(path, standardLimits())
		if err != nil {
			t.Fatal(err)
		}
		train, _, err := decodedSets(context.Background(), o, tree, "", d)
		if err != nil {
			t.Fatal(err)
		}
		return train
	}
	files := func() []string { return visible(filepath.Join(o.Cache, "decoded")) }
	one := load(dir, "")
	a := files()
	if load(dir, ""); !slices.Equal(files(), a) {
		t.Errorf("the same folder: %q, then %q", a, files())
	}
	if load(dir, " two"); len(files()) != 1 || slices.Equal(files(), a) {
		t.Errorf("another version: %q, then %q, expected another in its place", a, files())
	}
	name := filepath.Join(dir, "train/cat/1.png")
	old, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	b := asPNG(paint(6, 5, 77))
	if err := errors.Join(os.WriteFile(name, b, 0o644), os.Chtimes(name, time.Time{}, old.ModTime().Add(time.Second))); err != nil {
		t.Fatal(err)
	}
	if two := load(dir, ""); two.SHA256 == one.SHA256 || len(files()) != 1 {
		t.Errorf("a changed file: %s and %s, the cache holds %q", one.SHA256, two.SHA256, files())
	}
	load(writeFile(t, "p.zip", asZip(pets())), "")
	load(writeFile(t, "q.tar", packTar("", pets())), "")
	if len(files()) != 3 {
		t.Errorf("the cache holds %q, expected three of a folder and two archives", files())
	}
	// the same archive elsewhere is the same
	load(writeFile(t, "elsewhere.zip", asZip(pets())), "")
	if len(files()) != 3 {
		t.Errorf("the cache holds %q", files())
	}
}

func TestDecodedTogether(t *testing.T) {
	tree, err := openTree(writeFile(t, "p.zip", asZip(pets())), standardLimits())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Cache: t.TempDir()}
	var n atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, _, err := decodedSets(context.Background(), o, tree, "", counted(&n)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n.Load() != 1 {
		t.Errorf("decoded %d times at once, expected once", n.Load())
	}
}

// Where the cache cannot be written, sets are loaded all the same, and one line says why. Most of these ways stop root too.
func TestDecodedWithoutCache(t *testing.T) {
	path := writeFile(t, "p.zip", asZip(pets()))
	want, _, err := Load(context.Background(), "images:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	kept := t.TempDir() // as it is where the cache can be written
	if _, _, err := Load(context.Background(), "images:"+path, Options{Cache: kept}); err != nil {
		t.Fatal(err)
	}
	file := visible(filepath.Join(kept, "decoded"))[0]
	for name, k := range map[string]struct {
		spoil func(cache string) error
		want  string
	}{
		"the cache is a file":  {func(c string) error { return errors.Join(os.Remove(c), os.WriteFile(c, nil, 0o644)) }, "not a directory"},
		"its folder is a file": {func(c string) error { return os.WriteFile(filepath.Join(c, "decoded"), nil, 0o644) }, "not a directory"},
		"the lock is a folder": {func(c string) error { return os.MkdirAll(filepath.Join(c, "decoded", ".lock"), 0o755) }, ".lock: is a directory"},
		"the file is a folder": {func(c string) error { return os.MkdirAll(filepath.Join(c, "decoded", file, "x"), 0o755) }, file},
		"it can only be read": {func(c string) error {
			return errors.Join(os.Mkdir(filepath.Join(c, "decoded"), 0o755), os.Chmod(filepath.Join(c, "decoded"), 0o555))
		}, "permission denied"},
		"a good one, to compare": {func(string) error { return nil }, ""},
	} {
		if name == "it can only be read" && os.Geteuid() == 0 {
			continue // root may write everywhere
		}
		cache := filepath.Join(t.TempDir(), "cache")
		if err := errors.Join(os.Mkdir(cache, 0o755), k.spoil(cache)); err != nil {
			t.Fatal(name, err)
		}
		var notes []string
		o := Options{Cache: cache, Note: func(line string) { notes = append(notes, line) }}
		train, _, err := Load(context.Background(), "images:"+path, o)
		if err != nil || train.SHA256 != want.SHA256 || train.SHA256 != train.Checksum() || train.Note != want.Note {
			t.Errorf("%s: %v, %v", name, train, err)
		}
		if k.want == "" && len(notes) == 0 {
			continue
		}
		if len(notes) != 1 || strings.Contains(notes[0], "\n") || k.want == "" || !strings.Contains(notes[0], k.want) || !strings.Contains(notes[0], path) || !strings.Contains(notes[0], "set XDG_CACHE_HOME") {
			t.Errorf("%s: notes %q, expected one with %q", name, notes, k.want)
		}
		o.Note = nil
		if _, _, err := Load(context.Background(), "images:"+path, o); err != nil {
			t.Errorf("%s, nobody listens: %v", name, err)
		}
	}
}

// What is wrong with the images is said once, as an error, and is no fault of the cache.
func TestDecodedBadImageIsNoFaultOfTheCache(t *testing.T) {
	path := writeFile(t, "p.zip", asZip(but(pets(), "train/cat/1.png", pets()["train/cat/1.png"][:60])))
	var n atomic.Int32
	tree, err := openTree(path, standardLimits())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Cache: t.TempDir(), Note: func(line string) { t.Errorf("a note: %s", line) }}
	_, _, err = decodedSets(context.Background(), o, tree, "", counted(&n))
	contains(t, "bad image", err, "train/cat/1.png", "cannot be decoded")
	if n.Load() != 1 {
		t.Errorf("decoded %d times, expected once", n.Load())
	}
}

func ExampleLoad_images() {
	dir, err := os.MkdirTemp("", "pets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"train/cat/1.png", "train/dog/1.png", "test/cat/2.png", "test/dog/2.png"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, asPNG(grey(8, 8, 1)), 0o644)); err != nil {
			fmt.Println(err)
			return
		}
	}
	train, test, err := Load(context.Background(), "images:"+dir, Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train.Len(), test.Len(), train.Shape, train.Classes)
	// Output: 2 2 [8 8 1] [cat dog]
}
