package match

import (
	"fmt"

	"layerwise/internal/memory"
)

// room returns an error if the machine cannot hold the gains of the largest group and the products of all terms, [n, n] each, or how each of
// the runs went: two numbers, and what is printed of them.
func (m *matcher) room(restarts int) error {
	const perRun = 8 + 8 + 16 + 4
	if err := memory.Room(fmt.Sprintf("the record of %d further searches", restarts), perRun*float64(restarts), "make fewer"); err != nil {
		return err
	}
	gains, products, largest := 0.0, 0.0, 0
	for _, g := range m.groups {
		square := float64(g.Size) * float64(g.Size)
		gains, largest = max(gains, 8*square), max(largest, g.Size)
		products += 4 * square * float64(len(g.terms))
	}
	return memory.Room(fmt.Sprintf("matching groups of up to %d units", largest), gains+products, "match narrower networks")
}
