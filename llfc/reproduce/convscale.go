package reproduce

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/feed"
	"layerwise/llfc/merge"
)

// Net is a network of the study of convolutional networks, and what is measured of it.
type Net struct {
	ID, Name string
	Setting  llfc.Setting
	Spawn    []float64      // spawned pairs part after so many epochs; none for a network that is permuted
	Width    int            // of a network whose independent pairs are permuted too: how many times as wide as the narrowest; else 0
	Policies []merge.Policy // how θ_α is made; each pair is measured under every one of them
}

// ConvScale is how much of the study of convolutional networks a run affords.
type ConvScale struct {
	Name, About string
	Nets        []Net
	Seeds       []int64
	Alphas      int // points of the path, both ends counted; odd, so that ½ is among them
}

// ConvScales lists the scales: smoke for tests, quick and cpu-hour for a laptop, paper for the settings as published.
func ConvScales() []ConvScale { return []ConvScale{convSmoke(), convQuick(), convHour(), convPaper()} }

// ConvScaleByName finds a scale.
func ConvScaleByName(name string) (ConvScale, error) {
	return byName(ConvScales(), name, func(s ConvScale) string { return s.Name })
}

// Of is the scale with some of its networks alone; none given are all.
func (s ConvScale) Of(ids ...string) (ConvScale, error) {
	all := s.Nets
	if len(ids) > 0 {
		s.Nets = nil
	}
	for _, id := range ids {
		i := slices.IndexFunc(all, func(n Net) bool { return n.ID == id })
		if i < 0 {
			var known []string
			for _, n := range all {
				known = append(known, n.ID)
			}
			return ConvScale{}, fmt.Errorf("unknown network %q; of scale %s: %s", id, s.Name, strings.Join(known, ", "))
		}
		s.Nets = append(s.Nets, all[i])
	}
	return s, nil
}

// policies are those of a network with batch norm: samples of the training set are what the last three look at, 0 as many as they like.
func policies(samples int) []merge.Policy {
	return []merge.Policy{{Name: "interpolate"}, {Name: "interpolate", Folded: true}, {Name: "reset", Samples: samples},
		{Name: "repair", Samples: samples}, {Name: "rescale", Samples: samples}}
}

// unnormed are those of a network without statistics.
func unnormed(samples int) []merge.Policy {
	return []merge.Policy{{Name: "interpolate"}, {Name: "repair", Samples: samples}, {Name: "rescale", Samples: samples}}
}

// widths are how much wider than the narrowest the permuted networks are.
func widths() []int { return []int{1, 2, 4} }

// nets are the networks of the study, each setting cut by a function, with policies on so many samples.
func nets(samples int, vgg, resnet []float64, cut func(llfc.Setting) llfc.Setting) []Net {
	out := []Net{
		{ID: "vgg16-bn", Name: "VGG-16-BN", Setting: cut(llfc.VGGCIFAR()), Spawn: vgg, Policies: policies(samples)},
		{ID: "resnet20", Name: "ResNet-20", Setting: cut(llfc.ResNetCIFAR()), Spawn: resnet, Policies: policies(samples)},
	}
	for _, m := range widths() {
		out = append(out, Net{ID: fmt.Sprintf("resnet20-ln-x%d", m), Name: fmt.Sprintf("ResNet-20-LN×%d", m), Setting: cut(llfc.ResNetCIFARPermuted(m)),
			Width: m, Policies: unnormed(samples)})
	}
	return out
}

func convPaper() ConvScale {
	at := []float64{0, 1, 2, 5} // epochs; 5 is the paper's
	return ConvScale{
		Name: "paper", About: "the settings as published, for a GPU: 160 epochs of VGG-16-BN and ResNet-20, 250 of ResNet-20-LN",
		Nets: nets(0, at, at, func(s llfc.Setting) llfc.Setting { return s }), Seeds: []int64{1, 2}, Alphas: 11,
	}
}

// laptopVGG is how many channels wide the VGG is that a laptop trains.
const laptopVGG = 16

// laptop cuts a setting to a budget, and VGG's width.
func laptop(budget string) func(llfc.Setting) llfc.Setting {
	return func(s llfc.Setting) llfc.Setting {
		if s.Network.Architecture == "vgg" {
			s = s.Narrow(laptopVGG)
		}
		s, err := s.Within(budget)
		if err != nil {
			panic(err) // a budget of ours
		}
		return s
	}
}

// convHour trains on all images, for fewer epochs: the networks that are spawned.
func convHour() ConvScale {
	at := []float64{2}
	s := ConvScale{
		Name: "cpu-hour", About: fmt.Sprintf("8 epochs of all images, 2,000 test images, VGG-16-BN %d channels wide (an hour or two a network on 2 cores)", laptopVGG),
		Nets: nets(1000, at, at, laptop("cpu-hour"))[:2], Seeds: []int64{1, 2}, Alphas: 11,
	}
	for i := range s.Nets {
		s.Nets[i].Setting.TestSamples = 2000 // every policy passes over them at every α: all would take as long as the training
	}
	s.Nets[0].Name += fmt.Sprintf(" (width %d)", laptopVGG)
	return s
}

// convQuick cuts images, epochs and VGG's width to what a laptop finishes.
func convQuick() ConvScale {
	s := ConvScale{
		Name: "quick", About: fmt.Sprintf("10 epochs of 10,000 images, 1,000 test images, VGG-16-BN %d channels wide; ResNet-20-LN 5 epochs of 5,000 and 500, in steps of a quarter, without augmentation (hours on 2 cores)", laptopVGG),
		Nets:  nets(1000, []float64{0, 1, 2, 4}, []float64{2}, laptop("quick")),
		Seeds: []int64{1, 2}, Alphas: 11,
	}
	for i := range s.Nets {
		if s.Nets[i].Width == 0 {
			continue
		}
		// The widest costs 16 times a ResNet-20, and layer norm needs more steps than batch norm: a quarter of the batch, and of the rate.
		n := &s.Nets[i].Setting
		n.Train, n.TrainSamples, n.TestSamples = llfc.Over(n.Train, 5), 5000, 500
		n.Train.Batch, n.Train.Optimiser.Rate, n.Train.Augment = n.Train.Batch/4, n.Train.Optimiser.Rate/4, feed.Augment{}
	}
	s.Nets[0].Name += fmt.Sprintf(" (width %d)", laptopVGG)
	return s
}

// convSmoke runs every line of code in as little as it takes to compile the networks, which are too small for the claims to mean much.
func convSmoke() ConvScale {
	const samples = 100
	s := ConvScale{
		Name: "smoke", About: "everything once, tiny networks on the embedded digits, to see that it runs (minutes, most of them compiling)",
		Nets:  nets(samples, []float64{0, 1}, []float64{1}, llfc.Setting.Smoke),
		Seeds: []int64{1, 2}, Alphas: 3,
	}
	s.Nets = s.Nets[:len(s.Nets)-1] // two widths show as much
	for i := range s.Nets {
		if m := s.Nets[i].Width; m > 0 { // Smoke makes them all equally narrow
			s.Nets[i].Setting.Network.Width *= m
		}
	}
	return s
}
