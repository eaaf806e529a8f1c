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

// named is a network of the literature, which must be in network.Named.
func named(name string) network.Spec {
	s, err := network.Default(name)
	if err != nil {
		panic(err) // a preset of ours
	}
	return s
}

// paperSGD is the recipe of the paper's CIFAR-10 networks (App. B.1 and the released code): SGD 0.1 with momentum 0.9 and weight decay 1e-4
// on all parameters, ×0.1 at epochs 80 and 120 of 160, batch 128, crop and flip.
func paperSGD() train.Config {
	return train.Config{
		Optimiser: train.Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
		Schedule:  train.Schedule{Name: "step", At: []int{80, 120}, Factor: 0.1},
		Batch:     128, Epochs: 160, Augment: feed.CropFlip(),
	}
}

// VGGCIFAR is VGG-16 with batch norm on CIFAR-10 as the authors' code has it, two dense layers of 4096 units with dropout and all. Test
// error in the paper: 6.87 and 7.1 %.
func VGGCIFAR() Setting {
	s := Setting{Name: "VGG-16/CIFAR-10", Source: "arXiv 2307.08286, App. B.1 and released code", Network: named("vgg16-bn"), Data: "cifar10", Train: paperSGD()}
	s.Network.Head, s.Network.Dropout = []int{4096, 4096}, 0.5
	return s
}

// ResNetCIFAR is ResNet-20 with option-A shortcuts on CIFAR-10. Test error in the paper: 8.69 and 8.58 %.
func ResNetCIFAR() Setting {
	return Setting{Name: "ResNet-20/CIFAR-10", Source: "arXiv 2307.08286, App. B.1 and released code", Network: named("resnet20"), Data: "cifar10", Train: paperSGD()}
}

// ResNetCIFARPermuted is Git Re-Basin's ResNet-20 with layer norm, width times as wide (1 to 32): SGD 0.1 after 5 epochs of warm-up, then a
// cosine to 0 over 250 epochs, batch 100.
func ResNetCIFARPermuted(width int) Setting {
	s := Setting{
		Name: fmt.Sprintf("ResNet-20-LN×%d/CIFAR-10", width), Source: "arXiv 2209.04836, released code", Network: named("resnet20-ln"), Data: "cifar10",
		Train: train.Config{
			Optimiser: train.Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
			Schedule:  train.Schedule{Name: "cosine", Warmup: 5},
			Batch:     100, Epochs: 250, Augment: feed.ZoomFlipRotate(),
		},
	}
	s.Network.Width *= width
	return s
}

// ResNetTinyImageNet is ResNet-50 with a 3×3 stem on Tiny-ImageNet. The paper does not give its recipe; this is OpenLTH's for ImageNet with the
// learning rate scaled to batch 128 (0.4 · 128/1024), and the paper's spawn epoch is 14.
func ResNetTinyImageNet() Setting {
	c := paperSGD()
	c.Optimiser.Rate, c.Epochs = 0.05, 90
	c.Schedule = train.Schedule{Name: "step", At: []int{30, 60, 80}, Factor: 0.1, Warmup: 5}
	return Setting{Name: "ResNet-50/Tiny-ImageNet", Source: "OpenLTH's ImageNet recipe, scaled", Network: named("resnet50"), Data: "tiny-imagenet", Train: c}
}

// Budget is a recipe cut to what a laptop finishes.
type Budget struct {
	Name, About               string
	Epochs                    int
	TrainSamples, TestSamples int // 0 is all
}

// Budgets lists the cuts that Setting.Within knows.
func Budgets() []Budget {
	return []Budget{
		{"paper", "the recipe as published", 0, 0, 0},
		{"cpu-hour", "8 epochs of all images: a pair of ResNet-20 in about an hour on 2 idle cores, 20 % of test images wrong", 8, 0, 0},
		{"quick", "10 epochs of 10,000 images, 1,000 test images: a pair of ResNet-20 in minutes, 36 % of test images wrong", 10, 10000, 1000},
		{"smoke", "2 epochs of 256 images: to see that everything runs", 2, 256, 128},
	}
}

// Within cuts a setting to a budget: fewer images and epochs, and the schedule drawn together in proportion. Network, rates and
// batch stay; what was changed can be read from what is returned.
func (s Setting) Within(budget string) (Setting, error) {
	var known []string
	for _, b := range Budgets() {
		if b.Name == budget {
			return s.within(b), nil
		}
		known = append(known, b.Name)
	}
	return Setting{}, fmt.Errorf("unknown budget %q; known: %s", budget, strings.Join(known, ", "))
}

func (s Setting) within(b Budget) Setting {
	if b.Epochs == 0 {
		return s
	}
	s.Train, s.TrainSamples, s.TestSamples = Over(s.Train, b.Epochs), b.TrainSamples, b.TestSamples
	s.Name += ", " + b.Name
	return s
}

// Over is a config drawn together, or out, to so many epochs: its steps down keep their proportions. The warm-up keeps its length, which
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
	s.Name += fmt.Sprintf(", width %d", width)
	return s
}
