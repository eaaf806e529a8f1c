package data

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestDigits(t *testing.T) {
	train, test, err := Load(context.Background(), "digits", Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 1437 || test.Len() != 360 {
		t.Errorf("%d train and %d test, expected 1437 and 360", train.Len(), test.Len())
	}
	// the split is fixed for good: results are compared over it
	const wantTrain = "ece5248e4590e8a1b60d7cadd740da4fdbace3459319c4c52ab68f32d29d116d"
	const wantTest = "8a67f83cfdda2c47d68cac1ea987146b675fdf09993f4ce1d9a7d3c933c9f148"
	if train.SHA256 != wantTrain || test.SHA256 != wantTest {
		t.Errorf("train %s, test %s, expected %s and %s", train.SHA256, test.SHA256, wantTrain, wantTest)
	}
	// scikit-learn, load_digits(): np.bincount(target), data.sum(), data[0], target[:10]
	all := []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}
	a, b := counts(train), counts(test)
	sum := 0
	for _, p := range slices.Concat(train.Pixels, test.Pixels) {
		sum += int(p)
	}
	for c := range all {
		if a[c]+b[c] != all[c] {
			t.Errorf("class %d: %d samples, expected %d", c, a[c]+b[c], all[c])
		}
		if share := 360 * float64(all[c]) / 1797; math.Abs(float64(b[c])-share) >= 1 {
			t.Errorf("class %d: %d in test, expected within 1 of %.2f", c, b[c], share)
		}
	}
	if sum != 561718 {
		t.Errorf("pixels add up to %d, expected 561718", sum)
	}
	first := []uint8{0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0,
		0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0}
	if !slices.Equal(train.Sample(0), first) && !slices.Equal(test.Sample(0), first) {
		t.Error("neither split begins with the first sample of the original")
	}
	if x := centroidAccuracy(train, test); x < 0.85 {
		t.Errorf("nearest class mean is right for %.3f of the test set, expected above 0.85: labels and images out of step?", x)
	}
}

func TestParseDigitsNamesOffset(t *testing.T) {
	good := make([]byte, 2*digitsRecord)
	with := func(at int, v byte) []byte { b := bytes.Clone(good); b[at] = v; return b }
	for _, c := range []struct {
		name    string
		records []byte
		offset  int64
		want    string
	}{
		{"cut", good[:100], 65, "record of 35 bytes, expected 65"},
		{"label", with(65, 10), 65, "label 10, expected 0 to 9"},
		{"value", with(70, 17), 70, "value 17, expected 0 to 16"},
	} {
		_, err := parseDigits("d", c.records)
		var e *CorruptError
		if !errors.As(err, &e) || e.Offset != c.offset || !strings.Contains(e.Problem, c.want) {
			t.Errorf("%s: error %v, expected offset %d and %q", c.name, err, c.offset, c.want)
		}
	}
}

func FuzzDigits(f *testing.F) {
	f.Add(make([]byte, digitsRecord))
	f.Add(bytes.Repeat([]byte{9, 16, 17}, 65))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseDigits("fuzz", b)
		if err != nil {
			var e *CorruptError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset >= int64(len(b)) {
				t.Fatalf("error %v is no CorruptError inside the %d bytes", err, len(b))
			}
			return
		}
		if s.Len()*digitsRecord != len(b) || len(s.Pixels) != 64*s.Len() {
			t.Fatalf("%d samples of %d bytes", s.Len(), len(b))
		}
		s.Mean, s.Std = []float32{0}, []float32{1}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

// centroidAccuracy is how often the nearest class mean of train is the label in test.
func centroidAccuracy(train, test *Set) float64 {
	size := train.sampleSize()
	means := make([]float64, len(train.Classes)*size)
	n := counts(train)
	for i, l := range train.Labels {
		for j, p := range train.Sample(i) {
			means[int(l)*size+j] += float64(p) / float64(n[l])
		}
	}
	right := 0
	for i, l := range test.Labels {
		best, nearest := math.Inf(1), -1
		for c := range train.Classes {
			d := 0.0
			for j, p := range test.Sample(i) {
				d += math.Pow(float64(p)-means[c*size+j], 2)
			}
			if d < best {
				best, nearest = d, c
			}
		}
		if nearest == int(l) {
			right++
		}
	}
	return float64(right) / float64(test.Len())
}

// The enlarged digits are the digits: the same split, labels and normalisation, every pixel 4×4 times.
func TestDigits32(t *testing.T) {
	small, _, err := Load(context.Background(), "digits", Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	train, _, err := Load(context.Background(), "digits32", Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.Shape, []int{32, 32, 1}) || !slices.Equal(train.Labels, small.Labels) || !slices.Equal(train.Std, small.Std) {
		t.Fatalf("%s, deviation %v; the digits are %s, deviation %v", train, train.Std, small, small.Std)
	}
	for i := range train.Len() {
		for at, v := range train.Sample(i) {
			if want := small.Sample(i)[at/32/4*8+at%32/4]; v != want {
				t.Fatalf("sample %d, row %d, column %d: %d, expected %d", i, at/32, at%32, v, want)
			}
		}
	}
}

func TestEnlargedKeepsChannels(t *testing.T) {
	s := (&Set{Shape: []int{1, 2, 2}, Pixels: []uint8{1, 2, 3, 4}}).enlarged(2)
	if want := []uint8{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4}; !slices.Equal(s.Pixels, want) || !slices.Equal(s.Shape, []int{2, 4, 2}) {
		t.Errorf("%v %v, expected %v", s.Shape, s.Pixels, want)
	}
}
