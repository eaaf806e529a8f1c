//go:build !cgo || noxla

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

const hasXLA = false

func newXLA(device, path, options string, withNative bool) (compute.Backend, string, error) {
	return nil, "", errors.New("built without XLA")
}
