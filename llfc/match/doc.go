// Package match looks for the permutation π that brings one network's hidden units in line with another's, and holds the assignment
// solver that every such search needs.
//
// A [Method] is a value that finds a permutation of a [Problem]: a symmetry, two sets of weights, and training samples where it asks for
// them. [Weights] is the search of Git Re-Basin. [Activations], [Correlations] and [FrontToBack] look at features, [DualSpace] at both;
// [StraightThrough] and [Annealing] look at the middle of the path, [Commutativity] at the product of Definition 4. [Check] proves that a
// permuted network is still the same function. [MergeSimilar] finds what is alike within one network. Nothing here changes weights in place.
//
// A method that looks at training samples draws their order by its seed, so that those it has seen when it is cut off are a fair sample, and
// refuses the slice of a set that is sorted by class. There are no soft permutations (Sinkhorn) here: rounded to a permutation they are
// one more search for the objectives above, and none of them needs their gradient.
//
//	s, err := f.Network.Symmetry()
//	r, err := match.Weights(ctx, s, a, b, match.Config{Restarts: 4})
//	moved, err := s.Apply(r.Permutation, b)
//	err = match.Check(f, b, moved, match.Noise(f.Network.Spec.Input))
package match
