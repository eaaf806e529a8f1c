//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package data

import (
	"io"
	"os"
)

// mapFile returns the content of f, read into memory.
func mapFile(f *os.File, size int64) ([]byte, error) {
	b := make([]byte, size)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, size), b)
	return b, err
}

func unmapFile([]byte) error { return nil }
