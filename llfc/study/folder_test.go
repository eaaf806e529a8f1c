package study

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// put writes files of a report, each with its own name as content, and fails where a name is "fail".
func put(t *testing.T, dir string, names ...string) func() error {
	return func() error {
		for _, name := range names {
			if name == "fail" {
				return errors.New("interrupted")
			}
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(name), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	}
}

// there fails unless the folder holds these files, apart from the list.
func there(t *testing.T, dir string, want ...string) {
	t.Helper()
	got := files(t, dir)
	delete(got, sumsFile)
	slices.Sort(want)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, expected %q", names, want)
	}
}

// A report takes away what an earlier one of another shape has left in its folder, and nothing else.
func TestRefill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first := []string{"index.html", "README.md", "study.json", "figures/a.svg", "figures/b.svg", "pairs/x-seed1/path.csv", "pairs/x-seed1/samples.csv"}
	if err := refill(dir, first, put(t, dir, first[:6]...)); err != nil { // the last is not always measured
		t.Fatal(err)
	}
	there(t, dir, first[:6]...)
	put(t, dir, "figures/mine.png", "notes.txt", "pairs/y/data")()
	if err := os.WriteFile(filepath.Join(dir, "study.json"), []byte("edited"), 0o666); err != nil {
		t.Fatal(err)
	}
	second := []string{"index.html", "figures/b.svg"}
	if err := refill(dir, second, put(t, dir, second...)); err != nil {
		t.Fatal(err)
	}
	there(t, dir, "index.html", "figures/b.svg", "figures/mine.png", "notes.txt", "pairs/y/data", "study.json")
	if err := CheckFolder(dir); err == nil || !strings.Contains(err.Error(), "study.json") {
		t.Errorf("a file that was edited and is no more of the report: %v", err)
	}
}

// A report that was killed in the middle of writing does not stand in the way of the next.
func TestRefillAfterKill(t *testing.T) {
	dir := t.TempDir()
	names := []string{"figures/a.svg", "index.html"}
	if err := refill(dir, names, put(t, dir, "figures/a.svg", "fail")); err == nil {
		t.Fatal("no error")
	}
	if err := refill(dir, []string{"index.html"}, put(t, dir, "index.html")); err != nil {
		t.Fatal(err)
	}
	there(t, dir, "index.html")
}

// What is not a report's stays, whatever it is called.
func TestForeignFolder(t *testing.T) {
	for name, want := range map[string]string{
		"index.html": "index.html is there", "figures/photo.png": "figures is there", "pairs/x": "pairs is there", "path.csv": "path.csv is there",
		"notes.txt": "", "SHA256SUMS": "", "": "",
	} {
		dir := t.TempDir()
		if name != "" {
			put(t, dir, name)()
		}
		err := CheckFolder(dir)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", name, err, want)
		}
		if want != "" {
			if err := refill(dir, []string{"index.html"}, put(t, dir, "index.html")); err == nil {
				t.Errorf("%s: a report was written", name)
			}
			there(t, dir, name)
		}
	}
	if err := CheckFolder(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
	// A list that names other files, by mistake or by malice, removes nothing.
	dir := t.TempDir()
	put(t, dir, "report/index.html", "precious")()
	for _, line := range []string{unwritten + "  ../precious", unwritten + "  figures/../../precious", unwritten + "  /etc/passwd", unwritten + "  notes.txt", "nonsense"} {
		if err := os.WriteFile(filepath.Join(dir, "report", sumsFile), []byte(line+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := refill(filepath.Join(dir, "report"), nil, put(t, dir)); err == nil || !strings.Contains(err.Error(), sumsFile) {
			t.Errorf("%s: %v", line, err)
		}
	}
	there(t, dir, "precious", "report/"+sumsFile, "report/index.html")
}
