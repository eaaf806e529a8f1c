package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// holds fails unless dir holds exactly the file at path with that content.
func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("file holds %q (%v), want %q", got, err, want)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp")); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	for _, s := range []string{"old", "", strings.Repeat("long ", 1<<16)} {
		if err := Write(path, text(s)); err != nil {
			t.Fatal(err)
		}
		holds(t, path, s)
	}
	if info, err := os.Stat(path); err != nil {
		t.Fatal(err)
	} else if runtime.GOOS != "windows" && info.Mode().Perm()&0o400 == 0 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestFailureKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("half ", 1<<16))
		return boom
	})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v should wrap boom and name %s", err, path)
	}
	holds(t, path, "old")

	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = Write(path, func(io.Writer) error { panic("boom") })
	}()
	holds(t, path, "old")

	if err := Write(filepath.Join(t.TempDir(), "missing", "a"), text("")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
	if dir := t.TempDir(); Write(dir, text("")) == nil {
		t.Error("replaced a directory by a file")
	}
}

func TestTwoWritersOneWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	a, b := strings.Repeat("a", 1<<18), strings.Repeat("b", 1<<18)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if err := Write(path, text([]string{a, b}[i%2])); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != a && string(got) != b {
				t.Errorf("torn: %d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestSweepsAbandonedFilesOnly(t *testing.T) {
	dir := t.TempDir()
	age := func(name string, d time.Duration) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-d)
		if err := os.Chtimes(p, when, when); err != nil {
			t.Fatal(err)
		}
		return p
	}
	old, young, other := age(".a.1.tmp", 2*time.Hour), age(".a.2.tmp", time.Minute), age(".b.3.tmp", 2*time.Hour)
	if err := Write(filepath.Join(dir, "a"), text("")); err != nil {
		t.Fatal(err)
	}
	check := func(want map[string]bool) {
		t.Helper()
		for p, want := range want {
			if _, err := os.Stat(p); (err == nil) != want {
				t.Errorf("%s: there = %v, want %v", p, err == nil, want)
			}
		}
	}
	check(map[string]bool{old: false, young: true, other: true})
	plain := age("b.tmp", 2*time.Hour) // not of Write's making
	Sweep(dir, time.Hour)
	check(map[string]bool{young: true, other: false, plain: true})
	Sweep(dir, 30*time.Second)
	check(map[string]bool{young: false, plain: true})
}

func TestWriteFileOutOfOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.bin")
	err := WriteFile(path, func(f *os.File) error {
		if _, err := f.WriteAt([]byte("second"), 5); err != nil {
			return err
		}
		_, err := f.WriteAt([]byte("first"), 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, "firstsecond")
	if err := WriteFile(path, func(f *os.File) error {
		f.WriteAt([]byte("X"), 0)
		return errors.New("no")
	}); err == nil {
		t.Error("the error was swallowed")
	}
	holds(t, path, "firstsecond")
}

// Abandoned files are gone, those that were put in place stay, and nothing is begun any more.
func TestAbandon(t *testing.T) {
	dir := t.TempDir()
	all := temporary{names: map[string]bool{}}
	placed, half := filepath.Join(dir, ".a.1.tmp"), filepath.Join(dir, ".b.2.tmp")
	for _, name := range []string{placed, half} {
		f, err := all.create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	all.forget(placed)
	all.abandon()
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", half, err)
	}
	if _, err := os.Stat(placed); err != nil {
		t.Error(err)
	}
	go all.create(filepath.Join(dir, ".c.3.tmp"))
	time.Sleep(20 * time.Millisecond)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
