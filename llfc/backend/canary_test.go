package backend

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend/plugin"
)

// caching is a backend that keeps weights by the address of their buffer, as XNNPACK's packed copies are kept.
type caching struct {
	run    call
	inputs int // the arguments before the weights
	kept   map[string]*tensors.Tensor
}

func (f caching) call(args ...any) ([]*tensors.Tensor, error) {
	for i := f.inputs; i < len(args); i++ {
		t := args[i].(*tensors.Tensor)
		var at uintptr
		if err := tensors.ConstFlatData(t, func(v []float32) { at = uintptr(unsafe.Pointer(unsafe.SliceData(v))) }); err != nil {
			return nil, err
		}
		key := fmt.Sprint(at, t.Shape())
		if f.kept[key] == nil {
			copied, err := t.LocalClone()
			if err != nil {
				return nil, err
			}
			f.kept[key] = copied
		}
		args[i] = f.kept[key]
	}
	return f.run(args...)
}

// The canary finds a backend that caches weights by address, and lets the same backend pass without the cache.
func TestCanaryFindsCachingBackend(t *testing.T) {
	alone(t)
	b, _, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	c := newCanary()
	exec, err := graph.NewExec(b, c.build)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.sing(b, exec.Call); err != nil {
		t.Errorf("a sound backend: %v", err)
	}
	fake := caching{run: exec.Call, inputs: len(c.x), kept: map[string]*tensors.Tensor{}}
	if err := c.sing(b, fake.call); !errors.Is(err, errStale) {
		t.Errorf("a caching backend: %v", err)
	}
}

// Every operation of the canary is looked at: one that alone is answered with old weights is found.
func TestCanaryLooksAtEveryOperation(t *testing.T) {
	alone(t)
	b, _, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	c := newCanary()
	exec, err := graph.NewExec(b, c.build)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range c.names {
		var first *tensors.Tensor
		stale := func(args ...any) ([]*tensors.Tensor, error) {
			at := len(c.x) + i
			if first == nil {
				if first, err = args[at].(*tensors.Tensor).LocalClone(); err != nil {
					return nil, err
				}
			}
			args[at] = first
			return exec.Call(args...)
		}
		if err := c.sing(b, stale); !errors.Is(err, errStale) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is stale: %v", name, err)
		}
	}
}

// child starts this test binary again with some environment, to open XLA on the CPU in a process of its own; see TestMain.
func child(t *testing.T, env ...string) string {
	t.Helper()
	if _, ok := plugin.Find("cpu"); !hasXLA || !ok {
		t.Skip("no XLA plugin for the CPU")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "BACKEND_TEST_OPEN=xla:cpu")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// With XNNPACK on the canary must strike wherever the processor lets XNNPACK take a product over. Where it does not strike nothing can be
// shown, and the test says so.
func TestCanaryStrikesOnXNNPACK(t *testing.T) {
	out := child(t, TestXNNPACK+"=on", "XLA_FLAGS=--xla_cpu_use_xnnpack=true")
	if strings.HasPrefix(out, "opened") {
		t.Skip("on this processor XNNPACK takes none of the canary's shapes: ", out)
	}
	for _, want := range []string{"no longer there", "xla:cpu", "--xla_cpu_use_xnnpack=false", ".so"} {
		if !strings.Contains(out, want) {
			t.Errorf("the error does not name %q: %s", want, out)
		}
	}
}

// Whatever the user's flags say, XNNPACK is off, other flags are kept, and a line tells of one that is overruled.
func TestOpenSwitchesXNNPACKOff(t *testing.T) {
	for _, c := range []struct{ flags, want, note string }{
		{"", "--xla_cpu_use_xnnpack=false", ""},
		{"--xla_cpu_enable_fast_math=false", "--xla_cpu_enable_fast_math=false --xla_cpu_use_xnnpack=false", ""},
		{"--xla_cpu_use_xnnpack=false", "--xla_cpu_use_xnnpack=false", ""},
		{"--xla_cpu_use_xnnpack=true", "--xla_cpu_use_xnnpack=true --xla_cpu_use_xnnpack=false", "outdated weights"},
		{"--xla_cpu_use_xnnpack=false --xla_cpu_use_xnnpack", "--xla_cpu_use_xnnpack=false --xla_cpu_use_xnnpack --xla_cpu_use_xnnpack=false", "outdated weights"},
	} {
		out := child(t, "XLA_FLAGS="+c.flags)
		if !strings.HasPrefix(out, "opened\n") || !strings.Contains(out, "flags "+c.want+"\n") || !strings.Contains(out, c.note) {
			t.Errorf("XLA_FLAGS=%q: %s", c.flags, out)
		}
		if (c.note == "") != strings.Contains(out, "note \n") {
			t.Errorf("XLA_FLAGS=%q has the note %s", c.flags, out)
		}
	}
}

// XLA takes a value without a dash for a file of flags; they are kept too.
func TestOpenKeepsFlagsOfFile(t *testing.T) {
	file := t.TempDir() + "/flags"
	if err := os.WriteFile(file, []byte("--xla_cpu_enable_fast_math=false\n--xla_cpu_use_xnnpack=true\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := child(t, "XLA_FLAGS="+file)
	if want := "flags --xla_cpu_enable_fast_math=false --xla_cpu_use_xnnpack=true --xla_cpu_use_xnnpack=false\n"; !strings.Contains(out, want) {
		t.Error(out)
	}
	if out := child(t, "XLA_FLAGS="+file+".no"); !strings.Contains(out, "names a file of flags") {
		t.Error(out)
	}
}

// A plugin without the flag would end the process at it, so it is not given there.
func TestKnowsXNNPACK(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, content string
		want          bool
	}{
		{"with", strings.Repeat("x", 1<<20-7) + xnnpackFlag + "y", true}, // across two reads
		{"without", strings.Repeat("xla_cpu_use_", 1<<17), false},
		{"empty", "", false},
	} {
		path := dir + "/" + c.name
		if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, err := knowsXNNPACK(path); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}
