package plugin

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"layerwise/internal/filelock"
)

// The pinned XLA CPU plugin: a Python wheel that holds one shared library, for Linux on x86-64 (glibc ≥ 2.27).
const (
	Wheel         = "xla-cpu-pjrt==0.0.1"                                              // as pip names it
	WheelSHA256   = "55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc" // of the .whl file
	LibrarySHA256 = "88c3f28c5900f48ad4a82cab9e79bba9537809743395e341485f8794268820dc" // of the library in it
	member        = "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"
	library       = "pjrt_c_api_cpu_plugin.so" // the name by which go-xla knows it
	pinned        = "55837b6b7b47"             // its folder in the cache: the start of WheelSHA256
	maxLibrary    = 1 << 30                    // bytes; the real one has 259 MB
)

// source is what Unpack takes a library from; a value so that tests can put a small wheel in the place of the real one.
type source struct{ wheelSHA256, librarySHA256, member string }

var release = source{WheelSHA256, LibrarySHA256, member}

// Unpack puts the library of the pinned wheel into dir (see [CacheDir]) and returns its path. A library that is
// already there is kept. The wheel and the library are checked against their SHA-256; the library gets its name only
// when it is whole and on the disk, so that neither a kill nor a second Unpack beside this one leaves a broken plugin.
func Unpack(wheel, dir string) (path string, err error) { return release.unpack(wheel, dir) }

func (s source) unpack(wheel, dir string) (path string, err error) {
	dir = filepath.Join(dir, s.wheelSHA256[:len(pinned)])
	path = filepath.Join(dir, library)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	unlock, err := filelock.Lock(context.Background(), filepath.Join(dir, ".lock"), nil)
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	defer unlock()
	if isFile(path) {
		return path, nil
	}
	if err := checkSum(wheel, s.wheelSHA256); err != nil {
		return "", err
	}
	old, _ := filepath.Glob(filepath.Join(dir, ".unpacking-*")) // left by a kill: no one else writes while we hold the lock
	for _, f := range old {
		_ = os.Remove(f)
	}
	if err := s.write(wheel, path); err != nil {
		return "", fmt.Errorf("plugin: unpack %s: %w", wheel, err)
	}
	return path, nil
}

// write copies the library out of the wheel to path: temporary file, checksum, fsync, rename.
func (s source) write(wheel, path string) (err error) {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	in, err := archive.Open(s.member)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()

	out, err := os.CreateTemp(filepath.Dir(path), ".unpacking-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = out.Close()
			_ = os.Remove(out.Name())
		}
	}()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(in, maxLibrary)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != s.librarySHA256 {
		return fmt.Errorf("%s has SHA-256 %s, expected %s", s.member, got, s.librarySHA256)
	}
	if err := out.Chmod(0o755); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// IsPinned says whether path is the place of the pinned plugin in our cache, whose content [Verify] can check.
func IsPinned(path string) bool {
	return filepath.Base(path) == library && filepath.Base(filepath.Dir(path)) == pinned
}

// Verify reads a whole pinned plugin and compares its SHA-256: about 0.3 s.
func Verify(path string) error { return checkSum(path, LibrarySHA256) }

func checkSum(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("plugin: %w", err)
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("plugin: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("plugin: %s has SHA-256 %s, expected %s: delete it and run make plugin", path, got, want)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
