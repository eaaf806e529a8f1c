package train

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"layerwise/llfc/network"
)

// State is all that a run is at a step: the weights with the running statistics of batch norms, the optimiser's state tensors beside what is trained ("fc1/w#m"), and the number of
// steps taken. The rest, batch order, learning rate, dropout masks, augmentation, is a function of the config and the step, so no generator
// state needs saving and a state continues to the same bits wherever it is loaded.
type State struct {
	Theta network.Params
	Slots network.Params
	Step  int
}

// Start is the state of a network before the first step.
func Start(n network.Network, theta network.Params, c Config) (State, error) {
	about, err := n.Describe()
	if err != nil {
		return State{}, err
	}
	if len(theta) != len(about.Params) {
		return State{}, fmt.Errorf("train: %d tensors, expected %d", len(theta), len(about.Params))
	}
	r, err := c.Optimiser.rule()
	if err != nil {
		return State{}, err
	}
	s := State{Theta: theta}
	for _, slot := range r.slots {
		for i, t := range theta {
			if !c.learns(about.Params[i]) {
				continue
			}
			s.Slots = append(s.Slots, network.Tensor{Name: t.Name + "#" + slot, Dims: t.Dims, Data: make([]float32, len(t.Data))})
		}
	}
	return s, nil
}

// Tensors returns the weights and the optimiser's state as one set, to be saved as one file.
func (s State) Tensors() network.Params { return slices.Concat(s.Theta, s.Slots) }

// Restore takes a saved set apart again; its layout must be that of s, the start of the same run.
func (s State) Restore(saved network.Params, step int) (State, error) {
	got := make(network.Params, 0, len(saved))
	byName := saved.ByName()
	for _, t := range s.Tensors() {
		if u, ok := byName[t.Name]; ok {
			got = append(got, u)
		}
	}
	if err := s.Tensors().SameLayout(got); err != nil {
		return State{}, fmt.Errorf("train: the saved state does not fit: %w", err)
	}
	if len(got) != len(saved) {
		return State{}, fmt.Errorf("train: the saved state has %d tensors, expected %d", len(saved), len(got))
	}
	n := len(s.Theta)
	return State{Theta: got[:n], Slots: got[n:], Step: step}, nil
}

// order is the batch order of an epoch: a permutation of n samples that depends only on the seed and the epoch.
func order(n int, seed int64, epoch int) []int {
	return rand.New(rand.NewPCG(uint64(seed), 0x6f72646572<<16|uint64(epoch))).Perm(n) // "order"
}

// vary is the seed of the augmentation of a step on a device.
func vary(seed int64, step, device int) uint32 {
	return draw(rand.NewPCG(uint64(seed), 0x76617279<<32|uint64(step)), device) // "vary"
}

// mask is the seed of the dropout masks of a step on a device.
func mask(seed int64, step, device int) uint32 {
	return draw(rand.NewPCG(uint64(seed), 0x6d61736b<<32|uint64(step)), device) // "mask"
}

// draw returns the i-th number of a stream, from 0.
func draw(from rand.Source, i int) uint32 {
	r := rand.New(from)
	for range i {
		r.Uint32()
	}
	return r.Uint32()
}
