package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"layerwise/llfc/study"
)

// block is a fenced block of a Markdown text.
type block struct {
	language string
	line     int // of its first line of content
	text     string
}

// blocks are the fenced blocks; one that is not closed is an error.
func blocks(markdown string) (out []block, err error) {
	var open *block
	for i, line := range strings.Split(markdown, "\n") {
		fence, ok := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case open == nil && ok:
			open = &block{language: strings.TrimSpace(fence), line: i + 2}
		case open != nil && ok && fence == "":
			out, open = append(out, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block is not closed", open.line-1)
	}
	return out, nil
}

// commands are the lines of a console block behind "$ ", each with the lines that a backslash joins to it.
func commands(b block) (out []string, err error) {
	joined := false
	for _, line := range strings.Split(b.text, "\n") {
		command, ok := strings.CutPrefix(line, "$ ")
		if joined && line == "" {
			break
		}
		if joined {
			command, ok = out[len(out)-1]+" "+strings.TrimSpace(strings.TrimPrefix(line, "> ")), true
			out = out[:len(out)-1]
		}
		if ok {
			command, joined = strings.CutSuffix(command, `\`)
			out = append(out, strings.TrimSpace(command))
		}
	}
	switch {
	case joined:
		return nil, fmt.Errorf("line %d: the last command goes on nowhere", b.line)
	case len(out) == 0:
		return nil, fmt.Errorf("line %d: a console block without a command; commands begin with \"$ \"", b.line)
	}
	return out, nil
}

// step is what is to be done about a command.
type step struct{ run, target string } // a line for bash, or a target of make

// check sorts a command. CI runs the targets of make by themselves; fetching the checkout has happened; anything unknown is an error.
func check(command string) (step, error) {
	words := strings.Fields(command)
	for len(words) > 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(words[0]) {
		words = words[1:]
	}
	switch {
	case len(words) == 0:
	case words[0] == "make" && len(words) > 1:
		return step{target: words[1]}, nil
	case words[0] == "layerwise" || words[0] == "bin/layerwise":
		return step{run: command}, nil
	case words[0] == "cd" || words[0] == "git" && len(words) > 1 && words[1] == "clone":
		return step{}, nil
	}
	return step{}, fmt.Errorf("%q: only layerwise, make, git clone and cd are known here", command)
}

const sample = "# T\n```console\n$ make build\n== build\n$ layerwise train \\\n>   --out a\na  run\n$ A=1 bin/layerwise doctor\n```\n\n```go\npackage main\n```\n```\nplain\n```\n"

func TestREADMEExtractor(t *testing.T) {
	got, err := blocks(sample)
	want := []block{
		{"console", 3, "$ make build\n== build\n$ layerwise train \\\n>   --out a\na  run\n$ A=1 bin/layerwise doctor\n"},
		{"go", 12, "package main\n"}, {"", 15, "plain\n"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	lines, err := commands(got[0])
	if err != nil || !slices.Equal(lines, []string{"make build", "layerwise train --out a", "A=1 bin/layerwise doctor"}) {
		t.Errorf("%q, %v", lines, err)
	}
	for command, want := range map[string]step{
		"make lab": {target: "lab"}, "A=1 bin/layerwise doctor": {run: "A=1 bin/layerwise doctor"}, "layerwise data | head": {run: "layerwise data | head"},
		"git clone URL": {}, "cd layerwise": {},
	} {
		if got, err := check(command); err != nil || got != want {
			t.Errorf("%s: %+v, %v", command, got, err)
		}
	}
	for _, command := range []string{"", "A=1", "make", "git push", "rm -rf /", "layer wise"} {
		if _, err := check(command); err == nil {
			t.Errorf("%q is taken", command)
		}
	}
	if _, err := blocks("```go\n"); err == nil {
		t.Error("an open block is taken")
	}
	for _, text := range []string{"layerwise doctor\n", "$ layerwise doctor \\\n"} {
		if _, err := commands(block{text: text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// readme is the README and the root of the checkout.
func readme(t *testing.T) (text, root string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "README.md"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no README.md")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content), root
}

// tool is the program that the README's commands run, and skips where they are not asked for.
func tool(t *testing.T) string {
	t.Helper()
	if os.Getenv("LAYERWISE_README") == "" {
		t.Skip("make test-readme runs what the README shows")
	}
	path := os.Getenv("LAYERWISE_BIN")
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || !filepath.IsAbs(path) {
		t.Fatalf("LAYERWISE_BIN is %q, expected the path of the built program; make test-readme sets it", path)
	}
	return path
}

// at runs a line of bash and fails unless it succeeds.
func at(t *testing.T, dir string, env []string, line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	t.Logf("%s: %s", line, time.Since(began).Round(100*time.Millisecond))
}

// Every command of the README runs, in the order of the page.
func TestREADMECommands(t *testing.T) {
	text, root := readme(t)
	bin := tool(t)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := blocks(text)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bin, filepath.Join(dir, "bin", "layerwise")); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + filepath.Join(dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"), "LAYERWISE_RUNS=" + filepath.Join(dir, "runs")}
	ran := 0
	for _, b := range all {
		if b.language != "console" {
			continue
		}
		lines, err := commands(b)
		if err != nil {
			t.Fatalf("README.md: %v", err)
		}
		for _, line := range lines {
			s, err := check(line)
			switch {
			case err != nil:
				t.Errorf("README.md, line %d: %v", b.line, err)
			case s.target != "" && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(s.target)+`:`).Match(makefile):
				t.Errorf("README.md, line %d: %s: the Makefile has no such target", b.line, line)
			case s.run != "":
				ran++
				at(t, dir, env, s.run)
			}
		}
	}
	if ran == 0 {
		t.Error("README.md shows no command of layerwise in a console block")
	}
}

// Every Go program of the README compiles against this checkout, and runs.
func TestREADMEPrograms(t *testing.T) {
	text, root := readme(t)
	tool(t)
	all, err := blocks(text)
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go \S+$`).FindString(string(module))
	ran := 0
	for _, b := range all {
		if b.language != "go" {
			continue
		}
		ran++
		dir := t.TempDir()
		for name, content := range map[string]string{
			"main.go": b.text, "go.mod": "module readme\n\n" + version + "\n", "go.work": version + "\n\nuse (\n\t.\n\t" + root + "\n)\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		at(t, dir, []string{"GOWORK=" + filepath.Join(dir, "go.work"), "LAYERWISE_RUNS=" + filepath.Join(dir, "runs")}, "go vet . && go run .")
	}
	if ran == 0 {
		t.Error("README.md shows no program in a go block")
	}
}

// What the pages say of results is what the committed scorecards say: the counts on the first page, and the table of claims in each folder.
func TestREADMEResults(t *testing.T) {
	text, root := readme(t)
	folders, err := filepath.Glob(filepath.Join(root, "results", "*", "scorecard.json"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("there are no committed results: %v", err)
	}
	overview, err := os.ReadFile(filepath.Join(root, "results", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range folders {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		table, err := study.Markdown(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		folder := filepath.Base(filepath.Dir(path))
		page, err := os.ReadFile(filepath.Join(filepath.Dir(path), "README.md"))
		if err != nil || !strings.Contains(string(page), table) {
			t.Errorf("results/%s/README.md must hold what bin/layerwise reproduce --markdown results/%s/scorecard.json prints (%v):\n%s", folder, folder, err, table)
		}
		count := regexp.MustCompile(`(?m)^(\d+ of \d+) claims hold`).FindStringSubmatch(table)
		if count == nil {
			t.Fatalf("%s: the table ends with no count", folder)
		}
		if want := fmt.Sprintf(`\[%s( claims hold)?\]\(results/%s\)`, count[1], folder); !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("README.md does not say %q of results/%s", count[1], folder)
		}
		if want := fmt.Sprintf(`\(%s\) \|.*\| %s hold \|`, folder, count[1]); !regexp.MustCompile(want).MatchString(string(overview)) {
			t.Errorf("results/README.md does not say %q of %s", count[1], folder)
		}
	}
}
