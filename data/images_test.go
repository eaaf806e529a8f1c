package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// paint is an opaque image of w×h in colours of its own.
func paint(w, h int, seed uint64) *image.RGBA {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		if m.Pix[i] = byte(rng.Uint32()); i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func grey(w, h int, v uint8) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = v + uint8(i)
	}
	return m
}

func asPNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asJPEG(m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// pets are two classes in two splits, 6×5 pixels.
func pets() map[string][]byte {
	m := map[string][]byte{}
	for i, name := range []string{"train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png"} {
		m[name] = asPNG(paint(6, 5, uint64(i)))
	}
	return m
}

func but(m map[string][]byte, name string, b []byte) map[string][]byte {
	m = maps.Clone(m)
	if m[name] = b; b == nil {
		delete(m, name)
	}
	return m
}

func asZip(files map[string][]byte, names ...string) []byte {
	if names == nil {
		names = slices.Sorted(maps.Keys(files))
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		w, _ := z.Create(name)
		w.Write(files[name])
	}
	z.Close()
	return out.Bytes()
}

// unpack lays files out in a folder.
func unpack(t testing.TB, files map[string][]byte) string {
	dir := t.TempDir()
	for name, b := range files {
		put(t, filepath.Join(dir, filepath.Dir(name)), map[string][]byte{filepath.Base(name): b})
	}
	return dir
}

// Every container and every order of what is in it gives the same set.
func TestImagesInEveryContainer(t *testing.T) {
	files := pets()
	names := slices.Sorted(maps.Keys(files))
	back := slices.Clone(names)
	slices.Reverse(back)
	litter := maps.Clone(files)
	litter["train/cat/.DS_Store"], litter["._x.png"], litter["__MACOSX/train/cat/._1.png"], litter["README.md"], litter["train/notes.txt"] = []byte("x"), []byte("x"), []byte("x"), []byte("x"), []byte("x")
	inside := map[string][]byte{}
	for n, b := range files {
		inside["pets/"+n] = b
	}
	var want *Set
	for _, k := range []struct{ name, path string }{
		{"folder", unpack(t, files)},
		{"folder within", unpack(t, inside)},
		{"litter", unpack(t, litter)},
		{"tar", writeFile(t, "p.tar", packTar("", files))},
		{"tar.gz", writeFile(t, "p.tar.gz", pack("pets", files))},
		{"tar.gz under the name of a split", writeFile(t, "p.tar.gz", pack("train", files))},
		{"tar.gz backwards", writeFile(t, "p.tgz", pack(".", files, back...))},
		{"litter in tar", writeFile(t, "p.tgz", pack(".", litter))},
		{"zip", writeFile(t, "p.zip", asZip(files))},
		{"zip backwards, one name for all kinds", writeFile(t, "p.bin", asZip(inside))},
	} {
		train, test, err := folderDecoder().read(t, k.path)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if want == nil {
			want = train
			if !slices.Equal(train.Classes, []string{"cat", "dog"}) || !slices.Equal(train.Labels, []int32{0, 0, 1}) || !slices.Equal(test.Labels, []int32{0, 1}) ||
				!slices.Equal(train.Shape, []int{5, 6, 3}) || train.Note != "" {
				t.Fatalf("%v %v %v %v %q", train, train.Classes, train.Labels, test.Labels, train.Note)
			}
			for i, k := range []uint64{0, 1, 2} {
				m := paint(6, 5, k)
				for p := range 30 {
					if !bytes.Equal(train.Sample(i)[3*p:3*p+3], m.Pix[4*p:4*p+3]) {
						t.Fatalf("sample %d pixel %d: %v, expected %v", i, p, train.Sample(i)[3*p:3*p+3], m.Pix[4*p:4*p+3])
					}
				}
			}
			mean, std := train.moments()
			if !slices.Equal(train.Mean, mean) || !slices.Equal(test.Std, std) {
				t.Error("normalisation is not that of the training split")
			}
		}
		if train.SHA256 != want.SHA256 || test.Len() != 2 {
			t.Errorf("%s: %s, expected %s", k.name, train.SHA256, want.SHA256)
		}
	}
}

func TestImagesSplits(t *testing.T) {
	files := map[string][]byte{}
	for n, b := range pets() {
		files[strings.Replace(n, "test/", "val/", 1)] = b
	}
	_, test, err := folderDecoder().read(t, unpack(t, files))
	if err != nil || test.Len() != 2 || test.Split != "test" {
		t.Errorf("only val: %v, %v", test, err)
	}
	files = pets()
	files["val/cat/9.png"] = asPNG(paint(6, 5, 9))
	if _, test, err = folderDecoder().read(t, unpack(t, files)); err != nil || test.Len() != 2 {
		t.Errorf("test and val: %v, %v, expected those of test", test, err)
	}
}

// What is not as wanted is either refused, with the names of the files, or converted and counted.
func TestImagesRefused(t *testing.T) {
	good := pets()
	big := asPNG(paint(6, 5, 1))
	binary.BigEndian.PutUint32(big[16:], 60000)
	binary.BigEndian.PutUint32(big[20:], 60000)
	binary.BigEndian.PutUint32(big[29:], crc32.ChecksumIEEE(big[12:29]))
	glass := image.NewNRGBA(image.Rect(0, 0, 6, 5))
	cutJPEG := asJPEG(paint(6, 5, 1))
	cutJPEG = cutJPEG[:len(cutJPEG)-40]
	for _, k := range []struct {
		name  string
		files map[string][]byte
		want  []string
	}{
		{"truncated JPEG", but(good, "train/cat/2.jpg", cutJPEG), []string{"train/cat/2.jpg", "the image is cut"}},
		{"truncated in its header", but(good, "train/cat/2.jpg", cutJPEG[:30]), []string{"train/cat/2.jpg", "header cannot be read", "the image is cut"}},
		{"damaged PNG", but(good, "train/cat/2.png", func() []byte { b := slices.Clone(good["train/cat/2.png"]); b[50] ^= 255; return b }()), []string{"train/cat/2.png", "cannot be decoded"}},
		{"another size", but(good, "test/dog/1.png", asPNG(paint(5, 6, 1))), []string{"test/dog/1.png is 5×6", "train/cat/1.png is 6×5", "one size"}},
		{"absurd size", but(good, "test/dog/1.png", big), []string{"test/dog/1.png", "60000×60000", "at most 67108864"}},
		{"transparent", but(good, "test/dog/1.png", asPNG(glass)), []string{"test/dog/1.png", "transparent"}},
		{"class in train only", but(good, "test/dog/1.png", nil), []string{`class "dog"`, "training split only", "train/dog/1.png"}},
		{"class in test only", but(good, "test/emu/1.png", good["test/dog/1.png"]), []string{`class "emu"`, "test split only", "test/emu/1.png"}},
		{"no train", map[string][]byte{"test/cat/1.png": good["test/cat/1.png"]}, []string{"no train/"}},
		{"no test", map[string][]byte{"train/cat/1.png": good["test/cat/1.png"]}, []string{"no test/ or val/"}},
		{"no split", map[string][]byte{"cat/1.png": good["test/cat/1.png"]}, []string{"cat/1.png", "expected split/class/file"}},
		{"too deep", but(good, "train/cat/more/1.png", good["test/cat/1.png"]), []string{"train/cat/more/1.png", "expected split/class/file"}},
		{"another kind", but(good, "train/cat/3.webp", []byte("RIFF")), []string{"train/cat/3.webp", "no .png, .jpg or .jpeg"}},
		{"another kind by content", but(good, "train/cat/3.png", []byte("GIF89a......")), []string{"train/cat/3.png", "neither PNG nor JPEG", "GIF89a"}},
		{"empty file", but(good, "train/cat/3.png", []byte{}), []string{"train/cat/3.png", "the file is empty"}},
		{"no images", map[string][]byte{"a.txt": []byte("x")}, []string{"no image"}},
	} {
		for _, path := range []string{unpack(t, k.files), writeFile(t, "p.tar.gz", pack("pets", k.files)), writeFile(t, "p.zip", asZip(k.files))} {
			_, _, err := folderDecoder().read(t, path)
			contains(t, k.name, err, append(k.want, filepath.Base(path))...)
		}
	}
}

func TestImagesConverted(t *testing.T) {
	good := pets()
	deep := image.NewRGBA64(image.Rect(0, 0, 6, 5))
	for y := range 5 {
		for x := range 6 {
			deep.SetRGBA64(x, y, color.RGBA64{uint16(x * 5000), 257*7 + 128, 257*7 + 129, 65535})
		}
	}
	opaque := image.NewNRGBA(image.Rect(0, 0, 6, 5))
	for i := range opaque.Pix {
		if opaque.Pix[i] = uint8(i); i%4 == 3 {
			opaque.Pix[i] = 255
		}
	}
	// Go's encoder drops an opaque alpha channel, so this one is put in by hand: RGBA of 8 bits, not interlaced
	withAlpha := rawPNG(6, 5, 6, opaque.Pix, 24)
	palette := image.NewPaletted(image.Rect(0, 0, 6, 5), color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{200, 100, 50, 255}})
	palette.Pix[7] = 1
	for _, k := range []struct {
		name string
		b    []byte
		at   int // pixel
		want []uint8
		note string
	}{
		{"grey", asPNG(grey(6, 5, 40)), 3, []uint8{43, 43, 43}, "1 of 6 images: grey made RGB"},
		{"grey JPEG", asJPEG(image.NewGray(image.Rect(0, 0, 6, 5))), 3, []uint8{0, 0, 0}, "1 of 6 images: grey made RGB"},
		{"16 bits", asPNG(deep), 2, []uint8{39, 7, 8}, "1 of 6 images: 16 bits made 8"}, // 10000/257 = 38.9
		{"opaque alpha", withAlpha, 1, []uint8{4, 5, 6}, "1 of 6 images: opaque alpha dropped"},
		{"palette", asPNG(palette), 7, []uint8{200, 100, 50}, ""},
		{"JPEG named PNG", asJPEG(image.NewGray(image.Rect(0, 0, 6, 5))), 0, []uint8{0, 0, 0}, "1 of 6 images: grey made RGB"},
	} {
		name := "train/cat/9.png"
		train, _, err := folderDecoder().read(t, unpack(t, but(good, name, k.b)))
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if got := train.Sample(2)[3*k.at : 3*k.at+3]; !slices.Equal(got, k.want) || train.Note != k.note {
			t.Errorf("%s: %v, note %q, expected %v, %q", k.name, got, train.Note, k.want, k.note)
		}
	}
	all := map[string][]byte{}
	for i, n := range slices.Sorted(maps.Keys(good)) {
		all[n] = asPNG(grey(6, 5, uint8(10*i)))
	}
	train, _, err := folderDecoder().read(t, unpack(t, all))
	if err != nil || !slices.Equal(train.Shape, []int{5, 6, 1}) || train.Note != "" || !slices.Equal(train.Sample(0), grey(6, 5, 20).Pix) {
		t.Errorf("all grey: %v, %v", train, err)
	}
}

