package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// refused runs a command line that must be a misuse with these words.
func refused(t *testing.T, line, want string) {
	t.Helper()
	status, out, errs := do(t, line)
	if status != misused || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
		t.Errorf("layerwise %s: status %d, stdout %q, stderr %q; expected one line with %q", line, status, out, errs, want)
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Skip(err)
	}
}

// One file under two names is written once: every output is another file than the other outputs and than the inputs, however it is spelled.
func TestSameFileTwice(t *testing.T) {
	dir := inside(t)
	ok(t, "train "+small+" --epochs 1 --seed 1 --out a")
	ok(t, "train "+small+" --epochs 1 --seed 2 --out b")
	if err := os.Mkdir("folder", 0o777); err != nil {
		t.Fatal(err)
	}
	symlink(t, "folder", "link")
	symlink(t, "a", "symbolic")
	if err := os.Link("b", "hard"); err != nil {
		t.Skip(err)
	}
	spawn := "spawn " + small + " --epochs 2 "
	for _, c := range []struct{ line, want string }{
		{spawn + "--out-a p --out-b p", "--out-a p and --out-b p are the same file"},
		{spawn + "--out-a p --out-b ./p", "--out-a p and --out-b ./p are the same file"},
		{spawn + "--out-a p --out-b new/../p", "are the same file"},
		{spawn + "--out-a p --out-b " + filepath.Join(dir, "p"), "are the same file"},
		{spawn + "--out-a folder/p --out-b link/p", "are the same file"},
		{spawn + "--out-a new/p --out-b link/../new//p", "are the same file"},
		{spawn + "--out-a a --out-b symbolic", "are the same file"},
		{spawn + "--out-a b --out-b hard", "are the same file"},
		{"match a b --backend go --out ./a", "--out ./a is A, which stays"},
		{"match a b --backend go --out hard", "--out hard is B, which stays"},
		{"match symbolic b --backend go --out a", "--out a is A, which stays"},
	} {
		refused(t, c.line, c.want)
	}
	if foldsCase(dir) {
		refused(t, spawn+"--out-a p --out-b P", "are the same file")
	}
	// A table must not replace an input.
	if err := os.Link("a", "folder/path.csv"); err != nil {
		t.Fatal(err)
	}
	refused(t, "measure b folder/path.csv --backend go --out link", "--out link/path.csv is B, which stays")
	refused(t, "measure a b --backend go --out folder", "--out folder/path.csv is A, which stays")
	// Nor a network the pictures that it learns from.
	pictures(t, "shades", "dark", "light")
	train := "train --network resnet --depth 8 --width 2 --data images:shades --epochs 1 --batch 8 --augment none --backend go --out "
	refused(t, train+"shades/train/dark/a.png", "lies in the data set images:shades")
	refused(t, strings.ReplaceAll(train, "shades", "./a")+"a", "--out a is the data set images:./a")
	if entries, err := os.ReadDir("folder"); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v", entries, err)
	}
	ok(t, spawn+"--out-a folder/p --out-b folder/q")
}

// The file system says whether it takes names in another case for the same.
func TestFoldsCase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "name"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat(filepath.Join(dir, "NAME"))
	if got := foldsCase(dir); got != (err == nil) {
		t.Errorf("foldsCase is %t, but NAME for name gives %v", got, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// ~/ is the home folder in every path, behind a flag's = too, where no shell expands it.
func TestHome(t *testing.T) {
	inside(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	ok(t, "train "+small+" --epochs 1 --out=~/new/a")
	ok(t, "spawn "+small+" --epochs 1 --out-a=~/c --out-b ~/d")
	ok(t, "match ~/c ~/d --backend go --out=~/e")
	ok(t, "measure ~/c ~/e --backend go --data digits --samples 20 --train-samples 20 --alphas 0.5 --out=~/ab")
	ok(t, "describe ~/c")
	for _, name := range []string{"new/a", "c", "d", "e", "ab/path.csv"} {
		exists(t, filepath.Join(home, name))
	}
	pictures(t, filepath.Join(home, "shades"), "dark", "light")
	ok(t, "data --get=images:~/shades")
	if err := os.WriteFile(filepath.Join(home, "card.json"), []byte("[]"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, errs := do(t, "reproduce --markdown=~/card.json"); strings.Contains(errs, "no such file") {
		t.Error(errs)
	}
	if _, _, errs := do(t, "train "+small+" --epochs 1 --out x --backend=xla:~/plugin.so"); !strings.Contains(errs, filepath.Join(home, "plugin.so")) {
		t.Error(errs)
	}
	for _, line := range []string{
		"train " + small + " --out=~else/x", "spawn " + small + " --out-a=~else/x --out-b y", "spawn " + small + " --out-a x --out-b=~else",
		"match ~else/a ~/d --out x", "match ~/c ~/d --out ~else/x", "measure ~/c ~/d --out ~else", "measure ~/c ~/d --data images:~else/x --out y",
		"describe ~else/x", "data --get images:~else/x", "reproduce --out ~else", "reproduce --markdown ~else", "train --out x --backend xla:~else/p",
	} {
		refused(t, line, "~else")
		refused(t, line, "only ~/ is understood")
	}
	entries, err := os.ReadDir(".")
	for _, e := range entries {
		if e.Name() != "runs" {
			t.Errorf("%s was made in the working directory", e.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// What is measured into the folder of an earlier measurement leaves none of its tables behind, and touches no file of another kind.
func TestMeasureAgain(t *testing.T) {
	inside(t)
	ok(t, "spawn "+small+" --epochs 1 --out-a a --out-b b")
	measure := "measure a b --backend go --samples 20 --train-samples 20 --alphas 0.5 --out ab"
	ok(t, measure+" --per-sample")
	exists(t, "ab/samples.csv")
	if err := os.WriteFile("ab/notes.txt", []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	ok(t, measure)
	if _, err := os.Stat("ab/samples.csv"); err == nil {
		t.Error("the samples of the earlier measurement lie beside the tables of this one")
	}
	for _, name := range []string{"path.csv", "layers.csv", "conditions.csv", "notes.txt"} {
		exists(t, filepath.Join("ab", name))
	}
	for _, name := range []string{"samples.csv", "path.csv"} {
		if err := os.MkdirAll("other", 0o777); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("other", name)
		if err := os.WriteFile(path, []byte("id,colour\n1,red\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		refused(t, strings.Replace(measure, "--out ab", "--out other", 1), path+" is there and is not a table of a measurement")
		if text, err := os.ReadFile(path); err != nil || string(text) != "id,colour\n1,red\n" {
			t.Errorf("%s holds %q, %v", path, text, err)
		}
		if err := os.RemoveAll("other"); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("ab/index.html", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	refused(t, "reproduce --scale smoke --backend go --out ab", "--out ab: ab/index.html is there")
}
