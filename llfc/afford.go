package llfc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// smallBatch is a batch that suits the embedded digits.
const smallBatch = 60

// Afford returns the setting as a machine and a scale allow it. Nothing is downloaded: where the setting's data set is not at hand it
// becomes the embedded digits, with as many steps of batches of at most 60; those enlarged to 32×32 for a network that was described
// for pictures of that size or more. What was changed can be read from what is returned.
//
//	"", "quick"  the setting on the data set that is at hand
//	"smoke"      a tiny network on the digits for a second or two, to see that everything runs
func (l *Lab) Afford(ctx context.Context, s Setting, scale string) (Setting, error) {
	switch scale {
	case "", "quick":
	case "smoke":
		return s.Smoke(), nil
	default:
		return Setting{}, fmt.Errorf("unknown scale %q; known here: smoke, quick", scale)
	}
	offline := l.Data
	offline.Offline = true
	_, _, err := l.setsBy(ctx, offline, s.Data, s.TrainSamples, s.TestSamples)
	var missing *data.MissingError
	if !errors.As(err, &missing) {
		return s, err
	}
	set, _, err := l.Sets(ctx, s.offlineSet(), 0, 0)
	if err != nil {
		return Setting{}, err
	}
	return s.onDigits(set.Len()), nil
}

// offlineSet is the data set that every program carries, in a size that suits the network.
func (s Setting) offlineSet() string {
	if in := s.Network.Input; len(in) == 3 && min(in[0], in[1]) >= 32 {
		return "digits32"
	}
	return "digits"
}

// onDigits moves a setting to the digits, n of which are for training.
func (s Setting) onDigits(n int) Setting {
	samples := 60000 // of MNIST; CIFAR-10 has hardly fewer
	if s.TrainSamples > 0 {
		samples = s.TrainSamples
	}
	steps := s.Train.Steps(samples)
	s.Train.Batch = min(s.Train.Batch, smallBatch)
	return s.digits(Budget{Epochs: max(1, steps/s.Train.StepsPerEpoch(n))})
}

// digits is the setting within a budget on the digits, of which few have a mirror image.
func (s Setting) digits(b Budget) Setting {
	on := s.offlineSet()
	name := strings.NewReplacer("MNIST", on, "CIFAR-10", on).Replace(s.Name)
	s = s.within(b)
	s.Name, s.Data, s.Train.Augment.Flip = name, on, false
	return s
}

// Smoke is the setting cut to a second or two on a few hundred digits, to see that everything runs: layers of 32 units, or the shallowest
// network of its kind with a first stage of 4 channels.
func (s Setting) Smoke() Setting {
	s.Train.Batch = min(s.Train.Batch, smallBatch)
	n := &s.Network
	if n.Width > 0 {
		most := n.Depth
		n.Width, n.Head, n.Dropout = 4, nil, 0
		for n.Depth = 1; n.Depth < most; n.Depth++ {
			if _, err := network.New(*n); err == nil {
				break
			}
		}
		return s.digits(Budget{Epochs: 3, TrainSamples: 300, TestSamples: 100})
	}
	n.Widths = slices.Repeat([]int{32}, len(n.Widths))
	s.Train.Optimiser.Rate = 2e-3
	return s.digits(Budget{Epochs: 6, TrainSamples: 600, TestSamples: 100})
}

// Test measures a pair on the test split of a setting's data set, or loads what was measured before. A policy that looks at training samples
// gets those that the pair was trained on.
func (l *Lab) Test(ctx context.Context, s Setting, p Pair, o measure.Options) (*measure.Result, error) {
	_, test, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		return nil, err
	}
	return l.Measured(ctx, p, quiet(o), test)
}

// TestPath is Test without the features, at one forward pass for each α.
func (l *Lab) TestPath(ctx context.Context, s Setting, p Pair, o measure.Options) (measure.Line, error) {
	_, test, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		return measure.Line{}, err
	}
	r, err := l.measured(ctx, p, quiet(o), true, []*data.Set{test}, func(o measure.Options, feeds []*feed.Feed) (*measure.Result, error) {
		f, err := l.Model(p.A.Network)
		if err != nil {
			return nil, err
		}
		lines, err := measure.Lines(ctx, f, p.A.Theta, p.B.Theta, o, feeds...)
		return &measure.Result{Lines: lines}, err
	})
	if err != nil {
		return measure.Line{}, err
	}
	return r.Lines[0], nil
}

// quiet shows no progress unless it was asked for: a test split takes seconds, and a notebook would keep the last state shown.
func quiet(o measure.Options) measure.Options {
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return o
}

// Compare sets settings side by side as a table: what a notebook trains beside what the paper trained.
func Compare(names []string, settings ...Setting) (headers []string, rows [][]string) {
	for _, line := range []struct {
		name string
		of   func(s Setting) string
	}{
		{"data", func(s Setting) string { return s.Data }},
		{"training samples", func(s Setting) string { return allOr(s.TrainSamples) }},
		{"test samples", func(s Setting) string { return allOr(s.TestSamples) }},
		{"network", func(s Setting) string {
			text := strings.TrimSpace(fmt.Sprint(s.Network.Architecture, " ", strings.Trim(fmt.Sprint(s.Network.Widths), "[]")))
			if n := s.Network; n.Width > 0 {
				text += fmt.Sprintf(" %d, width %d", n.Depth, n.Width)
			}
			if len(s.Network.Head) > 0 {
				text += fmt.Sprintf(", head %v", s.Network.Head)
			}
			return text
		}},
		{"initialisation", func(s Setting) string { return s.Network.Init }},
		{"inputs", func(s Setting) string {
			if s.Unit {
				return "in [0, 1]"
			}
			return "normalised"
		}},
		{"optimiser", func(s Setting) string {
			return fmt.Sprintf("%s, rate %g", s.Train.Optimiser.Name, s.Train.Optimiser.Rate)
		}},
		{"batch", func(s Setting) string { return fmt.Sprint(s.Train.Batch) }},
		{"epochs", func(s Setting) string { return fmt.Sprint(s.Train.Epochs) }},
		{"schedule", func(s Setting) string {
			if c := s.Train.Schedule; len(c.At) > 0 {
				return fmt.Sprintf("×%g after epochs %s", c.Factor, strings.Join(strings.Fields(strings.Trim(fmt.Sprint(c.At), "[]")), ", "))
			}
			return s.Train.Schedule.Name
		}},
		{"augmentation", func(s Setting) string {
			if s.Train.Augment == (feed.Augment{}) {
				return ""
			}
			text, err := json.Marshal(s.Train.Augment)
			if err != nil {
				panic(err) // plain data marshals
			}
			return strings.NewReplacer("{", "", "}", "", `"`, "", ":", " ", ",", ", ").Replace(string(text))
		}},
	} {
		row := []string{line.name}
		for _, s := range settings {
			row = append(row, line.of(s))
		}
		if strings.Join(row[1:], "") != "" { // an MLP has neither schedule nor augmentation
			rows = append(rows, row)
		}
	}
	return append([]string{"setting"}, names...), rows
}

func allOr(samples int) string {
	if samples == 0 {
		return "all"
	}
	return fmt.Sprint(samples)
}
