// Package atomicfile writes a file so that a reader sees the old content or the new, whole, and nothing between:
// not after an error, a full disk, a killed process or a power cut.
package atomicfile

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// abandoned is the age at which a temporary file can have no living writer: a living one touches its file with
// every buffer it fills.
const abandoned = time.Hour

// Write replaces the file at path by what write produces: a temporary file in the same directory, fsync, rename,
// fsync of the directory. If write, or anything else, fails (or panics), the file at path is as it was and the
// temporary file is gone. Only a killed process leaves its temporary file (.NAME.*.tmp) behind; a later Write of
// the same path removes those older than an hour. The directory must exist; a symbolic link at path is replaced,
// not followed. Permissions are 0666 less the umask. Two processes may write the same path at once: one of the
// two wins, whole.
func Write(path string, write func(io.Writer) error) error {
	return WriteFile(path, func(f *os.File) error {
		b := bufio.NewWriterSize(f, 1<<16)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

// WriteFile is Write for content that does not come in order: write has the temporary file itself, not buffered.
// It may read it back, and must not close it.
func WriteFile(path string, write func(*os.File) error) (err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	sweep(dir, base, abandoned)
	name := filepath.Join(dir, fmt.Sprintf(".%s.%016x.tmp", base, rand.Uint64()))
	f, err := underWay.create(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	done := false
	defer func() {
		if !done { // an error, or a panic in write on its way up
			f.Close()
			os.Remove(name)
		}
		underWay.forget(name)
	}()
	for _, step := range []func() error{
		func() error { return write(f) }, f.Sync, f.Close,
		func() error { return os.Rename(name, path) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	done = true
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("write %s: the file is in place, but its directory entry may not survive a power cut: %w", path, err)
	}
	return nil
}

// underWay are the temporary files of this process.
var underWay = temporary{names: map[string]bool{}}

type temporary struct {
	sync.Mutex
	names map[string]bool
}

// create is not os.CreateTemp, whose 0600 would outlive the rename.
func (t *temporary) create(name string) (*os.File, error) {
	t.Lock()
	defer t.Unlock()
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		t.names[name] = true
	}
	return f, err
}

func (t *temporary) forget(name string) {
	t.Lock()
	defer t.Unlock()
	delete(t.names, name)
}

// Abandon removes the temporary files of every Write under way, which then fails, and lets none begin any more: it is for a program that
// is about to end.
func Abandon() {
	underWay.Lock() // for good
	for name := range underWay.names {
		os.Remove(name)
	}
}

// Sweep removes the temporary files in dir, of whatever path, that nobody has written to for so long. Who knows that there is no other
// writer, by a lock, need not wait as long as Write does. What cannot be removed stays: it is litter, not an error.
func Sweep(dir string, idle time.Duration) { sweep(dir, "", idle) }

// sweep is Sweep of the temporary files of base alone; "" is all of them.
func sweep(dir, base string, idle time.Duration) {
	prefix := "."
	if base != "" {
		prefix += base + "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // Write is about to say so
	}
	for _, e := range entries {
		if n := e.Name(); strings.HasPrefix(n, prefix) && strings.HasSuffix(n, ".tmp") {
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > idle {
				os.Remove(filepath.Join(dir, n))
			}
		}
	}
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there; the rename is in the journal
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
