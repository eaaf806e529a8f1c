package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/internal/finite"
	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// Line is the loss and the error along the straight line from θ_B (α = 0) to θ_A (α = 1), on one split.
type Line struct {
	Split   string
	Samples int
	Policy  merge.Policy // by which θ_α was made, both ends included
	Alphas  []float64    // ascending
	Loss    []float64    // mean cross-entropy in nats, for each α
	Error   []float64    // share of wrong predictions, for each α

	// Given is B, then A, as they were given, where the policy makes others of them: a reset measures their statistics anew, so θ_0 and
	// θ_1 are not B and A. Barriers compare θ_α with θ_0 and θ_1. nil where the ends are A and B.
	Given []Score
}

// Score is loss in nats and share of wrong predictions of one network.
type Score struct{ Loss, Error float64 }

// Losses is the loss along the line, in nats.
func (l Line) Losses() Curve { return Curve{Alphas: l.Alphas, Values: l.Loss} }

// Errors is the error along the line, a fraction (Definition 1).
func (l Line) Errors() Curve { return Curve{Alphas: l.Alphas, Values: l.Error} }

// LossBarrier is the barrier of the loss, in nats.
func (l Line) LossBarrier() Barrier { return barrier(l.Losses()) }

// ErrorBarrier is the barrier of the error, a fraction.
func (l Line) ErrorBarrier() Barrier { return barrier(l.Errors()) }

// Barrier is how far a line rises above its ends E(θ_A) and E(θ_B), by the three definitions in use.
type Barrier struct {
	Chord  float64 // max over α of E(θ_α) − [αE(θ_A) + (1−α)E(θ_B)] (Entezari et al. 2022); at least 0, its value at the ends
	Mean   float64 // max over α of E(θ_α) − ½[E(θ_A) + E(θ_B)] (Frankle et al. 2020, Git Re-Basin)
	Middle float64 // E(θ_½) − ½[E(θ_A) + E(θ_B)]; negative where the middle is better than its ends. NaN if α = ½ is not on the line
}

// barrier needs both ends on the curve; without them all three are NaN.
func barrier(c Curve) Barrier {
	at := func(alpha float64) float64 {
		if i := find(c.Alphas, alpha); i >= 0 {
			return c.Values[i]
		}
		return math.NaN()
	}
	a, b := at(1), at(0)
	out := Barrier{Chord: math.Inf(-1), Mean: math.Inf(-1), Middle: at(0.5) - (a+b)/2}
	for i, alpha := range c.Alphas {
		out.Chord = max(out.Chord, c.Values[i]-(alpha*a+(1-alpha)*b))
		out.Mean = max(out.Mean, c.Values[i]-(a+b)/2)
	}
	if math.IsNaN(a) || math.IsNaN(b) {
		out.Chord, out.Mean = math.NaN(), math.NaN()
	}
	return out
}

// Alphas returns n evenly spaced values from 0 to 1, both exact; n = 1 gives ½.
func Alphas(n int) []float64 {
	if n == 1 {
		return []float64{0.5}
	}
	out := make([]float64, max(n, 0))
	for i := range out {
		out[i] = float64(i) / float64(n-1)
	}
	return out
}

// settle sorts α, drops duplicates and adds those the definitions need.
func settle(alphas []float64, also ...float64) ([]float64, error) {
	out := slices.Concat(alphas, also)
	for _, alpha := range out {
		if !(alpha >= 0 && alpha <= 1) {
			return nil, fmt.Errorf("measure: α = %v is not in [0, 1]", alpha)
		}
	}
	slices.Sort(out)
	return slices.CompactFunc(out, same), nil
}

