package llfc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// Setting is an experiment's recipe: what is trained, on what, and how. A preset returns a fresh value; change what differs.
type Setting struct {
	Name         string       // the network, for people; this and the next two are not part of a run's name
	About        []string     // what sets it apart from others of that name: "Git Re-Basin's recipe", "width 16", the scale
	Source       string       // where the recipe comes from
	Network      network.Spec // Input and Classes are taken from the data; Architecture is built in or was given to Lab.AddNetwork
	Data         string       // a name that data.Load knows, or of a set that was given to Lab.AddData
	TrainSamples int          // 0 is all; fewer are drawn stratified by class, always the same
	TestSamples  int          // likewise
	Unit         bool         // inputs in [0, 1]; otherwise the data set's customary normalisation
	Train        train.Config // Streams are filled in from the seed
}

// Title is the setting's name with all that sets it apart: "MLP/mnist, Git Re-Basin's recipe".
func (s Setting) Title() string {
	return strings.Join(append([]string{s.Name + "/" + s.Data}, s.About...), ", ")
}

// Run is the training of the setting's network from one seed. The seed draws the initialisation and, by a stream of its own, the batch
// order, the dropout masks and the augmentation.
func (l *Lab) Run(ctx context.Context, s Setting, seed int64) (Run, error) {
	set, _, err := l.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	if err != nil {
		return Run{}, err
	}
	spec := s.Network
	spec.Input, spec.Classes = set.Shape, len(set.Classes)
	norm := feed.Standard(set)
	if s.Unit {
		norm = feed.Unit(set)
	}
	n, err := l.network(ctx, spec)
	if err != nil {
		return Run{}, err
	}
	r := Run{Version: runVersion, Network: n.Spec, Data: dataID(set), Normalize: norm, Train: s.Train, InitSeed: seed}
	r.Train = r.Train.Fork(0, train.Stream{Order: seed, Dropout: seed, Augment: seed})
	if err := errors.Join(r.Train.Check(set.Len()), r.Train.Augment.Check(set.Shape)); err != nil {
		return Run{}, fmt.Errorf("%s: %w", s.Title(), err)
	}
	return r, nil
}

// Spawn is the sibling of a run that shares its first epochs and then sees the data in another order. epochs may be a fraction; 0 shares
// only the initialisation.
func (r Run) Spawn(epochs float64, order int64) (Run, error) {
	if !(epochs >= 0 && epochs <= float64(r.Train.Epochs)) { // NaN neither
		return Run{}, fmt.Errorf("spawn after %g epochs of a run of %d; it must lie between 0 and %d", epochs, r.Train.Epochs, r.Train.Epochs)
	}
	step := int(math.Round(epochs * float64(r.Train.StepsPerEpoch(r.Data.Samples))))
	r.Train = r.Train.Fork(step, train.Stream{Order: order, Dropout: order, Augment: order})
	return r, nil
}
