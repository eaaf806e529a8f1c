package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Line is the loss and the error along the straight line from θ_B (α = 0) to θ_A (α = 1), on one split.
type Line struct {
	Split   string
	Samples int
	Alphas  []float64 // ascending
	Loss    []float64 // mean cross-entropy in nats, for each α
	Error   []float64 // share of wrong predictions, for each α
}

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
// looked at, so it costs one forward pass for each α.
func Path(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, alphas []float64) (Line, error) {
	return path(ctx, f, a, b, d, alphas, 0, nil)
}

func path(ctx context.Context, f *network.Model, a, b network.Params, d *feed.Feed, alphas []float64, batch int, tick func()) (Line, error) {
	alphas, err := settle(alphas, 0, 0.5, 1)
	if err != nil {
		return Line{}, err
	}
	s, err := open(f, d, batch, 0, a, b)
	if err != nil {
		return Line{}, err
	}
	defer s.close()
	tallies := make([]tally, len(alphas))
	for s.next(ctx) {
		for i, alpha := range alphas {
			theta, release, err := s.at(ctx, alpha)
			if err == nil {
				err = s.score(ctx, theta, &tallies[i])
				release()
			}
			if err != nil {
				return Line{}, fmt.Errorf("measure: %s at α = %g: %w", s, alpha, err)
			}
			if tick != nil {
				tick()
			}
		}
	}
	if s.err != nil {
		return Line{}, s.err
	}
	out := Line{Split: d.Set.Split, Samples: d.Len(), Alphas: alphas}
	for _, t := range tallies {
		loss, wrong := t.means()
		out.Loss, out.Error = append(out.Loss, loss), append(out.Error, wrong)
	}
	return out, nil
}

// Evaluate returns the mean cross-entropy of f(θ) on d in nats, and the share of wrong predictions.
func Evaluate(ctx context.Context, f *network.Model, theta network.Params, d *feed.Feed) (loss, wrong float64, err error) {
	s, err := open(f, d, 0, 0, theta)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	var t tally
	for s.next(ctx) {
		if err := s.score(ctx, s.theta[0], &t); err != nil {
			return 0, 0, fmt.Errorf("measure: %s: %w", s, err)
		}
	}
	loss, wrong = t.means()
	return loss, wrong, s.err
}

// score adds loss and error of f(θ) on the batch that was read.
func (s *stream) score(ctx context.Context, theta []*tensors.Tensor, t *tally) error {
	rows, _, err := s.call(ctx, pointGraph, theta, s.x, s.y)
	if err != nil {
		return err
	}
	return t.addAll(rows)
}

// addAll adds the first two columns, loss and wrong, of every sample.
func (t *tally) addAll(rows [][]float64) error {
	for i, row := range rows {
		if !finite(row[0]) {
			return fmt.Errorf("the loss of sample %d of the batch is %v: the weights are too large", i, row[0])
		}
		t.add(row[0], row[1])
	}
	return nil
}
