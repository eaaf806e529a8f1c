package main

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc/merge"
)

// policyFlags declares the flags that say how θ_α is made, and returns what reads them.
func (c *command) policyFlags() func() (merge.Policy, error) {
	var known, look []string
	for _, m := range merge.Methods() {
		known = append(known, m.Name)
		if m.Data {
			look = append(look, m.Name)
		}
	}
	name := c.choice("policy", "interpolate", "how θ_α is made, by `name`: "+strings.Join(known, ", ")+"; "+strings.Join(look, ", ")+" look at training samples", known...)
	folded := c.Bool("folded", false, "fold the batch norms of A and B into the maps before them, then blend the maps")
	samples := c.count("policy-samples", 0, 2, "the `number` of training samples that the policy looks at; by default 10000, or all of a smaller set")
	return func() (merge.Policy, error) {
		p := merge.Policy{Name: *name, Folded: *folded, Samples: *samples}
		if c.set("policy-samples") && !slices.Contains(look, *name) {
			return p, c.wrong("--policy-samples is for a policy that looks at training samples (%s), not for --policy %s", strings.Join(look, ", "), *name)
		}
		if err := p.Check(); err != nil {
			return p, c.unfit(p, err)
		}
		return p, nil
	}
}

// unfit reports a policy that cannot be used, by the flags that asked for it.
func (c *command) unfit(p merge.Policy, err error) error {
	flags := "--policy " + p.Name
	if p.Folded {
		flags += " --folded"
	}
	if p.Samples > 0 {
		flags += fmt.Sprintf(" --policy-samples %d", p.Samples)
	}
	return c.wrong("%s: %w", flags, err)
}
