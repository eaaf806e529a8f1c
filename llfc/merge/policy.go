// Package merge makes θ_α of two networks under a policy that says what becomes of their statistics. Blending weights leaves a network
// whose units have other means and deviations than those of either end, and whose batch norms hold statistics that are nobody's: the
// same two networks can then differ by 80 % in accuracy between two policies. So every number along a line names its policy.
package merge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"layerwise/llfc/feed"
)

// Policy says how θ_α is made, as plain data; the zero value interpolates. θ_0 and θ_1 are made by it too, so a barrier compares
// like with like.
type Policy struct {
	Name    string       `json:"name"`              // one of Methods; "" is interpolate
	Folded  bool         `json:"folded,omitempty"`  // batch norms are folded into the linear maps of both ends, and these are blended
	Samples int          `json:"samples,omitempty"` // of the training set, drawn without replacement; 0 is 10,000, or all of a smaller set
	Batch   int          `json:"batch,omitempty"`   // the most samples that a statistic is of; 0 is 500, fewer for large networks
	Seed    int64        `json:"seed,omitempty"`    // which samples, in which order, and how they are augmented
	Augment feed.Augment `json:"augment,omitzero"`  // how the samples are varied
}

// Method is a way of making θ_α.
type Method struct {
	Name, Doc, Source string
	Data              bool // it looks at training samples

	correct func(m *Merger) (correction, error) // nil where no data is looked at
}

// Methods lists the known ways.
func Methods() []Method {
	return []Method{
		{Name: "interpolate", Doc: "every tensor is αθ_A + (1−α)θ_B, running means and variances too; the ends are A and B, bit for bit",
			Source: "the released code of LLFC (arXiv 2307.08286)"},
		{Name: "reset", Doc: "weights are blended; the statistics of batch norms are measured anew, averaged over batches of training samples that go " +
			"through θ_α with the statistics of the batch. A and B are measured anew too",
			Source: "Izmailov et al. 2018 (arXiv 1803.05407); REPAIR (arXiv 2211.08403) for networks with batch norm", Data: true, correct: newReset},
		{Name: "repair", Doc: "the output of every linear map, after its norm and without the logits, gets for each unit the mean αμ_A + (1−α)μ_B " +
			"and the standard deviation ασ_A + (1−α)σ_B, one layer after the other",
			Source: "REPAIR (arXiv 2211.08403)", Data: true, correct: newRepair(true)},
		{Name: "rescale", Doc: "as repair, but each unit is multiplied so that it has the standard deviation ασ_A + (1−α)σ_B; its mean is multiplied with it",
			Source: "Qu & Horvath 2024 (arXiv 2402.05966), RESCALE as released", Data: true, correct: newRepair(false)},
	}
}

// Method returns the method that the policy names.
func (p Policy) Method() (Method, error) {
	name := p.name()
	var known []string
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
		known = append(known, m.Name)
	}
	return Method{}, fmt.Errorf("merge: unknown policy %q; known: %s", p.Name, strings.Join(known, ", "))
}

func (p Policy) name() string {
	if p.Name == "" {
		return "interpolate"
	}
	return p.Name
}

// Check returns nil if the policy means something, whatever the network and the data.
func (p Policy) Check() error {
	m, err := p.Method()
	if err != nil {
		return err
	}
	switch drawn := p; {
	case p.Samples < 0 || p.Samples == 1 || p.Batch < 0 || p.Batch == 1:
		return fmt.Errorf("merge: %s with %d samples in batches of %d; a deviation needs at least 2, and 0 chooses", m.Name, p.Samples, p.Batch)
	case !m.Data:
		drawn.Name, drawn.Folded = "", false
		if drawn != (Policy{}) {
			return fmt.Errorf("merge: %s looks at no data, so it takes no samples, batch, seed or augmentation: %q", m.Name, p)
		}
	case p.Folded && m.Name == resetName:
		return errors.New("merge: reset of folded batch norms: folding moves γ and the running variance into W, and measuring the variance again " +
			"divides by both, so that every unit would lose its γ. Reset the raw norms (without folded), or use \"repair folded\"")
	}
	return nil
}

// String is the policy on one line, as Parse reads it: "reset samples=10000 batch=500".
func (p Policy) String() string {
	words := []string{p.name()}
	if p.Folded {
		words = append(words, "folded")
	}
	for _, w := range []struct {
		name string
		n    int64
	}{{"samples", int64(p.Samples)}, {"batch", int64(p.Batch)}, {"seed", p.Seed}} {
		if w.n != 0 {
			words = append(words, fmt.Sprintf("%s=%d", w.name, w.n))
		}
	}
	if p.Augment != (feed.Augment{}) {
		text, err := json.Marshal(p.Augment)
		if err != nil {
			panic(err) // plain data marshals
		}
		words = append(words, "augment="+string(text))
	}
	return strings.Join(words, " ")
}

// Parse reads what String writes: a method, then any of folded, samples=N, batch=N, seed=N and augment={…}.
func Parse(text string) (Policy, error) {
	var p Policy
	bad := func(word string) (Policy, error) {
		return Policy{}, fmt.Errorf("merge: policy %q: %q is none of folded, samples=N, batch=N, seed=N, augment={…}", text, word)
	}
	for i, word := range strings.Fields(text) {
		name, value, given := strings.Cut(word, "=")
		switch {
		case i == 0:
			p.Name = word
			continue
		case word == "folded":
			p.Folded = true
			continue
		case name == "augment" && given:
			d := json.NewDecoder(strings.NewReader(value))
			d.DisallowUnknownFields()
			if err := d.Decode(&p.Augment); err != nil {
				return Policy{}, fmt.Errorf("merge: policy %q: augment: %w", text, err)
			}
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad(word)
		}
		switch name {
		case "samples":
			p.Samples = n
		case "batch":
			p.Batch = n
		case "seed":
			p.Seed = int64(n)
		default:
			return bad(word)
		}
	}
	return p, p.Check()
}
