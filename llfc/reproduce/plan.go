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

// Plan finds a study at a scale; what it returns runs it. nets are networks of the study convnets, to which it is restricted; none are all.
func Plan(study, scale string, nets ...string) (func(ctx context.Context, l *llfc.Lab) (Report, error), error) {
	switch study {
	case mlp:
		if len(nets) > 0 {
			return nil, fmt.Errorf("the networks %s of the study %s: only %s has several", strings.Join(nets, ", "), mlp, convnets)
		}
		s, err := ScaleByName(scale)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, l *llfc.Lab) (Report, error) { return Run(ctx, l, s) }, nil
	case convnets:
		s, err := ConvScaleByName(scale)
		if err == nil {
			s, err = s.Of(nets...)
		}
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, l *llfc.Lab) (Report, error) { return RunConv(ctx, l, s) }, nil
	}
	return nil, fmt.Errorf("unknown study %q; known: %s", study, strings.Join(Studies(), ", "))
}
