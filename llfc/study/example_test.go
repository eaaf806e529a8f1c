package study_test

import (
	"fmt"

	"layerwise/llfc/study"
)

// The subjects of a scale, and the pairs that are made of each.
func ExampleSubjects() {
	subjects, err := study.Subjects("smoke")
	if err != nil {
		panic(err)
	}
	for _, s := range subjects {
		fmt.Print(s.ID, ":")
		for _, k := range s.Kinds {
			fmt.Print(" ", k.ID)
		}
		fmt.Println()
	}
	// Output:
	// mlp: spawned-2 spawned-0 independent
	// mlp-rebasin: permuted unpermuted
	// mlp-cifar10: permuted-cifar10 unpermuted-cifar10
	// vgg16-bn: spawned-1 spawned-0 independent
	// resnet20: spawned-1 independent
	// resnet20-ln-x1: independent permuted
	// resnet20-ln-x2: independent permuted
}
