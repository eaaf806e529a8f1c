package data

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestValidateNamesTheFault(t *testing.T) {
	good := func() *Set {
		return &Set{Name: "toy", Split: "train", Shape: []int{1, 2, 1}, Classes: []string{"a", "b"}, Max: 255,
			Pixels: []uint8{1, 2, 3, 4}, Labels: []int32{0, 1}, Mean: []float32{0}, Std: []float32{1}}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(*Set)
		want  string
	}{
		{"rank", func(s *Set) { s.Shape = []int{2} }, "expected [H W C]"},
		{"zero size", func(s *Set) { s.Shape = []int{1, 0, 1} }, "positive sizes"},
		{"overflow", func(s *Set) { s.Shape = []int{1 << 31, 1 << 31, 4} }, "positive sizes"},
		{"pixels", func(s *Set) { s.Pixels = s.Pixels[:3] }, "3 pixels for 2 labels of 1×2×1, expected 4"},
		{"label high", func(s *Set) { s.Labels[1] = 2 }, "sample 1 has label 2, expected 0 to 1"},
		{"label low", func(s *Set) { s.Labels[0] = -1 }, "sample 0 has label -1"},
		{"max", func(s *Set) { s.Max = 0 }, "Max is 0"},
		{"max NaN", func(s *Set) { s.Max = float32(math.NaN()) }, "Max is NaN"},
		{"mean", func(s *Set) { s.Mean = nil }, "0 means and 1 deviations for 1 channels"},
		{"std", func(s *Set) { s.Std[0] = 0 }, "deviation of channel 0 is 0"},
	} {
		s := good()
		c.spoil(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "toy/train") {
			t.Errorf("%s: error %v, expected one with %q", c.name, err, c.want)
		}
	}
}

func TestChecksum(t *testing.T) {
	s := &Set{Shape: []int{1, 2, 1}, Pixels: []uint8{1, 2, 3, 4}, Labels: []int32{0, 1}}
	// python: sha256(struct.pack('<I3IQ2i', 3, 1, 2, 1, 2, 0, 1) + bytes([1, 2, 3, 4]))
	const want = "4a83db95bdd058ebc5f5b9a07e9fdc89ca0f07888cc5326078d2c237631a5fc5"
	if got := s.Checksum(); got != want {
		t.Errorf("checksum %s, expected %s", got, want)
	}
	for name, o := range map[string]*Set{
		"shape":  {Shape: []int{2, 1, 1}, Pixels: s.Pixels, Labels: s.Labels},
		"labels": {Shape: s.Shape, Pixels: s.Pixels, Labels: []int32{1, 0}},
		"pixels": {Shape: s.Shape, Pixels: []uint8{1, 2, 3, 5}, Labels: s.Labels},
	} {
		if o.Checksum() == want {
			t.Errorf("another %s has the same checksum", name)
		}
	}
}

// Names, split, note and normalisation do not enter: runs are named by this checksum, and the same pictures may be called otherwise.
func TestChecksumLeavesOut(t *testing.T) {
	s := sorted(2, 2)
	other := *s
	other.Name, other.Split, other.Note, other.Mean, other.Std, other.SHA256, other.Classes = "x", "y", "z", []float32{1}, []float32{2}, "0", []string{"p", "q"}
	if other.Checksum() != s.Checksum() {
		t.Error("other names, another split, note or normalisation have another checksum")
	}
}

