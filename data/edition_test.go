package data

import (
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// published is toyCIFAR with a binary and a Python edition of the right checksums, and a stand-in.
func published(t testing.TB) (c collection, archives map[string][]byte, folders map[string]map[string][]byte) {
	k, binary := toyCIFAR(1)
	python := map[string][]byte{"b0": readPickle(t, "python2"), "b1": readPickle(t, "protocol2"), "b2": readPickle(t, "fortran"), "meta": readPickle(t, "meta")}
	folders = map[string]map[string][]byte{"toy-bin": binary, "toy-py": python}
	archives = map[string][]byte{"toy-binary.tar.gz": pack("toy-bin", binary), "toy-python.tar.gz": pack("toy-py", python)}
	e := func(name, folder string, py bool) edition {
		return k.edition(name, int64(len(archives[name])), hash(archives[name]), folder, py)
	}
	return collection{
		name: "toy", folders: []string{"", "toy"}, mirrors: []string{"http://localhost:1/toy"}, mean: []float32{.1, .2, .3}, std: []float32{.4, .5, .6},
		editions: []edition{e("toy-binary.tar.gz", "toy-bin", false), e("toy-python.tar.gz", "toy-py", true)},
		standIn: &standIn{"toy-jpeg.zip", "toy re-encoded as JPEG", folderDecoder(), func(train, test *Set) error {
			if train.Len() != 3 {
				return fmt.Errorf("%d images, expected 3", train.Len())
			}
			return nil
		}},
	}, archives, folders
}

func (c collection) load(o Options) (train, test *Set, err error) {
	return source{name: c.name, files: c, load: loadPublished}.sets(context.Background(), o)
}

func TestEditionsAreFoundInEveryLayout(t *testing.T) {
	c, archives, folders := published(t)
	sums := map[string]bool{}
	for _, sub := range []string{"", "toy", "cache"} {
		for name := range archives {
			root := t.TempDir()
			o := Options{Dirs: []string{filepath.Join(root, "nowhere"), root}, Offline: true}
			where := filepath.Join(root, sub)
			if sub == "cache" {
				o, where = Options{Cache: root, Offline: true}, filepath.Join(root, "toy")
			}
			put(t, where, map[string][]byte{name: archives[name]})
			train, test, err := c.load(o)
			if err != nil || train.Name != "toy" || train.Note != "" || !slices.Equal(test.Mean, c.mean) || !slices.Equal(train.Std, c.std) {
				t.Errorf("%s in %q: %v, %v", name, sub, train, err)
				continue
			}
			sums[train.SHA256] = true
		}
		for name, files := range folders {
			root := t.TempDir()
			put(t, filepath.Join(root, sub, name), files)
			train, _, err := c.load(Options{Dirs: []string{filepath.Join(root, strings.TrimSuffix(sub, "toy"))}, Offline: true, Cache: t.TempDir()})
			if err != nil {
				t.Errorf("%s in %q: %v", name, sub, err)
				continue
			}
			sums[train.SHA256] = true
		}
	}
	if len(sums) != 1 {
		t.Errorf("the editions give %d different sets", len(sums))
	}
}

// Only where no edition is at hand is the stand-in taken, before the network; and every set made from it says so.
func TestStandIn(t *testing.T) {
	c, archives, _ := published(t)
	dir := t.TempDir()
	put(t, dir, map[string][]byte{"toy-jpeg.zip": asZip(but(pets(), "train/cat/2.png", asPNG(grey(6, 5, 3))))})
	m := serve(t, archives)
	o := Options{Dirs: []string{dir}, Cache: t.TempDir(), Mirrors: mirrors(m)}
	train, test, err := c.load(o)
	if err != nil || train.Note != "toy re-encoded as JPEG; 1 of 5 images: grey made RGB" || test.Note != train.Note || !slices.Equal(train.Mean, c.mean) {
		t.Fatalf("%v, %v", train, err)
	}
	if len(m.requests()) > 0 {
		t.Errorf("asked %q", m.requests())
	}
	put(t, dir, map[string][]byte{"toy-python.tar.gz": archives["toy-python.tar.gz"]})
	official, _, err := c.load(o)
	if err != nil || official.Note != "" || official.SHA256 == train.SHA256 {
		t.Errorf("beside an edition: %v, note %q, %v", official, official.Note, err)
	}
	other := t.TempDir()
	put(t, other, map[string][]byte{"toy-jpeg.zip": asZip(but(pets(), "train/cat/2.png", nil))})
	_, _, err = c.load(Options{Dirs: []string{other}, Offline: true})
	contains(t, "another archive of its name", err, "toy-jpeg.zip", "2 images, expected 3")
}

func TestEditionsDownload(t *testing.T) {
	c, archives, _ := published(t)
	m, cache := serve(t, archives), t.TempDir()
	train, _, err := c.load(Options{Cache: cache, Mirrors: mirrors(m)})
	if err != nil || train.Len() != 4 {
		t.Fatal(train, err)
	}
	if got := m.requests(); !slices.Equal(got, []string{"toy-binary.tar.gz"}) {
		t.Errorf("asked %q", got)
	}
	if _, _, err := c.load(Options{Cache: cache, Offline: true}); err != nil || len(m.requests()) != 1 {
		t.Errorf("again: %v, asked %q", err, m.requests())
	}
	// damaged in the cache: fetched again; damaged on the server: refused and removed
	file := filepath.Join(cache, "toy", "toy-binary.tar.gz")
	bad := slices.Clone(archives["toy-binary.tar.gz"])
	bad[len(bad)/2]++
	put(t, filepath.Dir(file), map[string][]byte{"toy-binary.tar.gz": bad})
	if _, _, err := c.load(Options{Cache: cache, Mirrors: mirrors(m)}); err != nil || len(m.requests()) != 2 {
		t.Errorf("damaged in the cache: %v, asked %q", err, m.requests())
	}
	for name, b := range map[string][]byte{"changed": bad, "cut": bad[:100], "longer": append(slices.Clone(bad), 1), "web page": []byte("<html>no")} {
		cache := t.TempDir()
		_, _, err := c.load(Options{Cache: cache, Mirrors: mirrors(serve(t, map[string][]byte{"toy-binary.tar.gz": b}))})
		var missing *MissingError
		if !errors.As(err, &missing) || len(visible(filepath.Join(cache, "toy"))) > 0 {
			t.Errorf("%s on the server: %v; the cache holds %q", name, err, visible(filepath.Join(cache, "toy")))
		}
		contains(t, name, err, "toy-binary.tar.gz", "toy-bin", "toy-python.tar.gz")
	}
}

func TestEditionsStatus(t *testing.T) {
	c, archives, folders := published(t)
	bad := slices.Clone(archives["toy-python.tar.gz"])
	bad[100]++
	for _, k := range []struct {
		name, state string
		lay         func(dir string)
		ready       bool
		get         string
	}{
		{"nothing", "missing", func(string) {}, false, "put toy-binary.tar.gz (or the folder toy-bin, toy-python.tar.gz, toy-py) into"},
		{"archive", "verified", func(d string) { put(t, d, map[string][]byte{"toy-python.tar.gz": archives["toy-python.tar.gz"]}) }, true, ""},
		{"damaged", "corrupt", func(d string) { put(t, d, map[string][]byte{"toy-python.tar.gz": bad}) }, false, "SHA-256 of the archive"},
		{"folder", "unpacked", func(d string) { put(t, filepath.Join(d, "toy-py"), folders["toy-py"]) }, true, ""},
		{"part of a folder", "incomplete", func(d string) {
			files := maps.Clone(folders["toy-py"])
			delete(files, "meta")
			put(t, filepath.Join(d, "toy-py"), files)
		}, false, "toy-py (unpack the archive again"},
		{"stand-in", "stand-in", func(d string) { put(t, d, map[string][]byte{"toy-jpeg.zip": asZip(pets())}) }, true, ""},
	} {
		dir := t.TempDir()
		k.lay(dir)
		a := Availability{Name: "toy", About: "toys"}
		c.editionStatus(Options{Dirs: []string{dir}, Offline: true}, &a)
		if a.State != k.state || a.Ready != k.ready || !strings.Contains(a.Get, k.get) || k.ready != (a.Get == "") || (a.Where == "") != (k.state == "missing") {
			t.Errorf("%s: %+v", k.name, a)
		}
		if k.state == "stand-in" && !strings.Contains(a.About, "re-encoded as JPEG") {
			t.Errorf("%s: %q does not say what it is", k.name, a.About)
		}
		if _, _, err := c.load(Options{Dirs: []string{dir}, Offline: true}); (err == nil) != k.ready {
			t.Errorf("%s: ready %v, but loading says %v", k.name, k.ready, err)
		}
	}
}

// A folder that unpacking left half done is named, with what it lacks; each of its files may be the one.
func TestHalfFolders(t *testing.T) {
	c, archives, folders := published(t)
	for _, e := range c.editions {
		for _, lost := range e.needs {
			for _, sub := range []string{"", "toy"} {
				dir := t.TempDir()
				half := filepath.Join(dir, sub, e.folder)
				put(t, half, but(folders[e.folder], lost, nil))
				var notes []string
				o := Options{Dirs: []string{dir}, Offline: true, Note: func(line string) { notes = append(notes, line) }}
				_, _, err := c.load(o)
				var missing *MissingError
				if !errors.As(err, &missing) || len(missing.Halves) != 1 || missing.Halves[0].Folder != half || !slices.Equal(missing.Halves[0].Lacks, []string{lost}) {
					t.Fatalf("%s without %s: %v", e.folder, lost, err)
				}
				contains(t, e.folder, err, "incomplete: "+half+" lacks "+lost, "complete "+half)
				if len(notes) > 0 {
					t.Errorf("an error and the notes %q", notes)
				}
				// What is taken in its stead is said.
				o.Offline, o.Cache, o.Mirrors = false, t.TempDir(), mirrors(serve(t, archives))
				if _, _, err := c.load(o); err != nil || len(notes) != 1 || !strings.Contains(notes[0], half+" lacks "+lost) || !strings.Contains(notes[0], "toy-binary.tar.gz") {
					t.Errorf("downloaded: %v, notes %q", err, notes)
				}
			}
		}
	}
	dir := t.TempDir()
	put(t, dir, map[string][]byte{"toy-jpeg.zip": asZip(pets())})
	put(t, filepath.Join(dir, "toy-py"), but(folders["toy-py"], "meta", nil))
	var notes []string
	_, _, err := c.load(Options{Dirs: []string{dir}, Offline: true, Note: func(line string) { notes = append(notes, line) }})
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "toy-py lacks meta") || !strings.Contains(notes[0], "toy-jpeg.zip") {
		t.Errorf("beside a stand-in: %v, notes %q", err, notes)
	}
}

