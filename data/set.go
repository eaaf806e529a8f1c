// Package data holds data sets of images as plain Go values: a Set is one split, with its pixels as bytes, its labels, the
// names of its classes and the normalisation that is customary for it.
//
//	train, test, err := data.Load(ctx, "mnist", data.DefaultOptions())
//	if err != nil {
//		return err // it says what is missing or damaged, where, and how to mend it
//	}
//	fmt.Println(train, test, train.Classes) // mnist/train: 60000 × 28×28×1, 10 classes …
//	small, err := train.Subset(1000, 1)     // the same thousand samples for the same seed, in the proportions of the classes
//
// In the order of use: Names lists the sets that Load knows, and Status says which of them are at hand. Load looks for a set
// in the folders of Options, then in the cache, then on the network, and returns nothing that fails its checksum; the name
// images:PATH stands for any folder or archive of images. Blobs makes a set out of nothing. Subset draws a part of a set.
// Sample returns the bytes of one image. Validate checks a set that was made elsewhere, and Checksum identifies one.
//
// Nothing in this package changes a Set that it has returned, and nobody else should: sets share their memory, and the
// pixels of decoded images are a file that can only be read. Load writes to Options.Cache and nowhere else, and keeps
// no state between calls: any number of goroutines and processes may load at once.
package data

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"layerwise/internal/checksum"
)

// Set is one split of a dataset: images [N, H, W, C] as bytes, and their labels. It is a value to read: nothing in this
// package changes a Set that it has returned.
type Set struct {
	Name, Split string    // "mnist", "test"
	Shape       []int     // of one sample: [H, W, C]
	Classes     []string  // class names; the index is the label
	Max         float32   // the byte value that means 1.0: 255 for images, 16 for the UCI digits
	Pixels      []uint8   // N·H·W·C, row-major
	Labels      []int32   // N, each in [0, len(Classes))
	Mean, Std   []float32 // per channel, of x = pixel/Max: the customary normalisation, else that of the training split
	Note        string    // a caveat to print next to every number, "re-encoded as JPEG"; usually empty
	SHA256      string    // what Checksum returned when the set was made, for provenance
}

// Len is the number of samples, N.
func (s *Set) Len() int { return len(s.Labels) }

// Sample returns the H·W·C bytes of sample i, in the set's own memory: read it, do not write to it.
func (s *Set) Sample(i int) []uint8 {
	size := s.sampleSize()
	return s.Pixels[i*size : (i+1)*size : (i+1)*size]
}

// named reports what is wrong with the class names of a set that was loaded: they say what the labels mean, so each must be
// there, and only once.
func (s *Set) named() error {
	label := map[string]int{}
	for i, c := range s.Classes {
		if strings.TrimSpace(c) == "" {
			return fmt.Errorf("class %d of %d has no name", i, len(s.Classes))
		}
		if first, ok := label[c]; ok {
			return fmt.Errorf("classes %d and %d are both called %q, expected a name for each", first, i, c)
		}
		label[c] = i
	}
	return nil
}

// String is one line for people: "mnist/test: 10000 × 28×28×1, 10 classes".
func (s *Set) String() string {
	return fmt.Sprintf("%s/%s: %d × %s, %d classes", s.Name, s.Split, s.Len(), times(s.Shape), len(s.Classes))
}

// Checksum is the SHA-256, in hexadecimal, of the shape (rank and sizes), the number N of samples as uint64, their labels, and the pixels.
// Numbers are of 32 bits where nothing else is said, and little-endian. The order of samples counts. Names do not, those of classes
// neither: runs are named by this checksum, and checkpoints keep the class names beside it.
func (s *Set) Checksum() string {
	h := checksum.SHA256()
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(s.Shape)))
	for _, d := range s.Shape {
		head = binary.LittleEndian.AppendUint32(head, uint32(d))
	}
	head = binary.LittleEndian.AppendUint64(head, uint64(len(s.Labels)))
	for _, l := range s.Labels {
		head = binary.LittleEndian.AppendUint32(head, uint32(l))
	}
	h.Write(head)
	h.Write(s.Pixels)
	return hex.EncodeToString(h.Sum(nil))
}

