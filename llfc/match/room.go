package match

import (
	"fmt"

	"layerwise/internal/memory"
)

// room returns an error if the machine cannot hold the totals of all groups, [n, n] each, and the panels of a product, or how each of the
// runs went: two numbers, and what is printed of them.
func (m *matcher) room(restarts int) error {
	const perRun = 8 + 8 + 16 + 4
	if err := memory.Room(fmt.Sprintf("the record of %d further searches", restarts), perRun*float64(restarts), "make fewer"); err != nil {
		return err
	}
	totals, largest := 0.0, 0
	for _, g := range m.groups {
		totals, largest = totals+8*float64(g.Size)*float64(g.Size), max(largest, g.Size)
	}
	return memory.Room(fmt.Sprintf("matching groups of up to %d units", largest), totals+2*4*depth*float64(largest), "match narrower networks")
}
