package study_test

import (
	"fmt"

	"layerwise/llfc/study"
)

// The subjects of a scale, and the first and the last kind of pair that is made of each.
func ExampleSubjects() {
	subjects, err := study.Subjects("smoke")
	if err != nil {
		panic(err)
	}
	for _, s := range subjects {
		fmt.Println(s.ID+":", s.Kinds[0].ID, "…", s.Kinds[len(s.Kinds)-1].ID)
	}
	// Output:
	// mlp: spawned-2 … independent
	// mlp-rebasin: permuted … unpermuted
	// mlp-cifar10: permuted-cifar10 … unpermuted-cifar10
	// vgg16-bn: spawned-1 … independent
	// resnet20: spawned-1 … independent
	// resnet20-ln-x1: independent … permuted
	// resnet20-ln-x2: independent … permuted
}