// Validate reports what makes s unfit for use: a shape that is not [H, W, C] of positive sizes, a number of pixels other than
// N·H·W·C, a label that is no class, a Max that is not positive, or anything but one mean and one positive deviation for each
// channel.
func (s *Set) Validate() error {
	if len(s.Shape) != 3 {
		return fmt.Errorf("data: %s/%s: shape %v, expected [H W C]", s.Name, s.Split, s.Shape)
	}
	size := 1
	for _, d := range s.Shape {
		if d <= 0 || size > math.MaxInt32/d {
			return fmt.Errorf("data: %s/%s: shape %v, expected positive sizes with a product below 2^31", s.Name, s.Split, s.Shape)
		}
		size *= d
	}
	if len(s.Pixels) != len(s.Labels)*size {
		return fmt.Errorf("data: %s/%s: %d pixels for %d labels of %s, expected %d",
			s.Name, s.Split, len(s.Pixels), len(s.Labels), times(s.Shape), len(s.Labels)*size)
	}
	for i, l := range s.Labels {
		if l < 0 || int(l) >= len(s.Classes) {
			return fmt.Errorf("data: %s/%s: sample %d has label %d, expected 0 to %d", s.Name, s.Split, i, l, len(s.Classes)-1)
		}
	}
	if !(s.Max > 0) {
		return fmt.Errorf("data: %s/%s: Max is %v, expected the byte value that means 1.0", s.Name, s.Split, s.Max)
	}
	if len(s.Mean) != s.Shape[2] || len(s.Std) != s.Shape[2] {
		return fmt.Errorf("data: %s/%s: %d means and %d deviations for %d channels", s.Name, s.Split, len(s.Mean), len(s.Std), s.Shape[2])
	}
	for c, d := range s.Std {
		if !(d > 0) {
			return fmt.Errorf("data: %s/%s: deviation of channel %d is %v, expected above 0", s.Name, s.Split, c, d)
		}
	}
	return nil
}

func (s *Set) sampleSize() int {
	size := 1
	for _, d := range s.Shape {
		size *= d
	}
	return size
}

// moments are the mean and the (population) standard deviation of x = pixel/Max per channel, from exact integer sums.
// A constant channel has deviation 1, so that it can be divided by.
func (s *Set) moments() (mean, std []float32) {
	channels := s.Shape[2]
	sum, squares := make([]uint64, channels), make([]uint64, channels)
	for c := range channels {
		var tally [256]uint64 // how often each value occurs
		for i := c; i < len(s.Pixels); i += channels {
			tally[s.Pixels[i]]++
		}
		for v, n := range tally {
			sum[c] += n * uint64(v)
			squares[c] += n * uint64(v) * uint64(v)
		}
	}
	n := float64(len(s.Pixels) / channels)
	for c := range channels {
		m := float64(sum[c]) / n
		d := math.Sqrt(max(0, float64(squares[c])/n-m*m))
		if d == 0 {
			d = float64(s.Max)
		}
		mean = append(mean, float32(m/float64(s.Max)))
		std = append(std, float32(d/float64(s.Max)))
	}
	return mean, std
}

// pick returns the samples of s whose numbers are in at, in that order, in memory of their own.
func (s *Set) pick(at []int) *Set {
	c := *s
	size := s.sampleSize()
	c.Pixels = make([]uint8, 0, len(at)*size)
	c.Labels = make([]int32, 0, len(at))
	for _, i := range at {
		c.Pixels = append(c.Pixels, s.Sample(i)...)
		c.Labels = append(c.Labels, s.Labels[i])
	}
	c.SHA256 = c.Checksum()
	return &c
}

// times writes sizes as people do: 28×28×1.
func times(sizes []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(sizes), "[]")), "×")
}

// numerals are the class names of digits: "0" to "9".
func numerals() []string { return strings.Split("0123456789", "") }
