// Package results carries the committed findings that a report sets beside its own.
package results

import (
	"bytes"
	_ "embed"

	"layerwise/llfc"
)

// MLP is the folder of the paper's MLP on MNIST, at the paper's own settings.
const MLP = "results/mlp-mnist"

//go:embed mlp-mnist/scorecard.json
var mlp []byte

// PaperScale is the scorecard of [MLP].
func PaperScale() (llfc.Scorecard, error) { return llfc.ReadScorecard(bytes.NewReader(mlp)) }
