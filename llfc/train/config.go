// Package train turns θ₀ into θ: optimisers, schedules, and a loop whose whole state is a value, so that a run can be
// stopped, resumed and forked without changing a bit.
package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Config is how a network is trained. It is plain data and names a run together with what it is trained on.
type Config struct {
	Optimiser Optimiser `json:"optimiser"`
	Schedule  Schedule  `json:"schedule"`
	Batch     int       `json:"batch"`  // samples a step; what does not fill a batch at the end of an epoch is left out of that epoch
	Epochs    int       `json:"epochs"` // passes over the data
	Streams   []Stream  `json:"streams"`

	Augment feed.Augment `json:"augment,omitzero"` // of the training batches; measuring sees the pictures as they are

	// Freeze are patterns as of path.Match for what stays as it is: tensors, "conv1/w", or all that a layer has, "conv1", "block?". Running
	// statistics that are named so stay too; a batch is normalised by its own statistics all the same.
	Freeze []string `json:"freeze,omitempty"`

	Precision string `json:"precision,omitempty"` // "" is float32 throughout; "bf16" is mixed, see half
	Devices   int    `json:"devices,omitempty"`   // 0 is one device; above 1 that many share each batch, see parallel.go
}

// half returns the type that linear maps compute in, the zero value where that is float32.
//
// With "bf16" they take inputs and weights rounded to bfloat16 and give results rounded to it, forward and backward, as PyTorch's
// autocast does; biases, norms, nonlinearities, loss, weights and the optimiser's state stay float32, and so do checkpoints and all
// measuring. bfloat16 has the range of float32, so the loss needs no scaling.
//
// It is not the default, for it gains nothing on a CPU, not even on one that multiplies bfloat16 itself: BenchmarkSteps, on 2 cores of a
// busy Xeon with AMX, took 9.4 ms of processor time for a step of a 3×512 MLP against 7.2 in float32, and 858 against 781 for one of
// ResNet-20 with XLA; with the pure-Go backend 21 against 15, and 4992 against 3652. It was not tried on a GPU, whose gain it is for.
func (c Config) half() (dtypes.DType, error) {
	switch c.Precision {
	case "":
		return dtypes.InvalidDType, nil
	case "bf16":
		return dtypes.BFloat16, nil
	}
	return 0, fmt.Errorf("train: unknown precision %q; known: bf16, or none at all for float32", c.Precision)
}

// Stream seeds the batch order, the dropout masks and the augmentation from a step on; two runs are a spawned pair if their streams part at step k.
type Stream struct {
	From    int   `json:"from"` // the first step that it seeds; 0 for the first stream
	Order   int64 `json:"order"`
	Dropout int64 `json:"dropout,omitempty"`
	Augment int64 `json:"augment,omitempty"` // 0 where nothing is augmented
}

// Optimiser is a rule for the update of the weights.
type Optimiser struct {
	Name        string  `json:"name"`                   // "adam" (Kingma & Ba 2015) or "sgd"
	Rate        float64 `json:"rate"`                   // the learning rate that the schedule multiplies
	Momentum    float64 `json:"momentum,omitempty"`     // of sgd, PyTorch's form: v ← μ v + g, w ← w − rate·v
	WeightDecay float64 `json:"weight_decay,omitempty"` // coupled: g ← g + decay·w before anything else
	Beta1       float64 `json:"beta1,omitempty"`        // of adam; 0 means 0.9
	Beta2       float64 `json:"beta2,omitempty"`        // of adam; 0 means 0.999
	Epsilon     float64 `json:"epsilon,omitempty"`      // of adam; 0 means 1e-8
}

// Schedule multiplies the learning rate, step by step.
type Schedule struct {
	Name   string  `json:"name,omitempty"`   // "" or "constant", "step", "cosine"
	Warmup float64 `json:"warmup,omitempty"` // epochs of linear growth from 0 at the start
	At     []int   `json:"at,omitempty"`     // of step: the epochs after which the rate is multiplied by Factor
	Factor float64 `json:"factor,omitempty"` // of step
}

// StepsPerEpoch is the number of whole batches in n samples.
func (c Config) StepsPerEpoch(n int) int { return n / c.Batch }

// Steps is the length of the run on n samples.
func (c Config) Steps(n int) int { return c.Epochs * c.StepsPerEpoch(n) }

