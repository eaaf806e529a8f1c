package llfc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"layerwise/data"
	"layerwise/llfc/feed"
)

// Afford returns the setting at a scale, "" leaving it as it is, on data that are at hand. Nothing is downloaded: where the setting's data set is
// missing it becomes the embedded digits, with as many steps of batches of at most 60; those enlarged to 32×32 for a network that was
// described for pictures of about that size. What was changed can be read from what is returned.
func (l *Lab) Afford(ctx context.Context, s Setting, scale string) (Setting, error) {
	if scale != "" {
		cut, err := s.At(scale)
		if err != nil {
			return Setting{}, err
		}
		s = cut
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

// onDigits moves a setting to the digits, n of which are for training.
func (s Setting) onDigits(n int) Setting {
	samples := 60000 // of MNIST; CIFAR-10 has hardly fewer
	if s.TrainSamples > 0 {
		samples = s.TrainSamples
	}
	steps := s.Train.Steps(samples)
	s.Train.Batch = min(s.Train.Batch, smallBatch)
	s.Train = Over(s.Train, max(1, steps/s.Train.StepsPerEpoch(n)))
	s.TrainSamples, s.TestSamples = 0, 0
	return s.onto(s.offlineSet())
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