// rawPNG is a PNG of the given colour type with 8 bits, row by row without filters.
func rawPNG(w, h int, colour byte, pix []byte, stride int) []byte {
	var rows bytes.Buffer
	z := zlib.NewWriter(&rows)
	for y := range h {
		z.Write([]byte{0})
		z.Write(pix[y*stride : (y+1)*stride])
	}
	z.Close()
	out := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		kind string
		b    []byte
	}{
		{"IHDR", append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h)), 8, colour, 0, 0, 0)},
		{"IDAT", rows.Bytes()},
		{"IEND", nil},
	} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(c.b)))
		body := append([]byte(c.kind), c.b...)
		out = binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
	}
	return out
}

// A JPEG is decoded as Go decodes it, chroma repeated, and so as color.YCbCrToRGB says.
func TestJPEGPixels(t *testing.T) {
	b := asJPEG(paint(9, 7, 3))
	got := make([]uint8, 9*7*3)
	if how, err := unpackPicture(got, b, 9, 7, 3); how != plain || err != nil {
		t.Fatal(how, err)
	}
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 63 {
		r, g, bl, _ := m.At(i%9, i/9).RGBA()
		if got[3*i] != uint8(r>>8) || got[3*i+1] != uint8(g>>8) || got[3*i+2] != uint8(bl>>8) {
			t.Fatalf("pixel %d: %v, expected %d %d %d", i, got[3*i:3*i+3], r>>8, g>>8, bl>>8)
		}
	}
}

