package reproduce

import (
	"context"
	"fmt"
	"strings"

	"layerwise/llfc"
)

// Report is a study that has been measured.
type Report interface {
	Write(dir string) (llfc.Scorecard, error)
}

// The studies.
const (
	mlp      = "mlp"
	convnets = "convnets"
)

// Studies names what Plan knows, the usual one first.
func Studies() []string { return []string{mlp, convnets} }

// ScaleNames names the scales that some study has, the shortest first.
func ScaleNames() []string {
	var out []string
	for _, s := range ConvScales() { // the study of MLPs has no others
		out = append(out, s.Name)
	}
	return out
}

// Runner trains what is missing and measures; tell hears what was found, a line at a time.
type Runner func(ctx context.Context, l *llfc.Lab, tell func(line string)) (Report, error)

// Plan finds a study at a scale. nets are networks of the study convnets, to which it is restricted; none are all.
func Plan(study, scale string, nets ...string) (Runner, error) {
	switch study {
	case mlp:
		if len(nets) > 0 {
			return nil, fmt.Errorf("the networks %s of the study %s: only %s has several", strings.Join(nets, ", "), mlp, convnets)
		}
		s, err := ScaleByName(scale)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, l *llfc.Lab, _ func(string)) (Report, error) { return Run(ctx, l, s) }, nil
	case convnets:
		s, err := ConvScaleByName(scale)
		if err == nil {
			s, err = s.Of(nets...)
		}
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, l *llfc.Lab, tell func(string)) (Report, error) {
			return RunConv(ctx, l, s, func(t Trial) { tell(t.String()) })
		}, nil
	}
	return nil, fmt.Errorf("unknown study %q; known: %s", study, strings.Join(Studies(), ", "))
}
