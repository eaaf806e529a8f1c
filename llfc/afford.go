package llfc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
)

// offlineSet is the data set that every program carries; smallBatch is a batch that suits it.
const (
	offlineSet = "digits"
	smallBatch = 60
)

// Afford returns the setting as a machine and a scale allow it. Nothing is downloaded: where the setting's data set is not at hand it
// becomes the embedded digits, with as many steps of batches of at most 60. What was changed can be read from what is returned.
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
	was := l.Data.Offline
	l.Data.Offline = true
	_, _, err := l.sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	l.Data.Offline = was
	var missing *data.MissingError
	if !errors.As(err, &missing) {
		return s, err
	}
	set, _, err := l.sets(ctx, offlineSet, 0, 0)
	if err != nil {
		return Setting{}, err
	}
	return s.onDigits(set.Len()), nil
}

// onDigits moves a setting made for MNIST to the digits, n of which are for training.
func (s Setting) onDigits(n int) Setting {
	const mnist = 60000
	samples := mnist
	if s.TrainSamples > 0 {
		samples = s.TrainSamples
	}
	steps := s.Train.Steps(samples)
	s.Name = strings.Replace(s.Name, "MNIST", offlineSet, 1)
	s.Data, s.TrainSamples, s.TestSamples = offlineSet, 0, 0
	s.Train.Batch = min(s.Train.Batch, smallBatch)
	s.Train.Epochs = max(1, steps/s.Train.StepsPerEpoch(n))
	return s
}

// Smoke is the setting cut to a second: a network of 32 units a layer on 600 digits, to see that everything runs.
func (s Setting) Smoke() Setting {
	s.Name = strings.Replace(s.Name, "MNIST", offlineSet, 1)
	s.Data, s.TrainSamples, s.TestSamples = offlineSet, 600, 100
	s.Network.Widths = make([]int, len(s.Network.Widths))
	for i := range s.Network.Widths {
		s.Network.Widths[i] = 32
	}
	s.Train.Batch = min(s.Train.Batch, smallBatch)
	s.Train.Optimiser.Rate, s.Train.Epochs = 2e-3, 6
	return s
}

// Test measures a pair on the test split of a setting's data set.
func (l *Lab) Test(ctx context.Context, s Setting, p Pair, o measure.Options) (*measure.Result, error) {
	_, set, err := l.sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		return nil, err
	}
	d, err := feed.New(l.Backend, set, p.B.Normalize)
	if err != nil {
		return nil, err
	}
	defer d.Free()
	if o.Progress == nil { // it takes seconds, and a notebook would keep the last state shown
		o.Progress = func(int, int) {}
	}
	return l.Measure(ctx, p, o, d)
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
			return strings.TrimSpace(fmt.Sprint(s.Network.Architecture, " ", strings.Trim(fmt.Sprint(s.Network.Widths), "[]")))
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
	} {
		row := []string{line.name}
		for _, s := range settings {
			row = append(row, line.of(s))
		}
		rows = append(rows, row)
	}
	return append([]string{"setting"}, names...), rows
}

func allOr(samples int) string {
	if samples == 0 {
		return "all"
	}
	return fmt.Sprint(samples)
}
