package llfc

import (
	"context"
	"errors"

	"layerwise/llfc/measure"
)

// Ceiling is the noise ceiling of a quantity: what it is at every layer between networks of a setting that differ in nothing but their seeds, the
// mean over pairs and their deviation. It is a line for figures of layers: what another pair has beyond it, chance has too. The pairs are
// those of Independent for these seeds, and their measurements those of Test, loaded if they were made before. alpha is NaN for a quantity of
// the ends, such as "baseline" or "linear_cka".
func (l *Lab) Ceiling(ctx context.Context, s Setting, o measure.Options, quantity string, alpha float64, seeds ...int64) (measure.Profile, error) {
	if len(seeds) == 0 {
		return measure.Profile{}, errors.New("a noise ceiling of no pairs; give the seed of one at least")
	}
	var results []*measure.Result
	for _, seed := range seeds {
		p, err := l.Independent(ctx, s, seed)
		if err != nil {
			return measure.Profile{}, err
		}
		r, err := l.Test(ctx, s, p, o)
		if err != nil {
			return measure.Profile{}, err
		}
		results = append(results, r)
	}
	return measure.Across(quantity, alpha, results...)
}
