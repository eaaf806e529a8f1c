package llfc

import (
	"fmt"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// cutTo is what a scale decides, in one line: network, data, samples for training and testing, batch, rate, epochs with the steps of the rate
// and the warm-up, augmentation.
func cutTo(s Setting) string {
	n, c, a := s.Network, s.Train, s.Train.Augment
	size := fmt.Sprint(n.Widths)
	if n.Width > 0 {
		size = fmt.Sprintf("%d layers × %d %v", n.Depth, n.Width, n.Head)
	}
	return fmt.Sprintf("%s; %s %d %d; %d %g %d %v %g; crop %d flip %v turn %g", size, s.Data, s.TrainSamples, s.TestSamples,
		c.Batch, c.Optimiser.Rate, c.Epochs, c.Schedule.At, c.Schedule.Warmup, a.Crop, a.Flip, a.Rotate)
}

// What every preset is at every scale. The names of runs follow from it: a change here is one of what is trained.
func TestAt(t *testing.T) {
	presets := []Setting{MLPMNIST(), MLPMNISTPermuted(), VGGCIFAR(), ResNetCIFAR(), ResNetCIFARPermuted(1), ResNetCIFARPermuted(4), ResNetTinyImageNet()}
	want := map[string]string{
		"MLP/mnist at smoke":                           "[32 32 32]; digits 600 100; 60 0.002 6 [] 0; crop 0 flip false turn 0",
		"MLP/mnist at quick":                           "[512 512 512]; digits 0 0; 60 0.00012 100 [] 0; crop 0 flip false turn 0",
		"MLP/mnist at cpu-hour":                        "[512 512 512]; mnist 0 0; 60 0.00012 30 [] 0; crop 0 flip false turn 0",
		"MLP/mnist at paper":                           "[512 512 512]; mnist 0 0; 60 0.00012 30 [] 0; crop 0 flip false turn 0",
		"MLP/mnist, Git Re-Basin's recipe at smoke":    "[32 32 32]; digits 600 100; 60 0.002 6 [] 0; crop 0 flip false turn 0",
		"MLP/mnist, Git Re-Basin's recipe at quick":    "[512 512 512]; digits 0 0; 60 0.001 100 [] 0; crop 0 flip false turn 0",
		"MLP/mnist, Git Re-Basin's recipe at cpu-hour": "[512 512 512]; mnist 0 0; 500 0.001 100 [] 0; crop 0 flip false turn 0",
		"MLP/mnist, Git Re-Basin's recipe at paper":    "[512 512 512]; mnist 0 0; 500 0.001 100 [] 0; crop 0 flip false turn 0",
		"VGG-16/cifar10 at smoke":                      "11 layers × 4 []; digits32 300 100; 60 0.1 3 [2 2] 0; crop 4 flip false turn 0",
		"VGG-16/cifar10 at quick":                      "16 layers × 16 []; cifar10 10000 1000; 128 0.1 10 [5 8] 0; crop 4 flip true turn 0",
		"VGG-16/cifar10 at cpu-hour":                   "16 layers × 16 []; cifar10 0 2000; 128 0.1 8 [4 6] 0; crop 4 flip true turn 0",
		"VGG-16/cifar10 at paper":                      "16 layers × 64 [4096 4096]; cifar10 0 0; 128 0.1 160 [80 120] 0; crop 4 flip true turn 0",
		"ResNet-20/cifar10 at smoke":                   "8 layers × 4 []; digits32 300 100; 60 0.1 3 [2 2] 0; crop 4 flip false turn 0",
		"ResNet-20/cifar10 at quick":                   "20 layers × 16 []; cifar10 10000 1000; 128 0.1 10 [5 8] 0; crop 4 flip true turn 0",
		"ResNet-20/cifar10 at cpu-hour":                "20 layers × 16 []; cifar10 0 2000; 128 0.1 8 [4 6] 0; crop 4 flip true turn 0",
		"ResNet-20/cifar10 at paper":                   "20 layers × 16 []; cifar10 0 0; 128 0.1 160 [80 120] 0; crop 4 flip true turn 0",
		"ResNet-20-LN×1/cifar10 at smoke":              "8 layers × 4 []; digits32 300 100; 60 0.1 3 [] 0.75; crop 0 flip false turn 30",
		"ResNet-20-LN×1/cifar10 at quick":              "20 layers × 16 []; cifar10 5000 500; 25 0.025 5 [] 1.25; crop 0 flip false turn 0",
		"ResNet-20-LN×1/cifar10 at cpu-hour":           "20 layers × 16 []; cifar10 0 2000; 100 0.1 8 [] 2; crop 0 flip true turn 30",
		"ResNet-20-LN×1/cifar10 at paper":              "20 layers × 16 []; cifar10 0 0; 100 0.1 250 [] 5; crop 0 flip true turn 30",
		"ResNet-20-LN×4/cifar10 at smoke":              "8 layers × 16 []; digits32 300 100; 60 0.1 3 [] 0.75; crop 0 flip false turn 30",
		"ResNet-20-LN×4/cifar10 at quick":              "20 layers × 64 []; cifar10 5000 500; 25 0.025 5 [] 1.25; crop 0 flip false turn 0",
		"ResNet-20-LN×4/cifar10 at cpu-hour":           "20 layers × 64 []; cifar10 0 2000; 100 0.1 8 [] 2; crop 0 flip true turn 30",
		"ResNet-20-LN×4/cifar10 at paper":              "20 layers × 64 []; cifar10 0 0; 100 0.1 250 [] 5; crop 0 flip true turn 30",
		"ResNet-50/tiny-imagenet at smoke":             "26 layers × 4 []; digits32 300 100; 60 0.05 3 [1 2 3] 0.75; crop 4 flip false turn 0",
		"ResNet-50/tiny-imagenet at quick":             "50 layers × 16 []; tiny-imagenet 10000 1000; 128 0.05 10 [3 7 9] 2.5; crop 4 flip true turn 0",
		"ResNet-50/tiny-imagenet at cpu-hour":          "50 layers × 16 []; tiny-imagenet 0 2000; 128 0.05 8 [3 5 7] 2; crop 4 flip true turn 0",
		"ResNet-50/tiny-imagenet at paper":             "50 layers × 64 []; tiny-imagenet 0 0; 128 0.05 90 [30 60 80] 5; crop 4 flip true turn 0",
	}
	for _, p := range presets {
		before := cutTo(p)
		for _, scale := range ScaleNames() {
			s, err := p.At(scale)
			if got := cutTo(s); err != nil || got != want[p.Title()+" at "+scale] {
				t.Errorf("\"%s at %s\": %q, //%v", p.Title(), scale, got, err)
			}
			if again, err := s.At(scale); err != nil || again.Title() != s.Title() {
				t.Errorf("%s at %s, and again: %s, %v", p.Title(), scale, again.Title(), err)
			}
		}
		if cutTo(p) != before {
			t.Errorf("%s was changed to %s", before, cutTo(p))
		}
	}
	if _, err := MLPMNIST().At("huge"); err == nil || !strings.Contains(err.Error(), `unknown scale "huge"; known: smoke, quick, cpu-hour, paper`) {
		t.Error(err)
	}
}

func TestTitle(t *testing.T) {
	s, err := VGGCIFAR().At("quick")
	if err != nil || s.Title() != "VGG-16/cifar10, width 16, quick" || VGGCIFAR().Title() != "VGG-16/cifar10" {
		t.Errorf("%q, %v", s.Title(), err)
	}
	if s, err := MLPMNISTPermuted().At("smoke"); err != nil || s.Title() != "MLP/digits, Git Re-Basin's recipe, smoke" {
		t.Errorf("%q, %v", s.Title(), err)
	}
}

// Every network that has a name can be trained at scale smoke, on the data that it is then given.
func TestSmokeOfEveryNetwork(t *testing.T) {
	l, _ := open(t)
	for _, n := range network.Named() {
		for _, r := range Recipes() {
			s, err := Preset(r.Name, n.Spec)
			if err == nil {
				s, err = s.At("smoke")
			}
			if err == nil {
				_, err = l.Run(t.Context(), s, 1)
			}
			if err != nil {
				t.Errorf("%s by the recipe %s: %v", n.Name, r.Name, err)
			}
		}
	}
}

func TestScales(t *testing.T) {
	for _, s := range Scales() {
		if got, err := ScaleByName(s.Name); err != nil || got.Name != s.Name || s.About == "" {
			t.Errorf("%s: %+v, %v", s.Name, got, err)
		}
	}
}
