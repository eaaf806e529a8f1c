package llfc

import (
	"fmt"
	"strings"

	"layerwise/llfc/network"
)

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
