//go:build cgo && !noxla && linux && amd64

package native

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The kernels by themselves, as testdata/check.c proves them: against direct convolution in float64 and its finite differences, on one thread and on
// many, which must agree to the bit. Sanitizers look for reads beyond a tensor, undefined behaviour, leaks and races.
func TestKernels(t *testing.T) {
	if Kernels() == "" {
		t.Skip("this processor runs none of them")
	}
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "gcc"
	}
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skip(err)
	}
	var tiles, others []string
	sources, err := filepath.Glob("*.c")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		path, err := filepath.Abs(s)
		switch {
		case err != nil:
			t.Fatal(err)
		case strings.HasPrefix(s, "tile_"):
			tiles = append(tiles, path)
		case s != "hook.c": // which needs XLA
			others = append(others, path)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	others = append(others, filepath.Join(here, "testdata", "check.c"))
	for name, build := range map[string]struct{ tiles, others []string }{ // unrolled loops take a minute to compile with all checks
		"plain":   {[]string{"-O2", "-Wall", "-Wextra", "-Werror"}, []string{"-O2", "-Wall", "-Wextra", "-Werror"}},
		"address": {[]string{"-O1", "-fsanitize=address"}, []string{"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}},
		"thread":  {[]string{"-O1", "-fsanitize=thread"}, []string{"-O1", "-fsanitize=thread"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			compile := func(flags []string, more ...string) {
				t.Helper()
				cmd := exec.Command(compiler, append(append([]string{"-std=gnu11", "-g", "-I" + here}, flags...), more...)...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					if name != "plain" && strings.Contains(string(out), "cannot find") {
						t.Skip("the compiler came without this sanitizer")
					}
					t.Fatalf("%s: %v\n%s", compiler, err, out)
				}
			}
			compile(build.tiles, append([]string{"-c"}, tiles...)...)
			objects, err := filepath.Glob(filepath.Join(dir, "*.o"))
			if err != nil {
				t.Fatal(err)
			}
			program := filepath.Join(dir, "check")
			compile(build.others, append(append(others[:len(others):len(others)], objects...), "-o", program, "-lm", "-lpthread")...)
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), "TSAN_OPTIONS=halt_on_error=1")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if text := string(out); errors.As(err, &exit) && strings.Contains(text, "Sanitizer") && !strings.Contains(text, "SUMMARY") {
				t.Skipf("the sanitizer does not run here: %s", text)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}
