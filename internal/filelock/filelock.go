// Package filelock keeps two processes from doing the same work at once.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	errHeld    = errors.New("held by another process")
	errRemoved = errors.New("removed while it was being locked")
)

// Lock waits for the lock on the file at path, which it creates and leaves behind, until ctx ends. waiting, if not nil, is called once if
// another holder is waited for. The lock goes with unlock, or with the process, however that ends. Of two goroutines one waits for the
// other too. On a file system without locks nobody waits: what is guarded must be harmless to do twice.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	for {
		unlock, err = try(path)
		switch {
		case err == nil:
			return unlock, nil
		case errors.Is(err, errRemoved):
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("lock %s: %w", path, err)
			}
			continue
		case !errors.Is(err, errHeld):
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w: %w", path, err, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
