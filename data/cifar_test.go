package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// toyCIFAR is laid out as CIFAR-10 (labels 1) or CIFAR-100 (labels 2), with two batches to train of 2 images and one to test.
func toyCIFAR(labels int) (c cifar, binary map[string][]byte) {
	c = cifar{classes: 10, labels: labels, labelKey: []string{"labels"}, names: "names.txt", meta: "meta", metaKey: "label_names"}
	if labels == 2 {
		c.labelKey = []string{"coarse_labels", "labels"}
	}
	binary = map[string][]byte{"names.txt": []byte(strings.Join(strings.Split("abcdefghij", ""), "\n") + "\n\n"), "readme.html": []byte("<p>")}
	for k := range 3 {
		b := batch{fmt.Sprintf("b%d.bin", k), fmt.Sprintf("b%d", k), k / 2, 2 * (k % 2), 2, "", ""}
		var raw []byte
		for i := range 2 {
			if labels == 2 {
				raw = append(raw, 1)
			}
			raw = append(raw, byte(3+6*i))
			for j := range cifarPixels {
				raw = append(raw, pickledPixel(i, j))
			}
		}
		b.sha256 = hash(raw)
		binary[b.binary] = raw
		c.batches = append(c.batches, b)
	}
	return c, binary
}

// pack makes a tar.gz of a folder with files, in the order of names, or sorted where that is nil.
func pack(folder string, files map[string][]byte, names ...string) []byte {
	return gz(packTar(folder, files, names...))
}

func packTar(folder string, files map[string][]byte, names ...string) []byte {
	if names == nil {
		for name := range files {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755})
	for _, name := range names {
		w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(folder+"/"+name, "/"), Size: int64(len(files[name])), Mode: 0o644})
		w.Write(files[name])
	}
	w.Close()
	return out.Bytes()
}

// read decodes the file or folder at path without a cache.
func (d decoder) read(t testing.TB, path string) (train, test *Set, err error) {
	t.Helper()
	tree, err := openTree(path, standardLimits())
	if err != nil {
		return nil, nil, err
	}
	return decodedSets(context.Background(), Options{}, tree, "", d)
}

func writeFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	put(t, filepath.Dir(path), map[string][]byte{name: b})
	return path
}

// The binary and the Python edition, packed and unpacked, give the same pixels: planes made [H, W, C].
func TestCIFAREditionsAgree(t *testing.T) {
	c, binary := toyCIFAR(1)
	python := map[string][]byte{"b0": readPickle(t, "python2"), "b1": readPickle(t, "protocol2"), "b2": readPickle(t, "fortran"), "meta": readPickle(t, "meta")}
	dirs := [2]string{t.TempDir(), t.TempDir()}
	put(t, dirs[0], binary)
	put(t, dirs[1], python)
	for _, k := range []struct {
		name   string
		python bool
		path   string
	}{
		{"binary", false, writeFile(t, "b.tar.gz", pack("toy", binary))},
		{"binary, other order", false, writeFile(t, "b.tar.gz", pack("toy", binary, "b2.bin", "b1.bin", "names.txt", "b0.bin"))},
		{"binary, plain tar without a folder", false, writeFile(t, "b.tar", packTar("", binary))},
		{"binary, unpacked", false, dirs[0]},
		{"python", true, writeFile(t, "p.tar.gz", pack("toy", python))},
		{"python, unpacked", true, dirs[1]},
	} {
		train, test, err := c.decoder(k.python).read(t, k.path)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if train.Len() != 4 || test.Len() != 2 || !slices.Equal(train.Shape, []int{32, 32, 3}) || !slices.Equal(train.Labels, []int32{3, 9, 3, 9}) {
			t.Errorf("%s: %v, %v, labels %v", k.name, train, test, train.Labels)
		}
		if strings.Join(train.Classes, "") != "abcdefghij" {
			t.Errorf("%s: classes %q", k.name, train.Classes)
		}
		for i := range 2 {
			for y := range 32 {
				for x := range 32 {
					for ch := range 3 {
						want := pickledPixel(i, 1024*ch+32*y+x)
						if a, b := train.Sample(2 + i)[(32*y+x)*3+ch], test.Sample(i)[(32*y+x)*3+ch]; a != want || b != want {
							t.Fatalf("%s: sample %d (%d, %d) channel %d is %d and %d, expected %d", k.name, i, y, x, ch, a, b, want)
						}
					}
				}
			}
		}
	}
	c2, binary2 := toyCIFAR(2) // CIFAR-100: the second label is the class
	train, _, err := c2.decoder(false).read(t, writeFile(t, "b.tar.gz", pack("toy", binary2)))
	if err != nil || !slices.Equal(train.Labels, []int32{3, 9, 3, 9}) || train.Sample(1)[0] != pickledPixel(1, 0) {
		t.Errorf("two labels: %v, %v", train, err)
	}
}

