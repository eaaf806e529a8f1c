//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// try takes the lock if nobody holds it. The kernel drops it when the process ends.
func try(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err = ignoreSignals(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil && !unsupported(err) {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, os.NewSyscallError("flock", err)
	}
	// If the folder was removed in the meantime, this is the lock of a file that others no longer see.
	if mine, err := f.Stat(); err != nil {
		f.Close()
		return nil, err
	} else if theirs, err := os.Stat(path); err != nil || !os.SameFile(mine, theirs) {
		f.Close()
		return nil, errRemoved
	}
	return func() { f.Close() }, nil
}

// unsupported reports whether a file system has no locks; some network mounts have none.
func unsupported(err error) bool {
	return errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOLCK)
}

// ignoreSignals repeats a system call that a signal interrupted.
func ignoreSignals(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
