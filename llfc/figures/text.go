package figures

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc/measure"
)

// At writes the means of a profile at some layers, as tables of the paper do: "0.0146 / 0.0118". A layer that is not there is a dash.
func At(p measure.Profile, layers ...string) string {
	parts := make([]string, len(layers))
	for i, name := range layers {
		parts[i] = "–"
		if l := slices.Index(p.Layers, name); l >= 0 {
			parts[i] = fmt.Sprintf("%.3g", p.Stats[l].Mean)
		}
	}
	return strings.Join(parts, " / ")
}

// Percent writes a fraction: "1.91 %".
func Percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }
