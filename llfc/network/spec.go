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
	Architecture string  `json:"architecture"`       // one of Architectures, or one of your own
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
	Identity     string  `json:"identity,omitempty"` // of an architecture of your own, see Network.Identity; New fills it in
}

// Architecture is a family of networks, one for every Spec that it accepts. One of your own is a value like those of Architectures, which
// whoever makes its networks is given (New, the lab): a Name of letters, digits and ".-_", and Forward. Custom makes one of a
// single forward function.
type Architecture struct {
	Name, Doc string
	Default   Spec                        // for the data of its paper; of one of your own, only Init is looked at
	Forward   func(Spec) (Forward, error) // an error says which size does not fit

	builtIn bool
}

// Architectures lists the known architectures.
func Architectures() []Architecture { return []Architecture{mlp, lenet, vgg, resnet, bottleneck} }

// New builds the network that a spec describes, of a built-in architecture or one of your own; a spec that fits none is an error that
// says why.
func New(s Spec, own ...Architecture) (Network, error) {
	return NewContext(context.Background(), s, own...)
}

// NewContext is New for a network that takes long to describe: it ends when ctx does.
func NewContext(ctx context.Context, s Spec, own ...Architecture) (Network, error) {
	return build(s, within(ctx), own)
}

// NewOf builds the network of a spec that came with its weights. A spec that asks for far more numbers than these are is an error before it
// costs anything.
func NewOf(s Spec, theta Params, own ...Architecture) (Network, error) {
	return NewWithin(s, theta.Count(), own...)
}

// NewWithin is NewOf for weights of which only the count of numbers is known yet.
func NewWithin(s Spec, numbers int, own ...Architecture) (Network, error) {
	b := within(context.Background())
	if most := 2*float64(numbers) + 1<<20; most < b.numbers { // with room for a tensor that is missing, which has a better error
		b.numbers, b.of = most, fmt.Sprintf("%d numbers of weights allow for", numbers)
	}
	return build(s, b, own)
}

func build(s Spec, b bounds, own []Architecture) (Network, error) {
	a, err := architecture(s, own)
	if err != nil {
		return Network{}, err
	}
	return a.new(s, b)
}

// New builds the network of this architecture that a spec describes; its field Architecture may be left out.
func (a Architecture) New(s Spec) (Network, error) { return a.new(s, within(context.Background())) }

func (a Architecture) new(s Spec, b bounds) (Network, error) {
	if err := a.Check(); err != nil {
		return Network{}, err
	}
	if s.Architecture == "" {
		s.Architecture = a.Name
	}
	if s.Architecture != a.Name {
		return Network{}, fmt.Errorf("network %q: the spec is of the architecture %q", a.Name, s.Architecture)
	}
	if !a.builtIn {
		return a.own(s, b)
	}
	if s.Identity != "" {
		return Network{}, fmt.Errorf("network %q: the identity %.16q is given, but the architecture is built in and has none", a.Name, s.Identity)
	}
	return a.build(s, b)
}

func (a Architecture) build(s Spec, b bounds) (Network, error) {
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

func architecture(s Spec, own []Architecture) (Architecture, error) {
	var known []string
	for _, a := range slices.Concat(Architectures(), own) {
		if a.Name == s.Architecture {
			return a, nil
		}
		known = append(known, a.Name)
	}
	if s.Identity != "" {
		return Architecture{}, fmt.Errorf("the network %q, identity %.16s, is not built in, and this program has not been given its forward function f; give network.Custom(%q, f) to Lab.AddNetwork, LoadCheckpoint or network.New",
			s.Architecture, s.Identity, s.Architecture)
	}
	return Architecture{}, fmt.Errorf("unknown network %q; known: %s, and those of your own that Lab.AddNetwork or network.New is given", s.Architecture, strings.Join(known, ", "))
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
