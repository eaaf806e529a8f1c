package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pathFlag is a flag with the path of a file or a folder.
type pathFlag struct {
	value  *string
	prefix string // what comes before the path: "images:", "xla:"; a value without it is not a path
}

// Set expands ~/, which a shell leaves as it is after the = of --out=~/x.
func (p pathFlag) Set(text string) error {
	path, ok := strings.CutPrefix(text, p.prefix)
	if !ok {
		*p.value = text
		return nil
	}
	path, err := expandHome(path)
	*p.value = p.prefix + path
	return err
}

func (p pathFlag) String() string {
	if p.value == nil {
		return ""
	}
	return *p.value
}

// path declares a flag with a path.
func (c *command) path(name, value, usage string) *string {
	c.Var(pathFlag{value: &value}, name, usage)
	return &value
}

// pathAfter declares a flag with a word, which may be the prefix followed by a path.
func (c *command) pathAfter(prefix, name, usage string) *string {
	var value string
	c.Var(pathFlag{&value, prefix}, name, usage)
	return &value
}

// expandHome replaces a leading ~ by the user's home folder.
func expandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok {
		return path, nil
	}
	if rest != "" && !os.IsPathSeparator(rest[0]) {
		return "", fmt.Errorf("of ~ only ~/ is understood, your own home folder; write out the path of another's, or ./%s for a file of that name", path)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%s: %w; write out the path", path, err)
	}
	return home + rest, nil
}

// file is a file or a folder that a verb reads or writes, with a name for messages: "--out-a", "A".
type file struct{ name, path string }

// apart returns an error if two of the files to be written are the same, or one of them is a file that is read or lies in a folder that is read.
func (c *command) apart(written, read []file) error {
	for i, w := range written {
		for _, other := range written[:i] {
			if samePlace(w.path, other.path) {
				return c.wrong("%s %s and %s %s are the same file; give two", other.name, other.path, w.name, w.path)
			}
		}
		for _, r := range read {
			switch {
			case samePlace(w.path, r.path):
				return c.wrong("%s %s is %s, which stays as it is; name another", w.name, w.path, r.name)
			case within(w.path, r.path):
				return c.wrong("%s %s lies in %s, which stays as it is; name another place", w.name, w.path, r.name)
			}
		}
	}
	return nil
}

// inputs are the files that the caller named, A, B and so on, and the pictures of a data set.
func (c *command) inputs(set string) []file {
	var out []file
	for i, path := range c.given {
		name := path
		if i < 26 {
			name = string(rune('A' + i))
		}
		out = append(out, file{name, path})
	}
	if path, ok := strings.CutPrefix(set, "images:"); ok {
		if at, _ := findImages(path); at != "" {
			out = append(out, file{"the data set " + set, at})
		}
	}
	return out
}

// samePlace reports whether two paths lead to the same file, or will once it is written.
func samePlace(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(x, y) // also through a symbolic link, a hard link or another case
	}
	p, q := resolve(a), resolve(b)
	return p == q || strings.EqualFold(p, q) && foldsCase(existing(p))
}

// within reports whether a path leads into a folder.
func within(path, folder string) bool {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return false
	}
	in, err := filepath.Rel(resolve(folder), resolve(path))
	return err == nil && in != ".." && !strings.HasPrefix(in, ".."+string(filepath.Separator))
}

// resolve returns the absolute path. The part of it that exists is free of symbolic links.
func resolve(path string) string {
	if !filepath.IsAbs(path) {
		dir, err := os.Getwd()
		if err != nil {
			return filepath.Clean(path)
		}
		path = dir + string(filepath.Separator) + path // filepath.Join would drop x/.., which is wrong where x is a link
	}
	missing := ""
	for at := path; ; {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, missing)
		}
		dir, base := filepath.Split(strings.TrimRight(at, string(filepath.Separator)))
		if dir == at || dir == "" {
			return filepath.Clean(path)
		}
		at, missing = dir, filepath.Join(base, missing)
	}
}

// existing is the path, or the nearest folder above it that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

// foldsCase reports whether names in a folder that differ only in case mean the same file, as on most disks of macOS and Windows.
func foldsCase(dir string) bool {
	f, err := os.CreateTemp(dir, ".layerwise-*.tmp")
	if err != nil {
		return false
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, err = os.Stat(filepath.Join(dir, strings.ToUpper(filepath.Base(f.Name()))))
	return err == nil
}