// Check returns nil if the config can train on n samples.
func (c Config) Check(n int) error {
	switch {
	case c.Batch < 1 || c.Batch > n:
		return fmt.Errorf("train: a batch of %d with %d samples; it must lie between 1 and the number of samples", c.Batch, n)
	case c.Epochs < 1:
		return fmt.Errorf("train: %d epochs; at least 1 is needed", c.Epochs)
	case len(c.Streams) == 0 || c.Streams[0].From != 0:
		return errors.New("train: the streams must begin at step 0")
	case !slices.IsSortedFunc(c.Streams, func(a, b Stream) int { return a.From - b.From }):
		return fmt.Errorf("train: the streams %v are not in the order of their steps", c.Streams)
	}
	for _, pattern := range c.Freeze {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("train: freeze %q: %w", pattern, err)
		}
	}
	if _, err := json.Marshal(c); err != nil { // a run is named by this text, which has no NaN and no infinity
		return fmt.Errorf("train: %+v: %w", c, err)
	}
	if _, err := c.half(); err != nil {
		return err
	}
	if err := c.checkDevices(); err != nil {
		return err
	}
	if _, err := c.Optimiser.rule(); err != nil {
		return err
	}
	_, err := c.Schedule.factor(0, 1, c.Epochs)
	return err
}

// frozen tells whether a tensor stays as it is.
func (c Config) frozen(name string) bool {
	for part := name; part != "."; part = path.Dir(part) {
		if slices.ContainsFunc(c.Freeze, func(pattern string) bool {
			ok, err := path.Match(pattern, part)
			return ok && err == nil
		}) {
			return true
		}
	}
	return false
}

// learns tells whether a tensor has a gradient and an optimiser's state.
func (c Config) learns(p network.Param) bool { return !p.Buffer() && !c.frozen(p.Name) }

// checkFreeze returns nil if every pattern names a tensor, and something is left to be trained.
func (c Config) checkFreeze(params []network.Param) error {
	for _, pattern := range c.Freeze {
		if !slices.ContainsFunc(params, func(p network.Param) bool { return Config{Freeze: []string{pattern}}.frozen(p.Name) }) {
			return fmt.Errorf("train: freeze %q names no tensor of the network; its first is %q", pattern, params[0].Name)
		}
	}
	if !slices.ContainsFunc(params, c.learns) {
		return fmt.Errorf("train: freeze %q leaves nothing to be trained", c.Freeze)
	}
	return nil
}

// stream returns the stream that seeds a step.
func (c Config) stream(step int) Stream {
	s := c.Streams[0]
	for _, next := range c.Streams[1:] {
		if next.From <= step {
			s = next
		}
	}
	return s
}

// Fork returns the config whose streams change at a step to the seeds of next: a spawned run. Forking to the seeds in force changes
// nothing, so that run keeps its name; nor does a seed of augmentation name a run that has none.
func (c Config) Fork(step int, next Stream) Config {
	c.Streams = slices.DeleteFunc(slices.Clone(c.Streams), func(s Stream) bool { return s.From >= step && s.From > 0 })
	next.From = step
	if c.Augment == (feed.Augment{}) {
		next.Augment = 0
	}
	if step == 0 {
		c.Streams = []Stream{next}
		return c
	}
	last := c.stream(step)
	if last.From = step; last != next {
		c.Streams = append(c.Streams, next)
	}
	return c
}

// factor is what the schedule multiplies the learning rate by at a step.
func (s Schedule) factor(step, perEpoch, epochs int) (float64, error) {
	epoch := float64(step) / float64(perEpoch)
	f := 1.0
	switch s.Name {
	case "", "constant":
	case "step":
		if !(s.Factor > 0) || len(s.At) == 0 {
			return 0, fmt.Errorf("train: a step schedule needs epochs and a positive factor, got %+v", s)
		}
		for _, at := range s.At {
			if step >= at*perEpoch {
				f *= s.Factor
			}
		}
	case "cosine":
		if float64(epochs) <= s.Warmup {
			return 0, fmt.Errorf("train: a cosine schedule with %g epochs of warm-up does not fit into %d epochs", s.Warmup, epochs)
		}
		f = (1 + math.Cos(math.Pi*max(0, epoch-s.Warmup)/(float64(epochs)-s.Warmup))) / 2
	default:
		return 0, fmt.Errorf("train: unknown schedule %q; known: constant, step, cosine", s.Name)
	}
	if s.Warmup < 0 {
		return 0, fmt.Errorf("train: %g epochs of warm-up", s.Warmup)
	}
	if warm := s.Warmup * float64(perEpoch); float64(step) < warm {
		f *= float64(step+1) / warm
	}
	return min(f, 1), nil
}
