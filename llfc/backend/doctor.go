package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"layerwise/llfc/backend/plugin"
)

// State is what the doctor says of one thing.
type State string

const (
	OK      State = "ok"
	Missing State = "missing" // something does not work until it is mended
	Note    State = "note"    // works, but the reader should know
)

// Row is one line of the doctor: what was looked for, how it stands, what was found, and the command that mends it
// (empty where there is nothing to mend).
type Row struct {
	Item  string `json:"item"`
	State State  `json:"state"`
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"`
}

// Doctor looks at the machine: Go, backend, plugin, GPU, then the caller's rows (data sets, say), then Jupyter and the
// room in the cache. root is the checkout (see [Root]), "" outside of one. It opens the backend and changes nothing.
func Doctor(ctx context.Context, root string, more ...Row) []Row {
	rows := []Row{toolchain(ctx)}
	rows = append(rows, engine()...)
	rows = append(rows, gpu())
	rows = append(rows, more...)
	return append(rows, jupyter(root), kernel(root), room())
}

// Root returns the checkout that holds dir: the nearest folder upwards with this module's go.mod, "" where there is none.
func Root(dir string) string {
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), "module layerwise\n") {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

func toolchain(ctx context.Context) Row {
	row := Row{Item: "Go", State: OK, Found: "built with " + runtime.Version()}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOWORK=off") // outside any module: what is on the PATH, not what a go.mod asks for
	out, err := cmd.Output()
	if err != nil {
		row.State, row.Mend = Missing, "install Go 1.21 or later (go.dev/dl or apt-get install golang-go) and put it on the PATH"
		row.Found += ", no working go on the PATH (notebooks and builds need it)"
		return row
	}
	row.Found += ", " + strings.TrimSpace(string(out)) + " on the PATH"
	return row
}

// engine opens the best backend as any program would, and checks the content of a pinned plugin.
func engine() []Row {
	b, info, err := Open("")
	if err != nil {
		return []Row{{Item: "backend", State: Missing, Found: firstLine(err), Mend: "unset GOMLX_BACKEND or name a backend that is there"}}
	}
	b.Finalize()
	backend := Row{Item: "backend", State: OK, Found: info.String()}
	if info.Note != "" {
		backend.State, backend.Found = Note, join(backend.Found, info.Note)
	}
	if !hasSIMD {
		backend.Mend = "GOEXPERIMENT=simd go build, or make build"
	}
	path, found := plugin.Find("cpu")
	lib := Row{Item: "XLA plugin", State: OK, Found: path}
	switch {
	case !hasXLA:
		lib = Row{Item: "XLA plugin", State: Missing, Found: "this program was built without XLA", Mend: "apt-get install gcc libc6-dev, then make build"}
	case !found:
		lib = Row{Item: "XLA plugin", State: Missing, Found: "none for the CPU", Mend: "make plugin"}
	case plugin.IsPinned(path):
		lib.Found = plugin.Wheel + " in " + path
		if err := plugin.Verify(path); err != nil {
			lib.State, lib.Found, lib.Mend = Missing, err.Error(), fmt.Sprintf("rm %q && make plugin", path)
		}
	}
	rows := []Row{backend, lib}
	if info.Kernels != "" {
		rows = append(rows, Row{Item: "convolutions", State: OK, Found: info.Kernels})
	}
	return rows
}

func gpu() Row {
	model, ok := GPU()
	if !ok {
		return Row{Item: "GPU", State: OK, Found: "no NVIDIA GPU, none needed"}
	}
	path, found := plugin.Find("cuda")
	if !found {
		return Row{Item: "GPU", State: Missing, Found: model + " without XLA's CUDA plugin", Mend: "make plugin-cuda"}
	}
	return Row{Item: "GPU", State: OK, Found: model + ", plugin " + path}
}

// jupyter looks for the notebook tools that the Makefile puts into the checkout.
func jupyter(root string) Row {
	row := Row{Item: "Jupyter", State: OK}
	switch lab := filepath.Join(root, ".tools", "venv", "bin", "jupyter-lab"); {
	case root == "":
		row.State, row.Found, row.Mend = Note, "not in a checkout, so not looked for", "run layerwise doctor in the checkout"
	case isExecutable(lab):
		row.Found = lab
	default:
		row.State, row.Found, row.Mend = Note, "not installed yet: only notebooks need it", "make lab"
	}
	return row
}

// kernel looks for the GoNB kernel, and that the programs its specification names are there.
func kernel(root string) Row {
	row := Row{Item: "GoNB kernel", State: OK}
	if root == "" {
		row.State, row.Found, row.Mend = Note, "not in a checkout, so not looked for", "run layerwise doctor in the checkout"
		return row
	}
	spec := filepath.Join(root, ".tools", "venv", "share", "jupyter", "kernels", "gonb", "kernel.json")
	text, err := os.ReadFile(spec)
	if err != nil {
		row.State, row.Found, row.Mend = Note, "not installed yet: only notebooks need it", "make kernel"
		return row
	}
	var k struct {
		Argv []string `json:"argv"`
	}
	if err := json.Unmarshal(text, &k); err != nil || len(k.Argv) == 0 || !isExecutable(k.Argv[0]) {
		row.State, row.Found, row.Mend = Missing, spec+" names no program that is there (was the checkout moved?)", "make kernel"
		return row
	}
	row.Found = spec
	return row
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// lowRoom is what the cache wants free, in bytes: the plugin (0.3 GB) and the data sets (0.5 GB).
const lowRoom = 1 << 30

// room tells how much is free where the plugin and the data sets are kept.
func room() Row {
	row := Row{Item: "cache", State: OK}
	cache, err := os.UserCacheDir()
	if err != nil {
		row.State, row.Found, row.Mend = Missing, err.Error(), "set HOME or XDG_CACHE_HOME"
		return row
	}
	dir := cache
	for !isDir(dir) && filepath.Dir(dir) != dir { // not made yet: the disk is that of the folder above
		dir = filepath.Dir(dir)
	}
	free, err := freeBytes(dir)
	if err != nil {
		row.State, row.Found = Note, fmt.Sprintf("%s: %v", cache, err)
		return row
	}
	row.Found = fmt.Sprintf("%.1f GB free for %s", float64(free)/1e9, filepath.Join(cache, "layerwise"))
	if free < lowRoom {
		row.State, row.Mend = Missing, "free 1 GB, or set XDG_CACHE_HOME to a folder on a larger disk"
	}
	return row
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
