package notebook

import (
	"layerwise/llfc"
	"layerwise/llfc/explore"
	"layerwise/plotting"
)

// exploreHeight is that of the page in a cell, in pixels; exploreMaps is how many images have maps there, since all of it stays in the notebook.
const (
	exploreHeight = 1000
	exploreMaps   = 6
)

// Explore shows a page in the cell to look around in a pair on the test images of a setting: a slider for α, the layers, the worst images.
// The whole page is in the saved notebook, about a megabyte for the paper's MLP; JupyterLab runs it where the notebook is trusted. layerwise explore
// writes it to a file instead.
func Explore(lab *llfc.Lab, s llfc.Setting, p llfc.Pair) {
	ctx := Ctx()
	_, test, err := lab.Sets(ctx, s.Data, s.TrainSamples, s.TestSamples)
	Check(err)
	page := Must(explore.Pair(ctx, lab, p, test, explore.Options{Shown: exploreMaps}))
	Check(plotting.ShowHTML(Must(page.Frame(exploreHeight)), "Interactive page: "+page.Title))
}
