package plugin

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(n), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		files          []string
		platform, want string
	}{
		{nil, "cpu", ""},
		{[]string{"pjrt_c_api_cpu_plugin.so"}, "cpu", "pjrt_c_api_cpu_plugin.so"},
		{[]string{"pjrt_c_api_cpu_v0.9.0_plugin.so", "pjrt_c_api_cpu_v0.114.0_plugin.so", "pjrt_c_api_cpu_plugin.so"}, "cpu", "pjrt_c_api_cpu_plugin.so"},
		{[]string{"pjrt_c_api_cpu_v0.83.1_plugin.so", "libc.so", "pjrt_c_api_cpu_plugin.so.tmp"}, "cpu", "pjrt_c_api_cpu_v0.83.1_plugin.so"},
		{[]string{"pjrt-plugin-cuda13.so"}, "cuda", "pjrt-plugin-cuda13.so"},
		{[]string{"pjrt_c_api_cuda_plugin.so"}, "cpu", ""},
		{[]string{"pjrt_c_api_cpus_plugin.so", ".unpacking-123"}, "cpu", ""},
	} {
		dir := t.TempDir()
		touch(t, dir, c.files...)
		t.Setenv(PathEnv, "/no/such/folder:"+dir)
		path, ok := Find(c.platform)
		if want := filepath.Join(dir, c.want); ok != (c.want != "") || ok && path != want {
			t.Errorf("%s among %v: found %q, expected %q", c.platform, c.files, path, c.want)
		}
	}
}

func TestFindTakesTheFileItselfAndTheCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
	touch(t, filepath.Dir(file), filepath.Base(file))
	t.Setenv(PathEnv, file)
	if got, _ := Find("cpu"); got != file {
		t.Errorf("%s=%s found %q", PathEnv, file, got)
	}
	if got, ok := Find("cuda"); ok {
		t.Errorf("a plugin for the CPU was taken for cuda: %q", got)
	}

	if err := os.Unsetenv(PathEnv); err != nil { // t.Setenv above puts it back
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, pinned)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	touch(t, dir, library)
	if got, _ := Find("cpu"); got != filepath.Join(dir, library) || !IsPinned(got) {
		t.Errorf("found %q, expected the one in %s", got, dir)
	}
}

// wheelOf makes a wheel with one library in it, and what its checksums should be.
func wheelOf(t *testing.T, content string) (path string, s source) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.whl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("lib/x.so")
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, source{sumOf(t, path), hexSum([]byte(content)), "lib/x.so"}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return hexSum(b)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// names lists what lies in a folder, the lock aside.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".lock" {
			list = append(list, e.Name())
		}
	}
	return list
}

// Several unpack at once, over what a killed one left: all get the same whole file, and nothing else stays.
func TestUnpackAtOnceAfterAKill(t *testing.T) {
	content := strings.Repeat("library ", 100_000)
	wheel, s := wheelOf(t, content)
	cache := t.TempDir()
	dir := filepath.Join(cache, s.wheelSHA256[:12])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	touch(t, dir, ".unpacking-half")
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() {
			path, err := s.unpack(wheel, cache)
			if err == nil {
				err = checkSum(path, hexSum([]byte(content)))
			}
			errs[i] = err
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(names(t, dir)); got != "["+library+"]" {
		t.Errorf("left in the folder: %s", got)
	}
}

func TestUnpackRefusesWhatIsNotTheWheel(t *testing.T) {
	wheel, s := wheelOf(t, "library")
	for name, c := range map[string]struct {
		wheel string
		s     source
		want  string
	}{
		"another wheel":   {wheel, source{strings.Repeat("0", 64), s.librarySHA256, s.member}, "expected " + strings.Repeat("0", 64)},
		"another library": {wheel, source{s.wheelSHA256, strings.Repeat("0", 64), s.member}, "lib/x.so has SHA-256"},
		"no library":      {wheel, source{s.wheelSHA256, s.librarySHA256, "lib/y.so"}, "lib/y.so"},
		"no wheel":        {wheel + ".gone", s, "x.whl.gone"},
	} {
		cache := t.TempDir()
		path, err := c.s.unpack(c.wheel, cache)
		if err == nil {
			t.Errorf("%s: unpacked to %s", name, path)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", name, err, c.want)
		}
		if left := names(t, filepath.Join(cache, c.s.wheelSHA256[:12])); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}
