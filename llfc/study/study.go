// Package study runs experiments of the papers and writes the report: train or load the pairs of each subject, measure them under its policies,
// check the claims, draw.
//
//	subjects, err := study.Select("smoke")            // the paper's MLP; or by ids: "resnet20"
//	s, err := study.Run(ctx, lab, "smoke", subjects, nil) // a second run trains and measures nothing
//	claims, err := s.Write("out/smoke")
package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
	"layerwise/plotting"
)

// Trial is one pair of a subject, measured under one policy.
type Trial struct {
	Subject, Kind   string
	K               float64 // the epoch at which a spawned pair parted, else NaN
	Seed            int64
	Policy          merge.Policy       // as it was asked for; that of the result has its samples and batch settled
	Ends            [2]llfc.Checkpoint // A and B, without their weights
	Match           *match.Result      // of a permuted pair
	*measure.Result                    // on the test split
	Half, CoefHalf  measure.Profile    // 1 − cos_½ and coef_½
	Maps            *llfc.Features     // of three images, at α = ½ and one layer, of the first pair of some kinds
}

// String is the pair and what its line does, in one line.
func (t Trial) String() string {
	return fmt.Sprintf("%s, %s, seed %d: %s", t.Subject, t.Kind, t.Seed, t.Result)
}

// Study is subjects, measured.
type Study struct {
	Scale    string
	Subjects []Subject
	Lab      *llfc.Lab
	Items    []Item         // what the report is of: entries of the Registry; none is everything
	Theme    plotting.Theme // of the files of figures
	Trials   []Trial
	Theorem  []Trial // pairs that satisfy the premises of Theorem 1 by construction
	Began    time.Time
	Took     time.Duration
}

// Run trains what is missing and measures all pairs; tell, if any, hears of every trial. The scale is only told of in the report.
func Run(ctx context.Context, l *llfc.Lab, scale string, subjects []Subject, tell func(Trial)) (*Study, error) {
	s := &Study{Scale: scale, Subjects: subjects, Lab: l, Began: time.Now()}
	if tell == nil {
		tell = func(Trial) {}
	}
	for _, sub := range subjects {
		for _, seed := range sub.Seeds {
			for _, k := range sub.Kinds {
				if err := s.measure(ctx, sub, k, seed, tell); err != nil {
					return nil, fmt.Errorf("%s, %s, seed %d: %w", sub.Name, k.Name, seed, err)
				}
			}
			if !sub.Theorem1 {
				continue
			}
			t, err := s.theorem(ctx, sub, seed)
			if err != nil {
				return nil, fmt.Errorf("%s, the pair of Theorem 1, seed %d: %w", sub.Name, seed, err)
			}
			s.Theorem = append(s.Theorem, t)
		}
	}
	s.Took = time.Since(s.Began)
	return s, nil
}

// measure measures a pair under every policy of its subject.
func (s *Study) measure(ctx context.Context, sub Subject, k Kind, seed int64, tell func(Trial)) error {
	p, matched, err := k.pair(ctx, s.Lab, sub.Setting, seed)
	if err != nil {
		return err
	}
	for _, policy := range sub.Policies {
		t := Trial{Subject: sub.ID, Kind: k.ID, K: k.K(), Seed: seed, Policy: policy, Match: matched}
		var samples []string
		if seed == sub.Seeds[0] {
			samples = sub.Samples
		}
		if len(sub.Seeds) < bandSeeds {
			samples = append(slices.Clone(samples), halfSamples()...)
		}
		if err := s.fill(ctx, &t, sub, p, samples); err != nil {
			return fmt.Errorf("%s: %w", policy, err)
		}
		if seed == sub.Seeds[0] && raw(policy) && slices.ContainsFunc(sub.contrast(), func(c Kind) bool { return c.ID == k.ID }) {
			if t.Maps, err = s.maps(ctx, sub, p); err != nil {
				return err
			}
		}
		s.Trials = append(s.Trials, t)
		tell(t)
	}
	return nil
}

