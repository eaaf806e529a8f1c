package foreign

import (
	"slices"

	"layerwise/llfc/network"
)

// candidates are the networks that the numbers and sizes of layers allow.
func (m modules) candidates(input []int) (out []network.Spec) {
	if len(m.matrices) == 0 {
		return nil
	}
	classes := m.matrices[len(m.matrices)-1].weight().Shape[0]
	var units []int // of the dense layers before the logits
	for _, x := range m.matrices[:len(m.matrices)-1] {
		units = append(units, x.weight().Shape[0])
	}
	add := func(s network.Spec, usual []int) {
		if s.Input, s.Classes = usual, classes; input != nil {
			s.Input = input
		}
		out = append(out, s)
	}
	if len(m.kernels) == 0 {
		if len(units) > 0 && len(m.norms) == 0 {
			add(network.Spec{Architecture: "mlp", Widths: units, Init: "torch"}, image(m.matrices[0].weight().Shape[1]))
		}
		return out
	}
	first := m.kernels[0].weight().Shape // [out, in, kh, kw]
	width, channels := first[0], first[1]
	norm := ""
	if len(m.norms) > 0 {
		norm = "batch"
	}
	square := map[int]int{} // size of the kernel → how many
	for _, x := range m.kernels {
		square[x.weight().Shape[2]]++
	}
	three, one := square[3], square[1]
	if first[2] == 5 && len(m.kernels) == 2 {
		add(network.Spec{Architecture: "lenet", Init: "torch"}, []int{28, 28, channels})
	}
	if depth := map[int]int{8: 11, 10: 13, 13: 16, 16: 19}[three]; depth > 0 && three == len(m.kernels) {
		add(network.Spec{Architecture: "vgg", Depth: depth, Width: width, Norm: norm, Head: units, Init: "kaiming-out"}, []int{32, 32, channels})
	}
	if len(units) > 0 {
		return out
	}
	for _, r := range []struct {
		shortcut    string
		three, ones int // convolutions of the shortcuts
	}{{"pad", 0, 0}, {"conv1", 0, 2}, {"conv3", 2, 0}} {
		if n := three - r.three - 1; n > 0 && n%6 == 0 && one == r.ones && three+one == len(m.kernels) {
			add(network.Spec{Architecture: "resnet", Depth: n + 2, Width: width, Norm: norm, Shortcut: r.shortcut, Init: "kaiming"}, []int{32, 32, channels})
		}
	}
	if depth := map[int]int{29: 26, 53: 50, 104: 101, 155: 152}[len(m.kernels)]; depth > 0 && one > three {
		stem, side := "small", 64
		if first[2] == 7 {
			stem, side = "imagenet", 224
		}
		add(network.Spec{Architecture: "bottleneck", Depth: depth, Width: width, Norm: norm, Stem: stem, Init: "kaiming"}, []int{side, side, channels})
	}
	return out
}

// image is the shape of a sample of so many numbers, where that is known.
func image(n int) []int {
	for _, shape := range [][]int{{28, 28, 1}, {32, 32, 3}, {8, 8, 1}, {64, 64, 3}} {
		if n == shape[0]*shape[1]*shape[2] {
			return slices.Clone(shape)
		}
	}
	return []int{n}
}
