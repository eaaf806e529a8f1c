// Package reproduce runs the paper's experiments and writes the report: train or load the pairs, measure them, check the claims, draw.
package reproduce

import (
	"fmt"
	"strings"

	"layerwise/llfc"
)

// Scale is how much of the paper a run affords. What it measures is the same at every scale.
type Scale struct {
	Name, About  string
	Spawned      llfc.Setting // of spawned and independent pairs
	Permuted     llfc.Setting // of permuted pairs, and of the independent ones they are made from
	SpawnEpochs  []float64    // spawned pairs part after so many epochs; the first is the paper's k = 0
	Seeds        []int64
	Alphas       int // points of the path, both ends counted; odd, so that ½ is among them
	TrainSamples int // of the training split, for the path on it; 0 is all
}

// Scales lists the scales: smoke for tests, quick for a laptop, paper for the paper's own settings and data.
func Scales() []Scale {
	return []Scale{smoke(), quick(), paper()}
}

// ScaleByName finds a scale.
func ScaleByName(name string) (Scale, error) {
	return byName(Scales(), name, func(s Scale) string { return s.Name })
}

func byName[S any](scales []S, name string, of func(S) string) (S, error) {
	var known []string
	for _, s := range scales {
		if of(s) == name {
			return s, nil
		}
		known = append(known, of(s))
	}
	var none S
	return none, fmt.Errorf("unknown scale %q; known: %s", name, strings.Join(known, ", "))
}

func paper() Scale {
	return Scale{
		Name: "paper", About: "the paper's own settings for the MLP on MNIST (about an hour on 2 cores)",
		Spawned: llfc.MLPMNIST(), Permuted: llfc.MLPMNISTPermuted(),
		SpawnEpochs: []float64{0, 5}, Seeds: []int64{1, 2, 3}, Alphas: 21, TrainSamples: 10000,
	}
}

// quick keeps the paper's network and optimisers on the embedded digits, with more epochs for a set that is 42 times smaller.
func quick() Scale {
	s := paper()
	s.Name, s.About = "quick", "the paper's network on the embedded digits (minutes on 2 cores)"
	onDigits(&s.Spawned)
	onDigits(&s.Permuted)
	s.Spawned.Train.Epochs = 100
	s.Permuted.Train.Batch = 60
	s.SpawnEpochs, s.TrainSamples = []float64{0, 10}, 0
	return s
}

// smoke runs every line of code in seconds; its networks are too small for the claims to mean much.
func smoke() Scale {
	s := quick()
	s.Name, s.About = "smoke", "everything once, tiny, to see that it runs (seconds)"
	s.Spawned, s.Permuted = s.Spawned.Smoke(), s.Permuted.Smoke()
	s.SpawnEpochs, s.Seeds, s.Alphas = []float64{0, 2}, []int64{1, 2}, 5
	return s
}

func onDigits(s *llfc.Setting) {
	s.Data = "digits"
	s.Name = strings.Replace(s.Name, "MNIST", "digits", 1)
}