// Names that lead out of the archive, links and devices are refused, not skipped.
func TestArchiveNames(t *testing.T) {
	files := pets()
	for _, k := range []struct {
		name string
		h    tar.Header
		want string
	}{
		{"traversal", tar.Header{Name: "../train/cat/3.png"}, "expected one inside the data set"},
		{"traversal inside", tar.Header{Name: "train/../../x.png"}, "expected one inside the data set"},
		{"absolute", tar.Header{Name: "/etc/3.png"}, "expected one inside the data set"},
		{"backslash", tar.Header{Name: `train\cat\3.png`}, "expected one inside the data set"},
		{"not UTF-8", tar.Header{Name: "train/cat/\xff.png", Format: tar.FormatGNU}, "expected one inside the data set"},
		{"symlink", tar.Header{Name: "train/cat/3.png", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, "train/cat/3.png is a symbolic link"},
		{"hard link", tar.Header{Name: "train/cat/3.png", Typeflag: tar.TypeLink, Linkname: "train/cat/1.png"}, "train/cat/3.png is a hard link"},
		{"device", tar.Header{Name: "train/cat/3.png", Typeflag: tar.TypeChar}, "neither a file nor a folder"},
		{"twice", tar.Header{Name: "train/cat/1.png"}, "train/cat/1.png stands in it twice"},
	} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for n, b := range files {
			w.WriteHeader(&tar.Header{Name: n, Size: int64(len(b))})
			w.Write(b)
		}
		if k.h.Typeflag == 0 {
			k.h.Size = int64(len(files["train/cat/1.png"]))
		}
		if err := w.WriteHeader(&k.h); err != nil {
			t.Fatal(k.name, err)
		}
		w.Write(files["train/cat/1.png"][:k.h.Size])
		w.Close()
		_, _, err := folderDecoder().read(t, writeFile(t, "p.tar", out.Bytes()))
		contains(t, "tar, "+k.name, err, k.want, "p.tar")
	}
	for name, want := range map[string]string{
		"../3.png": "expected one inside", "/3.png": "expected one inside", `..\3.png`: "expected one inside", `train\..\..\3.png`: "expected one inside",
		`\3.png`: "expected one inside", `\\host\share\3.png`: "expected one inside", `C:\train\cat\3.png`: "expected one inside", "C:/3.png": "expected one inside",
		`train\cat\1.png`: "train/cat/1.png stands in it twice",
	} {
		_, _, err := folderDecoder().read(t, writeFile(t, "p.zip", asZip(but(files, name, files["train/cat/1.png"]))))
		contains(t, "zip, "+name, err, want, "p.zip")
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "train/cat/3.png"}
	h.SetMode(0o777 | os.ModeSymlink)
	w, _ := z.CreateHeader(h)
	w.Write([]byte("/etc/passwd"))
	z.Close()
	_, _, err := folderDecoder().read(t, writeFile(t, "p.zip", out.Bytes()))
	contains(t, "symlink in zip", err, "train/cat/3.png is a symbolic link")
}

