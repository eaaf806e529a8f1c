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

// Lock locks the file at path, which it creates and leaves behind. If another process or goroutine holds the lock, Lock calls waiting once,
// unless that is nil, and waits until ctx ends. The lock ends with unlock, or with the process, however that ends. On a file system without
// locks nobody waits, so doing the guarded work twice must be harmless.
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
