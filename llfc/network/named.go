package network

import (
	"fmt"
	"slices"
)

// NamedSpec is a network of the literature.
type NamedSpec struct {
	Name string
	Spec Spec
}

// Named lists every name that Default knows: the architectures, then the paper's networks, Git Re-Basin's and their kin.
func Named() []NamedSpec {
	var out []NamedSpec
	add := func(name string, s Spec) {
		s.Input, s.Widths, s.Head = slices.Clone(s.Input), slices.Clone(s.Widths), slices.Clone(s.Head)
		out = append(out, NamedSpec{name, s})
	}
	for _, a := range Architectures() {
		add(a.Name, a.Default)
	}
	for _, depth := range []int{11, 13, 16, 19} {
		s := vgg.Default
		s.Depth = depth
		add(fmt.Sprintf("vgg%d-bn", depth), s)
		s.Norm = ""
		add(fmt.Sprintf("vgg%d", depth), s)
	}
	for _, depth := range []int{20, 32, 44, 56, 110} {
		s := resnet.Default
		s.Depth = depth
		add(fmt.Sprintf("resnet%d", depth), s)
	}
	s := resnet.Default
	s.Norm, s.Shortcut, s.Init = "layer", "conv3", "lecun"
	add("resnet20-ln", s)
	add("resnet50", bottleneck.Default)
	return out
}
