package data

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Streams of the PCG generator: one seed gives independent draws to each use.
const (
	streamSubset = 0x737562736574
	streamSplit  = 0x73706c6974
	streamBlobs  = 0x626c6f6273
	streamLabels = 0x6c6162656c73
)

// Subset returns n samples of s without repetition, drawn per class so that each class keeps its share to within one
// sample, and shuffled, so that a prefix of it is never sorted by class. The same n and seed give the same subset, on
// every machine. Normalisation is that of s. With n ≥ Len it is all of s, in its own order; n ≤ 0 is an error.
func (s *Set) Subset(n int, seed int64) (*Set, error) {
	if n <= 0 {
		return nil, fmt.Errorf("data: %s/%s: subset of %d samples, expected 1 to %d", s.Name, s.Split, n, s.Len())
	}
	if len(s.Pixels) != s.Len()*s.sampleSize() {
		return nil, fmt.Errorf("data: %s/%s: %d pixels for %d labels of %s", s.Name, s.Split, len(s.Pixels), s.Len(), times(s.Shape))
	}
	if n >= s.Len() {
		c := *s
		return &c, nil
	}
	rng := rand.New(rand.NewPCG(uint64(seed), streamSubset))
	return s.pick(stratified(s.Labels, n, rng)), nil
}

// stratified draws n < len(labels) positions. A class of c among N gets the whole part of n·c/N, and the places still
// free go to the largest remainders (ties: by lot), so every class is within 1 of its share.
func stratified(labels []int32, n int, rng *rand.Rand) []int {
	members := make(map[int32][]int)
	for i, l := range labels {
		members[l] = append(members[l], i)
	}
	type class struct {
		label     int32
		quota     int
		remainder int
	}
	var classes []class
	free := n
	for l, at := range members {
		share := n * len(at)
		classes = append(classes, class{l, share / len(labels), share % len(labels)})
		free -= share / len(labels)
	}
	slices.SortFunc(classes, func(a, b class) int { return cmp.Compare(a.label, b.label) }) // forget the map's order
	rng.Shuffle(len(classes), func(i, j int) { classes[i], classes[j] = classes[j], classes[i] })
	slices.SortStableFunc(classes, func(a, b class) int { return cmp.Compare(b.remainder, a.remainder) })
	for i := range free {
		classes[i].quota++
	}
	picked := make([]int, 0, n)
	for _, c := range classes {
		at := members[c.label]
		rng.Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
		picked = append(picked, at[:c.quota]...)
	}
	rng.Shuffle(n, func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	return picked
}
