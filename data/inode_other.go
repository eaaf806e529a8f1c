//go:build !(linux || freebsd || openbsd || dragonfly || darwin || netbsd)

package data

import "io/fs"

// inodeState has nothing to return on this system.
func inodeState(fs.FileInfo) (inode uint64, changed int64, ok bool) { return 0, 0, false }
