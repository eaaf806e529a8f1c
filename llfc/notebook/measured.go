package notebook

import (
	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
	"layerwise/plotting"
)

// Tested measures pairs on the test images of a setting.
func Tested(lab *llfc.Lab, s llfc.Setting, o measure.Options, pairs ...llfc.Pair) (out []figures.Pair) {
	ctx := Ctx()
	for _, p := range pairs {
		out = append(out, figures.Pair{Name: p.Name, Result: Must(lab.Test(ctx, s, p, o))})
	}
	return out
}

// AtCuts is Tested at the nonlinearities at which a network can be cut in two, and at its output: in a deep network the layers that can be
// told apart in a figure.
func AtCuts(lab *llfc.Lab, s llfc.Setting, o measure.Options, pairs ...llfc.Pair) []figures.Pair {
	out := Tested(lab, s, o, pairs...)
	for i, p := range pairs {
		cut := map[string]bool{}
		taps := description(Must(lab.Network(p.A.Network))).Taps
		for k, t := range taps {
			cut[t.Name] = t.Cut && t.Kind == "act" || k == len(taps)-1
		}
		out[i].Result = out[i].Keep(func(l measure.Layer) bool { return cut[l.Name] })
	}
	return out
}

func description(n network.Network) network.Description { return Must(n.Description()) }

// Examples are n training images of a setting's data, of every class as many.
func Examples(lab *llfc.Lab, s llfc.Setting, n int) *data.Set {
	train, _, err := lab.Sets(Ctx(), s.Data, 0, 0)
	Check(err)
	return Must(train.Subset(n, 1))
}

// On is what a setting is measured on: the name of its data, and where the copy here is not the original what there is to know of it.
func On(lab *llfc.Lab, s llfc.Setting) string {
	d := Must(lab.Run(Ctx(), s, 1)).Data
	if d.Note != "" {
		return d.Note
	}
	return d.Name
}

// Beside sets a figure of each setting's network side by side under a title that names the data. draw is given the place and the name
// of each.
func Beside(lab *llfc.Lab, title string, settings []llfc.Setting, draw func(i int, name string) (*plotting.Figure, error)) *plotting.Figure {
	var panels []*plotting.Figure
	for i, s := range settings {
		panels = append(panels, Must(draw(i, Name(s))))
	}
	row := Must(plotting.Row(panels...))
	row.Title, row.Width = title+"; "+On(lab, settings[0]), 500 // points
	return row
}

// Stitched is pairs stitched together on the test images of a setting.
func Stitched(lab *llfc.Lab, s llfc.Setting, o measure.StitchOptions, pairs ...llfc.Pair) (out []*measure.Stitched) {
	for _, p := range pairs {
		out = append(out, Must(lab.Stitched(Ctx(), p, o, tests(lab, s))))
	}
	return out
}

// Spectra are those of pairs, of features on the test images of a setting.
func Spectra(lab *llfc.Lab, s llfc.Setting, o measure.SpectraOptions, pairs ...llfc.Pair) (out []*measure.Spectra) {
	for _, p := range pairs {
		out = append(out, Must(lab.Spectra(Ctx(), p, o, tests(lab, s))))
	}
	return out
}

// tests are the test images of a setting.
func tests(lab *llfc.Lab, s llfc.Setting) *data.Set {
	_, test, err := lab.Sets(Ctx(), s.Data, s.TrainSamples, s.TestSamples)
	Check(err)
	return test
}

// Layers draws quantities at the layers of the first of them, one line for each name.
func Layers(title, ylabel string, names []string, profiles ...measure.Profile) *plotting.Figure {
	var series []plotting.Series
	for i, p := range profiles {
		series = append(series, plotting.Series{Name: names[i], Data: p})
	}
	return Must(plotting.Layers(title, ylabel, profiles[0].Layers, series...))
}

// Digits is the paper's MLP on the embedded digits, at a rate at which two networks part on a set that small: the paper's is 1.2e-4.
func Digits(lab *llfc.Lab) llfc.Setting {
	s := llfc.MLPMNIST()
	s.Data = "digits"
	s.Train.Optimiser.Rate = 1e-3
	return Afford(lab, s)
}
