package network

import "fmt"

// vgg is Simonyan & Zisserman's network in its CIFAR form.
var vgg = Architecture{
	builtIn: true,
	Name:    "vgg",
	Doc: "VGG-11, 13, 16 or 19 (depth), stages of 1, 2, 4, 8 and 8 times width channels, norm batch or none; head 4096,4096 as in the authors' code, " +
		"none as in OpenLTH",
	Default: Spec{Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 10, Depth: 16, Width: 64, Norm: "batch", Init: "kaiming-out"},
	Forward: func(s Spec) (Forward, error) {
		convs, ok := map[int][]int{11: {1, 1, 2, 2, 2}, 13: {2, 2, 2, 2, 2}, 16: {2, 2, 3, 3, 3}, 19: {2, 2, 4, 4, 4}}[s.Depth]
		if !ok {
			return nil, fmt.Errorf("depth %d; known: 11, 13, 16, 19", s.Depth)
		}
		if err := s.only("depth", "width", "norm", "head", "dropout"); err != nil {
			return nil, err
		}
		return VGG(convs, s.Width, s.Norm, s.Head, s.Dropout), nil
	},
}

// VGG has one stage of 3×3 convolutions for each entry of convs, of width, 2, 4, 8, 8 … times width channels, and pools after each. With a
// head of dense layers the last pool is a maximum, as in the authors' code; without one it is the mean, as in OpenLTH.
func VGG(convs []int, width int, norm string, head []int, dropout float64) Forward {
	return func(x X) X {
		for s, n := range convs {
			for i := range n {
				x = x.Conv(fmt.Sprintf("conv%d_%d", s+1, i+1), width<<min(s, 3), Kernel{Size: 3, Pad: 1}).Norm(norm).ReLU()
			}
			if s < len(convs)-1 || len(head) > 0 {
				x = x.MaxPool(2)
			}
		}
		x = x.Mean()
		for i, units := range head {
			x = x.Dense(fmt.Sprintf("fc%d", i+1), units).ReLU().Dropout(dropout)
		}
		return x.Dense("logits", x.Classes())
	}
}