// Every loader names its classes, in the order that the data set itself has.
func TestEveryLoaderNamesItsClasses(t *testing.T) {
	digits := strings.Split("0123456789", "")
	var blobs []string
	for i := range 10 {
		blobs = append(blobs, fmt.Sprint("blob ", i))
	}
	y, mnist := newToy(), t.TempDir()
	put(t, mnist, y.raw)
	c, archives, folders := published(t)
	binary, python, jpeg := t.TempDir(), t.TempDir(), t.TempDir()
	put(t, binary, map[string][]byte{"toy-binary.tar.gz": archives["toy-binary.tar.gz"]})
	put(t, python+"/toy-py", folders["toy-py"])
	put(t, jpeg, map[string][]byte{"toy-jpeg.zip": asZip(pets())})
	for _, k := range []struct {
		name string
		want []string
		load func() (train, test *Set, err error)
	}{
		{"digits", digits, func() (*Set, *Set, error) { return Load(context.Background(), "digits", Options{}) }},
		{"digits32", digits, func() (*Set, *Set, error) { return Load(context.Background(), "digits32", Options{}) }},
		{"synthetic", blobs, func() (*Set, *Set, error) { return Load(context.Background(), "synthetic", Options{}) }},
		{"IDX", digits, func() (*Set, *Set, error) {
			return source{name: "toy", files: y.collection, load: loadMNIST}.sets(context.Background(), Options{Dirs: []string{mnist}, Offline: true})
		}},
		{"binary edition", strings.Split("abcdefghij", ""), func() (*Set, *Set, error) { return c.load(Options{Dirs: []string{binary}, Offline: true}) }},
		{"Python edition", strings.Split("abcdefghij", ""), func() (*Set, *Set, error) { return c.load(Options{Dirs: []string{python}, Offline: true}) }},
		{"stand-in", []string{"cat", "dog"}, func() (*Set, *Set, error) { return c.load(Options{Dirs: []string{jpeg}, Offline: true}) }},
		{"folder", []string{"cat", "dog"}, func() (*Set, *Set, error) {
			return Load(context.Background(), "images:"+unpack(t, pets()), Options{Cache: t.TempDir()})
		}},
	} {
		train, test, err := k.load()
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		for _, s := range []*Set{train, test} {
			if !slices.Equal(s.Classes, k.want) || s.SHA256 != s.Checksum() {
				t.Errorf("%s: %v has the classes %q, expected %q; or its checksum is not of them", k.name, s, s.Classes, k.want)
			}
		}
	}
}

// Labels without names, or with one name for two of them, mean nothing to anybody else.
func TestLoadersRefuseNamelessClasses(t *testing.T) {
	for want, classes := range map[string][]string{
		"": {"a", "b"}, "class 1 of 2 has no name": {"a", " "}, `classes 0 and 1 are both called "a", expected a name for each`: {"a", "a"},
	} {
		s := sorted(2, 2)
		s.Classes = classes
		_, _, err := source{name: "guest", load: func(context.Context, Options, collection) (train, test *Set, err error) { return s, s, nil }}.sets(context.Background(), Options{})
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != "data: guest: "+want) {
			t.Errorf("%q: error %v, expected %q", classes, err, want)
		}
	}
}

func TestMomentsPerChannel(t *testing.T) {
	s := &Set{Shape: []int{1, 2, 2}, Max: 10, Pixels: []uint8{0, 7, 10, 7, 0, 7, 10, 7}, Labels: []int32{0, 0}}
	mean, std := s.moments()
	// channel 0: 0, 1, 0, 1; channel 1 is constant and must not divide by zero
	if !slices.Equal(mean, []float32{0.5, 0.7}) || !slices.Equal(std, []float32{0.5, 1}) {
		t.Errorf("mean %v, std %v, expected [0.5 0.7] and [0.5 1]", mean, std)
	}
}

