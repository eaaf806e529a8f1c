package data

import (
	"fmt"
	"slices"
)

// New completes a data set of your own: Name, Split, Shape, Classes, Pixels and Labels must be given. Where they are left out, Max is 255,
// and Mean and Std are those of the pixels. The checksum is computed anew, and the whole is checked. The result shares the pixels and
// labels, which must not change any more.
func New(s Set) (*Set, error) {
	if s.Max == 0 {
		s.Max = 255
	}
	derive := s.Mean == nil && s.Std == nil
	if derive && len(s.Shape) == 3 && s.Shape[2] > 0 { // until the rest has been checked
		s.Mean, s.Std = make([]float32, s.Shape[2]), slices.Repeat([]float32{1}, s.Shape[2])
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Len() == 0 {
		return nil, fmt.Errorf("data: %s/%s: no samples", s.Name, s.Split)
	}
	if derive {
		s.Mean, s.Std = s.moments()
	}
	s.SHA256 = s.Checksum()
	return &s, nil
}
