package main

import (
	"cmp"
	"slices"

	"layerwise/llfc"
	"layerwise/llfc/feed"
	"layerwise/llfc/train"
)

// augmentation is a way to vary training pictures, named after the recipe that it comes from.
type augmentation struct {
	name string
	set  feed.Augment
}

func augmentations() []augmentation {
	return []augmentation{{"none", feed.Augment{}}, {"paper", feed.CropFlip()}, {"rebasin", feed.ZoomFlipRotate()}}
}

// The flags have names for what a config leaves empty.
const (
	constant = "constant"
	float32s = "float32"
)

// trainFlags declares the flags of a training config and returns a function that applies the given ones to the config of a recipe.
func (c *command) trainFlags() func(train.Config) (train.Config, error) {
	var sets []string
	for _, a := range augmentations() {
		sets = append(sets, a.name)
	}
	epochs := c.count("epochs", 0, 1, "the number of `epochs`; the schedule of the recipe shrinks or grows in proportion")
	batch := c.count("batch", 0, 1, "the number of `samples` in a step")
	optimiser := c.choice("optimiser", "", "adam or sgd, by `name`; one that is not the recipe's needs --rate", "adam", "sgd")
	rate := c.positive("rate", 0, large, "the learning `rate`")
	momentum := c.real("momentum", 0, 0, 1, "of sgd, a `number` from 0 to 1")
	decay := c.real("weight-decay", 0, 0, large, "the `factor` of coupled weight decay")
	schedule := c.choice("schedule", "", "of the learning rate, by `name`: constant, step or cosine", constant, "step", "cosine")
	warmup := c.real("warmup", 0, 0, many, "the number of `epochs` over which the rate grows to its value")
	at := c.sizes("step-at", "of the step schedule: the `epochs` after which the rate falls, such as 80,120")
	factor := c.positive("step-factor", 0.1, large, "of the step schedule: the `factor` that the rate is multiplied by")
	augment := c.choice("augment", "", "how training pictures are varied, by `name`: none, paper (crop and flip) or rebasin (zoom, flip and turn)", sets...)
	precision := c.choice("precision", "", "what linear maps compute in, by `name`: float32 or bf16, which gains nothing on a CPU", float32s, "bf16")
	devices := c.count("devices", 0, 1, "the number of `devices` that share each batch; each has its own batch statistics")
	return func(t train.Config) (train.Config, error) {
		if c.set("epochs") {
			t = llfc.Over(t, *epochs)
		}
		if c.set("batch") {
			t.Batch = *batch
		}
		o := &t.Optimiser
		if c.set("optimiser") && *optimiser != o.Name {
			if !c.set("rate") {
				return t, c.wrong("--optimiser %s needs --rate: the recipe's, %g, is that of %s", *optimiser, o.Rate, o.Name)
			}
			*o = train.Optimiser{Name: *optimiser}
		}
		if c.set("rate") {
			o.Rate = *rate
		}
		if c.set("momentum") {
			o.Momentum = *momentum
		}
		if c.set("weight-decay") {
			o.WeightDecay = *decay
		}
		for _, a := range augmentations() {
			if c.set("augment") && a.name == *augment {
				t.Augment = a.set
			}
		}
		if c.set("precision") {
			t.Precision = *precision
		}
		if c.set("devices") {
			t.Devices = *devices
		}
		s := &t.Schedule
		if c.set("schedule") && *schedule != cmp.Or(s.Name, constant) {
			*s = train.Schedule{Name: *schedule}
		}
		// A config leaves these empty: a run is named by its config, and must not have two names.
		if t.Precision == float32s {
			t.Precision = ""
		}
		if t.Devices == 1 {
			t.Devices = 0
		}
		if s.Name == constant {
			s.Name = ""
		}
		if c.set("warmup") {
			s.Warmup = *warmup
		}
		if s.Name != "step" {
			if c.set("step-at") || c.set("step-factor") {
				return t, c.wrong("--step-at and --step-factor are of --schedule step, not of %s", cmp.Or(s.Name, constant))
			}
			return t, nil
		}
		if c.set("step-at") {
			s.At = *at
		}
		if c.set("step-factor") || s.Factor == 0 {
			s.Factor = *factor
		}
		switch {
		case len(s.At) == 0:
			return t, c.wrong("--schedule step needs --step-at, the epochs after which the rate falls, such as 80,120")
		case c.set("step-at") && slices.Max(s.At) >= t.Epochs:
			return t, c.wrong("--step-at %d lies after the end, --epochs %d; the rate would never fall there", slices.Max(s.At), t.Epochs)
		}
		return t, nil
	}
}
