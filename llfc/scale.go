package llfc

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// Scale is how much of a published setting a run affords. A name means the same on the command line, in notebooks and in studies.
type Scale struct {
	Name, About string
	cut         func(Setting) Setting
}

// Scales lists the scales, the shortest first.
func Scales() []Scale {
	return []Scale{
		{"smoke", "seconds: a tiny network of the same kind on a few hundred of the embedded digits, to see that everything runs", Setting.smoke},
		{"quick", "minutes on 2 cores: an MLP of MNIST on the embedded digits; other networks at most 16 channels wide, 10 epochs of 10,000 images; with layer norm, as wide as they are, 5 epochs of 5,000", Setting.quick},
		{"cpu-hour", "up to an hour or two a network on 2 cores: an MLP as published; other networks at most 16 channels wide, 8 epochs of all images", Setting.hour},
		{"paper", "as published: an hour for all MLPs on 2 cores, a GPU for other networks", func(s Setting) Setting { return s }},
	}
}

// ScaleNames lists the names of the scales, the shortest first.
func ScaleNames() []string {
	var out []string
	for _, s := range Scales() {
		out = append(out, s.Name)
	}
	return out
}

// ScaleByName finds a scale.
func ScaleByName(name string) (Scale, error) {
	for _, s := range Scales() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scale{}, fmt.Errorf("unknown scale %q; known: %s", name, strings.Join(ScaleNames(), ", "))
}

// At cuts a published setting to a scale. What was changed can be read from what is returned.
func (s Setting) At(scale string) (Setting, error) {
	by, err := ScaleByName(scale)
	if err != nil {
		return Setting{}, err
	}
	return by.cut(s), nil
}

const (
	smallBatch    = 60 // suits the embedded digits
	laptopWidth   = 16 // channels of the first stage that a laptop trains
	narrowestStem = 4  // channels of the first stage at scale smoke
	smokeUnits    = 32 // of the layers of an MLP at scale smoke
)

// staged says whether a network has stages of channels, as VGGs and ResNets have and MLPs have not.
func (s Setting) staged() bool { return s.Network.Width > 0 }

// byWidth says whether a network was published at several widths to be compared, which a cut keeps in proportion: the ResNets with layer norm.
func (s Setting) byWidth() bool { return s.staged() && s.Network.Norm == "layer" }

func (s Setting) smoke() Setting {
	s.Train.Batch = min(s.Train.Batch, smallBatch)
	n := &s.Network
	if !s.staged() {
		n.Widths = slices.Repeat([]int{smokeUnits}, len(n.Widths))
		s.Train.Optimiser.Rate = 2e-3
		return s.cut("smoke", 6, 600, 100).onto(s.offlineSet())
	}
	set := s.offlineSet()
	if s.byWidth() {
		n.Width = max(1, n.Width/4)
	} else {
		n.Width = narrowestStem
	}
	most := n.Depth
	n.Head, n.Dropout = nil, 0
	for n.Depth = 1; n.Depth < most; n.Depth++ { // the shallowest of its kind
		if _, err := network.New(*n); err == nil {
			break
		}
	}
	return s.cut("smoke", 3, 300, 100).onto(set)
}

func (s Setting) quick() Setting {
	switch {
	case !s.staged() && s.Data == "mnist": // the embedded digits stand in for it; a set that is 42 times smaller needs more epochs
		s.Train.Batch = min(s.Train.Batch, smallBatch)
		return s.cut("quick", 100, 0, 0).onto(s.offlineSet())
	case s.byWidth(): // the widest costs 16 times a ResNet-20, and layer norm needs more steps than batch norm: a quarter of the batch, and of the rate
		s.Train.Batch, s.Train.Optimiser.Rate, s.Train.Augment = max(1, s.Train.Batch/4), s.Train.Optimiser.Rate/4, feed.Augment{}
		return s.cut("quick", 5, 5000, 500)
	}
	return s.forLaptop().cut("quick", 10, 10000, 1000)
}

func (s Setting) hour() Setting {
	if !s.staged() {
		return s
	}
	return s.forLaptop().cut("cpu-hour", 8, 0, 2000) // of the test images, which every policy passes over at every α: all would take as long as the training
}

// forLaptop is no wider than a laptop affords.
func (s Setting) forLaptop() Setting {
	if s.byWidth() || s.Network.Width <= laptopWidth {
		return s
	}
	return s.Narrow(laptopWidth)
}

// cut trains fewer epochs of fewer samples, of which 0 are all, and says why.
func (s Setting) cut(why string, epochs, trainSamples, testSamples int) Setting {
	s.Train, s.TrainSamples, s.TestSamples = Over(s.Train, epochs), trainSamples, testSamples
	return s.with(why)
}

// onto moves a setting to the embedded digits, of which few have a mirror image.
func (s Setting) onto(digits string) Setting {
	s.Data, s.Train.Augment.Flip = digits, false
	return s
}

// with adds what sets a setting apart.
func (s Setting) with(about string) Setting {
	if !slices.Contains(s.About, about) {
		s.About = append(slices.Clip(s.About), about)
	}
	return s
}

// offlineSet is the data set that every program carries, in a size that suits the network.
func (s Setting) offlineSet() string {
	in := s.Network.Input
	if len(s.Network.Widths) == 0 && len(in) == 3 && min(in[0], in[1]) >= 28 { // convolutions that were described for such pictures or larger ones
		return "digits32"
	}
	return "digits"
}

// Over is a config drawn together, or out, to a number of epochs: its steps down keep their proportions. The warm-up keeps its length, which
// the network needs and not the schedule, up to a quarter of the epochs: over a few steps it would be none, and kill the network.
func Over(c train.Config, epochs int) train.Config {
	share := float64(epochs) / float64(c.Epochs)
	c.Schedule.At = slices.Clone(c.Schedule.At)
	for i, at := range c.Schedule.At {
		c.Schedule.At[i] = max(1, int(math.Round(share*float64(at))))
	}
	c.Schedule.Warmup = min(c.Schedule.Warmup, float64(epochs)/4)
	c.Epochs = epochs
	return c
}

// Narrow is the setting with a network of another width, and a VGG without its dense head, which outweighs a narrow network's convolutions.
func (s Setting) Narrow(width int) Setting {
	s.Network.Width, s.Network.Head, s.Network.Dropout = width, nil, 0
	return s.with(fmt.Sprintf("width %d", width))
}
