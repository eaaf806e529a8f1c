package main

import (
	"context"

	"layerwise/llfc"
	"layerwise/llfc/network"
)

// settingFlags declares the flags of a setting and returns a function that reads them: the recipe for the network, cut to the scale, then
// changed by the flags that were given.
func settingFlags(c *command) func(context.Context) (llfc.Setting, int64, error) {
	c.backendFlag()
	var ways []string
	for _, r := range llfc.Recipes() {
		ways = append(ways, r.Name)
	}
	arch := c.String("network", "mlp", "the `network`: "+networkNames())
	shaped := c.networkFlags()
	set := c.pathAfter("images:", "data", "the data `set`; layerwise data lists them; by default the recipe's")
	seed := c.Int64("seed", 1, "the `seed` of initialisation, batch order, dropout and augmentation")
	way := c.choice("recipe", "paper", "how the network is trained, by `name`: paper or rebasin (Git Re-Basin's); it gives everything that no flag gives", ways...)
	scale := c.scaleFlag("paper")
	c.former("budget", "scale")
	samples := c.count("train-samples", 0, 0, "the `number` of training samples, drawn stratified by class; 0 is all")
	unit := c.Bool("unit", false, "inputs in [0, 1] instead of the data set's normalisation")
	trained := c.trainFlags()
	return func(ctx context.Context) (s llfc.Setting, _ int64, err error) {
		spec, err := network.Default(*arch)
		if err != nil {
			return s, 0, c.wrong("--network: %w", err)
		}
		if spec, err = shaped(ctx, spec); err != nil {
			return s, 0, err
		}
		if s, err = llfc.Preset(*way, spec); err != nil {
			return s, 0, c.wrong("--recipe: %w", err)
		}
		if s, err = s.At(*scale); err != nil {
			return s, 0, c.wrong("--scale: %w", err)
		}
		if s.Network, err = shaped(ctx, s.Network); err != nil {
			return s, 0, err
		}
		if c.set("train-samples") {
			s.TrainSamples = *samples
		}
		if c.set("unit") {
			s.Unit = *unit
		}
		if c.set("data") {
			s.Data = *set
		}
		if err := c.checkData("data", s.Data); err != nil {
			return s, 0, err
		}
		s.Name, s.About, s.Source = *arch, nil, "command line"
		s.Train, err = trained(s.Train)
		return s, *seed, err
	}
}
