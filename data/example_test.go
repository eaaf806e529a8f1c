package data_test

import (
	"context"
	"errors"
	"fmt"

	"layerwise/data"
)

func ExampleLoad() {
	train, test, err := data.Load(context.Background(), "digits", data.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train)
	fmt.Println(test)
	fmt.Printf("mean %.4f, deviation %.4f of pixel/%v\n", train.Mean[0], train.Std[0], train.Max)
	// Output:
	// digits/train: 1437 × 8×8×1, 10 classes
	// digits/test: 360 × 8×8×1, 10 classes
	// mean 0.3051, deviation 0.3759 of pixel/16
}

// A data set that is nowhere is a *MissingError; a notebook can then take another.
func ExampleLoad_missing() {
	_, _, err := data.Load(context.Background(), "mnist", data.Options{Offline: true})
	var missing *data.MissingError
	fmt.Println(errors.As(err, &missing))
	fmt.Println(err)
	// Output:
	// true
	// data: mnist: not found: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz
	//   looked in: no folder (LAYERWISE_DATA names none, and there is no cache)
	//   not downloaded: offline (LAYERWISE_OFFLINE is set)
	//   to mend: put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz, raw or .gz, into a folder, or set LAYERWISE_DATA to a folder that holds them, or unset LAYERWISE_OFFLINE
}

// Classes keep their share: of 40 samples in the proportion 3 to 1, 30 and 10.
func ExampleSet_Subset() {
	s := &data.Set{Name: "toy", Split: "train", Shape: []int{1, 1, 1}, Classes: []string{"many", "few"}, Max: 255}
	for i := range 400 {
		s.Labels = append(s.Labels, int32(i/300))
		s.Pixels = append(s.Pixels, byte(i))
	}
	small, err := s.Subset(40, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	n := make([]int, 2)
	for _, l := range small.Labels {
		n[l]++
	}
	fmt.Println(small, n)
	// Output: toy/train: 40 × 1×1×1, 2 classes [30 10]
}

func ExampleBlobs() {
	s, err := data.Blobs(3, 20, []int{8, 8, 1}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Len(), s.Shape, s.Classes)
	// Output: 60 [8 8 1] [blob 0 blob 1 blob 2]
}

func ExampleStatus() {
	for _, a := range data.Status(data.Options{Offline: true}) {
		fmt.Println(a.Name, a.State, a.Ready)
	}
	// Output:
	// digits built in true
	// digits32 built in true
	// mnist missing false
	// cifar10 missing false
	// cifar100 missing false
	// tiny-imagenet missing false
	// synthetic built in true
}