func TestArchiveDamage(t *testing.T) {
	files := pets()
	for i := range 40 { // so that a cut in the middle is one in the content
		files[fmt.Sprintf("train/cat/m%d.png", i)] = asPNG(paint(6, 5, uint64(100+i)))
	}
	tgz, plain, zipped := pack("pets", files), packTar("pets", files), asZip(files)
	blocks := len(plain) / 2 / 512 * 512
	for ; plain[blocks] == 0 || !bytes.HasPrefix(plain[blocks:], []byte("pets/")); blocks += 512 { // up to the next header
	}
	flip := func(b []byte, at int) []byte { b = slices.Clone(b); b[at] ^= 0x55; return b }
	for _, k := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty file", nil, "the file is empty"},
		{"not an archive", []byte(strings.Repeat("hello", 200)), "not an archive"},
		{"not an archive, short", []byte("hello"), "not an archive"},
		{"web page", []byte("<!DOCTYPE html><html>" + strings.Repeat(" ", 600)), "a web page"},
		{"empty tar", make([]byte, 1024), "no image"},
		{"empty tar.gz", gz(make([]byte, 1024)), "no image"},
		{"empty zip", asZip(nil), "no image"},
		{"gzip of nothing", gz(nil), "without the mark of its end"},
		{"gzip of something else", gz([]byte(strings.Repeat("hello", 500))), "not a tar archive"},
		{"tar.gz cut", tgz[:len(tgz)/2], "it is cut"},
		{"tar.gz cut in its checksum", tgz[:len(tgz)-3], "it is cut"},
		{"tar.gz header cut", tgz[:7], "it is cut"},
		{"tar.gz damaged", flip(tgz, len(tgz)/2), "p.x"},
		{"tar.gz checksum wrong", flip(tgz, len(tgz)-6), "checksum"},
		{"tar cut in a file", plain[:blocks-700], "it is cut"},
		{"tar cut between files", plain[:blocks], "it is cut"},
		{"tar damaged", flip(plain, blocks+3), "no tar header where one is due"},
		{"zip cut", zipped[:len(zipped)/2], "it may be cut"},
		{"zip damaged", flip(zipped, 300), "p.x"},
	} {
		for _, cache := range []string{"", t.TempDir()} {
			tree, err := openTree(writeFile(t, "p.x", k.b), standardLimits())
			if err == nil {
				_, _, err = decodedSets(context.Background(), Options{Cache: cache}, tree, "", folderDecoder())
			}
			contains(t, k.name, err, k.want, "p.x")
			if cache != "" && len(visible(filepath.Join(cache, "decoded"))) > 0 {
				t.Errorf("%s: the cache holds %q", k.name, visible(filepath.Join(cache, "decoded")))
			}
		}
	}
}

