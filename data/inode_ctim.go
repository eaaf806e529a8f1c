//go:build linux || openbsd || dragonfly

package data

import (
	"io/fs"
	"syscall"
)

// inodeState returns the inode of a file and when it was last changed in any way, in nanoseconds. Some file systems have
// neither: then ok is false.
func inodeState(info fs.FileInfo) (inode uint64, changed int64, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	inode, changed = uint64(s.Ino), s.Ctim.Nano()
	return inode, changed, inode != 0 && changed > 0
}
