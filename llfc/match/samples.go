package match

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"layerwise/data"
	"layerwise/llfc/pass"
)

// check returns nil if the problem can be worked on: both networks have the same tensors, and the symmetry permutes these, each place once.
func (p Problem) check() error {
	if err := p.A.SameLayout(p.B); err != nil {
		return fmt.Errorf("the two networks differ: %w", err)
	}
	type place struct {
		tensor string
		axis   int
	}
	owners := map[place][]string{} // of each position
	for _, g := range p.Symmetry.Groups {
		for _, at := range g.Places {
			t, ok := p.A.Get(at.Tensor)
			switch {
			case !ok:
				return fmt.Errorf("the weights have no tensor %q, which group %q permutes", at.Tensor, g.Name)
			case at.Axis < 0 || at.Axis >= len(t.Dims):
				return fmt.Errorf("tensor %q has shape %v, without the axis %d that group %q permutes", at.Tensor, t.Dims, at.Axis, g.Name)
			case len(at.At) != g.Size:
				return fmt.Errorf("group %q has %d units, but %d on axis %d of tensor %q", g.Name, g.Size, len(at.At), at.Axis, at.Tensor)
			}
			key := place{at.Tensor, at.Axis}
			if owners[key] == nil {
				owners[key] = make([]string, t.Dims[at.Axis])
			}
			for _, unit := range at.At {
				for _, i := range unit {
					if i < 0 || i >= t.Dims[at.Axis] {
						return fmt.Errorf("axis %d of tensor %q has size %d, without the position %d of group %q", at.Axis, at.Tensor, t.Dims[at.Axis], i, g.Name)
					}
					if other := owners[key][i]; other != "" {
						return fmt.Errorf("position %d on axis %d of tensor %q belongs to group %q and to group %q; each has one owner", i, at.Axis, at.Tensor, other, g.Name)
					}
					owners[key][i] = g.Name
				}
			}
		}
	}
	return nil
}

// samples opens a pass over n training samples, or all for 0, in an order that the seed draws: a part of the pass, as when it is cut off, is
// then a fair sample too. kept is that of pass.Open.
func (p Problem) samples(n, kept int) (*pass.Pass, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.Training == nil {
		return nil, errors.New("the method looks at training samples; give Problem.Training")
	}
	if err := wholeClasses(p.Training.Set); err != nil {
		return nil, err
	}
	return pass.Draw(p.F, p.Training, n, kept, p.Seed)
}

// wholeClasses refuses the slice of a set that is sorted by class: some classes are missing, and the others come one after the other. What units
// do on the samples of a few classes says little of what they do on the rest. Too few samples to tell, or classes that are missing among
// shuffled samples, are taken as they are.
func wholeClasses(s *data.Set) error {
	seen := make([]bool, len(s.Classes))
	kinds, runs := 0, 0
	for i, c := range s.Labels {
		if i == 0 || c != s.Labels[i-1] {
			runs++
		}
		if !seen[c] {
			seen[c] = true
			kinds++
		}
	}
	if s.Len() <= 2*len(s.Classes) || kinds == len(s.Classes) || runs > kinds {
		return nil
	}
	var missing []string
	for c, name := range s.Classes {
		if !seen[c] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 5 {
		missing = append(missing[:5], "…")
	}
	return fmt.Errorf("the %d training samples of %s/%s are a slice of a set sorted by class, with %d of %d classes (none of %s): units would be matched by what they do on these only; draw samples with Set.Subset, which takes of every class",
		s.Len(), s.Name, s.Split, kinds, len(s.Classes), strings.Join(missing, ", "))
}

// cutOff returns the error by which a pass was cut off while it had something to show, nil if it came to its end. Any other error is fatal.
func cutOff(ctx context.Context, s *pass.Pass, batches int) (cut, fatal error) {
	err := s.Err()
	if err != nil && batches > 0 && ctx.Err() != nil {
		return err, nil
	}
	return nil, err
}
