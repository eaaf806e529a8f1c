//go:build !cgo || noxla || !linux || !amd64

package native

import "errors"

// Kernels names the kernels that this processor would run; "" is none.
func Kernels() string { return "" }

// Load says that there are none.
func Load(string) error {
	return errors.New("this program was built without them: they need cgo, Linux and an amd64 processor")
}
