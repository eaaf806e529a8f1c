package match

import (
	"context"
	"fmt"
	"strings"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Method is a way of finding π. It is all there is to write for a new one: what stands in [Methods] is offered by the command line, by
// the lab and by the study under its name.
type Method struct {
	Name, Doc, Source string
	Data              bool // it looks at training samples

	// Find looks for π. Where ctx ends first it returns the best that it has so far, with the context's error; Result.Permutation is nil
	// where it has none.
	Find func(ctx context.Context, p Problem) (Result, error)
}

// Problem is what a method is given. The weights are finite, and of the network that the symmetry is of.
type Problem struct {
	F        *network.Model
	Symmetry network.Symmetry
	A, B     network.Params
	Training *feed.Feed // nil unless the method looks at data
	Config

	Progress func(done, of int, objective float64) // may be nil; called now and then by methods that take many steps
}

// Methods lists the known ways.
func Methods() []Method {
	return []Method{
		{Name: "weight", Doc: "minimises ‖θ_A − π(θ_B)‖² by coordinate ascent, one assignment for each group in turn", Source: "Ainsworth et al. 2023 (arXiv 2209.04836)",
			Find: func(ctx context.Context, p Problem) (Result, error) {
				return weightsTold(ctx, p.Symmetry, p.A, p.B, p.Config, p.Progress)
			}},
		{Name: "activation", Doc: "minimises Σ ‖H_A − π(H_B)‖² over training samples, one assignment for each group", Source: "Li et al. 2016 (arXiv 1511.07543); Ainsworth et al. 2023", Data: true,
			Find: Activations},
		{Name: "correlation", Doc: "maximises the correlation of units over training samples, one assignment for each group", Source: "Li et al. 2016 (arXiv 1511.07543); Ainsworth et al. 2023", Data: true,
			Find: Correlations},
		{Name: "front-to-back", Doc: "maximises the correlation of units after their nonlinearity, of a residual stream at the end of its stage", Source: "Jordan et al. 2023, REPAIR (arXiv 2211.08403)", Data: true,
			Find: FrontToBack},
		{Name: "mudsc", Doc: "maximises a blend of the correlations of units' features and of their weights", Source: "Xu et al. 2024, MuDSC (arXiv 2403.01753)", Data: true,
			Find: DualSpace},
		{Name: "ste", Doc: "minimises the loss at the middle of the path, by straight-through estimates through weight matching", Source: "Ainsworth et al. 2023 (arXiv 2209.04836), §3.3", Data: true,
			Find: StraightThrough},
		{Name: "annealing", Doc: "minimises the error at the middle of the path, by simulated annealing over swaps", Source: "Entezari et al. 2022 (arXiv 2110.06296)", Data: true,
			Find: Annealing},
		{Name: "commutativity", Doc: "minimises Σ ‖ΔW ΔH‖² over training samples, the product that commutativity asks to be 0", Source: "Zhou et al. 2023 (arXiv 2307.08286), §5.2 and App. A.3; the search is ours", Data: true,
			Find: Commutativity},
		{Name: "frank-wolfe", Doc: "minimises ‖θ_A − π(θ_B)‖² over all groups jointly, by steps between permutations; no seed", Source: "Crisostomi et al. 2024 (arXiv 2405.17897)",
			Find: FrankWolfe},
	}
}

// MethodNames lists the names of Methods.
func MethodNames() []string {
	var out []string
	for _, m := range Methods() {
		out = append(out, m.Name)
	}
	return out
}

// MethodByName finds a method.
func MethodByName(name string) (Method, error) {
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
	}
	return Method{}, fmt.Errorf("match: unknown method %q; known: %s", name, strings.Join(MethodNames(), ", "))
}