// same takes two α for one: they come from text and from sums such as 0.1 + 0.2.
func same(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func find(alphas []float64, alpha float64) int {
	return slices.IndexFunc(alphas, func(a float64) bool { return same(a, alpha) })
}

// tally sums loss and wrong predictions over samples.
type tally struct {
	loss, wrong float64
	n           int
}

func (t *tally) add(loss, wrong float64) { t.loss, t.wrong, t.n = t.loss+loss, t.wrong+wrong, t.n+1 }

func (t tally) means() (loss, wrong float64) { return t.loss / float64(t.n), t.wrong / float64(t.n) }

// Path measures loss and error along the line at every α, and always at 0, ½ and 1, which the barriers need. Features are not
// looked at, so it costs one forward pass for each α. Batch statistics are interpolated; Lines takes other policies.
func Path(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, alphas []float64) (Line, error) {
	lines, err := Lines(ctx, f, a, b, Options{Alphas: alphas}, d)
	if err != nil {
		return Line{}, err
	}
	return lines[0], nil
}

// Lines is Path on several splits under a policy. Of the options Alphas, Batch, Policy, Train and Progress count.
func Lines(ctx context.Context, f *network.Model, a, b network.Params, o Options, sets ...*feed.Feed) ([]Line, error) {
	p, err := newPlan(f, a, b, o)
	if err != nil {
		return nil, err
	}
	paths, err := p.open(sets)
	if err != nil {
		return nil, err
	}
	p.total = p.steps(paths...)
	line, err := p.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	var out []Line
	for _, s := range paths {
		l, err := p.path(ctx, s, line)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// open opens a pass over each set. Results are told apart by split, so every one must be another, and none of those taken.
func (p *plan) open(sets []*feed.Feed, taken ...string) ([]*pass.Pass, error) {
	var out []*pass.Pass
	for _, d := range sets {
		if slices.Contains(taken, d.Set.Split) {
			return nil, fmt.Errorf("measure: two sets have the split %q; results are told apart by it", d.Set.Split)
		}
		taken = append(taken, d.Set.Split)
		s, err := pass.Open(p.f, d, p.o.Batch, 0)
		if err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

// path measures loss and error along the line on the set of s.
func (p *plan) path(ctx context.Context, s *pass.Pass, line *merge.Line) (Line, error) {
	defer s.Close()
	tallies := make([]tally, len(p.alphas))
	for s.Next(ctx) {
		for i, alpha := range p.alphas {
			theta, release, err := line.At(ctx, alpha)
			if err == nil {
				err = p.point(ctx, s, line, alpha, theta, &tallies[i])
				release()
			}
			if err != nil {
				return Line{}, fmt.Errorf("measure: %s at α = %g: %w", s, alpha, err)
			}
			p.tick()
		}
	}
	if s.Err() != nil {
		return Line{}, s.Err()
	}
	out := p.line(s.Feed(), tallies)
	var err error
	out.Given, err = p.given(ctx, s.Feed())
	return out, err
}

// point adds loss and error of θ_α on the batch that was read. On the first batch θ_α is run again as a fresh copy.
func (p *plan) point(ctx context.Context, s *pass.Pass, line *merge.Line, alpha float64, theta []*tensors.Tensor, t *tally) error {
	rows, err := score(ctx, s, theta, t)
	if err != nil || !s.First() {
		return err
	}
	fresh, err := line.Fresh(ctx, alpha)
	if err != nil {
		return err
	}
	return checkScore(ctx, s, fresh, rows)
}

// line is the line on a set, without the ends as given.
func (p *plan) line(d *feed.Feed, scores []tally) Line {
	out := Line{Split: d.Set.Split, Samples: d.Len(), Policy: p.merger.Policy(), Alphas: p.alphas}
	for _, t := range scores {
		loss, wrong := t.means()
		out.Loss, out.Error = append(out.Loss, loss), append(out.Error, wrong)
	}
	return out
}

// given measures B and A as they were given, where the policy moves them; nil elsewhere.
func (p *plan) given(ctx context.Context, d *feed.Feed) ([]Score, error) {
	if !p.merger.MovesEnds() {
		return nil, nil
	}
	var out []Score
	for _, theta := range []network.Params{p.b, p.a} {
		loss, wrong, err := evaluate(ctx, p.f, theta, d, p.o.Batch)
		if err != nil {
			return nil, err
		}
		out = append(out, Score{loss, wrong})
	}
	return out, nil
}

// Evaluate returns the mean cross-entropy of f(θ) on d in nats, and the share of wrong predictions.
func Evaluate(ctx context.Context, f *network.Model, theta network.Params, d *feed.Feed) (loss, wrong float64, err error) {
	if err := f.CheckWeights(theta); err != nil {
		return 0, 0, fmt.Errorf("measure: weights: %w", err)
	}
	return evaluate(ctx, f, theta, d, 0)
}

func evaluate(ctx context.Context, f *network.Model, theta network.Params, d *feed.Feed, batch int) (loss, wrong float64, err error) {
	s, err := pass.Open(f, d, batch, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("measure: %w", err)
	}
	defer s.Close()
	device, err := f.Upload(theta)
	if err != nil {
		return 0, 0, fmt.Errorf("measure: %w", err)
	}
	defer network.Free(device...)
	var t tally
	for s.Next(ctx) {
		rows, err := score(ctx, s, device, &t)
		if err == nil && s.First() {
			var fresh []*tensors.Tensor
			if fresh, err = f.Upload(theta); err == nil {
				err = checkScore(ctx, s, fresh, rows)
			}
		}
		if err != nil {
			return 0, 0, fmt.Errorf("measure: %s: %w", s, err)
		}
	}
	loss, wrong = t.means()
	return loss, wrong, s.Err()
}

// checkScore runs a fresh copy of the weights that gave rows on the batch that was read, compares, and frees the copy.
func checkScore(ctx context.Context, s *pass.Pass, fresh []*tensors.Tensor, rows [][]float64) error {
	defer network.Free(fresh...)
	again, _, err := s.Rows(ctx, pointGraph, fresh, s.X, s.Y)
	if err != nil {
		return err
	}
	return s.CheckRows("loss and error", rows, again)
}

// score adds loss and error of f(θ) on the batch that was read.
func score(ctx context.Context, s *pass.Pass, theta []*tensors.Tensor, t *tally) ([][]float64, error) {
	rows, _, err := s.Rows(ctx, pointGraph, theta, s.X, s.Y)
	if err != nil {
		return nil, err
	}
	return rows, t.addAll(rows)
}

// addAll adds the first two columns, loss and wrong, of every sample.
func (t *tally) addAll(rows [][]float64) error {
	for i, row := range rows {
		if !finite.Is(row[0]) {
			return fmt.Errorf("the loss of sample %d of the batch is %v: the weights are too large", i, row[0])
		}
		t.add(row[0], row[1])
	}
	return nil
}