// The sets that Load knows say it of the folders that their own archives unpack to.
func TestHalfFoldersOfKnownSets(t *testing.T) {
	for _, k := range []struct{ set, folder, there, lacks string }{
		{"cifar10", "cifar-10-batches-py", "data_batch_1", "data_batch_2, data_batch_3, data_batch_4, data_batch_5, test_batch, batches.meta"},
		{"cifar10", "cifar-10-batches-bin", "test_batch.bin", "data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, batches.meta.txt"},
		{"cifar100", "cifar-100-python", "train", "test, meta"},
		{"cifar100", "cifar-100-binary", "train.bin", "test.bin, fine_label_names.txt"},
		{"tiny-imagenet", "tiny-imagenet-200", "wnids.txt", "train, val/val_annotations.txt, val/images"},
		{"mnist", "MNIST/raw", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz"},
	} {
		dir := t.TempDir()
		half := filepath.Join(dir, filepath.FromSlash(k.folder))
		put(t, half, map[string][]byte{k.there: nil})
		o := Options{Dirs: []string{dir}, Offline: true}
		_, _, err := Load(context.Background(), k.set, o)
		contains(t, k.set, err, "incomplete: "+half+" lacks "+k.lacks+"\n", "complete "+half)
		for _, a := range Status(o) {
			if a.Name == k.set && (a.Ready || a.Where != half || a.State != "incomplete" && k.set != "mnist") {
				t.Errorf("%s: status %+v", k.folder, a)
			}
		}
	}
}

// smallTinyImageNet has 2 classes, 3 images each to train, 2 to test, of which one is grey.
func smallTinyImageNet() (small tinyImageNet, files map[string][]byte) {
	small = tinyImageNet{2, 6, 2, 6}
	files = map[string][]byte{
		"wnids.txt":               []byte("n2\nn1\n"),
		"words.txt":               []byte("n1\tfish\n"),
		"val/val_annotations.txt": []byte("val_0.JPEG\tn2\t0\t0\t5\t5\nval_1.JPEG\tn1\t0\t0\t5\t5\n"),
		"test/images/test_0.JPEG": asJPEG(paint(6, 6, 50)),
	}
	for i := range 6 {
		files[fmt.Sprintf("train/n%d/images/n%d_%d.JPEG", 1+i%2, 1+i%2, i)] = asJPEG(paint(6, 6, uint64(i)))
		files[fmt.Sprintf("train/n%d/n%d_boxes.txt", 1+i%2, 1+i%2)] = []byte("n1_0.JPEG\t0\t0\t5\t5\n")
	}
	files["val/images/val_0.JPEG"], files["val/images/val_1.JPEG"] = asJPEG(image.NewGray(image.Rect(0, 0, 6, 6))), asJPEG(paint(6, 6, 9))
	return small, files
}

func TestTinyImageNet(t *testing.T) {
	small, files := smallTinyImageNet()
	one := image.NewGray(image.Rect(0, 0, 6, 6))
	inside := map[string][]byte{}
	for n, b := range files {
		inside["tiny-imagenet-200/"+n] = b
	}
	var sums []string
	for _, path := range []string{unpack(t, files), writeFile(t, "t.zip", asZip(inside)), writeFile(t, "t.tar.gz", pack("tiny-imagenet-200", files))} {
		train, test, err := small.edition().decoder.read(t, path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(train.Classes, []string{"n1", "n2"}) || !slices.Equal(train.Labels, []int32{0, 0, 0, 1, 1, 1}) || !slices.Equal(test.Labels, []int32{0, 1}) ||
			!slices.Equal(train.Shape, []int{6, 6, 3}) || slices.Max(test.Sample(1)) != 0 {
			t.Errorf("%v, labels %v, %v, classes %q", train, train.Labels, test.Labels, train.Classes)
		}
		sums = append(sums, train.SHA256+test.SHA256)
	}
	if len(slices.Compact(sums)) != 1 {
		t.Errorf("three containers give %q", sums)
	}
	for _, k := range []struct {
		name, file string
		b          []byte
		want       []string
	}{
		{"one class fewer", "wnids.txt", []byte("n1\n"), []string{"names 1 classes, expected 2"}},
		{"unknown class", "train/n7/images/1.JPEG", asJPEG(one), []string{"train/n7/images/1.JPEG", `"n7" is not in wnids.txt`}},
		{"unknown annotation", "val/val_annotations.txt", []byte("val_0.JPEG\tn7\n"), []string{"val_0.JPEG", `"n7"`}},
		{"no annotation", "val/images/val_2.JPEG", asJPEG(one), []string{"val_2.JPEG", "not in val/val_annotations.txt"}},
		{"bad line", "val/val_annotations.txt", []byte("val_0.JPEG\n"), []string{"val_annotations.txt", "expected a file and its class"}},
		{"image missing", "val/images/val_1.JPEG", nil, []string{"6 images in train/ and 1 in val/, expected 6 and 2"}},
		{"class half there", "train/n1/images/n1_0.JPEG", nil, []string{"5 images in train/", "train/n1 has 2 of 3", "unpack the archive again"}},
		{"another size", "train/n1/images/n1_0.JPEG", asJPEG(paint(6, 5, 1)), []string{"train/n1/images/n1_0.JPEG", "6×5"}},
		{"another layout", "val/n1/val_1.JPEG", asJPEG(one), []string{"val/n1/val_1.JPEG", "images:PATH"}},
	} {
		_, _, err := small.edition().decoder.read(t, unpack(t, but(files, k.file, k.b)))
		contains(t, k.name, err, k.want...)
	}
}

func TestTinyImageNetNeedsItsFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tiny-imagenet-200", "train"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := Load(context.Background(), "tiny-imagenet", Options{Dirs: []string{dir}, Offline: true})
	var missing *MissingError
	if !errors.As(err, &missing) {
		t.Errorf("%v, expected that it is missing", err)
	}
	half := filepath.Join(dir, "tiny-imagenet-200")
	contains(t, "tiny-imagenet", err, "tiny-imagenet-200.zip", "the folder tiny-imagenet-200", "incomplete: "+half+" lacks wnids.txt, val/val_annotations.txt, val/images", "complete "+half)
}
