// Package filelock keeps two processes from doing the same work at once.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errHeld = errors.New("held by another process")

// Lock waits for the lock on the file at path, which it creates and leaves behind, until ctx ends. waiting, if not nil, is called once if
// another holder is waited for. The lock goes with unlock, or with the process.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	for {
		unlock, err = try(path)
		if err == nil {
			return unlock, nil
		}
		if !errors.Is(err, errHeld) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w by another process: %w", path, errHeld, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
