package backend

import (
	"strings"
	"testing"

	"layerwise/llfc/backend/native"
	"layerwise/llfc/backend/plugin"
)

// Where native kernels cannot run or are not wanted, a line says why.
func TestWithKernels(t *testing.T) {
	path, found := plugin.Find("cpu")
	for _, c := range []struct{ name, device, path, env, want string }{
		{"GPU", "cuda", "/p/pjrt_c_api_cuda_plugin.so", "", "for the CPU"},
		{"switched off", "cpu", path, "0", NativeEnv + "=0"},
		{"another plugin", "cpu", "/p/pjrt_c_api_cpu_plugin.so", "", plugin.Wheel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(NativeEnv, c.env)
			if line, err := withKernels(c.device, c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, %v; expected an error with %q", line, err, c.want)
			}
		})
	}
	if !found || !plugin.IsPinned(path) || !hasXLA {
		return
	}
	t.Setenv(NativeEnv, "")
	line, err := withKernels("cpu", path)
	if native.Kernels() == "" {
		if err == nil {
			t.Errorf("%q on a processor without kernels", line)
		}
	} else if err != nil || line != "native, "+native.Kernels() {
		t.Errorf("%q, %v", line, err)
	}
}

// The kernels are part of what a run records of its backend, and the doctor names them.
func TestKernelsAreRecorded(t *testing.T) {
	t.Setenv(NativeEnv, "")
	with, info, err := Open("xla:cpu")
	if err != nil {
		t.Skip(err)
	}
	with.Finalize()
	t.Setenv(NativeEnv, "0")
	without, plain, err := Open("xla:cpu")
	if err != nil {
		t.Fatal(err)
	}
	without.Finalize()
	if native.Has(without) || !strings.HasPrefix(plain.Kernels, "XLA's own: ") {
		t.Errorf("switched off: %q", plain.Kernels)
	}
	if strings.HasPrefix(info.Kernels, "native") {
		if info.String() == plain.String() {
			t.Errorf("%q with native kernels and without", info)
		}
	} else if info.String() != plain.String() {
		t.Errorf("%q and %q, and no native kernels in either", info, plain)
	}
	for _, row := range engine() {
		if row.Item == "convolutions" {
			if row.Found != plain.Kernels {
				t.Errorf("the doctor says %q, expected %q", row.Found, plain.Kernels)
			}
			return
		}
	}
	t.Error("the doctor says nothing of convolutions")
}
