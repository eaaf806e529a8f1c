package llfc

import (
	"context"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// spectra is all that kept spectra depend on.
type spectra struct {
	between
	K int `json:"k"`
}

// Spectra are the singular values of a pair's weights and of its features on a set, and the angles between their leading subspaces: loaded, if
// they were taken before, else taken and kept.
func (l *Lab) Spectra(ctx context.Context, p Pair, o measure.SpectraOptions, on *data.Set) (*measure.Spectra, error) {
	key, err := l.between(ctx, p, measure.SpectraVersion, o.Batch, on)
	if err != nil {
		return nil, err
	}
	return keep(l, "spectra", spectra{key, o.Subspaces()}, func() (*measure.Spectra, error) {
		if o.Progress == nil {
			o.Progress = l.progress.count("spectra of " + p.Name)
		}
		return over(l, p, on, func(f *network.Model, d *feed.Feed) (*measure.Spectra, error) {
			return measure.PairSpectra(ctx, f, p.A.Theta, p.B.Theta, d, o)
		})
	})
}
