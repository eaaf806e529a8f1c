//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// try takes the lock if nobody holds it. The kernel drops it when the process ends, however it ends.
func try(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			return nil, errHeld
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
