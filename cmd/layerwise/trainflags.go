package main

import (
	"cmp"
	"slices"

	"layerwise/llfc"
	"layerwise/llfc/feed"
	"layerwise/llfc/train"
)

// augmentation is a set of variations of training pictures, named by the recipe that it comes from.
type augmentation struct {
	name string
	set  feed.Augment
}

func augmentations() []augmentation {
	return []augmentation{{"none", feed.Augment{}}, {"paper", feed.CropFlip()}, {"rebasin", feed.ZoomFlipRotate()}}
}

// What is usual, by the names that flags have for it.
const (
	constant = "constant"
	float32s = "float32"
)

// trainFlags declares the flags of a training config and returns what puts those that were given into a recipe's.
func (c *command) trainFlags() func(train.Config) (train.Config, error) {
	var sets []string
	for _, a := range augmentations() {
		sets = append(sets, a.name)
	}
	epochs := c.count("epochs", 0, 1, "train for so many `epochs`; the recipe's schedule is drawn together in proportion")
	batch := c.count("batch", 0, 1, "`samples` a step")
	optimiser := c.choice("optimiser", "", "adam or sgd, by `name`; another than the recipe's needs --rate", "adam", "sgd")
	rate := c.positive("rate", 0, large, "the learning `rate`")
	momentum := c.real("momentum", 0, 0, 1, "of sgd, a `share`")
	decay := c.real("weight-decay", 0, 0, large, "coupled weight decay, a `factor`")
	schedule := c.choice("schedule", "", "constant, step or cosine, by `name`", constant, "step", "cosine")
	warmup := c.real("warmup", 0, 0, many, "`epochs` in which the rate grows to its value")
	at := c.sizes("step-at", "of the step schedule: the `epochs` after which the rate falls, such as 80,120")
	factor := c.positive("step-factor", 0.1, large, "of the step schedule: what the rate is multiplied by, a `factor`")
	augment := c.choice("augment", "", "how training pictures are varied, by `name`: none, paper (crop and flip) or rebasin (zoom, flip and turn)", sets...)
	precision := c.choice("precision", "", "what linear maps compute in, by `name`: float32 or bf16, which is faster only on a GPU", float32s, "bf16")
	devices := c.count("devices", 0, 1, "share each batch among so many `devices`, each with batch statistics of its own")
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
		// A config leaves out what is usual; otherwise one run would have two names.
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
			return t, c.wrong("--step-at %d lies behind the end, --epochs %d; the rate would never fall there", slices.Max(s.At), t.Epochs)
		}
		return t, nil
	}
}
