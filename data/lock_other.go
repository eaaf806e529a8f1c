//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// lock waits until this process alone holds the lock file at path, or ctx ends. Without flock the lock is that the file
// exists; one that a killed process left counts no more after ten minutes.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			return func() { f.Close(); os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > 10*time.Minute {
			os.Remove(path)
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