// fill measures the pair of a trial.
func (s *Study) fill(ctx context.Context, t *Trial, sub Subject, p llfc.Pair, samples []string) error {
	train, test, err := s.Lab.Sets(ctx, sub.Setting.Data, sub.TrainOn, sub.Setting.TestSamples)
	if err != nil {
		return err
	}
	var also []*data.Set
	if sub.Train {
		also = append(also, train)
	}
	// Definitions 3 and 4 ask about the maps of A and B, which raw and folded weights divide differently; what is done to θ_α does not enter.
	o := measure.Options{Alphas: append(measure.Alphas(sub.Alphas), sub.Layers...), Conditions: blends(t.Policy), Policy: t.Policy, Samples: samples}
	if t.Result, err = s.Lab.Measured(ctx, p, o, test, also...); err != nil {
		return err
	}
	t.Ends = [2]llfc.Checkpoint{p.A, p.B}
	t.Ends[0].Theta, t.Ends[1].Theta = nil, nil
	var errs [2]error
	t.Half, errs[0] = t.LLFC(0.5)
	t.CoefHalf, errs[1] = t.Coef(0.5)
	return errors.Join(errs[:]...)
}

// maps are the features of three images of different classes after the first nonlinearity; nil of a network without one.
func (s *Study) maps(ctx context.Context, sub Subject, p llfc.Pair) (*llfc.Features, error) {
	f, err := s.Lab.Model(p.A.Network)
	if err != nil || len(f.About.Acts) == 0 {
		return nil, err
	}
	_, test, err := s.Lab.Sets(ctx, sub.Setting.Data, 0, sub.Setting.TestSamples)
	if err != nil {
		return nil, err
	}
	var samples []int
	var seen []int32
	for i, label := range test.Labels {
		if len(samples) < 3 && !slices.Contains(seen, label) {
			samples, seen = append(samples, i), append(seen, label)
		}
	}
	return s.Lab.Features(ctx, p, test, samples, []string{f.About.Acts[0].Name}, 0.5)
}

// theorem measures a pair that satisfies the premises of Theorem 1 exactly: B is A with its last hidden layer doubled. The signs of all
// pre-activations agree, so σ is additive along the line; the weights differ only where the inputs agree, and the inputs only
// where the weights agree, so (W_A − W_B)(H_A − H_B) = 0 at every layer.
func (s *Study) theorem(ctx context.Context, sub Subject, seed int64) (Trial, error) {
	run, err := s.Lab.Run(ctx, sub.Setting, seed)
	if err != nil {
		return Trial{}, err
	}
	a, err := s.Lab.Train(ctx, run)
	if err != nil {
		return Trial{}, err
	}
	last := fmt.Sprintf("fc%d", len(a.Network.Widths))
	b := a
	b.Theta = doubled(a.Theta, last+"/w", last+"/b")
	t := Trial{Subject: sub.ID, Kind: "theorem1", K: Kind{}.K(), Seed: seed, Policy: merge.Policy{Name: interpolate}}
	err = s.fill(ctx, &t, sub, llfc.Pair{Name: "by construction", A: a, B: b, Data: run.Data.Name}, nil)
	return t, err
}

func doubled(theta network.Params, names ...string) network.Params {
	out := theta.Clone()
	for _, t := range out {
		if slices.Contains(names, t.Name) {
			for i := range t.Data {
				t.Data[i] *= 2
			}
		}
	}
	return out
}

// of returns the trials of a subject's pairs of one kind under one policy, in the order of the seeds.
func (s *Study) of(subject, kind string, policy merge.Policy) []Trial {
	var out []Trial
	for _, t := range s.Trials {
		if t.Subject == subject && t.Kind == kind && t.Policy == policy {
			out = append(out, t)
		}
	}
	return out
}

// note is what must stand beside every number that was made from the data of some subjects.
func (s *Study) note(subjects ...Subject) string {
	var out []string
	for _, t := range s.Trials {
		if !slices.ContainsFunc(subjects, func(sub Subject) bool { return sub.ID == t.Subject }) {
			continue
		}
		for _, c := range t.Ends {
			if c.Run != nil && c.Run.Data.Note != "" && !slices.Contains(out, c.Run.Data.Note) {
				out = append(out, c.Run.Data.Note)
			}
		}
	}
	return strings.Join(out, "; ")
}

// noted is a sentence with the note of some subjects behind it.
func (s *Study) noted(text string, subjects ...Subject) string {
	if note := s.note(subjects...); note != "" {
		return text + " Data: " + note + "."
	}
	return text
}
