package llfc

import (
	"context"

	"layerwise/llfc/feed"
	"layerwise/llfc/measure"
)

// trainingSplit is the split on which policies measure statistics.
const trainingSplit = "train"

// withTraining fills in the training set where the policy of o looks at one and has none: a training split among those that are measured,
// else what the pair was trained on. free takes it off the device.
func (l *Lab) withTraining(ctx context.Context, p Pair, o measure.Options, measured ...*feed.Feed) (out measure.Options, free func(), err error) {
	free = func() {}
	method, err := o.Policy.Method()
	if err != nil || !method.Data || o.Train != nil {
		return o, free, err
	}
	for _, d := range measured {
		if d.Set.Split == trainingSplit {
			o.Train = d
			return o, free, nil
		}
	}
	if name, _ := p.trainedOn(); name == "" { // measure says what is missing
		return o, free, nil
	}
	set, err := l.trainingOf(ctx, p, o)
	if err != nil {
		return o, free, err
	}
	if o.Train, err = feed.New(l.Backend, set, p.B.Normalize); err != nil {
		return o, free, err
	}
	return o, o.Train.Free, nil
}
