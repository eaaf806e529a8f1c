//go:build cgo && !noxla

package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla" // registers "xla"; it downloads nothing unless its autoinstall is imported
	"github.com/gomlx/go-xla/pjrt"

	"layerwise/llfc/backend/native"
	"layerwise/llfc/backend/plugin"
)

const hasXLA = true

// newXLA loads the plugin at path. go-xla read its search path before main began, so the plugin goes to it by path. With native kernels it goes to
// package native, which hands it on.
func newXLA(device, path, options string, withNative bool) (b compute.Backend, version string, err error) {
	load, kernels := path, ""
	if withNative {
		if err := native.Load(path); err != nil {
			return nil, "", err
		}
		load, kernels = native.PluginName, ", native "+native.Kernels()
	} else if misread(device, path) {
		dir, err := os.MkdirTemp("", "pjrt-")
		if err != nil {
			return nil, "", err
		}
		defer func() { _ = os.RemoveAll(dir) }() // once loaded, the name is not needed
		load = filepath.Join(dir, "pjrt_c_api_"+device+"_plugin.so")
		if err := os.Symlink(path, load); err != nil {
			return nil, "", err
		}
	}
	loaded, err := pjrt.GetPlugin(load)
	if err != nil {
		return nil, "", err
	}
	b, err = xla.New(strings.Trim(load+","+options, ","))
	if err != nil {
		return nil, "", err
	}
	major, minor := loaded.Version()
	return b, fmt.Sprintf("%s (PJRT %d.%d, go-xla %s%s)", pluginName(path), major, minor, moduleVersion("github.com/gomlx/go-xla"), kernels), nil
}

// misread says whether go-xla would take the path for something else: it tells devices by looking for "cpu", "cuda"
// and "nvidia" anywhere in it (a home directory may be called so), and cuts it at commas. CUDA plugins stay where they
// are, for they find their libraries by their own place.
func misread(device, path string) bool {
	return device == "cpu" && (pjrt.IsCUDAName(path) || strings.Contains(path, ",") || !strings.Contains(filepath.Base(path), "cpu"))
}

// pluginName names the build of a plugin: the pinned wheel, else its file.
func pluginName(path string) string {
	if plugin.IsPinned(path) {
		return strings.Replace(plugin.Wheel, "==", " ", 1)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil { // go-xla's installer links the plain name to the one with the version
		path = target
	}
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}
