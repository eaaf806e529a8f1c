package data

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// Blobs makes a set to try things on: every class is a Gaussian blob at its own place on a ring, in its own colour when
// there are several channels; samples differ in position, brightness and noise. shape is [H, W, C]. The classes are the
// same for every seed, so two seeds make a training and a test set; samples come in random order. A linear model learns
// a handful of classes almost perfectly on 8×8.
func Blobs(classes, perClass int, shape []int, seed int64) (*Set, error) {
	if classes < 2 || perClass < 1 {
		return nil, fmt.Errorf("data: blobs of %d classes with %d samples each, expected at least 2 and 1", classes, perClass)
	}
	if len(shape) != 3 || min(shape[0], shape[1]) < 4 || shape[2] < 1 {
		return nil, fmt.Errorf("data: blobs of shape %v, expected [H W C] with H and W at least 4", shape)
	}
	const limit = 1 << 30 // bytes
	if max(shape[0], shape[1], shape[2], classes, perClass) > limit ||
		float64(classes)*float64(perClass)*float64(shape[0])*float64(shape[1])*float64(shape[2]) > limit {
		return nil, fmt.Errorf("data: %d × %d blobs of %s are more than %d bytes", classes, perClass, times(shape), limit)
	}
	s := &Set{Name: "synthetic", Split: "seed " + strconv.FormatInt(seed, 10), Shape: append([]int(nil), shape...), Max: 255,
		Note: "synthetic blobs, no real data"}
	for k := range classes {
		s.Classes = append(s.Classes, "blob "+strconv.Itoa(k))
	}
	rng := rand.New(rand.NewPCG(uint64(seed), streamBlobs))
	s.Pixels = make([]uint8, 0, classes*perClass*s.sampleSize())
	for _, i := range rng.Perm(classes * perClass) {
		s.Labels = append(s.Labels, int32(i%classes))
		s.Pixels = appendBlob(s.Pixels, i%classes, classes, shape, rng)
	}
	s.Mean, s.Std = s.moments()
	s.SHA256 = s.Checksum()
	return s, nil
}

// appendBlob draws one sample of class k. Lengths are in pixels, from the smaller side of the image; the blob is the
// product of its profiles along the two axes. Products are rounded before they are added (the float64 conversions), so
// that machines with fused multiply-add draw the same bytes.
func appendBlob(pixels []uint8, k, classes int, shape []int, rng *rand.Rand) []uint8 {
	side := float64(min(shape[0], shape[1]))
	angle := 2 * math.Pi * float64(k) / float64(classes)
	ring, width, jitter := 0.32*side, 0.12*side, 0.04*side
	cy := float64(shape[0]-1)/2 + float64(ring*math.Sin(angle)) + float64(jitter*rng.NormFloat64())
	cx := float64(shape[1]-1)/2 + float64(ring*math.Cos(angle)) + float64(jitter*rng.NormFloat64())
	bright := 0.7 + float64(0.3*rng.Float64())
	rows, cols := profile(shape[0], cy, width), profile(shape[1], cx, width)
	for _, y := range rows {
		for _, x := range cols {
			for c := range shape[2] {
				hue := 1.0
				if shape[2] > 1 {
					hue = 0.6 + float64(0.4*math.Cos(angle+2*math.Pi*float64(c)/float64(shape[2])))
				}
				v := float64(y*x*bright*hue) + float64(0.05*rng.NormFloat64())
				pixels = append(pixels, uint8(math.Round(255*min(1, max(0, v)))))
			}
		}
	}
	return pixels
}

// profile is exp(−(i−centre)²/2·width²) for i in [0, n).
func profile(n int, centre, width float64) []float64 {
	p := make([]float64, n)
	for i := range p {
		d := (float64(i) - centre) / width
		p[i] = math.Exp(-d * d / 2)
	}
	return p
}

// syntheticSource is what Load("synthetic") gives: ten classes of 8×8, 1,000 samples to train and 500 to test.
func syntheticSource() source {
	return source{
		name:  "synthetic",
		about: "10 classes of Gaussian blobs, 8×8, made on the spot: 1,000 train, 500 test",
		load: func(context.Context, Options, collection) (train, test *Set, err error) {
			if train, err = Blobs(10, 100, []int{8, 8, 1}, 1); err != nil {
				return nil, nil, err
			}
			if test, err = Blobs(10, 50, []int{8, 8, 1}, 2); err != nil {
				return nil, nil, err
			}
			train.Split, test.Split = "train", "test"
			test.Mean, test.Std = train.Mean, train.Std
			return train, test, nil
		},
	}
}
