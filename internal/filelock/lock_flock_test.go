//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filelock

import (
	"os"
	"syscall"
	"testing"
)

func TestUnsupported(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.ENOSYS: true, syscall.EOPNOTSUPP: true, syscall.ENOLCK: true, os.NewSyscallError("flock", syscall.ENOSYS): true,
		syscall.EWOULDBLOCK: false, syscall.EBADF: false, nil: false,
	} {
		if got := unsupported(err); got != want {
			t.Errorf("%v: unsupported = %v", err, got)
		}
	}
}

func TestInterruptedCallIsRepeated(t *testing.T) {
	calls := 0
	err := ignoreSignals(func() error {
		if calls++; calls < 3 {
			return syscall.EINTR
		}
		return syscall.EBADF
	})
	if err != syscall.EBADF || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
}
