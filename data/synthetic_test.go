package data

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestBlobsAreLearnable(t *testing.T) {
	for _, c := range []struct {
		classes int
		shape   []int
	}{{2, []int{4, 4, 1}}, {4, []int{8, 8, 1}}, {10, []int{8, 8, 1}}, {10, []int{16, 12, 3}}, {5, []int{5, 9, 2}}} {
		t.Run(fmt.Sprint(c.classes, times(c.shape)), func(t *testing.T) {
			train, err := Blobs(c.classes, 60, c.shape, 1)
			if err != nil {
				t.Fatal(err)
			}
			test, err := Blobs(c.classes, 30, c.shape, 2)
			if err != nil {
				t.Fatal(err)
			}
			if err := train.Validate(); err != nil {
				t.Fatal(err)
			}
			if x := centroidAccuracy(train, test); x < 0.93 {
				t.Errorf("nearest class mean is right for %.3f, expected above 0.93", x)
			}
			for k, n := range counts(train) {
				if n != 60 {
					t.Errorf("%d samples of class %d, expected 60", n, k)
				}
			}
			if head := counts(&Set{Labels: train.Labels[:len(train.Labels)/2], Classes: train.Classes}); head[0] == 60 || head[0] == 0 {
				t.Errorf("classes in the first half: %v: sorted?", head)
			}
			again, _ := Blobs(c.classes, 60, c.shape, 1)
			if again.SHA256 != train.SHA256 || again.SHA256 != again.Checksum() {
				t.Error("the same seed gives another set")
			}
			if overlap(train, test) {
				t.Error("seeds 1 and 2 share samples")
			}
		})
	}
}

func TestBlobsRefuses(t *testing.T) {
	for _, c := range []struct {
		classes, per int
		shape        []int
		want         string
	}{
		{1, 5, []int{8, 8, 1}, "blobs of 1 classes"},
		{2, 0, []int{8, 8, 1}, "0 samples each"},
		{2, 5, []int{8, 8}, "expected [H W C]"},
		{2, 5, []int{8, 3, 1}, "at least 4"},
		{2, 5, []int{8, 8, 0}, "expected [H W C]"},
		{1 << 20, 1 << 20, []int{1 << 20, 1 << 20, 1}, "more than"},
	} {
		if _, err := Blobs(c.classes, c.per, c.shape, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, expected one with %q", c, err, c.want)
		}
	}
}

func TestSyntheticIsPinned(t *testing.T) {
	train, test, err := Load(context.Background(), "synthetic", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 1000 || test.Len() != 500 || train.Note == "" {
		t.Errorf("%v, %v, note %q", train, test, train.Note)
	}
	const want = "3c239aa21d885c24b8b3012bc6aac064ef0c1380cb7f0469fa89e1f4531c7e7b"
	if train.SHA256 != want {
		t.Errorf("training blobs %s, expected %s: results made on them no longer compare", train.SHA256, want)
	}
}

func overlap(a, b *Set) bool {
	seen := map[string]bool{}
	for i := range a.Len() {
		seen[string(a.Sample(i))] = true
	}
	for i := range b.Len() {
		if seen[string(b.Sample(i))] {
			return true
		}
	}
	return false
}
