package figures

import (
	"fmt"
	"maps"
	"slices"

	"layerwise/llfc/measure"
	"layerwise/plotting"
)

// Kinds are the kinds of layers that a figure draws, a line of its own for each: "linear", "norm", "act", "pool" and "block". The
// network's output stands beside them as a point. Its numbers hold every layer, drawn or not.
//
// Nothing asked for draws blocks, as the paper does, where a network has any; where it has none, one line joins all layers.
type Kinds []string

// Joined is what a line joins among the layers of these names, for [plotting.Figure]: nil is all by one line.
func (k Kinds) Joined(layers []measure.Layer, names []string) ([][]int, error) {
	kinds := kindsOf(layers)
	has := map[string][]int{}
	for i, name := range names {
		has[kinds[name]] = append(has[kinds[name]], i)
	}
	if k == nil {
		if has["block"] == nil {
			return nil, nil
		}
		k = Kinds{"block"}
	}
	var out [][]int
	for i, kind := range k {
		if has[kind] == nil {
			delete(has, "")
			return nil, fmt.Errorf("figures: no layer of kind %q; there is %q", kind, slices.Sorted(maps.Keys(has)))
		}
		if !slices.Contains(k[:i], kind) {
			out = append(out, has[kind])
		}
	}
	output := slices.Index(names, layers[len(layers)-1].Name)
	if output >= 0 && !slices.Contains(k, kinds[names[output]]) {
		out = append(out, []int{output})
	}
	return out, nil
}

// InsideAndEnds joins nonlinearities by two lines where the network has blocks, those inside and those that end them: what enters the latter
// has mostly passed one before. nil is all by one line.
func InsideAndEnds(layers []measure.Layer, acts []string) ([][]int, error) {
	ends, err := Kinds(nil).Joined(layers, acts)
	if err != nil || ends == nil {
		return nil, err
	}
	return Kinds{"act", "block"}.Joined(layers, acts)
}

func (k Kinds) layers(title, ylabel string, r *measure.Result, names []string, series []plotting.Series) (*plotting.Figure, error) {
	fig, err := plotting.Layers(title, ylabel, names, series...)
	if err != nil {
		return nil, err
	}
	fig.Joined, err = k.Joined(r.Layers, names)
	return fig, err
}

// kindsOf is the kind of every layer by its name. A block ends with the sum of its branches or, where one follows at once, the
// nonlinearity over it; the sum is then of the kind "sum".
func kindsOf(layers []measure.Layer) map[string]string {
	out := map[string]string{}
	for i, l := range layers {
		switch {
		case l.Kind == "block" && i+1 < len(layers) && layers[i+1].Kind == "act":
			out[l.Name] = "sum"
		case l.Kind == "act" && i > 0 && layers[i-1].Kind == "block":
			out[l.Name] = "block"
		default:
			out[l.Name] = l.Kind
		}
	}
	return out
}
