package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// What stands before the first file of a tar extends its header, or those of all files; it is a tar all the same.
func TestTarBeginsWithAnExtension(t *testing.T) {
	files := pets()
	want, _, err := folderDecoder().read(t, unpack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("p", 160) + "/" // more than a header has room for
	for _, k := range []struct {
		name string
		kind byte // of the first header
		all  map[string]string
		h    tar.Header
	}{
		{"PAX, as Python's tarfile writes a time", 'x', nil, tar.Header{Format: tar.FormatPAX, ModTime: time.Unix(1700000000, 123456789)}},
		{"PAX, a long name", 'x', nil, tar.Header{Format: tar.FormatPAX, Name: long}},
		{"PAX, for all files", 'g', map[string]string{"comment": "a commit"}, tar.Header{}},
		{"GNU, a long name", 'L', nil, tar.Header{Format: tar.FormatGNU, Name: long}},
		{"no extension", '0', nil, tar.Header{Format: tar.FormatUSTAR}},
	} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if k.all != nil {
			w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: k.all})
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			h := k.h
			h.Name, h.Size, h.Mode = h.Name+name, int64(len(files[name])), 0o644
			w.WriteHeader(&h)
			w.Write(files[name])
		}
		if err := w.Close(); err != nil {
			t.Fatal(k.name, err)
		}
		if got := out.Bytes()[156]; got != k.kind {
			t.Fatalf("%s: the archive begins with a header of kind %q, expected %q", k.name, got, k.kind)
		}
		for name, b := range map[string][]byte{"p.tar": out.Bytes(), "p.tar.gz": gz(out.Bytes())} {
			train, _, err := folderDecoder().read(t, writeFile(t, name, b))
			if err != nil || train.SHA256 != want.SHA256 {
				t.Errorf("%s, %s: %v, %v", k.name, name, train, err)
			}
		}
	}
}

