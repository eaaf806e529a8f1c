package measure

import (
	"fmt"

	"layerwise/internal/memory"
)

// room returns an error if the values of every sample, where they are asked for, are more than the machine can hold.
func (p *plan) room(samples int) error {
	if !p.o.PerSample {
		return nil
	}
	layers, acts := len(p.f.About.Taps)-1, 0 // the input is no layer
	if p.o.Conditions {
		acts = len(p.f.About.Acts)
	}
	values := float64(samples) * float64(layers*(1+2*len(p.alphas))+3*acts) // the baseline, 1 − cos and coef; three of weak additivity
	return memory.Room(fmt.Sprintf("every value of %d samples at %d α and %d layers", samples, len(p.alphas), layers), 8*values,
		"measure on fewer samples, at fewer α, or without the values of each sample")
}
