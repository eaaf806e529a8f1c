package llfc

import (
	"reflect"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// Every network has every recipe, and the networks that a recipe was published for get its preset as it is.
func TestPresets(t *testing.T) {
	for _, r := range Recipes() {
		for _, a := range network.Architectures() {
			s, err := Preset(r.Name, a.Default)
			if err != nil || s.Train.Epochs == 0 || s.Data == "" || s.Network.Architecture != a.Name {
				t.Errorf("%s by the recipe %s: %+v, %v", a.Name, r.Name, s, err)
			}
		}
	}
	for _, c := range []struct {
		recipe string
		want   Setting
	}{
		{"paper", MLPMNIST()}, {"rebasin", MLPMNISTPermuted()}, {"paper", VGGCIFAR()}, {"paper", ResNetCIFAR()}, {"rebasin", ResNetCIFARPermuted(2)},
		{"paper", ResNetTinyImageNet()},
	} {
		got, err := Preset(c.recipe, c.want.Network)
		if got.Name = c.want.Name; err != nil || !reflect.DeepEqual(got, c.want) { // the width is in the name
			t.Errorf("%s of %s: %+v, %v", c.recipe, c.want.Name, got, err)
		}
	}
	// Another norm is another kind: it keeps its own initialiser.
	spec := named("resnet20-ln")
	spec.Init = "he"
	if s, err := Preset("paper", spec); err != nil || s.Network.Init != "he" || !reflect.DeepEqual(s.Train, ResNetCIFAR().Train) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Preset("mine", spec); err == nil || !strings.Contains(err.Error(), `unknown recipe "mine"; known: paper, rebasin`) {
		t.Error(err)
	}
	if _, err := Preset("paper", network.Spec{Architecture: "gru"}); err == nil || !strings.Contains(err.Error(), `"gru"`) {
		t.Error(err)
	}
}