func TestCIFARDamage(t *testing.T) {
	c, good := toyCIFAR(1)
	with := func(name string, b []byte) map[string][]byte {
		m := map[string][]byte{}
		for k, v := range good {
			m[k] = v
		}
		if m[name] = b; b == nil {
			delete(m, name)
		}
		return m
	}
	set := func(b []byte, at int, v byte) []byte { b = slices.Clone(b); b[at] = v; return b }
	raw := good["b1.bin"]
	for _, k := range []struct {
		name  string
		files map[string][]byte
		want  []string
	}{
		{"wrong class", with("b1.bin", set(raw, 3073, 10)), []string{"b1.bin", "offset 3073", "class 10 of sample 1, expected 0 to 9"}},
		{"pixel changed", with("b1.bin", set(raw, 99, 255)), []string{"b1.bin", "SHA-256", c.batches[1].sha256}},
		{"record short", with("b1.bin", raw[:len(raw)-1]), []string{"b1.bin", "6145 bytes, expected 2 records of 3073: 6146"}},
		{"record long", with("b1.bin", append(slices.Clone(raw), 1)), []string{"6147 bytes, expected 2 records"}},
		{"batch missing", with("b2.bin", nil), []string{"no file b2.bin"}},
		{"names missing", with("names.txt", nil), []string{"no file names.txt"}},
		{"names short", with("names.txt", []byte("a\nb\n")), []string{"2 class names", "expected 10"}},
		{"name empty", with("names.txt", []byte("a\n\nc\nd\ne\nf\ng\nh\ni\nj\n")), []string{"10 class names"}},
	} {
		_, _, err := c.decoder(false).read(t, writeFile(t, "b.tar.gz", pack("toy", k.files)))
		contains(t, k.name, err, append(k.want, "b.tar.gz")...)
	}
	py := func(batch string) map[string][]byte {
		return map[string][]byte{"b0": readPickle(t, batch), "b1": readPickle(t, "protocol4"), "b2": readPickle(t, "protocol4"), "meta": readPickle(t, "meta")}
	}
	for _, k := range []struct {
		name string
		want []string
	}{
		{"evil2", []string{"toy/b0", "posix.system", "nothing is executed"}},
		{"evil4", []string{"toy/b0", "posix.system", "nothing is executed"}},
		{"few_labels", []string{`"labels" has 1 labels for 2 images`}},
		{"wrong_class", []string{`"labels": class 10 of sample 1, expected 0 to 9`}},
		{"floats", []string{`numpy array of "f4"`}},
		{"meta", []string{`"data" is a <nil>, expected a numpy array`}},
	} {
		_, _, err := c.decoder(true).read(t, writeFile(t, "p.tar.gz", pack("toy", py(k.name))))
		contains(t, k.name, err, append(k.want, "p.tar.gz")...)
	}
	if _, err := os.Stat("/tmp/evil"); err == nil {
		t.Error("a pickle was executed")
	}
	// other pixels than the official ones, though well formed: neither checksum fits
	c.batches[0].sha256, c.batches[0].md5 = strings.Repeat("0", 64), strings.Repeat("0", 32)
	_, _, err := c.decoder(true).read(t, writeFile(t, "p.tar.gz", pack("toy", py("protocol4"))))
	contains(t, "other pixels", err, "MD5 of the content", "toy/b0")
}

func contains(t *testing.T, name string, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, expected %q", name, want)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: error %q, expected it to say %q", name, err, w)
		}
	}
}

