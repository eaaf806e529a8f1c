package data

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"layerwise/internal/checksum"
	"layerwise/internal/impostor"
	"layerwise/internal/pickle"
)

const (
	cifarSide   = 32
	cifarPixels = 3 * cifarSide * cifarSide // of one image, the planes red, green, blue
)

// cifar is how CIFAR-10 or CIFAR-100 lies in its archives (A. Krizhevsky's description): records of labels and planes in
// the binary edition; pickled dicts of the same in the Python edition.
type cifar struct {
	classes  int
	labels   int      // bytes before the planes in a record; the last is the class (in CIFAR-100 the first is coarse)
	labelKey []string // of the pickled dicts, in the order of a record's labels
	batches  []batch
	names    string // file of class names in the binary edition, one a line
	meta     string // file of class names in the Python edition, a dict
	metaKey  string // of the list of names in that dict
}

// batch is one file of records.
type batch struct {
	binary, python string // names of the file
	split, first   int    // where its records go
	count          int
	sha256         string // of the binary file; "" is not checked
	md5            string // of the Python file
}

func cifar10() cifar {
	c := cifar{classes: 10, labels: 1, labelKey: []string{"labels"}, names: "batches.meta.txt", meta: "batches.meta", metaKey: "label_names"}
	pins := [][2]string{
		{"cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", "c99cafc152244af753f735de768cd75f"},
		{"a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed", "d4bba439e000b95fd0a9bffe97cbabec"},
		{"bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67", "54ebc095f3ab1f0389bbae665268c751"},
		{"014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48", "634d18415352ddfa80567beed471001a"},
		{"755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add", "482c414d41f54cd18b22e5b47cb7c3cb"},
	}
	for i, pin := range pins {
		name := fmt.Sprintf("data_batch_%d", i+1)
		c.batches = append(c.batches, batch{name + ".bin", name, 0, 10000 * i, 10000, pin[0], pin[1]})
	}
	c.batches = append(c.batches, batch{"test_batch.bin", "test_batch", 1, 0, 10000,
		"8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", "40351d587109b95175f43aff81a1287e"})
	return c
}

func cifar100() cifar {
	return cifar{classes: 100, labels: 2, labelKey: []string{"coarse_labels", "fine_labels"},
		names: "fine_label_names.txt", meta: "meta", metaKey: "fine_label_names",
		batches: []batch{
			{"train.bin", "train", 0, 0, 50000, "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29", "16019d7e3df5f24257cddd939b257f8d"},
			{"test.bin", "test", 1, 0, 10000, "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a", "f0ef6b0ae62326f3e7ffdfab6717acfc"},
		}}
}

func cifarMirrors() []string { return []string{"https://www.cs.toronto.edu/~kriz"} }

