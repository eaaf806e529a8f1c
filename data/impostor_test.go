package data

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// impostors are what lies under the names of data files where a download or a clone went wrong.
func impostors() map[string]struct {
	b    []byte
	want string
} {
	type found = struct {
		b    []byte
		want string
	}
	all := map[string]found{
		"page":    {[]byte("\n<!DOCTYPE html><html><body>404 Not Found</body></html>"), "a web page"},
		"pointer": {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"), "a Git LFS pointer"},
		"JSON":    {[]byte(`{"message": "Not Found", "status": "404"}`), "a text in JSON"},
		"XML":     {[]byte(`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`), "a text in XML"},
	}
	for name, k := range maps.Clone(all) {
		all[name+" in gzip"] = found{gz(k.b), k.want}
	}
	return all
}

// Whatever file of whatever set it stands for, the error says what it is, and names the file.
func TestImpostors(t *testing.T) {
	for kind, k := range impostors() {
		try := func(what string, err error, names ...string) {
			t.Helper()
			contains(t, kind+" as "+what, err, append(names, k.want)...)
		}
		for _, name := range []string{"p.tar", "p.tar.gz", "p.tgz", "p.zip"} {
			_, _, err := Load(context.Background(), "images:"+writeFile(t, name, k.b), Options{})
			try("archive", err, name)
		}
		for _, name := range []string{"train/cat/2.png", "test/dog/1.jpg"} {
			files := but(pets(), name, k.b)
			for _, path := range []string{unpack(t, files), writeFile(t, "p.tar.gz", pack("pets", files)), writeFile(t, "p.zip", asZip(files))} {
				_, _, err := folderDecoder().read(t, path)
				try("picture in "+filepath.Base(path), err, name, "neither PNG nor JPEG")
			}
		}
		y := newToy()
		for name := range y.raw {
			for _, suffix := range []string{"", ".gz"} {
				files := maps.Clone(y.raw)
				delete(files, name)
				files[name+suffix] = k.b
				dir := t.TempDir()
				put(t, dir, files)
				_, _, err := y.load(Options{Dirs: []string{dir}, Offline: true})
				try("IDX", err, name+suffix)
			}
		}
		c, archives, folders := published(t)
		for name := range archives {
			dir := t.TempDir()
			put(t, dir, map[string][]byte{name: k.b})
			_, _, err := c.load(Options{Dirs: []string{dir}, Offline: true})
			try("edition", err, name)
		}
		for folder, files := range folders {
			for _, name := range slices.Sorted(maps.Keys(files)) {
				if name == "readme.html" {
					continue
				}
				dir := t.TempDir()
				put(t, filepath.Join(dir, folder), but(files, name, k.b))
				_, _, err := c.load(Options{Dirs: []string{dir}, Offline: true})
				try("file of an edition", err, name)
			}
		}
		dir := t.TempDir()
		put(t, dir, map[string][]byte{"toy-jpeg.zip": k.b})
		_, _, err := c.load(Options{Dirs: []string{dir}, Offline: true})
		try("stand-in", err, "toy-jpeg.zip")
		small, files := smallTinyImageNet()
		for _, name := range []string{"wnids.txt", "val/val_annotations.txt", "train/n1/images/n1_0.JPEG"} {
			_, _, err := small.edition().decoder.read(t, unpack(t, but(files, name, k.b)))
			try("file of Tiny-ImageNet", err, name)
		}
	}
}