// Bombs are stopped by what they announce or, where they lie, by what they unpack to; memory stays small.
func TestBombs(t *testing.T) {
	l := standardLimits()
	l.unpacked, l.ratio, l.entries, l.names = 1<<20, 10, 100, 4000
	zeros := make([]byte, 32<<20)
	many, long := map[string][]byte{}, map[string][]byte{}
	for i := range 101 {
		many[fmt.Sprintf("train/%d.txt", i)] = []byte("x")
		if i < 60 {
			long[fmt.Sprintf("%0100d.txt", i)] = []byte("x")
		}
	}
	small := l
	small.pixels = 300
	lots := slices.Concat(packTar("", map[string][]byte{"a.txt": nil})[:1024], zeros) // zeros beyond the end
	for _, k := range []struct {
		name string
		l    limits
		b    []byte
		want string
	}{
		{"tar.gz of one huge file", l, gz(packTar("", but(pets(), "huge.bin", zeros))), "bomb"},
		{"tar.gz with a tail of zeros", l, gz(lots), "bomb"},
		{"zip of one huge file", l, asZip(but(pets(), "huge.bin", zeros)), "bomb"},
		{"too many files", l, packTar("", many), "more files than the 100"},
		{"too many in a zip", l, asZip(many), "more files than the 100"},
		{"names too long", l, packTar("", long), "names of the files"},
		{"too many pixels", small, packTar("", pets()), "5 images of 6×5 are 450 bytes, expected at most 300"},
		{"file much larger than its image", standardLimits(), gz(packTar("", but(pets(), "train/cat/3.png", append(asPNG(paint(6, 5, 1)), zeros...)))), "a file of 33"},
	} {
		path := writeFile(t, "p.x", k.b)
		k.b = nil
		peak := peakHeap(func() {
			tree, err := openTree(path, k.l)
			if err == nil {
				_, _, err = decodedSets(context.Background(), Options{}, tree, "", folderDecoder())
			}
			contains(t, k.name, err, k.want, "p.x")
		})
		if peak > 16<<20 {
			t.Errorf("%s: %d MB of heap", k.name, peak>>20)
		}
	}
}

