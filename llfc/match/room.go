package match

import (
	"fmt"

	"layerwise/internal/memory"
)

// roomForRuns returns an error if the machine cannot hold how each of the runs went: two numbers, and what is printed of them.
func roomForRuns(restarts int) error {
	const perRun = 8 + 8 + 16 + 4
	return memory.Room(fmt.Sprintf("the record of %d further searches", restarts), perRun*float64(restarts), "make fewer")
}
