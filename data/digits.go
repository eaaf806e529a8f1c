package data

import (
	"bytes"
	"context"
	_ "embed"
	"math/rand/v2"
	"slices"
)

// digitsGz holds 1,797 records of a label and 64 values, packed with gzip. digits_gen.go makes it, and DIGITS.md says whose
// data it is.
//
//go:embed digits.bin.gz
var digitsGz []byte

const (
	digitsCount  = 1797
	digitsTest   = 360 // samples held out; 1,437 remain
	digitsSide   = 8
	digitsRecord = 1 + digitsSide*digitsSide
	digitsSHA256 = "d8121ca7764eccfaef1df6bc4589c6527c58fcbab0cb1b079e79f97f8cb8219a" // of the records
)

// digitsSource is the UCI "Optical Recognition of Handwritten Digits", the test part as scikit-learn ships it. The
// split is ours: 360 samples drawn per class (seed 0) are the test set, the other 1,437 the training set, each in the
// order of the original file.
func digitsSource() source {
	return source{
		name:  "digits",
		about: "UCI handwritten digits, 8×8, values 0 to 16, CC BY 4.0 (E. Alpaydin, C. Kaynak): 1,437 train, 360 test",
		load: func(context.Context, Options, collection) (train, test *Set, err error) {
			all, err := embeddedDigits()
			if err != nil {
				return nil, nil, err
			}
			return splitDigits(all)
		},
	}
}

// digits32Source is the digits in images as large as CIFAR's. Networks for CIFAR can be tried on them where CIFAR is not at hand.
func digits32Source() source {
	return source{
		name:  "digits32",
		about: "the digits with every pixel repeated 4×4: 32×32, 1,437 train, 360 test",
		load: func(context.Context, Options, collection) (train, test *Set, err error) {
			all, err := embeddedDigits()
			if err != nil {
				return nil, nil, err
			}
			all = all.enlarged(4)
			all.Name = "digits32"
			return splitDigits(all)
		},
	}
}

func embeddedDigits() (*Set, error) {
	const path = "embedded digits.bin.gz"
	f := file{names: []string{path}, size: digitsCount * digitsRecord, sha256: digitsSHA256}
	records, err := f.decode(path, bytes.NewReader(digitsGz))
	if err != nil {
		return nil, err
	}
	return parseDigits(path, records)
}

// enlarged is s with every pixel repeated k × k.
func (s *Set) enlarged(k int) *Set {
	c := *s
	h, w, channels := s.Shape[0], s.Shape[1], s.Shape[2]
	c.Shape = []int{k * h, k * w, channels}
	c.Pixels = make([]uint8, 0, k*k*len(s.Pixels))
	for row := range slices.Chunk(s.Pixels, w*channels) {
		var wide []uint8
		for pixel := range slices.Chunk(row, channels) {
			wide = append(wide, bytes.Repeat(pixel, k)...)
		}
		c.Pixels = append(c.Pixels, bytes.Repeat(wide, k)...)
	}
	return &c
}

// parseDigits reads records of 65 bytes: a label 0 to 9, then 8×8 values 0 to 16.
func parseDigits(path string, records []byte) (*Set, error) {
	n := len(records) / digitsRecord
	if len(records)%digitsRecord != 0 {
		return nil, corrupt(path, n*digitsRecord, "record of %d bytes, expected %d", len(records)%digitsRecord, digitsRecord)
	}
	s := &Set{Name: "digits", Shape: []int{digitsSide, digitsSide, 1}, Classes: numerals(), Max: 16}
	for i, r := range slices.Collect(slices.Chunk(records, digitsRecord)) {
		if int(r[0]) >= len(s.Classes) {
			return nil, corrupt(path, i*digitsRecord, "label %d, expected 0 to 9", r[0])
		}
		for j, v := range r[1:] {
			if v > 16 {
				return nil, corrupt(path, i*digitsRecord+1+j, "value %d, expected 0 to 16", v)
			}
		}
		s.Labels = append(s.Labels, int32(r[0]))
		s.Pixels = append(s.Pixels, r[1:]...)
	}
	return s, nil
}

func splitDigits(all *Set) (train, test *Set, err error) {
	held := stratified(all.Labels, digitsTest, rand.New(rand.NewPCG(0, streamSplit)))
	slices.Sort(held)
	var rest []int
	for i := range all.Labels {
		if _, ok := slices.BinarySearch(held, i); !ok {
			rest = append(rest, i)
		}
	}
	train, test = all.pick(rest), all.pick(held)
	train.Split, test.Split = "train", "test"
	train.Mean, train.Std = train.moments()
	test.Mean, test.Std = train.Mean, train.Std
	return train, test, nil
}
