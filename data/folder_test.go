package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// twins are two different pictures in files of one size: what follows the end of a PNG is not read.
func twins() (a, b []byte) {
	a, b = asPNG(paint(6, 5, 101)), asPNG(paint(6, 5, 102))
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for len(b) < len(a) {
		b = append(b, 0)
	}
	return a, b
}

// A file that another one replaces under the same name, size and modification time is another file.
func TestReplacedFileIsNoticed(t *testing.T) {
	a, b := twins()
	for name, replace := range map[string]func(path string) error{
		"written over": func(path string) error { return os.WriteFile(path, b, 0o644) },
		"another file renamed to it": func(path string) error {
			other := filepath.Join(filepath.Dir(path), ".new")
			return errors.Join(os.WriteFile(other, b, 0o644), os.Rename(other, path))
		},
		"removed and made again": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, b, 0o644)) },
	} {
		for _, linked := range []bool{false, true} {
			dir := unpack(t, but(pets(), "train/cat/1.png", a))
			path := filepath.Join(dir, "train/cat/1.png")
			if linked {
				far := filepath.Join(t.TempDir(), "far.png")
				if err := os.Rename(path, far); err != nil {
					t.Fatal(err)
				}
				symlink(t, far, path)
				path = far
			}
			o := Options{Cache: t.TempDir()}
			load := func() *Set {
				train, _, err := Load(context.Background(), "images:"+dir, o)
				if err != nil {
					t.Fatal(name, err)
				}
				return train
			}
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			old := load()
			time.Sleep(20 * time.Millisecond) // clocks of file systems tick a few hundred times a second
			if err := errors.Join(replace(path), os.Chtimes(path, time.Time{}, before.ModTime())); err != nil {
				t.Fatal(err)
			}
			after, err := os.Stat(path)
			if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
				t.Fatalf("%s: the replacement shows: %v, %v, %v", name, before, after, err)
			}
			now, fresh := load(), o
			fresh.Cache = ""
			want, _, err := Load(context.Background(), "images:"+dir, fresh)
			if err != nil || now.SHA256 != want.SHA256 || now.SHA256 == old.SHA256 {
				t.Errorf("%s, linked %v: the old pictures came, %v", name, linked, err)
			}
		}
	}
}

// bare is what systems without inodes tell of a file.
type bare struct{ fs.FileInfo }

func (bare) Sys() any { return nil }

func TestStateWithoutInodes(t *testing.T) {
	a, b := twins()
	path := writeFile(t, "1.png", a)
	state := func() string {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := inodeState(bare{info}); ok {
			t.Fatal("an inode where there is none")
		}
		s, err := stateOf(context.Background(), path, bare{info})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := state()
	if state() != first {
		t.Error("the same file has two states")
	}
	put(t, filepath.Dir(path), map[string][]byte{"1.png": b})
	if state() == first {
		t.Error("another content has the same state")
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	info, _ := os.Stat(path)
	if _, err := stateOf(stopped, path, bare{info}); !errors.Is(err, context.Canceled) {
		t.Errorf("hashing went on after the end of its context: %v", err)
	}
}
