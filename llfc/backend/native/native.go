//go:build cgo && !noxla && linux && amd64

package native

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -ldl -lpthread
#include <stdlib.h>
#include "handler.h"
#include "hook.h"
*/
import "C"

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"
)

// Kernels names the kernels that this processor would run: "avx2", or "avx512" where the environment has LAYERWISE_NATIVE=avx512; "" is none.
func Kernels() string {
	switch C.lw_best_kernels() {
	case &C.lw_kernels_avx512:
		return "avx512"
	case &C.lw_kernels_avx2:
		return "avx2"
	}
	return ""
}

var loaded struct {
	sync.Mutex
	path string
}

// Load loads XLA's CPU plugin at path, teaches it the operations and makes it known to go-xla as [PluginName]. It must be the pinned plugin:
// another one may take foreign functions in another way. A process loads one plugin; to load it again does nothing.
func Load(path string) error {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.path == path {
		return nil
	}
	if loaded.path != "" {
		return errors.New("native kernels serve another plugin already, " + loaded.path)
	}
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	var reason *C.char
	api := C.lw_hook(p, &reason)
	if api == nil {
		defer C.free(unsafe.Pointer(reason))
		return errors.New(C.GoString(reason))
	}
	if err := pjrt.RegisterPreloadedPlugin(PluginName, uintptr(api)); err != nil {
		return err
	}
	loaded.path = path
	return nil
}

// layerwiseRewrite is rewrite for the hook: nil where nothing changed, else memory to be freed.
//
//export layerwiseRewrite
func layerwiseRewrite(code *C.char, size C.size_t, rewritten *C.size_t) *C.char {
	text, changed := rewrite(string(unsafe.Slice((*byte)(unsafe.Pointer(code)), int(size))))
	if !changed {
		return nil
	}
	*rewritten = C.size_t(len(text))
	return (*C.char)(C.CBytes([]byte(text)))
}
