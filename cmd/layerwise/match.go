package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

var matchVerb = verb{
	name: "match", args: "A.safetensors B.safetensors [C.safetensors …] --out FILE [flags]", about: "Permutes the hidden units of B to bring it in line with A, or of several networks",
	example: "layerwise match a.safetensors b.safetensors --method weight --out b.matched.safetensors",
	kept:    "nothing was written",
	run: func(ctx context.Context, c *command) error {
		c.backendFlag()
		c.asNumbersFlag()
		m := matching{command: c}
		m.method = c.choice("method", "weight", "the matching method of two networks, by `name`: "+strings.Join(match.MethodNames(), ", "), match.MethodNames()...)
		m.universe = c.Bool("universe", false, "bring all networks into the order of the first, jointly (Frank-Wolfe); --out is a folder, and each keeps its file name there")
		m.mergeMany = c.Bool("merge-many", false, "the same by aligning each network to the mean of the others, again and again")
		m.mean = c.path("mean", "", "with --universe or --merge-many, write the mean of the matched networks to `file`")
		m.out = c.path("out", "", "write the permuted B to `file`, or the permuted networks to this folder")
		seed := c.Int64("seed", 0, "the `seed` of a method that draws")
		restarts := c.count("restarts", llfc.MatchRestarts, 0, "the `number` of further searches of weight matching")
		samples := c.count("samples", 0, 0, "the `number` of training samples, of a method that looks at data; 0 is what the method says")
		steps := c.count("steps", 0, 0, "the most `steps` of a method that goes step by step; 0 is what the method says")
		mix := c.real("mix", 0, 0, 1, "the `share` of the activations' similarity, of a method that mixes it with the weights'; 0 is what the method says")
		if err := c.parseAll(); err != nil {
			return err
		}
		m.config = match.Config{Seed: *seed, Restarts: *restarts, Samples: *samples, Steps: *steps, Mix: *mix}
		if *m.universe || *m.mergeMany {
			return m.many(ctx)
		}
		return m.pair(ctx)
	},
}

// matching is one call of the verb.
type matching struct {
	*command
	method, mean, out   *string
	universe, mergeMany *bool
	config              match.Config
}

// pair brings B in line with A.
func (m matching) pair(ctx context.Context) error {
	c := m.command
	switch n := len(c.given); {
	case n > 2:
		return c.wrong("%d arguments %q, expected 2; --universe or --merge-many brings more into one order", n, c.given)
	case n < 2:
		return c.wrong("%d arguments %q, expected 2: layerwise %s %s", n, c.given, c.verb.name, c.verb.args)
	case *m.mean != "":
		return c.wrong("--mean is of --universe and --merge-many; give one of them, for two networks too")
	}
	if err := c.need("out"); err != nil {
		return err
	}
	a, b, err := c.pair()
	if err != nil {
		return err
	}
	l, err := c.begin(ctx, *m.out, c.inputs(""))
	if err != nil {
		return err
	}
	defer l.Close()
	moved, r, ended := l.Match(ctx, llfc.Pair{Name: c.given[0] + " and " + c.given[1], A: a, B: b}, *m.method, m.config)
	if ended != nil && moved.Theta == nil {
		return fmt.Errorf("%s and %s: %w", c.given[0], c.given[1], ended)
	}
	before, err := network.Distance(a.Theta, b.Theta)
	if err != nil {
		return err
	}
	after, err := network.Distance(a.Theta, moved.Theta)
	if err != nil {
		return err
	}
	if err := llfc.SaveCheckpoint(*m.out, moved); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\n%s  method %s%s  ‖θ_A − θ_B‖ %.4f → %.4f; the permuted network is the same function\n", llfc.Spread(r), *m.out, *m.method, partial(ended), before, after)
	return m.left(ctx, ended, *m.out)
}

// partial marks what an interrupted search has found.
func partial(ended error) string {
	if ended != nil {
		return ", interrupted: the best so far"
	}
	return ""
}

// left is how a call ends that was interrupted and has written what there was.
func (m matching) left(ctx context.Context, ended error, out string) error {
	switch err := ctx.Err(); {
	case ended != nil:
		return partly{ended, "the best so far is in " + out + ", proved, and marked as partial"}
	case err != nil:
		return partly{err, "the matching was done, and " + out + " is whole"}
	}
	return nil
}

// many brings all networks into the order of the first.
func (m matching) many(ctx context.Context) error {
	c := m.command
	method := "universe"
	if *m.mergeMany {
		method = "merge-many"
	}
	switch {
	case *m.universe && *m.mergeMany:
		return c.wrong("--universe and --merge-many are two methods; give one")
	case c.set("method"):
		return c.wrong("--method is of two networks, and --%s a method of its own; give one", method)
	case len(c.given) < 2:
		return c.wrong("%d arguments %q, expected two at least: layerwise %s %s", len(c.given), c.given, c.verb.name, c.verb.args)
	}
	if err := c.need("out"); err != nil {
		return err
	}
	all, err := c.several()
	if err != nil {
		return err
	}
	var outs []string
	var written []file
	for _, path := range c.given {
		out := filepath.Join(*m.out, filepath.Base(path))
		if slices.Contains(outs, out) {
			return c.wrong("two of the networks are called %s, and would be one file in %s; name them differently", filepath.Base(path), *m.out)
		}
		outs, written = append(outs, out), append(written, file{"--out", out})
	}
	if *m.mean != "" {
		written = append(written, file{"--mean", *m.mean})
	}
	if err := c.apart(written, c.inputs("")); err != nil {
		return err
	}
	if err := c.outDir("out", func(string) error {
		for _, out := range outs {
			if info, err := os.Stat(out); err == nil && !info.Mode().IsRegular() {
				return fmt.Errorf("%s is not a file that can be replaced", out)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if *m.mean != "" {
		if err := c.outFile("mean"); err != nil {
			return err
		}
	}
	l, err := c.lab(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	moved, j, ended := l.MatchMany(ctx, method, m.config, all...)
	if ended != nil && moved == nil {
		return fmt.Errorf("%s: %w", strings.Join(c.given, ", "), ended)
	}
	before, err := average(all)
	if err != nil {
		return err
	}
	after, err := average(moved)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "method %s%s  Σ⟨π_p(θ_p), π_q(θ_q)⟩ over all pairs %.5g, from %.5g unmatched; the order is that of %s\n", method, partial(ended), j.Objective, j.Identity, c.given[0])
	for i, out := range outs {
		x, err := network.Distance(before, all[i].Theta)
		if err != nil {
			return err
		}
		y, err := network.Distance(after, moved[i].Theta)
		if err != nil {
			return err
		}
		if err := llfc.SaveCheckpoint(out, moved[i]); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s  ‖θ − mean‖ %.4f → %.4f; the same function as %s\n", out, x, y, c.given[i])
	}
	if *m.mean != "" {
		mean, err := l.Merged(ctx, merge.Recipe{Name: "mean"}, nil, moved, nil, merge.Policy{})
		if err != nil {
			return err
		}
		if ended != nil {
			mean.Meta["partial"] = "true"
		}
		if err := llfc.SaveCheckpoint(*m.mean, mean); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s  the mean of their weights\n", *m.mean)
	}
	return m.left(ctx, ended, *m.out)
}

func average(all []llfc.Checkpoint) (network.Params, error) {
	var thetas []network.Params
	for _, c := range all {
		thetas = append(thetas, c.Theta)
	}
	return network.Average(thetas...)
}