// Laws of Subset, over sets, sizes and seeds.
func TestSubsetLaws(t *testing.T) {
	train, _, err := Load(context.Background(), "digits", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Set{"digits": train, "uneven and sorted": sorted(1, 7, 300, 12), "two": sorted(1, 1)} {
		for _, n := range []int{1, 2, 3, 10, 57, 100, s.Len() - 1} {
			if n < 1 || n >= s.Len() {
				continue
			}
			for seed := int64(-1); seed < 4; seed++ {
				a, err := s.Subset(n, seed)
				if err != nil {
					t.Fatal(err)
				}
				if b, _ := s.Subset(n, seed); b.SHA256 != a.SHA256 || !slices.Equal(a.Pixels, b.Pixels) {
					t.Fatalf("%s: subset %d of seed %d differs from itself", name, n, seed)
				}
				if a.Len() != n || a.SHA256 != a.Checksum() {
					t.Fatalf("%s: %d samples, expected %d; or a stale checksum", name, a.Len(), n)
				}
				all, got := counts(s), counts(a)
				for c := range all {
					share := float64(n) * float64(all[c]) / float64(s.Len())
					if math.Abs(float64(got[c])-share) >= 1 {
						t.Fatalf("%s: %d of class %d among %d, expected within 1 of %.2f", name, got[c], c, n, share)
					}
				}
				if !isSubset(a, s) {
					t.Fatalf("%s: subset %d of seed %d repeats or invents samples", name, n, seed)
				}
			}
		}
	}
}

func TestSubsetIsShuffledAndSeeded(t *testing.T) {
	s := sorted(100, 100, 100, 100)
	a, _ := s.Subset(200, 1)
	for from := 0; from < 200; from += 40 {
		if n := counts(&Set{Labels: a.Labels[from : from+40], Classes: s.Classes}); slices.Min(n) == 0 {
			t.Errorf("samples %d to %d hold %v of the 4 classes: sorted?", from, from+39, n)
		}
	}
	b, _ := s.Subset(200, 2)
	if a.SHA256 == b.SHA256 {
		t.Error("seeds 1 and 2 give the same subset")
	}
	// one sample each: every class must get its turn over the seeds, not the first ones only
	seen := map[int32]bool{}
	for seed := range int64(40) {
		one, _ := s.Subset(1, seed)
		seen[one.Labels[0]] = true
	}
	if len(seen) != 4 {
		t.Errorf("40 seeds of one sample met %d of 4 classes", len(seen))
	}
}

func TestSubsetEnds(t *testing.T) {
	s := sorted(3, 2)
	before := s.Checksum()
	for _, n := range []int{0, -1} {
		if _, err := s.Subset(n, 1); err == nil || !strings.Contains(err.Error(), "expected 1 to 5") {
			t.Errorf("subset of %d: error %v", n, err)
		}
	}
	for _, n := range []int{5, 6, math.MaxInt} {
		all, err := s.Subset(n, 1)
		if err != nil || all == s || all.Checksum() != before {
			t.Errorf("subset of %d: %v, %v, expected another value with all of it", n, all, err)
		}
	}
	if _, err := (&Set{Shape: []int{1, 1, 1}, Labels: []int32{0, 1}, Pixels: []uint8{1}}).Subset(1, 1); err == nil {
		t.Error("a set with too few pixels has a subset")
	}
	if s.Checksum() != before {
		t.Error("Subset changed its receiver")
	}
}

// The draws are pinned: a subset must not move when Go's library or this package does.
func TestSubsetIsPinned(t *testing.T) {
	a, err := sorted(4, 4, 4).Subset(6, 7)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(a.Labels, a.Pixels); got != "[2 1 0 1 0 2] [0 9 0 5 0 3 0 4 0 0 0 10]" {
		t.Errorf("subset %s", got)
	}
}

// sorted is a set with counts[c] samples of class c, sorted by class; sample i is the two bytes of i.
func sorted(counts ...int) *Set {
	s := &Set{Name: "sorted", Split: "train", Shape: []int{1, 2, 1}, Max: 255, Mean: []float32{0}, Std: []float32{1}}
	for c, n := range counts {
		s.Classes = append(s.Classes, fmt.Sprint(c))
		for range n {
			i := len(s.Labels)
			s.Labels = append(s.Labels, int32(c))
			s.Pixels = append(s.Pixels, uint8(i>>8), uint8(i))
		}
	}
	return s
}

func counts(s *Set) []int {
	n := make([]int, len(s.Classes))
	for _, l := range s.Labels {
		n[l]++
	}
	return n
}

// isSubset reports whether every sample of a is in s, at most as often.
func isSubset(a, s *Set) bool {
	left := map[string]int{}
	for i := range s.Len() {
		left[fmt.Sprint(s.Labels[i], s.Sample(i))]++
	}
	for i := range a.Len() {
		k := fmt.Sprint(a.Labels[i], a.Sample(i))
		if left[k]--; left[k] < 0 {
			return false
		}
	}
	return true
}
