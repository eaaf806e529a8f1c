package llfc

import (
	"context"
	"fmt"
)

// SiblingSeed is added to a seed to give the seed of a pair's second network. In a spawned pair it draws the order of batches; in an
// independent pair it draws the initialisation too.
const SiblingSeed = 100

// Pair is two networks of one architecture and normalisation, the ends of a path. α = 1 is A.
type Pair struct {
	Name string // "spawned at 0 epochs, seed 1"
	A, B Checkpoint
	Data string // the data set they were trained on
}

// trainedOn is the data set that a pair was trained on, and how many of its training samples; 0 is all.
func (p Pair) trainedOn() (name string, samples int) {
	for _, c := range []Checkpoint{p.A, p.B} { // a permuted network has no run
		if c.Run != nil && (p.Data == "" || c.Run.Data.Name == p.Data) {
			return c.Run.Data.Name, c.Run.Data.Samples
		}
	}
	return p.Data, 0
}

// Spawned trains two networks that share their first epochs and then see the data in different orders. With 0 epochs they share only the
// initialisation.
func (l *Lab) Spawned(ctx context.Context, s Setting, epochs float64, seed int64) (Pair, error) {
	a, err := l.Run(ctx, s, seed)
	if err != nil {
		return Pair{}, err
	}
	b, err := a.Spawn(epochs, seed+SiblingSeed)
	if err != nil {
		return Pair{}, err
	}
	return l.pair(ctx, fmt.Sprintf("spawned at %g epochs, seed %d", epochs, seed), a, b)
}

// Independent trains two networks that share only the setting.
func (l *Lab) Independent(ctx context.Context, s Setting, seed int64) (Pair, error) {
	a, err := l.Run(ctx, s, seed)
	if err != nil {
		return Pair{}, err
	}
	b, err := l.Run(ctx, s, seed+SiblingSeed)
	if err != nil {
		return Pair{}, err
	}
	return l.pair(ctx, fmt.Sprintf("independent, seed %d", seed), a, b)
}

func (l *Lab) pair(ctx context.Context, name string, a, b Run) (p Pair, err error) {
	p = Pair{Name: name, Data: a.Data.Name}
	// b first: where it forks off, it takes a's state on its way, so a need not be trained that far twice.
	if p.B, err = l.Train(ctx, b); err != nil {
		return Pair{}, err
	}
	p.A, err = l.Train(ctx, a)
	return p, err
}
