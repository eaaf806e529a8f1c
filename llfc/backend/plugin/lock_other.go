//go:build !unix

package plugin

// lock does nothing: the pinned wheel is for Linux only, where lock_unix.go serves.
func lock(string) (unlock func(), err error) { return func() {}, nil }
