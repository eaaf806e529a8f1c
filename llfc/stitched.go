package llfc

import (
	"context"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// between is what all depends on that is made of a pair and a set.
type between struct {
	Version   int                `json:"version"`
	Network   network.Spec       `json:"network"`
	A         string             `json:"a"` // content of the weights
	B         string             `json:"b"`
	Normalize feed.Normalization `json:"normalize"`
	Set       setID              `json:"set"`
	Batch     int                `json:"batch,omitempty"`
	Backend   string             `json:"backend"`
}

// stitching is all that a kept stitching depends on.
type stitching struct {
	between
	Cuts []string `json:"cuts,omitempty"` // nil is all
}

// between checks that a pair can be measured on a set, and names what is made of both.
func (l *Lab) between(ctx context.Context, p Pair, version, batch int, on *data.Set) (between, error) {
	if err := p.suit(on); err != nil {
		return between{}, err
	}
	if err := SamePlace(p.A, p.B); err != nil {
		return between{}, err
	}
	spec, err := l.keyOf(ctx, p.A.Network)
	return between{version, spec, p.A.Theta.SHA256(), p.B.Theta.SHA256(), p.B.Normalize, idOf(on), batch, l.Info.String()}, err
}

// over puts a set on the device for a pair, runs, and takes it off again.
func over[T any](l *Lab, p Pair, on *data.Set, run func(f *network.Model, d *feed.Feed) (T, error)) (T, error) {
	var none T
	f, err := l.Model(p.A.Network)
	if err != nil {
		return none, err
	}
	d, err := feed.New(l.Backend, on, p.B.Normalize)
	if err != nil {
		return none, err
	}
	defer d.Free()
	return run(f, d)
}

// Stitched is a pair stitched together at every cut, in both directions, and measured on a set: loaded, if it was before, else made and kept.
func (l *Lab) Stitched(ctx context.Context, p Pair, o measure.StitchOptions, on *data.Set) (*measure.Stitched, error) {
	key, err := l.between(ctx, p, measure.StitchVersion, o.Batch, on)
	if err != nil {
		return nil, err
	}
	return keep(l, "stitched", stitching{key, o.Cuts}, func() (*measure.Stitched, error) {
		if o.Progress == nil {
			o.Progress = l.progress.count("stitching " + p.Name)
		}
		return over(l, p, on, func(f *network.Model, d *feed.Feed) (*measure.Stitched, error) {
			return measure.Stitch(ctx, f, p.A.Theta, p.B.Theta, d, o)
		})
	})
}
