package measure

import (
	"fmt"
	"math"
	"unsafe"

	"layerwise/internal/memory"
)

// room returns an error if what is kept of a measurement is more than the machine can hold: sums for every α and place, and where they are
// asked for every sample's values.
func (m *meter) room(samples int) error {
	sums, values := float64(len(m.alphas))*float64(2*unsafe.Sizeof(reliability{})), 0.0
	for _, q := range m.quantities {
		alphas := []float64{math.NaN()}
		if q.When == EveryAlpha {
			alphas = m.alphas
		}
		places := float64(len(m.places[q.Where]))
		for _, alpha := range alphas {
			sums += places * float64(unsafe.Sizeof(moments{}))
			if m.o.keeps(q, alpha) {
				values += 8 * places * float64(samples)
			}
		}
	}
	if err := memory.Room(fmt.Sprintf("a measurement at %d α", len(m.alphas)), sums, "measure at fewer"); err != nil {
		return err
	}
	return memory.Room(fmt.Sprintf("every value of %d samples at %d α and %d layers", samples, len(m.alphas), len(m.layers)), sums+values,
		"measure on fewer samples, at fewer α, or without the values of each sample")
}
