package train_test

import (
	"fmt"

	"layerwise/llfc/train"
)

// The paper's MLP: 30 epochs of 60,000 images in batches of 60. Images that do not fill a batch are left out of their epoch.
func ExampleConfig_Steps() {
	c := train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 1.2e-4}, Batch: 60, Epochs: 30}
	fmt.Println(c.StepsPerEpoch(60000), c.Steps(60000), c.StepsPerEpoch(119))
	// Output: 1000 30000 1
}
