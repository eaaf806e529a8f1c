// Package backend opens the engine that computes: XLA on an NVIDIA GPU, XLA on the CPU, or the pure-Go backend.
// It imports the engines itself and finds XLA's plugin (see package plugin), so that a program or a notebook cell
// needs one call and no environment variable. It never downloads: make plugin does that.
//
// On Linux programs should call [Tune] first thing in main.
package backend

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	"layerwise/internal/heaproom"
	"layerwise/llfc/backend/plugin"
)

// Info says which engine was opened, and why. Two runs agree bit for bit only where Name and Version are the same.
type Info struct {
	Name    string   // engine and device: "xla:cpu", "xla:cuda", "go:ops_sequential"
	Engine  string   // "xla" or "go"
	Device  string   // "cpu" or "cuda"; for another plugin the name it was asked for by
	Version string   // of the plugin, or of the module for "go"
	Path    string   // of the plugin; empty for "go"
	Devices []string // the backend's descriptions of its devices
	Kernels string   // which kernels convolve and why, one line; empty for "go"
	Note    string   // what was missing and what that costs, one line; empty where there is nothing to say
}

// String is one line: "xla:cpu, xla-cpu-pjrt 0.0.1 (PJRT 0.81), 4 devices".
func (i Info) String() string {
	devices := fmt.Sprintf("%d devices", len(i.Devices))
	if len(i.Devices) == 1 {
		devices = "1 device"
	}
	return fmt.Sprintf("%s, %s, %s", i.Name, i.Version, devices)
}

// goName is the pure-Go backend one operation at a time: plain "go" is slower on small networks and can deadlock.
const goName = "go:ops_sequential"

// noSIMD is what a build without GOEXPERIMENT=simd costs on the pure-Go backend.
const noSIMD = "this program was built without GOEXPERIMENT=simd, which makes the pure-Go backend 20 to 40 times slower"

// Open opens a backend by name:
//
//	""                     the best found: XLA on an NVIDIA GPU, else XLA on the CPU, else pure Go;
//	                       GOMLX_BACKEND, where it is set, is taken as the name
//	"xla"                  XLA on an NVIDIA GPU, else on the CPU
//	"xla:cpu", "xla:cuda"  that one ("cpu" and "cuda" mean the same), with options as in "xla:cuda,tf32=true"
//	"xla:/path/plugin.so"  that plugin
//	"go"                   pure Go, one operation at a time; "go:…" passes its options on
//
// Only "" and "xla" fall back, and Info.Note says so; what was named and is not there is an error. On a GPU float32
// matrix products are full float32 unless tf32=true is asked for: TF32 keeps 3 digits, too few to measure with.
func Open(name string) (compute.Backend, Info, error) {
	if name == "" {
		name = os.Getenv(compute.ConfigEnvVar)
	}
	engine, config, _ := strings.Cut(name, ":")
	switch {
	case name == "":
		b, info, err := openXLA("")
		if err == nil {
			return b, info, nil
		}
		b, info, errGo := openGo(goName)
		if errGo == nil {
			info.Note = join(err.Error()+": the pure-Go backend serves, about as fast on an MLP, 2 to 4 times slower on convolutions", info.Note)
		}
		return b, info, errGo
	case name == "go":
		return openGo(goName)
	case engine == "go":
		return openGo(name)
	case name == "cpu" || name == "cuda":
		config = name
	case engine != "xla":
		return nil, Info{}, fmt.Errorf("backend: unknown backend %q: expected xla, xla:cpu, xla:cuda, xla:/path/to/plugin.so or go", name)
	}
	b, info, err := openXLA(config)
	if err != nil {
		return nil, Info{}, fmt.Errorf("backend: %w", err)
	}
	return b, info, nil
}

// openXLA opens a plugin ("cpu", "cuda", an absolute path, each with options after a comma); "" is the best one found.
func openXLA(config string) (compute.Backend, Info, error) {
	device, options, _ := strings.Cut(config, ",")
	if device != "" {
		return openPlugin(device, options)
	}
	var note string
	if gpu, ok := GPU(); ok {
		b, info, err := openPlugin("cuda", options)
		if err == nil {
			return b, info, nil
		}
		note = fmt.Sprintf("%s is not used: %v", gpu, err)
	}
	b, info, err := openPlugin("cpu", options)
	if err != nil {
		return nil, Info{}, errors.New(join(note, err.Error()))
	}
	info.Note = join(note, info.Note)
	return b, info, nil
}

// openPlugin opens one plugin, found by its device's name or given as a path.
func openPlugin(device, options string) (compute.Backend, Info, error) {
	if !hasXLA {
		return nil, Info{}, errors.New("this program was built without XLA (no C compiler, or the tag noxla): install gcc and run make build")
	}
	path := device
	if strings.HasPrefix(device, "/") {
		device = "cpu"
		if isCUDA(path) {
			device = "cuda"
		}
	} else {
		var ok bool
		if path, ok = plugin.Find(device); !ok {
			return nil, Info{}, fmt.Errorf("no XLA plugin for %s found: %s", device, mend(device))
		}
	}
	if isCUDA(device) && !strings.Contains(options, "tf32") {
		options = strings.Trim(options+",tf32=false", ",")
	}
	var note string
	if !isCUDA(device) {
		var err error
		if note, err = switchOffXNNPACK(path); err != nil {
			return nil, Info{}, fmt.Errorf("XLA plugin %s: %w", path, err)
		}
	}
	kernels, err := withKernels(device, path)
	b, version, errOpen := newXLA(device, path, options, err == nil)
	if err == nil && errOpen != nil {
		err = errOpen
		b, version, errOpen = newXLA(device, path, options, false)
	}
	if errOpen != nil {
		return nil, Info{}, fmt.Errorf("XLA plugin %s does not open: %s", path, firstLine(errOpen))
	}
	if err != nil {
		kernels = "XLA's own: " + firstLine(err)
	}
	return proved(b, Info{Name: "xla:" + device, Engine: "xla", Device: device, Version: version, Path: path, Devices: devices(b), Kernels: kernels, Note: note})
}

// proved is a backend that the canary has found sound.
func proved(b compute.Backend, info Info) (compute.Backend, Info, error) {
	if err := prove(b, info); err != nil {
		b.Finalize()
		return nil, Info{}, err
	}
	return b, info, nil
}

// openGo opens the pure-Go backend, and makes the room that its vector code needs.
func openGo(config string) (compute.Backend, Info, error) {
	heaproom.Reserve()
	b, err := compute.NewWithConfig(config)
	if err != nil {
		return nil, Info{}, fmt.Errorf("backend: %q: %s", config, firstLine(err))
	}
	info := Info{Name: config, Engine: "go", Device: "cpu", Version: "compute " + moduleVersion("github.com/gomlx/compute"), Devices: devices(b)}
	if !hasSIMD {
		info.Note = noSIMD
	}
	return proved(b, info)
}

// mend is the command that installs a device's plugin.
func mend(device string) string {
	if device == "cuda" {
		return "make plugin-cuda installs it"
	}
	return "make plugin installs it"
}

func isCUDA(name string) bool { return strings.Contains(strings.ToLower(name), "cuda") }

func devices(b compute.Backend) []string {
	list := make([]string, b.NumDevices())
	for i := range list {
		list[i] = b.DeviceDescription(compute.DeviceNum(i))
	}
	return list
}

// moduleVersion is the version of a module in this program, "unknown" where the build did not record it.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == path }); i >= 0 {
			return info.Deps[i].Version
		}
	}
	return "unknown"
}

func join(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}

// firstLine cuts the stack traces that GoMLX's errors carry.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
