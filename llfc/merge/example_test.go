package merge_test

import (
	"fmt"

	"layerwise/llfc/merge"
)

// A policy is printed as it is written, and read back.
func ExampleParse() {
	p, err := merge.Parse("reset samples=1000")
	fmt.Println(p, p.Samples, err)
	_, err = merge.Parse("mend")
	fmt.Println(err)
	// Output:
	// reset samples=1000 1000 <nil>
	// merge: unknown policy "mend"; known: interpolate, reset, repair, rescale
}

// Every recipe says where it comes from, and whether it needs the network that all were fine-tuned from.
func ExampleRecipes() {
	for _, m := range merge.Recipes() {
		fmt.Println(m.Name, m.Base)
	}
	// Output:
	// mean false
	// task true
	// ties true
	// dare true
	// dare-ties true
}
