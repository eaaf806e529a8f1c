package pass

import (
	"fmt"
	"math"
)

// Rounding allows for what two devices, programs or buffers may round differently: a share of each number.
const rounding = 1e-3

// smallest is below what a loss of float64 logits can be told from 0.
const smallest = 1e-12

// Check compares what one executable gave for the same weights, once as they lie on the device and once as a fresh copy at another address.
// They differ where the backend computes with weights that it no longer has, or keeps anything of weights by their address. what says
// whose weights they are. It costs one more run, so callers check on the first batch of a pass.
func (p *Pass) Check(what string, got, fresh []float64) error {
	for i, v := range got {
		if w := fresh[i]; !agree(v, w) {
			return p.broken(what, fmt.Sprintf("number %d of %d is %g, and %g for a fresh copy of the same weights", i+1, len(got), v, w))
		}
	}
	return nil
}

// CheckRows is Check of rows.
func (p *Pass) CheckRows(what string, got, fresh [][]float64) error {
	for i, row := range got {
		if err := p.Check(fmt.Sprintf("%s, sample %d", what, p.Sample(i)), row, fresh[i]); err != nil {
			return err
		}
	}
	return nil
}

// apart is the largest squared distance of two features, as a share of their own, that rounding explains.
const apart = 1e-6

// CheckFeature compares features of one network that two executables gave, by their squared norm (aa), and their squared distance,
// summed over a batch.
func (p *Pass) CheckFeature(what string, aa, distance float64) error {
	if distance <= apart*aa {
		return nil
	}
	return p.broken(what, fmt.Sprintf("two programs give features that lie %.3g of their length apart for the same weights", math.Sqrt(distance/aa)))
}

func (p *Pass) broken(what, how string) error {
	return fmt.Errorf("%s: %s: %s; the backend %s computes with other weights than it was given, and no number of it can be believed: use another backend, or open this one with layerwise/llfc/backend",
		p, what, how, p.f.Backend.Description())
}

// agree takes two numbers for one: rounding apart, and both undefined.
func agree(v, w float64) bool {
	return v == w || math.IsNaN(v) && math.IsNaN(w) || math.Abs(v-w) <= rounding*math.Max(math.Abs(v), math.Abs(w))+smallest
}
