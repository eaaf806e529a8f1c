package llfc

import (
	"context"

	"layerwise/llfc/network"
)

// roomToTrain returns a *network.TooLargeError if the machine cannot hold the training of a run: the state on the host and on the device, the
// gradients, and what a batch leaves for the way back.
func (l *Lab) roomToTrain(ctx context.Context, r Run) error {
	n, err := l.network(ctx, r.Network)
	if err != nil {
		return err
	}
	about, err := n.Describe()
	if err != nil {
		return err
	}
	sets, err := r.Train.Optimiser.Sets()
	if err != nil {
		return err
	}
	state := float64(sets) * about.Bytes()
	if err := network.Room(nil, "the state of this training", state); err != nil {
		return err
	}
	activations := float64(r.Train.Batch) * about.Features("linear", "norm") // as much as goes into linear maps and norms, which their gradients need
	if r.Train.Precision != "" {                                             // in half as many bits
		activations /= 2
	}
	return network.Room(l.Backend, "training this network", 2*state+about.Bytes()+activations)
}

// roomToMatch is that of a permuted network, of B's rows as they are gathered, and of the gains of the largest group.
func roomToMatch(f *network.Model, s network.Symmetry) error {
	largest := 0.0
	for _, g := range s.Groups {
		largest = max(largest, float64(g.Size))
	}
	const perGain = 8 + 4 // bytes: the sum, and at least one product
	return network.Room(nil, "matching these networks", 2*f.About.Bytes()+perGain*largest*largest)
}
