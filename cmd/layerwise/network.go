package main

import (
	"context"
	"fmt"
	"strings"

	"layerwise/llfc/network"
)

// specFlag is a flag that sets a field of a network's spec.
type specFlag struct {
	name string
	set  func(*network.Spec)
}

// networkFlags declares the flags that change the sizes of a named network. It returns a function that applies the given flags, and those of
// more, to a spec and checks that the result is a network.
func (c *command) networkFlags(more ...specFlag) func(context.Context, network.Spec) (network.Spec, error) {
	var initialisers []string
	for _, in := range network.Initialisers() {
		initialisers = append(initialisers, in.Name)
	}
	widths := c.sizes("widths", "of an MLP: `units` of the hidden layers, such as 512,512,512")
	depth := c.count("depth", 0, 1, "of a VGG or ResNet: `layers`, as its name counts them, such as 16 or 20")
	width := c.count("width", 0, 1, "of a VGG or ResNet: `channels` of the first stage; the later ones follow")
	norm := c.choice("norm", "", "of a VGG or ResNet: batch, layer or none, by `name`", "batch", "layer", "none")
	shortcut := c.String("shortcut", "", "of a ResNet: pad (option A), conv1 or conv3 (projections), by `name`")
	stem := c.String("stem", "", "of a bottleneck ResNet: small (3×3) or imagenet (7×7, then a pool), by `name`")
	head := c.sizes("head", "of a VGG: `units` of the dense layers before the logits, such as 4096,4096")
	dropout := c.real("dropout", 0, 0, 0.999, "the `share` of units that dense hidden layers drop in training")
	initial := c.choice("init", "", "the initialiser, by `name`: "+strings.Join(initialisers, ", ")+"; by default the network's own", initialisers...)
	flags := append([]specFlag{
		{"widths", func(s *network.Spec) { s.Widths = *widths }},
		{"depth", func(s *network.Spec) { s.Depth = *depth }},
		{"width", func(s *network.Spec) { s.Width = *width }},
		{"norm", func(s *network.Spec) {
			s.Norm = *norm
			if *norm == "none" {
				s.Norm = ""
			}
		}},
		{"shortcut", func(s *network.Spec) { s.Shortcut = *shortcut }},
		{"stem", func(s *network.Spec) { s.Stem = *stem }},
		{"head", func(s *network.Spec) { s.Head = *head }},
		{"dropout", func(s *network.Spec) { s.Dropout = *dropout }},
		{"init", func(s *network.Spec) { s.Init = *initial }},
	}, more...)
	return func(ctx context.Context, s network.Spec) (network.Spec, error) {
		var given []string // for the message: the error of a network names fields, but the user typed flags
		for _, f := range flags {
			if c.set(f.name) {
				f.set(&s)
				given = append(given, "--"+f.name+" "+c.Lookup(f.name).Value.String())
			}
		}
		_, err := network.NewContext(ctx, s)
		if err != nil && len(given) > 0 {
			err = fmt.Errorf("%s: %w", strings.Join(given, " "), err)
		}
		return s, c.fault(err)
	}
}

// networkNames lists the names that network.Default knows, as text.
func networkNames() string {
	var names []string
	for _, n := range network.Named() {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}
