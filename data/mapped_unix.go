//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package data

import (
	"fmt"
	"os"
	"syscall"
)

// mapFile returns the content of f as memory that is read from disk when it is touched. What a Set holds is never unmapped: it is
// a value that is copied freely, so nobody knows when the last one goes. Address space is all that it costs.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s: map into memory: %w", f.Name(), err)
	}
	return b, nil
}

func unmapFile(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return syscall.Munmap(b)
}
