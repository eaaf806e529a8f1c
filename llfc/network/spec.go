package network

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Spec is a network as plain data: it names a run, and stands in every checkpoint.
type Spec struct {
	Architecture string  `json:"architecture"`      // one of Architectures
	Input        []int   `json:"input"`             // shape of one sample: [H, W, C] or [F]
	Classes      int     `json:"classes"`           // number of logits
	Widths       []int   `json:"widths,omitempty"`  // units of the hidden layers, where the architecture lets them vary
	Dropout      float64 `json:"dropout,omitempty"` // share of hidden units dropped in training; 0 is none
	Init         string  `json:"init"`              // one of Initialisers
}

// Architecture is an entry of the list of known architectures.
type Architecture struct {
	Name, Doc string
	Default   Spec // for MNIST
	Forward   func(Spec) (Forward, error)
}

// Architectures lists the known architectures.
func Architectures() []Architecture { return []Architecture{mlp, lenet} }

// New builds the network that a spec describes; a spec that fits no architecture is an error that says why.
func New(s Spec) (Network, error) {
	a, err := architecture(s.Architecture)
	if err != nil {
		return Network{}, err
	}
	f, err := a.Forward(s)
	if err != nil {
		return Network{}, fmt.Errorf("network %q: %w", s.Architecture, err)
	}
	n := Network{Spec: s, Forward: f}
	if _, err := n.Describe(); err != nil {
		return Network{}, err
	}
	return n, nil
}

// Default returns the default spec of an architecture, for MNIST.
func Default(name string) (Spec, error) {
	a, err := architecture(name)
	if err != nil {
		return Spec{}, err
	}
	s := a.Default
	s.Input, s.Widths = slices.Clone(s.Input), slices.Clone(s.Widths)
	return s, nil
}

func architecture(name string) (Architecture, error) {
	var known []string
	for _, a := range Architectures() {
		if a.Name == name {
			return a, nil
		}
		known = append(known, a.Name)
	}
	return Architecture{}, fmt.Errorf("unknown network %q; known: %s", name, strings.Join(known, ", "))
}

// ParseSpec reads a spec from the JSON that a checkpoint carries under "network". Unknown fields are an error: a
// description that is only half understood is not this network.
func ParseSpec(text string) (Spec, error) {
	var s Spec
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Spec{}, fmt.Errorf("network description %.200q: %w", text, err)
	}
	return s, nil
}

// JSON returns the spec as ParseSpec reads it.
func (s Spec) JSON() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data marshals
	}
	return string(text)
}

// noWidths is the error of an architecture whose sizes are fixed.
func noWidths(s Spec) error {
	if len(s.Widths) > 0 {
		return fmt.Errorf("widths %v given, but the sizes of this architecture are fixed", s.Widths)
	}
	return nil
}
