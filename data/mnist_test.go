package data

import (
	"context"
	"math"
	"os"
	"slices"
	"testing"
)

// Real MNIST, where it is.
func TestMNIST(t *testing.T) {
	o := Options{Dirs: DefaultOptions().Dirs, Offline: true}
	here := slices.ContainsFunc(mnistFiles().files, func(f file) bool { return find(mnistFiles().inDirs(o), f) != "" })
	if !here {
		t.Skipf("LAYERWISE_DATA=%q holds no MNIST files", os.Getenv("LAYERWISE_DATA"))
	}
	train, test, err := Load(context.Background(), "mnist", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set    *Set
		counts []int
		first  []int32
	}{ // as every description of MNIST has them
		{train, []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, []int32{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}},
		{test, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, []int32{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}},
	} {
		if !slices.Equal(counts(c.set), c.counts) || !slices.Equal(c.set.Labels[:10], c.first) {
			t.Errorf("%v: classes %v, first labels %v", c.set, counts(c.set), c.set.Labels[:10])
		}
	}
	mean, std := train.moments()
	if math.Abs(float64(mean[0]-train.Mean[0])) > 5e-5 || math.Abs(float64(std[0]-train.Std[0])) > 5e-5 {
		t.Errorf("mean %v and std %v of the pixels, customary are %v and %v", mean, std, train.Mean, train.Std)
	}
	small, err := test.Subset(1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	if x := centroidAccuracy(train, small); x < 0.75 || x > 0.9 { // 0.82 for the nearest mean in the literature
		t.Errorf("nearest class mean is right for %.3f of 1,000 test images, expected about 0.82", x)
	}
}