// cifar10Source is CIFAR-10 (A. Krizhevsky, 2009). Where none of its archives is at hand, the same images re-encoded as JPEG
// serve, and the Note of the set says so.
func cifar10Source() source {
	c := cifar10()
	return source{
		name:  "cifar10",
		about: "CIFAR-10 photographs, 32×32×3, 10 classes (A. Krizhevsky): 50,000 train, 10,000 test",
		load:  loadPublished,
		files: collection{
			name: "cifar10", folders: []string{"", "cifar10", "CIFAR10", "cifar-10"}, mirrors: cifarMirrors(),
			mean: []float32{.4914, .4822, .4465}, std: []float32{.2023, .1994, .2010},
			editions: []edition{
				c.edition("cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", "cifar-10-batches-bin", false),
				c.edition("cifar-10-python.tar.gz", 170498071, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce", "cifar-10-batches-py", true),
			},
			standIn: cifar10JPEG(),
		},
	}
}

// cifar100Source is CIFAR-100 (A. Krizhevsky, 2009); the 100 fine labels are the classes.
func cifar100Source() source {
	c := cifar100()
	return source{
		name:  "cifar100",
		about: "CIFAR-100 photographs, 32×32×3, 100 classes, the fine labels (A. Krizhevsky): 50,000 train, 10,000 test",
		load:  loadPublished,
		files: collection{
			name: "cifar100", folders: []string{"", "cifar100", "CIFAR100", "cifar-100"}, mirrors: cifarMirrors(),
			mean: []float32{.5071, .4867, .4408}, std: []float32{.2675, .2565, .2761},
			editions: []edition{
				c.edition("cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", "cifar-100-binary", false),
				c.edition("cifar-100-python.tar.gz", 169001437, "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7", "cifar-100-python", true),
			},
		},
	}
}

// edition is the binary or the Python edition: its archive, the folder that this unpacks to, and the files needed from it.
func (c cifar) edition(archive string, size int64, sum, folder string, python bool) edition {
	e := edition{archive: file{names: []string{archive}, size: size, sha256: sum, packed: true}, folder: folder, decoder: c.decoder(python)}
	for _, b := range c.batches {
		e.needs = append(e.needs, map[bool]string{false: b.binary, true: b.python}[python])
	}
	e.needs = append(e.needs, map[bool]string{false: c.names, true: c.meta}[python])
	return e
}

// decoder reads either edition. Samples keep their order in the files, batch after batch; both editions give the same set.
func (c cifar) decoder(python bool) decoder {
	version := "cifar binary/1"
	if python {
		version = "cifar python/1"
	}
	return decoder{version, func(ctx context.Context, t tree, start startDraft) error {
		d, err := start([]int{cifarSide, cifarSide, 3}, c.counts())
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		err = t.walk(ctx, func(m member) error {
			name := path.Base(m.name)
			b, isBatch := c.batch(name, python)
			isNames := name == map[bool]string{false: c.names, true: c.meta}[python]
			if !isBatch && !isNames {
				return nil
			}
			if seen[name] {
				return corrupt(t.path, -1, "%s stands in it twice", name)
			}
			seen[name] = true
			r, err := m.open()
			if err != nil {
				return err
			}
			defer r.Close()
			where := t.path + ": " + m.name
			switch {
			case isBatch && python:
				return c.pickled(where, r, m.size, b, d)
			case isBatch:
				return c.records(where, r, m.size, b, d)
			}
			text, err := readBounded(r, m.size, t.limits.text)
			if err == nil {
				d.classes, err = c.classNames(where, text, python)
			}
			return err
		})
		if err != nil {
			return err
		}
		return c.complete(t.path, seen, python)
	}}
}

// counts are the samples of the two splits.
func (c cifar) counts() (n [2]int) {
	for _, b := range c.batches {
		n[b.split] += b.count
	}
	return n
}

func (c cifar) batch(name string, python bool) (batch, bool) {
	for _, b := range c.batches {
		if name == b.binary && !python || name == b.python && python {
			return b, true
		}
	}
	return batch{}, false
}

func (c cifar) complete(where string, seen map[string]bool, python bool) error {
	for _, name := range c.edition("", 0, "", "", python).needs {
		if !seen[name] {
			return corrupt(where, -1, "no file %s in it", name)
		}
	}
	return nil
}

// records reads a binary batch, a few records in memory at a time.
func (c cifar) records(where string, r io.Reader, size int64, b batch, d *draft) error {
	record := c.labels + cifarPixels
	if want := int64(b.count) * int64(record); size != want {
		head, _ := bufio.NewReader(r).Peek(impostor.HeadLen)
		if what := impostor.Reply(head); what != "" {
			return corrupt(where, 0, "expected records of %d bytes, found %s", record, what)
		}
		return corrupt(where, int(min(size, want)), "%d bytes, expected %d records of %d: %d", size, b.count, record, want)
	}
	sum := checksum.SHA256()
	buf := make([]byte, 256*record)
	for i := 0; i < b.count; {
		n := min(256, b.count-i)
		if k, err := io.ReadFull(r, buf[:n*record]); err != nil {
			return fmt.Errorf("%s: ends after %d of %d bytes: %w", where, i*record+k, size, cut(err))
		}
		sum.Write(buf[:n*record])
		for j, rec := range slices.Collect(slices.Chunk(buf[:n*record], record)) {
			if err := c.checkClass(i+j, rec); err != nil {
				return corrupt(where, (i+j)*record+c.labels-1, "%v", err)
			}
			if err := c.put(d, b, i+j, rec); err != nil {
				return err
			}
		}
		i += n
	}
	return pinned(where, hex.EncodeToString(sum.Sum(nil)), b.sha256, "SHA-256")
}

func pinned(where, got, want, kind string) error {
	if want == "" || got == want {
		return nil
	}
	return corrupt(where, -1, "%s of the content is %s, expected %s: another edition of the file, or bytes were changed", kind, got, want)
}

func (c cifar) checkClass(i int, record []byte) error {
	if class := int(record[c.labels-1]); class >= c.classes {
		return fmt.Errorf("class %d of sample %d, expected 0 to %d", class, i, c.classes-1)
	}
	return nil
}

// put takes sample i of a batch from its record and turns its three planes into pixels.
func (c cifar) put(d *draft, b batch, i int, record []byte) error {
	var pixels [cifarPixels]uint8
	const plane = cifarSide * cifarSide
	planes := record[c.labels:]
	for j := range plane {
		pixels[3*j], pixels[3*j+1], pixels[3*j+2] = planes[j], planes[plane+j], planes[2*plane+j]
	}
	return d.put(b.split, b.first+i, int32(record[c.labels-1]), pixels[:])
}

// pickled reads a batch of the Python edition. The file must be the official one, or hold the records of the official
// binary file: so a batch that somebody pickled again is accepted too.
func (c cifar) pickled(where string, r io.Reader, size int64, b batch, d *draft) error {
	text, err := readBounded(r, size, int64(b.count)*2*(cifarPixels+64)+1<<20) // Python 3 may write a byte as two
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	v, err := unpickle(where, text)
	if err != nil {
		return err
	}
	dict, ok := v.(*pickle.Dict)
	if !ok {
		return corrupt(where, 0, "the pickle holds a %T, expected a dict", v)
	}
	data, ok := dict.Get("data").(*ndarray)
	if !ok || data.code != "u1" || !slices.Equal(data.shape, []int{b.count, cifarPixels}) {
		if ok {
			return corrupt(where, -1, `"data" is an array of %s of shape %v, expected u1 of shape [%d %d]`, data.code, data.shape, b.count, cifarPixels)
		}
		return corrupt(where, -1, `"data" is a %T, expected a numpy array`, dict.Get("data"))
	}
	labels := make([][]int64, c.labels)
	for k, key := range c.labelKey {
		if labels[k], err = integers(dict.Get(key)); err != nil {
			return corrupt(where, -1, "%q: %v", key, err)
		}
		if len(labels[k]) != b.count {
			return corrupt(where, -1, "%q has %d labels for %d images", key, len(labels[k]), b.count)
		}
	}
	sum := checksum.SHA256()
	record := make([]byte, c.labels+cifarPixels)
	for i := range b.count {
		for k := range labels {
			if n := labels[k][i]; n < 0 || n > 255 {
				return corrupt(where, -1, "%q: label %d of sample %d, expected 0 to %d", c.labelKey[k], n, i, c.classes-1)
			}
			record[k] = byte(labels[k][i])
		}
		data.row(i, record[c.labels:])
		sum.Write(record)
		if err := c.checkClass(i, record); err != nil {
			return corrupt(where, -1, "%q: %v", c.labelKey[len(c.labelKey)-1], err)
		}
		if err := c.put(d, b, i, record); err != nil {
			return err
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) == b.sha256 {
		return nil
	}
	whole := md5.Sum(text)
	return pinned(where, hex.EncodeToString(whole[:]), b.md5, "MD5")
}

// row copies row i of a matrix of bytes.
func (a *ndarray) row(i int, to []byte) {
	if !a.columns {
		copy(to, a.raw[i*a.shape[1]:])
		return
	}
	for j := range to {
		to[j] = a.raw[j*a.shape[0]+i]
	}
}

// classNames reads the names in the order of their numbers.
func (c cifar) classNames(where string, text []byte, python bool) ([]string, error) {
	var names []string
	if what := impostor.Reply(text); what != "" {
		return nil, corrupt(where, 0, "expected the names of the classes, found %s", what)
	}
	if !python {
		for line := range strings.Lines(string(bytes.TrimSpace(text))) {
			names = append(names, strings.TrimSpace(line))
		}
	} else {
		v, err := unpickle(where, text)
		if err != nil {
			return nil, err
		}
		dict, ok := v.(*pickle.Dict)
		if !ok {
			return nil, corrupt(where, 0, "the pickle holds a %T, expected a dict", v)
		}
		list, ok := dict.Get(c.metaKey).(*pickle.List)
		if !ok {
			return nil, corrupt(where, -1, "%q is a %T, expected a list", c.metaKey, dict.Get(c.metaKey))
		}
		for _, item := range list.Items {
			switch name := item.(type) {
			case string:
				names = append(names, name)
			case pickle.Bytes:
				names = append(names, string(name))
			default:
				return nil, corrupt(where, -1, "%q holds a %T, expected names", c.metaKey, item)
			}
		}
	}
	if len(names) != c.classes || slices.Contains(names, "") {
		return nil, corrupt(where, -1, "%d class names (%.60q), expected %d", len(names), names, c.classes)
	}
	return names, nil
}

// cifar10JPEG is an archive of CIFAR-10's images as JPEG files, split/class/file. Its pixels are not the official ones, so
// its checksum is another and its Note says so; its normalisation is CIFAR-10's.
func cifar10JPEG() *standIn {
	return &standIn{name: "cifar10-jpeg.tar.gz", note: "CIFAR-10 re-encoded as JPEG", decoder: folderDecoder(), check: isCIFAR10}
}

func isCIFAR10(train, test *Set) error {
	classes := strings.Fields("airplane automobile bird cat deer dog frog horse ship truck")
	if !slices.Equal(train.Classes, classes) || !slices.Equal(train.Shape, []int{cifarSide, cifarSide, 3}) || train.Len() != 50000 || test.Len() != 10000 {
		return fmt.Errorf("%d and %d images of %s in the classes %.200q, expected 50000 and 10000 of 32×32×3 in %q",
			train.Len(), test.Len(), times(train.Shape), train.Classes, classes)
	}
	return nil
}
