package measure

import (
	"fmt"
	"unsafe"

	"layerwise/internal/memory"
)

// room returns an error if what is kept of a measurement is more than the machine can hold: sums for every α and layer, and where they are
// asked for every sample's values.
func (p *plan) room(samples, layers int) error {
	alphas := len(p.alphas)
	each := float64(alphas) * float64(2*unsafe.Sizeof(tally{})+2*uintptr(layers)*unsafe.Sizeof(moments{})) // 1 − cos and coef of every layer
	if err := memory.Room(fmt.Sprintf("a measurement at %d α", alphas), each, "measure at fewer"); err != nil {
		return err
	}
	if !p.o.PerSample {
		return nil
	}
	acts := 0
	if p.o.Conditions {
		acts = len(p.f.About.Acts)
	}
	values := float64(samples) * float64(layers*(1+2*alphas)+3*acts)
	return memory.Room(fmt.Sprintf("every value of %d samples at %d α and %d layers", samples, alphas, layers), each+8*values,
		"measure on fewer samples, at fewer α, or without the values of each sample")
}