func TestIsTarAddsUp(t *testing.T) {
	b := packTar("pets", pets())
	if !isTar(b) || !isTar(make([]byte, 512)) {
		t.Error("a tar is none")
	}
	old := slices.Clone(b[:512])
	old[0] = 0xe9 // a letter of Latin-1, whose sum some old programs took as of a signed byte
	sum := 0
	for i, c := range old {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(int8(c))
	}
	copy(old[148:], []byte{'0' + byte(sum>>12&7), '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0, ' ', 0})
	if !isTar(old) {
		t.Error("a header with a signed sum is none")
	}
	for _, at := range []int{0, 100, 150, 300} {
		bad := slices.Clone(b)
		bad[at]++
		if isTar(bad) {
			t.Errorf("byte %d changed, and it is still a tar", at)
		}
	}
	if isTar(b[:511]) || isTar(bytes.Repeat([]byte(" "), 512)) || isTar(nil) {
		t.Error("what is no tar is one")
	}
}

// Zips of some programs for Windows have \ between folders, and folders of their own end in it.
func TestZipWithBackslashes(t *testing.T) {
	want, _, err := folderDecoder().read(t, unpack(t, pets()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{`pets\`: nil, `pets\train\`: nil, `pets\train\cat\`: nil, `pets\train\cat\Thumbs.db`: []byte("x")}
	for name, b := range pets() {
		files[`pets\`+strings.ReplaceAll(name, "/", `\`)] = b
	}
	train, _, err := folderDecoder().read(t, writeFile(t, "p.zip", asZip(files)))
	if err != nil || train.SHA256 != want.SHA256 || !slices.Equal(train.Classes, want.Classes) {
		t.Errorf("%v, %v", train, err)
	}
}

// What an operating system or a file manager leaves behind is no part of a set, wherever it lies and in whatever letters.
func TestLitter(t *testing.T) {
	want, _, err := folderDecoder().read(t, unpack(t, pets()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Thumbs.db", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "Desktop.ini", ".DS_Store", "._1.png", ".directory", "Icon\r",
		"__MACOSX/1.png", "@eaDir/1.png", "@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/1.png", "System Volume Information/1.png", "#recycle/1.png",
	} {
		for _, below := range []string{"", "train/cat/"} {
			files := but(pets(), below+name, []byte("no picture"))
			for _, path := range []string{unpack(t, files), writeFile(t, "p.tar.gz", pack("pets", files)), writeFile(t, "p.zip", asZip(files))} {
				if train, _, err := folderDecoder().read(t, path); err != nil || train.SHA256 != want.SHA256 {
					t.Errorf("%q in %s: %v, %v", below+name, filepath.Base(path), train, err)
				}
			}
		}
	}
	for _, name := range []string{"train/cat/thumbs.png", "train/cat/mydesktop.ini", "train/__macos/1.png", "icon/1.png", "train/cat/1.png"} {
		if litter(name) {
			t.Errorf("%s is taken for litter", name)
		}
	}
}

// symlink makes a link, or skips the test where there are none.
func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, at); err != nil {
		t.Skip(err)
	}
}

// Links in a folder of the user's stand for what they lead to: a file, a class, a split, or all of it; near or far.
func TestLinksInFolders(t *testing.T) {
	want, _, err := folderDecoder().read(t, unpack(t, pets()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "train", "test", "train/cat", "test/dog", "train/cat/1.png"} {
		for _, relative := range []bool{false, true} {
			dir := unpack(t, pets())
			from, to := filepath.Join(dir, name), filepath.Join(t.TempDir(), "elsewhere")
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
			again := filepath.Join(t.TempDir(), "again")
			symlink(t, to, again)
			if relative {
				if again, err = filepath.Rel(filepath.Dir(from), again); err != nil {
					t.Fatal(err)
				}
			}
			symlink(t, again, from)
			train, _, err := folderDecoder().read(t, dir)
			if err != nil || train.SHA256 != want.SHA256 {
				t.Errorf("%q is a link: %v, %v", name, train, err)
			}
		}
	}
}

// A link that leads nowhere, round in a circle or to a device is named, with what to do.
func TestBadLinksInFolders(t *testing.T) {
	for _, k := range []struct {
		name, at, to string
		want         []string
	}{
		{"nowhere", "train/cat/3.png", "gone.png", []string{"train/cat/3.png is a link to gone.png", "cannot be followed", "mend the link or remove it"}},
		{"itself", "train/cat/3.png", "3.png", []string{"train/cat/3.png is a link to 3.png", "cannot be followed"}},
		{"the folder it lies in", "train/cat/all", ".", []string{"train/cat/all is a link to a folder that it lies in", "remove the link"}},
		{"the whole", "train/cat/all", "../..", []string{"train/cat/all is a link to a folder that it lies in"}},
	} {
		dir := unpack(t, pets())
		symlink(t, k.to, filepath.Join(dir, k.at))
		_, _, err := folderDecoder().read(t, dir)
		contains(t, k.name, err, append(k.want, dir)...)
	}
	dir := unpack(t, pets())
	symlink(t, "../dog", filepath.Join(dir, "train/cat/dogs"))
	symlink(t, "../cat", filepath.Join(dir, "train/dog/cats"))
	_, _, err := folderDecoder().read(t, dir)
	contains(t, "two folders linked to each other", err, "train/cat/dogs/cats is a link to a folder that it lies in")
	if runtime.GOOS == "windows" {
		return
	}
	dir = unpack(t, pets())
	symlink(t, os.DevNull, filepath.Join(dir, "train/cat/3.png"))
	_, _, err = folderDecoder().read(t, dir)
	contains(t, "device", err, "train/cat/3.png is neither a file nor a folder", "take it out")
}

// In an archive no link is followed, not even one that stays inside.
func TestLinksInArchives(t *testing.T) {
	files := pets()
	var tarred, zipped bytes.Buffer
	w := tar.NewWriter(&tarred)
	w.WriteHeader(&tar.Header{Name: "train/cat/3.png", Typeflag: tar.TypeSymlink, Linkname: "1.png"})
	for name, b := range files {
		w.WriteHeader(&tar.Header{Name: name, Size: int64(len(b)), Mode: 0o644})
		w.Write(b)
	}
	w.Close()
	z := zip.NewWriter(&zipped)
	h := &zip.FileHeader{Name: "train/cat/3.png"}
	h.SetMode(0o777 | os.ModeSymlink)
	link, _ := z.CreateHeader(h)
	link.Write([]byte("1.png"))
	for name, b := range files {
		e, _ := z.Create(name)
		e.Write(b)
	}
	z.Close()
	for name, b := range map[string][]byte{"p.tar": tarred.Bytes(), "p.tgz": gz(tarred.Bytes()), "p.zip": zipped.Bytes()} {
		_, _, err := folderDecoder().read(t, writeFile(t, name, b))
		contains(t, name, err, "train/cat/3.png is a symbolic link", "pack the file itself", name)
	}
}
