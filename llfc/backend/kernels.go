package backend

import (
	"errors"
	"fmt"
	"os"

	"layerwise/llfc/backend/native"
	"layerwise/llfc/backend/plugin"
)

// NativeEnv is an environment variable: "0" leaves convolutions to XLA, "avx512" takes kernels that have not been run yet. Runs made with one kind of kernels are not continued with another.
const NativeEnv = "LAYERWISE_NATIVE"

// withKernels tells whether a plugin is to be opened with the kernels of package native: a line that names them, or why not.
func withKernels(device, path string) (line string, err error) {
	switch {
	case device != "cpu":
		return "", errors.New("native kernels are for the CPU")
	case os.Getenv(NativeEnv) == "0":
		return "", fmt.Errorf("%s=0", NativeEnv)
	case !plugin.IsPinned(path):
		return "", fmt.Errorf("native kernels know how %s calls them, and not how this plugin would", plugin.Wheel)
	case native.Kernels() == "":
		return "", errors.New("native kernels need an amd64 processor with AVX2 or AVX-512, Linux and a build with cgo")
	}
	return "native, " + native.Kernels(), nil
}
