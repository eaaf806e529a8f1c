package merge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Merger makes θ_α of two networks by a policy. What it learns of the training set it keeps as one small vector for each α: the statistics
// of batch norms, or a factor and a shift for each unit. It is not safe for concurrent use.
type Merger struct {
	f      *network.Model
	a, b   network.Params // folded where the policy folds
	train  *feed.Feed
	policy Policy     // with samples and batch as chosen
	fix    correction // nil where no data is looked at
	index  [][]int32  // the batches of training samples
	points []point
}

// point is what the training set said of θ_α.
type point struct {
	alpha  float64
	vector []float32
}

// New checks that a policy can be applied to two networks. train is the training set, of which policies that look at data draw samples; it may
// be nil for the others.
func New(f *network.Model, a, b network.Params, train *feed.Feed, p Policy) (*Merger, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	for i, theta := range []network.Params{a, b} {
		if err := f.CheckWeights(theta); err != nil {
			return nil, fmt.Errorf("merge: weights %c: %w", 'A'+i, err)
		}
	}
	m := &Merger{f: f, a: a, b: b, policy: p}
	m.policy.Name = p.name()
	if p.Folded {
		if err := m.fold(); err != nil {
			return nil, err
		}
	}
	method, err := p.Method()
	if err != nil || method.correct == nil {
		return m, err
	}
	if m.fix, err = method.correct(m); err != nil {
		return nil, fmt.Errorf("merge: %s: %w", m.policy.Name, err)
	}
	return m, m.draw(train)
}

func (m *Merger) fold() (err error) {
	if len(m.f.About.Folds()) == 0 {
		return fmt.Errorf("merge: the network %s has no batch norm right after a linear map, so there is nothing to fold; leave folded out", m.f.Network.Spec.JSON())
	}
	if m.a, err = m.f.Network.Fold(m.a); err == nil {
		m.b, err = m.f.Network.Fold(m.b)
	}
	return err
}

// Samples and batches where the policy leaves them open.
const (
	defaultSamples = 10000
	defaultBatch   = 500
	batchBytes     = 256 << 20 // of the largest value of the forward pass
)

// draw settles samples and batches. All batches are equally large, since one statistic is as good as another; samples that are left
// over are left out.
func (m *Merger) draw(train *feed.Feed) error {
	if train == nil {
		return fmt.Errorf("merge: the policy %q measures statistics on training samples; a training set must be given with it", m.policy)
	}
	if want := m.f.Network.Spec.Input; !slices.Equal(want, train.Set.Shape) {
		return fmt.Errorf("merge: the samples of %s/%s have shape %v, but the network takes %v", train.Set.Name, train.Set.Split, train.Set.Shape, want)
	}
	if err := m.policy.Augment.Check(train.Set.Shape); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	p := &m.policy
	if p.Samples > train.Len() {
		return fmt.Errorf("merge: %d samples for the policy %q, but %s/%s has only %d", p.Samples, p.Name, train.Set.Name, train.Set.Split, train.Len())
	}
	if p.Samples == 0 {
		p.Samples = min(defaultSamples, train.Len())
	}
	if p.Batch == 0 {
		p.Batch = min(defaultBatch, max(2, batchBytes/int(m.f.About.Largest())))
	}
	batches := (p.Samples + p.Batch - 1) / p.Batch
	p.Batch = p.Samples / batches
	if p.Batch < 2 {
		return fmt.Errorf("merge: %s on %d samples in %d batches: a deviation needs at least 2 samples", p.Name, p.Samples, batches)
	}
	p.Samples = batches * p.Batch
	rng := rand.New(rand.NewPCG(uint64(p.Seed), 0x6d65726765)) // "merge"
	order := rng.Perm(train.Len())
	for i := range batches {
		batch := make([]int32, p.Batch)
		for j := range batch {
			batch[j] = int32(order[i*p.Batch+j])
		}
		m.index = append(m.index, batch)
	}
	m.train = train
	return nil
}

// Policy returns the policy with its samples and batch as they were settled.
func (m *Merger) Policy() Policy { return m.policy }

// MovesEnds tells whether θ_1 and θ_0 are other functions than A and B: a reset measures their statistics anew.
func (m *Merger) MovesEnds() bool {
	_, ok := m.fix.(mover)
	return ok
}

// Ends returns θ_1 and θ_0. Where the policy moves them they must have been prepared.
func (m *Merger) Ends() (a, b network.Params, err error) {
	to, ok := m.fix.(mover)
	if !ok {
		return m.a, m.b, nil
	}
	one, zero := m.at(1), m.at(0)
	if one == nil || zero == nil {
		return nil, nil, errors.New("merge: the ends have not been prepared")
	}
	return to.move(m.a, one), to.move(m.b, zero), nil
}

// at returns what is known of θ_α, nil if nothing is.
func (m *Merger) at(alpha float64) []float32 {
	i := slices.IndexFunc(m.points, func(p point) bool { return math.Abs(p.alpha-alpha) < 1e-9 })
	if i < 0 {
		return nil
	}
	return m.points[i].vector
}

// missing returns the α that the training set has yet to be asked about.
func (m *Merger) missing(alphas []float64) []float64 {
	if m.fix == nil {
		return nil
	}
	if m.MovesEnds() {
		alphas = append(slices.Clone(alphas), 0, 1)
	}
	var out []float64
	taken := map[float64]bool{}
	for _, alpha := range alphas {
		end := alpha == 0 || alpha == 1
		if (!end || m.MovesEnds()) && m.at(alpha) == nil && !taken[alpha] {
			out, taken[alpha] = append(out, alpha), true
		}
	}
	return out
}

// Steps is the number of calls of tick that Prepare will make for these α: one forward pass of a batch each.
func (m *Merger) Steps(alphas []float64) int { return len(m.index) * len(m.missing(alphas)) }

// At returns θ_α in host memory. The ends are exact.
func (m *Merger) At(ctx context.Context, alpha float64) (network.Params, error) {
	if !(alpha >= 0 && alpha <= 1) {
		return nil, fmt.Errorf("merge: α = %v is not in [0, 1]", alpha)
	}
	if err := m.Prepare(ctx, []float64{alpha}, nil); err != nil {
		return nil, err
	}
	a, b, err := m.Ends()
	switch {
	case err != nil:
		return nil, err
	case alpha == 1:
		return a.Clone(), nil
	case alpha == 0:
		return b.Clone(), nil
	}
	line, err := m.Line(ctx)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	theta, release, err := line.At(ctx, alpha)
	if err != nil {
		return nil, err
	}
	defer release()
	return network.Download(theta, a)
}

// At makes one θ_α by a policy; a Merger makes several at the cost of one pass over the training samples.
func At(ctx context.Context, f *network.Model, a, b network.Params, alpha float64, train *feed.Feed, p Policy) (network.Params, error) {
	m, err := New(f, a, b, train, p)
	if err != nil {
		return nil, err
	}
	return m.At(ctx, alpha)
}
