package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fakeGo asks the real Go whether it can work in this folder, which a broken go.work above keeps it from, and then writes a program that
// does nothing in place of the one to build.
const fakeGo = `#!/bin/sh
set -e
echo "$*" >>"$GO_CALLS"
"$REAL_GO" list -m >/dev/null
while [ $# -gt 0 ]; do
    if [ "$1" = -o ]; then
        mkdir -p "$(dirname "$2")"
        printf '#!/bin/sh\necho plugin\n' >"$2"
        chmod +x "$2"
    fi
    shift
done
`

// A checkout below a folder with a go.work, of other modules and broken at that, builds as anywhere else: with make, and by its scripts.
func TestWorkspaceAbove(t *testing.T) {
	real, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go on the PATH")
	}
	for _, name := range []string{"make", "bash", "cksum"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s on the PATH", name)
		}
	}
	above := t.TempDir()
	checkout, bin, calls := filepath.Join(above, "checkout"), filepath.Join(above, "bin"), filepath.Join(above, "calls")
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	scripts := path.Dir(regexp.MustCompile(`[a-z]+/plugin\.sh`).FindString(string(makefile)))
	for _, name := range slices.Compact([]string{"Makefile", "go.mod", scripts, "tools"}) {
		copyTree(t, filepath.Join("..", "..", name), filepath.Join(checkout, name))
	}
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(above, "go.work"), "this is no go.work\n", 0o666)
	write(filepath.Join(bin, "go"), fakeGo, 0o777)
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GOWORK=") && !strings.HasPrefix(e, "MAKE") {
			env = append(env, e)
		}
	}
	env = append(env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "REAL_GO="+real, "GO_CALLS="+calls, "LAYERWISE_OFFLINE=1")
	for _, line := range []string{"make build", "make doctor", "make plugin", scripts + "/plugin.sh cpu", scripts + "/gotools.sh gonb goxla",
		"cd / && " + filepath.Join(checkout, scripts, "gotools.sh") + " goimports"} {
		if err := os.WriteFile(calls, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "-c", line)
		cmd.Dir, cmd.Env = checkout, env
		out, err := cmd.CombinedOutput()
		asked, _ := os.ReadFile(calls)
		if err != nil || len(asked) == 0 {
			t.Errorf("%s: %v, after go %q\n%s", line, err, asked, out)
		}
	}
}

// copyTree copies a file or a folder.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, info.Mode()); err != nil {
		t.Fatal(err)
	}
}