// What is pinned adds up: every official record is expected once.
func TestCIFARPins(t *testing.T) {
	for _, c := range []cifar{cifar10(), cifar100()} {
		if n := c.counts(); n != [2]int{50000, 10000} {
			t.Errorf("%d classes: counts %v", c.classes, n)
		}
		sums := map[string]bool{}
		for _, b := range c.batches {
			sums[b.sha256], sums[b.md5] = true, true
			if len(b.sha256) != 64 || len(b.md5) != 32 {
				t.Errorf("%s: checksums %q and %q", b.binary, b.sha256, b.md5)
			}
		}
		if len(sums) != 2*len(c.batches) {
			t.Errorf("%d classes: a checksum occurs twice", c.classes)
		}
	}
	for _, s := range []source{cifar10Source(), cifar100Source(), tinyImageNetSource()} {
		for _, e := range s.files.editions {
			if len(e.archive.sha256) != 64 || e.archive.size < 160e6 || !e.archive.packed || e.folder == "" {
				t.Errorf("%s: %+v", s.name, e.archive)
			}
		}
		if len(s.files.mean) != 3 || len(s.files.std) != 3 {
			t.Errorf("%s: normalisation %v, %v", s.name, s.files.mean, s.files.std)
		}
	}
}

// An unpacked folder of the official files would be 184 MB; one as large as a batch shows that memory stays small.
func TestCIFARRecordsStream(t *testing.T) {
	const n = 10000
	c, _ := toyCIFAR(1)
	c.batches = []batch{{"big.bin", "", 0, 0, n, "", ""}, {"small.bin", "", 1, 0, 1, "", ""}}
	big := bytes.Repeat([]byte{5}, n*3073)
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	z.Write(packTar("toy", map[string][]byte{"big.bin": big, "small.bin": big[:3073], "names.txt": []byte("a b c d e f g h i j")}))
	z.Close()
	path := writeFile(t, "b.tar.gz", packed.Bytes())
	tree, _ := openTree(path, standardLimits())
	cache := t.TempDir()
	c.names = "names.txt"
	peak := peakHeap(func() {
		// the names are on one line, so the decoder refuses them, after all records were read
		_, _, err := decodedSets(context.Background(), Options{Cache: cache}, tree, "", c.decoder(false))
		contains(t, "names", err, "1 class names")
	})
	if peak > 24<<20 {
		t.Errorf("%d MB of heap beyond the start for a batch of %d MB", peak>>20, len(big)>>20)
	}
}

// Real data, where there are any: the official archives, or the stand-in.
func TestRealCIFAR10(t *testing.T) {
	o := DefaultOptions()
	o.Cache, o.Offline = t.TempDir(), true
	train, test, err := Load(context.Background(), "cifar10", o)
	if err != nil {
		t.Skip(err)
	}
	if train.Len() != 50000 || test.Len() != 10000 || len(train.Classes) != 10 || !slices.IsSorted(train.Classes) || train.Classes[9] != "truck" {
		t.Errorf("%v, %v, classes %q", train, test, train.Classes)
	}
	for _, n := range counts(train) {
		if n != 5000 {
			t.Errorf("train has %v of each class, expected 5000", counts(train))
		}
	}
	mean, std := train.moments()
	// .4914 .4822 .4465 and .2470 .2435 .2616 of the official pixels; JPEG moves them in the fourth place
	for c, want := range [][2]float64{{.4914, .2470}, {.4822, .2435}, {.4465, .2616}} {
		if math.Abs(float64(mean[c])-want[0]) > 1e-3 || math.Abs(float64(std[c])-want[1]) > 1e-3 {
			t.Errorf("channel %d: mean %.4f, deviation %.4f, expected %v", c, mean[c], std[c], want)
		}
	}
	if !slices.Equal(train.Mean, []float32{.4914, .4822, .4465}) || !slices.Equal(test.Std, []float32{.2023, .1994, .2010}) {
		t.Errorf("normalisation %v, %v", train.Mean, test.Std)
	}
	a, err := cifar10Source().files.locate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if (a.standIn != nil) != strings.Contains(train.Note, "re-encoded as JPEG") {
		t.Errorf("from %s, with the note %q", a.path, train.Note)
	}
	again, _, err := Load(context.Background(), "cifar10", o)
	if err != nil || again.SHA256 != train.SHA256 || again.Checksum() != train.SHA256 || &again.Pixels[0] == &train.Pixels[0] {
		t.Errorf("second load: %v, %v", again, err)
	}
}
