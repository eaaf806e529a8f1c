package backend

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/backend/plugin"
)

// TestMain lets the tests start this binary as a program that tunes itself and tells what it was started with, or as one that opens a
// backend and tells how that went.
func TestMain(m *testing.M) {
	if name, ok := os.LookupEnv("BACKEND_TEST_TUNE"); ok {
		if err := Tune(name); err != nil {
			_, _ = os.Stdout.WriteString("error: " + err.Error())
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString(os.Getenv("GLIBC_TUNABLES") + " " + strings.Join(os.Args[1:], " "))
		os.Exit(0)
	}
	if name := os.Getenv("BACKEND_TEST_OPEN"); name != "" {
		if _, info, err := Open(name); err != nil {
			fmt.Println(err)
		} else {
			fmt.Printf("opened\nflags %s\nnote %s\n", os.Getenv(flagsEnv), info.Note)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// alone takes plugins, GPUs and settings of the machine away, and returns an empty directory searched for plugins.
func alone(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv(plugin.PathEnv, dir)
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	t.Setenv(compute.ConfigEnvVar, "")
	return dir
}

// product is [[1 2] [3 4]] squared on a backend.
func product(t *testing.T, b compute.Backend) []float32 {
	t.Helper()
	square, err := graph.NewExec(b, func(x *graph.Node) *graph.Node { return graph.MatMul(x, x) })
	if err != nil {
		t.Fatal(err)
	}
	out, err := square.Call([][]float32{{1, 2}, {3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(out[0].Value().([][]float32)...)
}

// Whoever opens the pure-Go backend has the room past the heap's end that its vector code reads into.
func TestOpenGoMakesRoom(t *testing.T) {
	b, _, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Finalize()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys < 4<<30 {
		t.Errorf("the heap spans %d bytes, expected at least 4 GiB", m.HeapSys)
	}
}

func TestOpenGo(t *testing.T) {
	alone(t)
	for _, name := range []string{"go", "go:ops_sequential"} {
		b, info, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Name != "go:ops_sequential" || info.Engine != "go" || len(info.Devices) != 1 || !strings.HasPrefix(info.Version, "compute ") {
			t.Errorf("Open(%q) says %+v", name, info)
		}
		if (info.Note == "") != hasSIMD {
			t.Errorf("Open(%q) has the note %q with simd %v", name, info.Note, hasSIMD)
		}
		if got := product(t, b); !slices.Equal(got, []float32{7, 10, 15, 22}) {
			t.Errorf("Open(%q) computes %v", name, got)
		}
	}
}

// Without a plugin, or with one that does not load, the best found is pure Go, and one line says why and what it costs.
func TestOpenFallsBackAndSaysSo(t *testing.T) {
	dir := alone(t)
	check := func(want string) {
		t.Helper()
		b, info, err := Open("")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Finalize()
		if info.Engine != "go" || !strings.Contains(info.Note, want) || !strings.Contains(info.Note, "slower") || strings.Contains(info.Note, "\n") {
			t.Errorf("opened %s with the note %q, expected go and %q", info.Name, info.Note, want)
		}
	}
	if !hasXLA {
		check("built without XLA")
		return
	}
	check("make plugin")
	broken := filepath.Join(dir, "pjrt_c_api_cpu_plugin.so")
	if err := os.WriteFile(broken, []byte("<html>not found</html>"), 0o755); err != nil {
		t.Fatal(err)
	}
	check(broken)
}

func TestOpenNamedIsAnErrorWhereItIsNotThere(t *testing.T) {
	alone(t)
	for name, want := range map[string]string{
		"xla": "make plugin", "xla:cpu": "make plugin", "cpu": "make plugin", "cuda": "make plugin-cuda",
		"xla:/no/such/plugin.so": "/no/such/plugin.so", "tpu": "expected xla", "go:nosuch": "nosuch",
	} {
		b, _, err := Open(name)
		if err == nil {
			b.Finalize()
			t.Errorf("Open(%q) opened", name)
			continue
		}
		if !hasXLA && (strings.HasPrefix(name, "xla") || strings.HasPrefix(want, "make")) {
			want = "built without XLA"
		}
		if !strings.HasPrefix(err.Error(), "backend: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%q): %v; expected one line with %q", name, err, want)
		}
	}
}

func TestOpenObeysTheEnvironment(t *testing.T) {
	alone(t)
	t.Setenv(compute.ConfigEnvVar, "go")
	if _, info, err := Open(""); err != nil || info.Engine != "go" || strings.Contains(info.Note, "plugin") {
		t.Errorf("GOMLX_BACKEND=go opened %+v, %v", info, err)
	}
	t.Setenv(compute.ConfigEnvVar, "xla:cpu")
	if _, _, err := Open(""); err == nil {
		t.Error("GOMLX_BACKEND=xla:cpu without a plugin opened something")
	}
}

// A plugin is found, opened and named, also where its path holds words that go-xla reads as another device.
func TestOpenXLA(t *testing.T) {
	path, ok := plugin.Find("cpu")
	if !ok || !hasXLA {
		t.Skip("no XLA plugin for the CPU: make plugin")
	}
	odd := filepath.Join(alone(t), "nvidia, of all names")
	if err := os.Mkdir(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(odd, "pjrt_c_api_cpu_plugin.so")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), odd} {
		t.Setenv(plugin.PathEnv, dir)
		for _, name := range []string{"", "xla", "cpu", "xla:cpu", "xla:" + path} {
			b, info, err := Open(name)
			if err != nil {
				t.Fatalf("Open(%q) from %s: %v", name, dir, err)
			}
			if info.Name != "xla:cpu" || info.Path == "" || info.Note != "" || !strings.Contains(info.Version, "PJRT") {
				t.Errorf("Open(%q) says %+v", name, info)
			}
			if got := product(t, b); !slices.Equal(got, []float32{7, 10, 15, 22}) {
				t.Errorf("Open(%q) computes %v", name, got)
			}
			b.Finalize()
		}
	}
}

func TestTune(t *testing.T) {
	if runtime.GOOS != "linux" || !hasXLA {
		t.Skip("Tune restarts programs on Linux with XLA only")
	}
	dir := alone(t)
	run := func(name string, env ...string) string {
		t.Helper()
		cmd := exec.Command(os.Args[0], "an argument", "-x")
		cmd.Env = slices.Concat(os.Environ(), []string{"BACKEND_TEST_TUNE=" + name, "GLIBC_TUNABLES=", "LAYERWISE_TUNED="}, env)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	const args = " an argument -x"
	if got := run(""); got != args {
		t.Errorf("without a plugin: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "pjrt_c_api_cpu_plugin.so"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why, name, want string
		env             []string
	}{
		{"XLA", "", "glibc.malloc.hugetlb=1" + args, nil},
		{"the user's settings are kept", "xla:cpu", "glibc.malloc.check=0:glibc.malloc.hugetlb=1" + args, []string{"GLIBC_TUNABLES=glibc.malloc.check=0"}},
		{"the user's choice is kept", "", "glibc.malloc.hugetlb=0" + args, []string{"GLIBC_TUNABLES=glibc.malloc.hugetlb=0"}},
		{"switched off", "", args, []string{"LAYERWISE_TUNED=0"}},
		{"pure Go", "go", args, nil},
		{"pure Go by the environment", "", args, []string{"GOMLX_BACKEND=go"}},
	} {
		if got := run(c.name, c.env...); got != c.want {
			t.Errorf("%s: started with %q, expected %q", c.why, got, c.want)
		}
	}
}

func TestDoctor(t *testing.T) {
	alone(t)
	root := t.TempDir()
	mine := Row{Item: "data: digits", State: OK, Found: "embedded"}
	rows := Doctor(t.Context(), root, mine)
	byItem := map[string]Row{}
	for _, r := range rows {
		byItem[r.Item] = r
		if r.Found == "" || r.State == Missing && r.Mend == "" {
			t.Errorf("row says too little: %+v", r)
		}
	}
	if byItem[mine.Item] != mine {
		t.Errorf("the caller's row is not among %+v", rows)
	}
	if r := byItem["XLA plugin"]; r.State != Missing {
		t.Errorf("no plugin there, yet %+v", r)
	}
	if r := byItem["GoNB kernel"]; r.State != Note || r.Mend != "make kernel" {
		t.Errorf("no kernel there, yet %+v", r)
	}

	spec := filepath.Join(root, ".tools", "venv", "share", "jupyter", "kernels", "gonb", "kernel.json")
	if err := os.MkdirAll(filepath.Dir(spec), 0o755); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]State{os.Args[0]: OK, filepath.Join(root, "gone"): Missing} {
		if err := os.WriteFile(spec, []byte(`{"argv": ["`+program+`"]}`), 0o644); err != nil {
			t.Fatal(err)
		}
		if r := kernel(root); r.State != want {
			t.Errorf("kernel of %s: %+v, expected %s", program, r, want)
		}
	}
}

func TestRoot(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Root(here), filepath.Dir(filepath.Dir(here)); got != want {
		t.Errorf("Root(%s) = %q, expected %q", here, got, want)
	}
	if got := Root(t.TempDir()); got != "" {
		t.Errorf("a temporary folder is in the checkout %q", got)
	}
}
