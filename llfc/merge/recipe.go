package merge

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"layerwise/internal/finite"
	"layerwise/llfc/network"
)

// Recipe makes one network of several, as plain data. Several networks have no line between them, so nothing here has an α.
type Recipe struct {
	Name    string    `json:"name"`              // one of Recipes
	Weights []float64 `json:"weights,omitempty"` // of the models, in their order; nil is 1/n each for a mean, 1 each for task vectors
	Lambda  float64   `json:"lambda,omitempty"`  // multiplies what is added to θ_0; 0 is 1
	Keep    float64   `json:"keep,omitempty"`    // in (0, 1]: the share of each task vector that ties and dare leave; 0 is 0.2 for ties, 0.1 for dare
	Seed    int64     `json:"seed,omitempty"`    // of what dare drops
}

// RecipeMethod is a known way to make one network of several.
type RecipeMethod struct {
	Name, Doc, Source string
	Base              bool    // it adds task vectors τ = θ − θ_0 to the network θ_0 that all were fine-tuned from
	keep              float64 // the default of Recipe.Keep; 0 where it does not apply
	seeded            bool

	merge func(r Recipe, taus []network.Params) network.Params // of task vectors, or of models where there is no base
}

// Recipes lists the known ways.
func Recipes() []RecipeMethod {
	return []RecipeMethod{
		{Name: "mean", Doc: "Σ w_i θ_i, a soup", Source: "Wortsman et al. 2022 (arXiv 2203.05482)", merge: sum},
		{Name: "task", Doc: "θ_0 + λ Σ w_i τ_i; a negative weight forgets a task, and w = −1, 1, 1 is the analogy τ_c + (τ_b − τ_a)",
			Source: "Ilharco et al. 2023 (arXiv 2212.04089)", Base: true, merge: sum},
		{Name: "ties", Doc: "θ_0 + λτ: of each τ_i the numbers of largest size are left; each place takes the sign of their sum, and the mean of those that have it",
			Source: "Yadav et al. 2023 (arXiv 2306.01708)", Base: true, keep: 0.2, merge: func(r Recipe, taus []network.Params) network.Params {
				var trimmed []network.Params
				for _, tau := range taus {
					trimmed = append(trimmed, trim(tau, r.Keep))
				}
				return elect(r, trimmed)
			}},
		{Name: "dare", Doc: "θ_0 + λ Σ w_i τ_i, of each τ_i a random share left and divided by that share", Source: "Yu et al. 2024 (arXiv 2311.03099)", Base: true, keep: 0.1, seeded: true,
			merge: func(r Recipe, taus []network.Params) network.Params { return sum(r, dropped(r, taus)) }},
		{Name: "dare-ties", Doc: "as dare, and the signs elected as in ties", Source: "Yu et al. 2024; Yadav et al. 2023", Base: true, keep: 0.1, seeded: true,
			merge: func(r Recipe, taus []network.Params) network.Params { return elect(r, dropped(r, taus)) }},
	}
}

// RecipeNames lists the names of Recipes.
func RecipeNames() []string {
	var out []string
	for _, m := range Recipes() {
		out = append(out, m.Name)
	}
	return out
}

// Method returns the method that the recipe names.
func (r Recipe) Method() (RecipeMethod, error) {
	for _, m := range Recipes() {
		if m.Name == r.Name {
			return m, nil
		}
	}
	return RecipeMethod{}, fmt.Errorf("merge: unknown recipe %q; known: %s", r.Name, strings.Join(RecipeNames(), ", "))
}

// Check returns nil if a recipe can be applied to n models, with a base or without.
func (r Recipe) Check(n int, base bool) error {
	_, _, err := r.settle(n, base)
	return err
}

// settle checks a recipe, and fills in what it leaves open.
func (r Recipe) settle(n int, base bool) (Recipe, RecipeMethod, error) {
	m, err := r.Method()
	switch {
	case err != nil:
		return r, m, err
	case n == 0:
		return r, m, errors.New("merge: no models")
	case r.Weights != nil && len(r.Weights) != n:
		return r, m, fmt.Errorf("merge: %d weights for %d models", len(r.Weights), n)
	case !finite.All(append(slices.Clone(r.Weights), r.Lambda)...):
		return r, m, fmt.Errorf("merge: weights %v and λ %g must be finite", r.Weights, r.Lambda)
	case m.keep == 0 && r.Keep != 0:
		return r, m, fmt.Errorf("merge: %s leaves all of a network, so it takes no share to keep", m.Name)
	case !(r.Keep >= 0 && r.Keep <= 1):
		return r, m, fmt.Errorf("merge: a share of %g to keep; it must lie in (0, 1], and 0 chooses", r.Keep)
	case !m.seeded && r.Seed != 0:
		return r, m, fmt.Errorf("merge: nothing is drawn in %s, so it takes no seed", m.Name)
	case m.Base && !base:
		return r, m, fmt.Errorf("merge: %s adds task vectors to the network that all were fine-tuned from; it must be given", m.Name)
	case !m.Base && base:
		return r, m, fmt.Errorf("merge: %s looks at no base; leave it out", m.Name)
	case !m.Base && r.Lambda != 0:
		return r, m, fmt.Errorf("merge: %s adds nothing to a base, so it takes no λ", m.Name)
	}
	if r.Weights == nil {
		r.Weights = slices.Repeat([]float64{1}, n)
		if !m.Base {
			r.Weights = slices.Repeat([]float64{1 / float64(n)}, n)
		}
	}
	if r.Lambda == 0 {
		r.Lambda = 1
	}
	if r.Keep == 0 {
		r.Keep = m.keep
	}
	return r, m, nil
}

// Combine makes one network of several by a recipe. base is θ_0, nil for recipes that need none. Running statistics of batch norms are no
// directions: by every recipe they are the mean of the models' statistics, and a policy that measures them anew is the better choice
// wherever there is data. Sums are float64.
func Combine(f *network.Model, base network.Params, models []network.Params, r Recipe) (network.Params, error) {
	r, m, err := r.settle(len(models), base != nil)
	if err != nil {
		return nil, err
	}
	for i, theta := range models {
		if err := f.CheckWeights(theta); err != nil {
			return nil, fmt.Errorf("merge: model %d: %w", i+1, err)
		}
	}
	parts := make([]network.Params, len(models))
	for i, theta := range models {
		parts[i] = learned(f, theta)
	}
	var merged network.Params
	if m.Base {
		if err := f.CheckWeights(base); err != nil {
			return nil, fmt.Errorf("merge: base: %w", err)
		}
		origin := learned(f, base)
		for i, theta := range parts {
			parts[i] = difference(theta, origin)
		}
		merged = add(origin, r.Lambda, m.merge(r, parts))
	} else {
		merged = m.merge(r, parts)
	}
	equal := slices.Repeat([]float64{1 / float64(len(models))}, len(models))
	var out network.Params
	for i, p := range f.About.Params {
		if p.Buffer() {
			out = append(out, mean(equal, models, i))
		} else {
			out, merged = append(out, merged[0]), merged[1:]
		}
	}
	for _, t := range out {
		if finite.Except(t.Data) >= 0 {
			return nil, fmt.Errorf("merge: %s gives numbers in %q that are not finite; the weights or λ are too large", m.Name, t.Name)
		}
	}
	return out, nil
}

// learned leaves out running statistics.
func learned(f *network.Model, theta network.Params) (out network.Params) {
	for i, p := range f.About.Params {
		if !p.Buffer() {
			out = append(out, theta[i])
		}
	}
	return out
}
