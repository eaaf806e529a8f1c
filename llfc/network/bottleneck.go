package network

import "fmt"

// bottleneck is He et al.'s ImageNet network of three-layer blocks.
var bottleneck = Architecture{
	builtIn: true,
	Name:    "bottleneck",
	Doc: "ResNet-50, 101 or 152 (26 for tests) of bottleneck blocks with 1×1 projections; stem imagenet (7×7 with stride 2, then a pool) or small (3×3, " +
		"for images of 32 or 64 pixels)",
	Default: Spec{Architecture: "bottleneck", Input: []int{64, 64, 3}, Classes: 200, Depth: 50, Width: 64, Norm: "batch", Stem: "small", Init: "kaiming"},
	Forward: func(s Spec) (Forward, error) {
		blocks, ok := map[int][]int{26: {2, 2, 2, 2}, 50: {3, 4, 6, 3}, 101: {3, 4, 23, 3}, 152: {3, 8, 36, 3}}[s.Depth]
		if !ok {
			return nil, fmt.Errorf("depth %d; known: 26, 50, 101, 152", s.Depth)
		}
		if err := s.only("depth", "width", "norm", "stem"); err != nil {
			return nil, err
		}
		stem, ok := stems[s.Stem]
		if !ok {
			return nil, fmt.Errorf("stem %q; known: imagenet, small", s.Stem)
		}
		return Bottleneck(blocks, s.Width, s.Norm, stem), nil
	},
}

// stems are the layers before the first block.
var stems = map[string]func(x X, width int, norm string) X{
	"small": func(x X, width int, norm string) X {
		return x.Conv("conv1", width, Kernel{Size: 3, Pad: 1, NoBias: true}).Norm(norm).ReLU()
	},
	"imagenet": func(x X, width int, norm string) X {
		x = x.Conv("conv1", width, Kernel{Size: 7, Stride: 2, Pad: 3, NoBias: true}).Norm(norm).ReLU()
		return x.MaxPoolOver(Kernel{Size: 3, Stride: 2, Pad: 1})
	},
}

// Bottleneck has one stage for each entry of blocks; stage s has blocks of 1×1, 3×3 and 1×1 convolutions with width·2ˢ, width·2ˢ and
// 4·width·2ˢ channels. The stride of a stage is in the 3×3 convolution of its first block, as in torchvision.
func Bottleneck(blocks []int, width int, norm string, stem func(x X, width int, norm string) X) Forward {
	return func(x X) X {
		one, three := Kernel{Size: 1, NoBias: true}, Kernel{Size: 3, Pad: 1, NoBias: true}
		x = stem(x, width, norm)
		for s, n := range blocks {
			for b := range n {
				name, units, stride := fmt.Sprintf("layer%d.%d", s+1, b), width<<s, 1
				if s > 0 && b == 0 {
					stride = 2
				}
				y := x.Conv(name+"/conv1", units, one).Norm(norm).ReLU()
				y = y.Conv(name+"/conv2", units, three.by(stride)).Norm(norm).ReLU()
				y = y.Conv(name+"/conv3", 4*units, one).Norm(norm)
				x = y.Add(shortcuts["conv1"](x, name, 4*units, stride, norm)).As(name + "/sum").ReLU().As(name)
			}
		}
		return x.Mean().Dense("logits", x.Classes())
	}
}
