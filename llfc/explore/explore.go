// Package explore makes the page on which a reader looks around in a pair of networks: the slider for α, the layers, the images and their
// feature maps. See plotting/explore for the page itself.
package explore

import (
	"context"
	"fmt"
	"slices"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
	"layerwise/plotting/explore"
)

// Options say what the page holds; its size grows with all of them.
type Options struct {
	Alphas []float64 // nil is 0, 0.1 … 1; 0, ½ and 1 are always among them
	Shown  int       // how many images have their feature maps on the page; 0 is 12
}

// usualShown is how many images have maps where nobody says.
const usualShown = 12

// Pair measures a pair on a set, or loads what was measured, and makes the page of it. θ_α is nothing but the blend of the weights. The images with
// maps are the worst of each layer at α = ½, in turn; of a layer with channels the map is the channel that is most active in A.
func Pair(ctx context.Context, l *llfc.Lab, p llfc.Pair, set *data.Set, o Options) (explore.Page, error) {
	if o.Alphas == nil {
		o.Alphas = measure.Alphas(11)
	}
	if o.Shown == 0 {
		o.Shown = usualShown
	}
	r, err := l.Measured(ctx, p, measure.Options{Alphas: o.Alphas, Samples: []string{"one_minus_cos"}}, set)
	if err != nil {
		return explore.Page{}, err
	}
	page := explore.Page{Title: p.Name, Subtitle: fmt.Sprintf("%s, %d images. %s", r.Set, r.Samples, r.Policy), Alphas: r.Alphas, Error: r.Errors().Values, Loss: r.Losses().Values}
	if set.Note != "" {
		page.Subtitle += ". Data: " + set.Note
	}
	var layers []string
	for _, layer := range r.Layers {
		layers = append(layers, layer.Name)
	}
	page.Layers = layers
	for _, s := range r.Baseline().Stats {
		page.Between = append(page.Between, s.Mean)
	}
	for _, label := range set.Labels {
		page.Names = append(page.Names, set.Classes[label])
	}
	for _, alpha := range r.Alphas {
		cos, err := r.PerSample("one_minus_cos", alpha)
		if err != nil {
			return explore.Page{}, err
		}
		coef, err := r.Coef(alpha)
		if err != nil {
			return explore.Page{}, err
		}
		page.Cos = append(page.Cos, cos)
		page.Coef = append(page.Coef, means(coef))
	}
	half, err := r.PerSample("one_minus_cos", 0.5)
	if err != nil {
		return explore.Page{}, err
	}
	f, err := l.Features(ctx, p, set, worst(half, o.Shown), layers, r.Alphas...)
	if err != nil {
		return explore.Page{}, err
	}
	page.Shown = shown(f)
	return page, nil
}

func means(p measure.Profile) (out []float64) {
	for _, s := range p.Stats {
		out = append(out, s.Mean)
	}
	return out
}

// rounding is 1 − cos below which a layer is exact, and has no worst images.
const rounding = 1e-10

// worst are the n images that are worst at some layer: the worst of each layer in turn, then the second of each.
func worst(byLayer [][]float64, n int) []int {
	var orders [][]int
	for _, values := range byLayer {
		var order []int
		for i, v := range values {
			if v > rounding { // NaN is not
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case values[a] > values[b]:
				return -1
			case values[a] < values[b]:
				return 1
			}
			return 0
		})
		orders = append(orders, order)
	}
	var out []int
	for rank := 0; len(out) < n; rank++ {
		some := false
		for _, order := range orders {
			if rank >= len(order) {
				continue
			}
			some = true
			if len(out) < n && !slices.Contains(out, order[rank]) {
				out = append(out, order[rank])
			}
		}
		if !some {
			break
		}
	}
	if len(out) == 0 { // every layer is exact: A and B are the same network
		out = []int{0}
	}
	return out
}

// shown are the images of f with their maps.
func shown(f *llfc.Features) []explore.Shown {
	out := make([]explore.Shown, len(f.Samples))
	for i, n := range f.Samples {
		out[i] = explore.Shown{Image: n, Picture: figures.Picture(f.Set, n), Line: make([][]explore.Map, len(f.Alphas))}
	}
	for tap := range f.Taps {
		channel := figures.Busiest(f.A[tap])
		of := func(h network.Tensor, i int) explore.Map { return figures.Map(h, i, channel) }
		for i := range out {
			out[i].A, out[i].B = append(out[i].A, of(f.A[tap], i)), append(out[i].B, of(f.B[tap], i))
			for k := range f.Alphas {
				out[i].Line[k] = append(out[i].Line[k], of(f.Line[k][tap], i))
			}
		}
	}
	return out
}
