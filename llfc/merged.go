package llfc

import (
	"context"
	"encoding/json"
	"fmt"

	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

// Merged makes one checkpoint of several by a recipe of package merge. base is what all were fine-tuned from; nil for recipes that need none.
// The statistics of batch norms are the mean of the models', unless train is given: then they are measured anew on its samples, as reset says
// (the zero Policy: 10,000 of them).
func (l *Lab) Merged(ctx context.Context, r merge.Recipe, base *Checkpoint, models []Checkpoint, train *feed.Feed, reset merge.Policy) (Checkpoint, error) {
	fail := func(err error) (Checkpoint, error) { return Checkpoint{}, err }
	if len(models) == 0 {
		return fail(fmt.Errorf("%s of no models", r.Name))
	}
	out := models[0]
	var thetas []network.Params
	about := struct {
		Recipe merge.Recipe `json:"recipe"`
		Base   string       `json:"base,omitempty"` // content of the weights
		Of     []string     `json:"of"`
		Reset  string       `json:"reset,omitempty"`
	}{Recipe: r}
	all := models
	var origin network.Params
	if base != nil {
		all = append([]Checkpoint{*base}, models...)
		origin, about.Base = base.Theta, base.Theta.SHA256()
	}
	for _, c := range all[1:] {
		if err := SamePlace(all[0], c); err != nil {
			return fail(err)
		}
	}
	for _, c := range models {
		thetas, about.Of = append(thetas, c.Theta), append(about.Of, c.Theta.SHA256())
	}
	f, err := l.Model(out.Network)
	if err != nil {
		return fail(err)
	}
	if out.Theta, err = merge.Combine(f, origin, thetas, r); err != nil {
		return fail(err)
	}
	if train != nil {
		reset.Name = "reset"
		m, err := merge.New(f, out.Theta, out.Theta, train, reset)
		if err != nil {
			return fail(err)
		}
		if out.Theta, err = m.At(ctx, 1); err != nil {
			return fail(err)
		}
		about.Reset = m.Policy().String()
	}
	text, err := json.Marshal(about)
	if err != nil {
		return fail(err)
	}
	out.Run, out.Meta = nil, l.provenance(0)
	out.Meta[metaMerged] = string(text)
	return out, nil
}
