package reproduce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
)

// Trial is one pair of a network, measured under one policy.
type Trial struct {
	Net, Kind string
	K         float64 // the epoch at which a spawned pair parted, else NaN
	Seed      int64
	Policy    merge.Policy       // as it was asked for; that of the result has its samples and batch settled
	Ends      [2]llfc.Checkpoint // A and B, without their weights
	Match     *match.Result      // of a permuted pair
	*measure.Result
	Half, CoefHalf measure.Profile // 1 − cos_½ and coef_½
}

// String is the pair and what its line does, in one line.
func (t Trial) String() string {
	return fmt.Sprintf("%s, %s, seed %d: %s", t.Net, t.Kind, t.Seed, t.Result)
}

// ConvStudy is convolutional networks, measured: spawned pairs against the epoch at which they part, independent pairs with it, permuted
// pairs against width, each under every policy of its network.
type ConvStudy struct {
	Scale  ConvScale
	Lab    *llfc.Lab
	Trials []Trial
	Began  time.Time
	Took   time.Duration
}

// kinds lists the pairs of a network.
func (n Net) kinds() []kind {
	out := append(spawnedKinds(n.Setting, n.Spawn), independentKind("independent", n.Setting))
	if n.Width > 0 {
		out = append(out, permutedKind(n.Setting, "independent"))
	}
	return out
}

// connected is the kind of the pairs that the papers claim to be linearly connected.
func (n Net) connected() string {
	if n.Width > 0 {
		return "permuted"
	}
	return n.last()
}

// last is the kind of the pairs that share most, "" of a network that is not spawned.
func (n Net) last() string {
	if len(n.Spawn) == 0 {
		return ""
	}
	return spawnedKind(n.Setting, slices.Max(n.Spawn)).id
}

// RunConv trains what is missing and measures all pairs; tell, if any, hears of every trial.
func RunConv(ctx context.Context, l *llfc.Lab, s ConvScale, tell func(Trial)) (*ConvStudy, error) {
	study := &ConvStudy{Scale: s, Lab: l, Began: time.Now()}
	for _, n := range s.Nets {
		for _, seed := range s.Seeds {
			for _, k := range n.kinds() {
				if err := study.measure(ctx, n, k, seed, tell); err != nil {
					return nil, fmt.Errorf("%s, %s, seed %d: %w", n.Name, k.name, seed, err)
				}
			}
		}
	}
	study.Took = time.Since(study.Began)
	return study, nil
}

// measure measures a pair under every policy of its network.
func (s *ConvStudy) measure(ctx context.Context, n Net, k kind, seed int64, tell func(Trial)) error {
	p, matched, err := k.make(ctx, s.Lab, seed)
	if err != nil {
		return err
	}
	_, test, err := s.Lab.Sets(ctx, n.Setting.Data, n.Setting.TrainSamples, n.Setting.TestSamples)
	if err != nil {
		return err
	}
	for _, policy := range n.Policies {
		t := Trial{Net: n.ID, Kind: k.id, K: k.epochs, Seed: seed, Policy: policy, Ends: [2]llfc.Checkpoint{p.A, p.B}, Match: matched}
		t.Ends[0].Theta, t.Ends[1].Theta = nil, nil
		// Definitions 3 and 4 ask about the maps of A and B, which raw and folded weights divide differently; what is done to θ_α does not enter.
		o := measure.Options{Alphas: measure.Alphas(s.Scale.Alphas), Conditions: policy.Name == interpolate, Policy: policy}
		if t.Result, err = s.Lab.Measured(ctx, p, o, test); err != nil {
			return fmt.Errorf("%s: %w", policy, err)
		}
		var errs [2]error
		t.Half, errs[0] = t.LLFC(0.5)
		t.CoefHalf, errs[1] = t.Coef(0.5)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		s.Trials = append(s.Trials, t)
		if tell != nil {
			tell(t)
		}
	}
	return nil
}

const interpolate = "interpolate"

// of returns the trials of a network's pairs of one kind under one policy, in the order of the seeds.
func (s *ConvStudy) of(net, kind string, policy merge.Policy) []Trial {
	var out []Trial
	for _, t := range s.Trials {
		if t.Net == net && t.Kind == kind && t.Policy == policy {
			out = append(out, t)
		}
	}
	return out
}

// average is the mean over seeds.
func average(trials []Trial) (*measure.Result, error) {
	var all []*measure.Result
	for _, t := range trials {
		all = append(all, t.Result)
	}
	return measure.Average(all...)
}

// label names a policy where there is no room for its samples.
func label(p merge.Policy) string { return merge.Policy{Name: p.Name, Folded: p.Folded}.String() }

// note is what must stand beside every number that was made from the data.
func (s *ConvStudy) note() string {
	var out []string
	for _, t := range s.Trials {
		for _, c := range t.Ends {
			if c.Run != nil && c.Run.Data.Note != "" && !slices.Contains(out, c.Run.Data.Note) {
				out = append(out, c.Run.Data.Note)
			}
		}
	}
	return strings.Join(out, "; ")
}

// noted is a sentence with the note behind it.
func (s *ConvStudy) noted(text string) string {
	if note := s.note(); note != "" {
		return text + " Data: " + note + "."
	}
	return text
}

// errorBarrier is the error barrier over the mean of the ends, a fraction.
func (t Trial) errorBarrier() float64 { return barrier(t.Lines[0]) }

// meanHalf is the mean over layers of E[1 − cos_½]; layers without a value are left out.
func (t Trial) meanHalf() float64 {
	sum, n := 0.0, 0
	for _, s := range t.Half.Stats {
		if !math.IsNaN(s.Mean) {
			sum, n = sum+s.Mean, n+1
		}
	}
	return sum / float64(n)
}

// mostHalf is the largest over layers of E[1 − cos_½].
func (t Trial) mostHalf() float64 { return largest(t.Half, nil) }

// share is the largest E[1 − cos_½] over layers as a share of the baseline E[1 − cos_AB] there.
func (t Trial) share() float64 { return largest(t.Half, divisor(t.Baseline())) }
