package llfc

import (
	"fmt"
	"strings"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// rebasin sets the settings of Git Re-Basin apart.
const rebasin = "Git Re-Basin's recipe"

// MLPMNIST is the paper's spawning setting for the MLP (App. B.1): Adam 1.2e-4, batch 60, 30 epochs, PyTorch's initialisation.
func MLPMNIST() Setting {
	return Setting{
		Name: "MLP", Source: "arXiv 2307.08286, App. B.1",
		Network: network.Spec{Architecture: "mlp", Widths: []int{512, 512, 512}, Init: "torch"},
		Data:    "mnist",
		Train:   train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 1.2e-4}, Batch: 60, Epochs: 30},
	}
}

// MLPMNISTPermuted is the setting of the permuted MLPs, Git Re-Basin's: Adam 1e-3, batch 500, 100 epochs, pixels in [0, 1], LeCun-normal
// initialisation.
func MLPMNISTPermuted() Setting {
	s := MLPMNIST()
	s.About, s.Source = []string{rebasin}, "arXiv 2209.04836, released code"
	s.Network.Init, s.Unit = "lecun", true
	s.Train = train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 1e-3}, Batch: 500, Epochs: 100}
	return s
}

// MLPCIFARPermuted is Git Re-Basin's MLP on CIFAR-10: Adam 1e-3, batch 100, 100 epochs, pictures zoomed, flipped and turned.
func MLPCIFARPermuted() Setting {
	s := MLPMNISTPermuted()
	s.Data, s.Unit = "cifar10", false
	s.Train.Batch, s.Train.Augment = 100, feed.ZoomFlipRotate()
	return s
}

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
	s := Setting{Name: "VGG-16", Source: "arXiv 2307.08286, App. B.1 and released code", Network: named("vgg16-bn"), Data: "cifar10", Train: paperSGD()}
	s.Network.Head, s.Network.Dropout = []int{4096, 4096}, 0.5
	return s
}

// ResNetCIFAR is ResNet-20 with option-A shortcuts on CIFAR-10. Test error in the paper: 8.69 and 8.58 %.
func ResNetCIFAR() Setting {
	return Setting{Name: "ResNet-20", Source: "arXiv 2307.08286, App. B.1 and released code", Network: named("resnet20"), Data: "cifar10", Train: paperSGD()}
}

// ResNetCIFARPermuted is Git Re-Basin's ResNet-20 with layer norm, width times as wide (1 to 32): SGD 0.1 after 5 epochs of warm-up, then a
// cosine to 0 over 250 epochs, batch 100.
func ResNetCIFARPermuted(width int) Setting {
	s := Setting{
		Name: fmt.Sprintf("ResNet-20-LN×%d", width), Source: "arXiv 2209.04836, released code", Network: named("resnet20-ln"), Data: "cifar10",
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
	return Setting{Name: "ResNet-50", Source: "OpenLTH's ImageNet recipe, scaled", Network: named("resnet50"), Data: "tiny-imagenet", Train: c}
}

// Recipe is a published way to train, for every architecture: the preset of that architecture, or where there is none the nearest.
type Recipe struct {
	Name, About string
	settings    map[string]Setting // by architecture
}

// Recipes lists the known ways, the usual one first.
func Recipes() []Recipe {
	mlp, resnet := MLPMNISTPermuted(), ResNetCIFARPermuted(1)
	return []Recipe{
		{"paper", "the paper's", map[string]Setting{
			"mlp": MLPMNIST(), "lenet": MLPMNIST(), "vgg": VGGCIFAR(), "resnet": ResNetCIFAR(), "bottleneck": ResNetTinyImageNet(),
		}},
		{"rebasin", "Git Re-Basin's", map[string]Setting{"mlp": mlp, "lenet": mlp, "vgg": resnet, "resnet": resnet, "bottleneck": resnet}},
	}
}

// Preset is the setting of a network by a recipe: data, normalisation and training are the recipe's, the network is as given. It keeps its
// initialiser unless the recipe was published for its kind.
func Preset(recipe string, spec network.Spec) (Setting, error) {
	var known []string
	for _, r := range Recipes() {
		if r.Name == recipe {
			return r.of(spec)
		}
		known = append(known, r.Name)
	}
	return Setting{}, fmt.Errorf("unknown recipe %q; known: %s", recipe, strings.Join(known, ", "))
}

func (r Recipe) of(spec network.Spec) (Setting, error) {
	s, ok := r.settings[spec.Architecture]
	if !ok {
		return Setting{}, fmt.Errorf("the recipe %s is not known for the architecture %q", r.Name, spec.Architecture)
	}
	if s.Network.Architecture == spec.Architecture && s.Network.Norm == spec.Norm {
		spec.Init = s.Network.Init
	}
	s.Network = spec
	return s, nil
}
