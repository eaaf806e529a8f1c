package measure

import (
	"errors"
	"fmt"
	"slices"
)

// Across is a quantity at every layer across pairs: the mean over results of what each has, and its deviation over results, not over samples, which
// are no repetition of a training. Layers where a result has no value are taken over the others. A noise ceiling is that of pairs of seeds.
func Across(quantity string, alpha float64, results ...*Result) (Profile, error) {
	if len(results) == 0 {
		return Profile{}, errors.New("measure: a quantity across no results")
	}
	var layers []string
	var over []moments
	for _, r := range results {
		p, err := r.Profile(quantity, alpha)
		if err != nil {
			return Profile{}, err
		}
		if layers == nil {
			layers, over = p.Layers, make([]moments, p.Len())
		}
		if !slices.Equal(p.Layers, layers) {
			return Profile{}, fmt.Errorf("measure: %s across results of different layers: %q and %q", quantity, layers, p.Layers)
		}
		for i, s := range p.Stats {
			over[i].add(s.Mean)
		}
	}
	out := Profile{Layers: layers}
	for _, m := range over {
		out.Stats = append(out.Stats, m.stat())
	}
	return out, nil
}
