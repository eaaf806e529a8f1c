package study

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/merge"
)

// entry is a subject that is known by name, and how much of it is measured at each scale.
type entry struct {
	id, name string
	setting  llfc.Setting
	amounts  map[string]amount // by scale; a scale that is missing does not have it
	measured func(Subject, amount) Subject
}

// amount is what a scale decides beside the setting.
type amount struct {
	name    string    // of the network, where the scale has another
	spawn   []float64 // the epochs at which spawned pairs part
	seeds   int
	alphas  int
	samples int // of the training set: for policies, or for the path; 0 is all
}

// entries lists the subjects: the paper's MLP and Git Re-Basin's, whose pairs are permuted, and networks on CIFAR-10.
func entries() []entry {
	laptop := []float64{2}
	conv := func(paper, hour, quick, smoke []float64, called string) map[string]amount {
		return map[string]amount{"paper": {"", paper, 2, 11, 0}, "cpu-hour": {called, hour, 2, 11, 1000}, "quick": {called, quick, 2, 11, 1000}, "smoke": {"", smoke, 2, 3, 100}}
	}
	mlp := func(quick, smoke []float64) map[string]amount {
		paper := amount{"", []float64{0, 5}, 3, 21, 10000}
		return map[string]amount{"paper": paper, "cpu-hour": paper, "quick": {"", quick, 3, 21, 0}, "smoke": {"", smoke, 2, 5, 0}}
	}
	out := []entry{
		{"mlp", "MLP", llfc.MLPMNIST(), mlp([]float64{0, 10}, []float64{0, 2}), spawnedMLP},
		{"mlp-rebasin", "MLP (Git Re-Basin's recipe)", llfc.MLPMNISTPermuted(), mlp(nil, nil), permutedMLP},
		{"mlp-cifar10", "MLP/CIFAR-10 (Git Re-Basin's recipe)", llfc.MLPCIFARPermuted(), mlp(nil, nil), permutedMLPCIFAR},
		{"vgg16-bn", "VGG-16-BN", llfc.VGGCIFAR(), conv([]float64{0, 1, 2, 5}, laptop, []float64{0, 1, 2, 4}, []float64{0, 1}, "VGG-16-BN (width 16)"), spawnedNet},
		{"resnet20", "ResNet-20", llfc.ResNetCIFAR(), conv([]float64{0, 1, 2, 5}, laptop, laptop, []float64{1}, ""), spawnedNet},
	}
	for _, width := range []int{1, 2, 4} {
		amounts := map[string]amount{"paper": {"", nil, 2, 11, 0}, "quick": {"", nil, 2, 11, 1000}, "smoke": {"", nil, 2, 3, 100}}
		if width > 2 {
			delete(amounts, "smoke") // two widths show as much
		}
		out = append(out, entry{fmt.Sprintf("resnet20-ln-x%d", width), fmt.Sprintf("ResNet-20-LN×%d", width), llfc.ResNetCIFARPermuted(width), amounts,
			func(s Subject, a amount) Subject {
				s.Width = width
				return permutedNet(s, a)
			}})
	}
	return out
}

// usual are the subjects of the paper's main study, taken where none are asked for.
func usual() []string { return []string{"mlp", "mlp-rebasin"} }

func spawnedMLP(s Subject, a amount) Subject {
	s = plain(s, a)
	s.Kinds, s.Theorem1 = kinds(a.spawn, Independent("independent")), true
	return s
}

func permutedMLP(s Subject, a amount) Subject {
	return permutedBy(s, a, weightMatching, activationMatching, commutativityMatching)
}

func permutedBy(s Subject, a amount, methods ...string) Subject {
	s = plain(s, a)
	s.Kinds = append(permuted("unpermuted", methods...), Independent("unpermuted"))
	return s
}

// permutedMLPCIFAR has kinds of its own, so that its claims and files stand beside those on MNIST. With 3,072 inputs a search for commutativity
// takes longer than the training.
func permutedMLPCIFAR(s Subject, a amount) Subject {
	s = permutedBy(s, a, weightMatching, activationMatching)
	for i, k := range s.Kinds {
		s.Kinds[i].ID, s.Kinds[i].Name = k.ID+"-cifar10", k.Name+" (CIFAR-10)"
		if k.Against != "" {
			s.Kinds[i].Against += "-cifar10"
		}
	}
	return s
}

func plain(s Subject, a amount) Subject {
	s.Plain, s.Policies = true, []merge.Policy{{Name: interpolate}}
	s.Layers, s.Train, s.TrainOn, s.Samples = figures.Alphas(), true, a.samples, []string{"dist_sigma_max"}
	return s
}

// spawnedNet is a network with batch norm.
func spawnedNet(s Subject, a amount) Subject {
	s.Kinds, s.Policies = kinds(a.spawn, Independent("independent")), normed(a.samples)
	return s
}

// permutedNet is a network without statistics.
func permutedNet(s Subject, a amount) Subject {
	s.Kinds, s.Policies = []Kind{Independent("independent"), Permuted(weightMatching, "independent")}, unnormed(a.samples)
	return s
}

// normed are the policies of a network with batch norm: samples of the training set are what the last three look at, 0 as many as they like.
func normed(samples int) []merge.Policy {
	return []merge.Policy{{Name: interpolate}, {Name: interpolate, Folded: true}, {Name: "reset", Samples: samples},
		{Name: "repair", Samples: samples}, {Name: "rescale", Samples: samples}}
}

// unnormed are those of a network without statistics.
func unnormed(samples int) []merge.Policy {
	return []merge.Policy{{Name: interpolate}, {Name: "repair", Samples: samples}, {Name: "rescale", Samples: samples}}
}

func (e entry) at(scale string) (Subject, bool) {
	a, ok := e.amounts[scale]
	if !ok {
		return Subject{}, false
	}
	setting, err := e.setting.At(scale)
	if err != nil {
		panic(err) // a scale of ours
	}
	s := Subject{ID: e.id, Name: e.name, Setting: setting, Alphas: a.alphas}
	if a.name != "" {
		s.Name = a.name
	}
	for i := range a.seeds {
		s.Seeds = append(s.Seeds, int64(1+i))
	}
	return e.measured(s, a), true
}

// Subjects lists what can be studied at a scale.
func Subjects(scale string) ([]Subject, error) {
	if _, err := llfc.ScaleByName(scale); err != nil {
		return nil, err
	}
	var out []Subject
	for _, e := range entries() {
		if s, ok := e.at(scale); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// Select finds subjects of a scale by their ids; none given are those of the paper's main study, the MLPs.
func Select(scale string, ids ...string) ([]Subject, error) {
	all, err := Subjects(scale)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		ids = usual()
	}
	var out []Subject
	for _, id := range ids {
		i := slices.IndexFunc(all, func(s Subject) bool { return s.ID == id })
		if i < 0 {
			var known []string
			for _, s := range all {
				known = append(known, s.ID)
			}
			return nil, fmt.Errorf("unknown subject %q; of scale %s: %s", id, scale, strings.Join(known, ", "))
		}
		if slices.ContainsFunc(out, func(s Subject) bool { return s.ID == id }) {
			return nil, fmt.Errorf("the subject %q is named twice", id)
		}
		out = append(out, all[i])
	}
	return out, nil
}
