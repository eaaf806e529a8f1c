package notebook_test

import (
	"fmt"
	"strconv"

	nb "layerwise/llfc/notebook"
)

// Must takes a value without its error; where there is one, the cell ends with it as its last line.
func ExampleMust() {
	fmt.Println(nb.Must(strconv.Atoi("7")) + 1)
	// Output: 8
}