// peakHeap is how much the heap grew at most while f ran.
func peakHeap(f func()) int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	start := m.HeapAlloc
	var peak atomic.Uint64
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for tick := time.NewTicker(2 * time.Millisecond); ; {
			select {
			case <-tick.C:
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapAlloc))
			case <-stop:
				return
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return int64(peak.Load()) - int64(start)
}

// 100,000 files: streamed, in bounded memory.
func TestHundredThousandFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("several seconds")
	}
	const n = 100000
	f, err := os.Create(filepath.Join(t.TempDir(), "many.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kinds := [][]byte{asPNG(paint(4, 4, 1)), asPNG(paint(4, 4, 2)), asPNG(paint(4, 4, 3))}
	w := tar.NewWriter(f)
	for i := range n {
		b := kinds[i%3]
		split := "train"
		if i%10 == 0 {
			split = "test"
		}
		w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%s/class%02d/%06d.png", split, i/10%50, i), Size: int64(len(b))})
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Sync()); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	var train, test *Set
	start := time.Now()
	peak := peakHeap(func() {
		tree, err := openTree(f.Name(), standardLimits())
		if err == nil {
			train, test, err = decodedSets(context.Background(), Options{Cache: cache}, tree, "", folderDecoder())
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%d files in %v, %d MB of heap at most", n, time.Since(start).Round(time.Millisecond), peak>>20)
	if train.Len() != n*9/10 || test.Len() != n/10 || len(train.Classes) != 50 {
		t.Errorf("%v, %v", train, test)
	}
	if peak > 200<<20 {
		t.Errorf("%d MB of heap for %d files, expected at most 200", peak>>20, n)
	}
	at := 0 // the third file of class 7 to train is number 73, as 71, 72 and 73 follow test's 70
	for i, l := range train.Labels {
		if l == 7 {
			at = i + 2
			break
		}
	}
	if want := paint(4, 4, 73%3+1); !bytes.Equal(train.Sample(at)[:3], want.Pix[:3]) {
		t.Error("the samples are not in the order of their names")
	}
}

func TestImagesStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, path := range []string{unpack(t, pets()), writeFile(t, "p.tar.gz", pack("", pets())), writeFile(t, "p.zip", asZip(pets()))} {
		_, _, err := Load(ctx, "images:"+path, Options{Cache: t.TempDir()})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

func TestImagesPath(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string][]byte{"pets.tar.gz": pack("pets", pets())})
	train, test, err := Load(context.Background(), "images:pets.tar.gz", Options{Dirs: []string{t.TempDir(), dir}})
	if err != nil || train.Name != "images:pets" || test.Name != "images:pets" || train.Len() != 3 {
		t.Errorf("in a folder of the user's: %v, %v", train, err)
	}
	t.Chdir(dir)
	if _, _, err := Load(context.Background(), "images:pets.tar.gz", Options{}); err != nil {
		t.Errorf("in the working directory: %v", err)
	}
	_, _, err = Load(context.Background(), "images:cats", Options{Dirs: []string{dir}})
	var missing *MissingError
	if !errors.As(err, &missing) {
		t.Errorf("nowhere: %v", err)
	}
	contains(t, "nowhere", err, "not found: cats", dir, "split/class/file.png")
	_, _, err = Load(context.Background(), "images:", Options{})
	contains(t, "no path", err, "expected images:PATH")
	for name, want := range map[string]bool{"images:x": true, "images:": false, "cifar10": true, "imags:x": false, "tiny-imagenet": true} {
		if got := Known(name) == nil; got != want {
			t.Errorf("%q: known %v", name, got)
		}
	}
}
