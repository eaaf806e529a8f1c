package network

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Spec is a network as plain data: it names a run, and stands in every checkpoint.
type Spec struct {
	Architecture string  `json:"architecture"`       // one of Architectures
	Input        []int   `json:"input"`              // shape of one sample: [H, W, C] or [F]
	Classes      int     `json:"classes"`            // number of logits
	Widths       []int   `json:"widths,omitempty"`   // units of the hidden layers, where the architecture lets them vary
	Depth        int     `json:"depth,omitempty"`    // of a VGG or ResNet, as its name counts: 16, 20
	Width        int     `json:"width,omitempty"`    // channels of the first stage of a VGG or ResNet; the later ones follow
	Norm         string  `json:"norm,omitempty"`     // "batch", "layer", or none
	Shortcut     string  `json:"shortcut,omitempty"` // of a ResNet: "pad", "conv1", "conv3"
	Stem         string  `json:"stem,omitempty"`     // of a bottleneck ResNet: "small", "imagenet"
	Head         []int   `json:"head,omitempty"`     // dense layers of a VGG before the logits
	Dropout      float64 `json:"dropout,omitempty"`  // share of the units of dense hidden layers dropped in training; 0 is none
	Init         string  `json:"init"`               // one of Initialisers
}

// Architecture is an entry of the list of known architectures.
type Architecture struct {
	Name, Doc string
	Default   Spec // for the data of its paper
	Forward   func(Spec) (Forward, error)
}

// Architectures lists the known architectures.
func Architectures() []Architecture { return []Architecture{mlp, lenet, vgg, resnet, bottleneck} }

// New builds the network that a spec describes; a spec that fits no architecture is an error that says why.
func New(s Spec) (Network, error) { return NewContext(context.Background(), s) }

// NewContext is New for a network that takes long to describe: it ends when ctx does.
func NewContext(ctx context.Context, s Spec) (Network, error) {
	return build(s, within(ctx))
}

// NewOf builds the network of a spec that came with its weights. A spec that asks for far more numbers than these are is an error before it
// costs anything.
func NewOf(s Spec, theta Params) (Network, error) {
	b := within(context.Background())
	if most := float64(2*theta.Count() + 1<<20); most < b.numbers { // with room for a tensor that is missing, which has a better error
		b.numbers, b.of = most, fmt.Sprintf("%d numbers of weights allow for", theta.Count())
	}
	return build(s, b)
}

func build(s Spec, b bounds) (Network, error) {
	a, err := architecture(s.Architecture)
	if err != nil {
		return Network{}, err
	}
	f, err := a.Forward(s)
	if err != nil {
		return Network{}, fmt.Errorf("network %q: %w", s.Architecture, err)
	}
	n := Network{Spec: s, Forward: f}
	if _, err := n.describe(b); err != nil {
		return Network{}, err
	}
	return n, nil
}

// Default returns the spec of a named network: an architecture with its default sizes, or one of the networks of the literature in Named.
func Default(name string) (Spec, error) {
	known := Named()
	i := slices.IndexFunc(known, func(n NamedSpec) bool { return n.Name == name })
	if i < 0 {
		var names []string
		for _, n := range known {
			names = append(names, n.Name)
		}
		return Spec{}, fmt.Errorf("unknown network %q; known: %s", name, strings.Join(names, ", "))
	}
	return known[i].Spec, nil
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

// only returns an error if the spec sets a size that the architecture does not have, or leaves its width out.
func (s Spec) only(fields ...string) error {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"widths", len(s.Widths) > 0}, {"depth", s.Depth != 0}, {"width", s.Width != 0}, {"norm", s.Norm != ""}, {"shortcut", s.Shortcut != ""},
		{"stem", s.Stem != ""}, {"head", len(s.Head) > 0}, {"dropout", s.Dropout != 0},
	} {
		if f.set && !slices.Contains(fields, f.name) {
			if len(fields) == 0 {
				return fmt.Errorf("%s given, but the sizes of this architecture are fixed", f.name)
			}
			return fmt.Errorf("%s is given, but this architecture has only: %s", f.name, strings.Join(fields, ", "))
		}
	}
	if slices.Contains(fields, "width") && s.Width < 1 {
		return fmt.Errorf("width %d; it must be at least 1", s.Width)
	}
	if s.Width > maxUnits {
		return tooLarge("width %d; a network may have at most %d units", s.Width, maxUnits)
	}
	return nil
}
