// Package llfc is what a notebook calls. A [Lab] is a place to work: a backend, data, and a store of everything that was trained and
// measured. The verbs, in the order of use:
//
//   - [Open] opens the best backend of the machine and the run store.
//   - A preset such as [MLPMNIST] returns a [Setting], the recipe of a paper as plain data. Change what differs. [Lab.Afford] cuts it to what a
//     machine and a scale allow.
//   - [Lab.Spawned] and [Lab.Independent] return a [Pair] of trained networks; [Lab.Matched] permutes the second of a pair by a method of
//     package match.
//   - [Lab.Test] and [Lab.Measured] measure a pair: its path, and layer by layer how linear its features are (package measure).
//   - [Claim] and [Scorecard] hold what was measured against the statements of a paper.
//
// Nothing changes a setting, a pair or weights in place. What was trained, matched or measured is kept under a name that is the hash of all that
// it depends on; asking for it again loads it, and a run that was cut off goes on where it was.
//
//	lab, err := llfc.Open()
//	s := llfc.MLPMNIST()
//	s.Data, s.Train.Epochs = "digits", 20
//	pair, err := lab.Spawned(ctx, s, 2, 1)
//	r, err := lab.Test(ctx, s, pair, measure.Options{})
//	fmt.Println(r)
//
// Networks and data sets of one's own enter by [Lab.AddNetwork] and [Lab.AddData], and are used with the same calls.
package llfc
