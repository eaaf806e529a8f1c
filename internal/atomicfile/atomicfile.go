// Package atomicfile writes a file so that a reader sees either all of the old content or all of the new, even after an error, a full disk,
// a killed process or a power cut.
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

// abandoned is the age at which the writer of a temporary file must be dead: a living one writes a buffer more often than that.
const abandoned = time.Hour

// Write replaces the file at path by what write produces: a temporary file in the same directory, fsync, rename,
// fsync of the directory. If write, or anything else, fails (or panics), the file at path is as it was and the
// temporary file is gone. Only a killed process leaves its temporary file (.NAME.*.tmp) behind; a later Write of
// the same path removes those older than an hour. The directory must exist; a symbolic link at path is replaced,
// not followed. Permissions are 0666 less the umask. If two processes write the same path at once, the file is what
// one of them wrote.
func Write(path string, write func(io.Writer) error) error {
	return WriteFile(path, func(f *os.File) error {
		b := bufio.NewWriterSize(f, 1<<16)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

// WriteFile is Write for content that is not written from front to back: write gets the temporary file itself, without a buffer.
// It may read the file, but must not close it.
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
		if !done { // an error, or a panic in write
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

// Abandon removes the temporary files of every Write that is under way, and lets no other begin. It is for a program that is about to end.
func Abandon() { underWay.abandon() }

func (t *temporary) abandon() {
	t.Lock() // and keep it locked
	for name := range t.names {
		os.Remove(name)
	}
}

// Sweep removes all temporary files in dir that have not been written to for the time idle. A caller that holds a lock, and so knows that
// there is no other writer, can choose a shorter time than Write does. A file that cannot be removed stays; that is not an error.
func Sweep(dir string, idle time.Duration) { sweep(dir, "", idle) }

// sweep is Sweep for the temporary files of one base name only; "" is all of them.
func sweep(dir, base string, idle time.Duration) {
	prefix := "."
	if base != "" {
		prefix += base + "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // Write will report it
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
	if runtime.GOOS == "windows" { // directories cannot be synced there, but the journal has the rename
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
