package network

import "fmt"

// resnet is He et al.'s CIFAR network and Git Re-Basin's variant of it.
var resnet = Architecture{
	builtIn: true,
	Name:    "resnet",
	Doc: "CIFAR ResNet of depth 6n+2 (20, 32, 44, 56, 110), stages of 1, 2 and 4 times width channels; shortcut pad (option A, the paper), conv1 (1×1), " +
		"conv3 (3×3, Git Re-Basin); norm batch or layer",
	Default: Spec{Architecture: "resnet", Input: []int{32, 32, 3}, Classes: 10, Depth: 20, Width: 16, Norm: "batch", Shortcut: "pad", Init: "kaiming"},
	Forward: func(s Spec) (Forward, error) {
		if s.Depth < 8 || (s.Depth-2)%6 != 0 {
			return nil, fmt.Errorf("depth %d; it must be 6n + 2: 8, 14, 20, 32, 44, 56, 110", s.Depth)
		}
		if least := s.Depth / 2 * 5; least > maxTaps { // in a block of two layers
			return nil, tooLarge("depth %d: at least %d named values, and a network may have %d", s.Depth, least, maxTaps)
		}
		if err := s.only("depth", "width", "norm", "shortcut"); err != nil {
			return nil, err
		}
		shortcut, ok := shortcuts[s.Shortcut]
		if !ok {
			return nil, fmt.Errorf("shortcut %q; known: pad, conv1, conv3", s.Shortcut)
		}
		return ResNet((s.Depth-2)/6, s.Width, s.Norm, shortcut), nil
	},
}

// Shortcut takes the input x of a block to the shape of its output y, [H/stride, W/stride, units].
type Shortcut func(x X, name string, units, stride int, norm string) X

// shortcuts are the ways around a block; each is the identity where the shapes agree already.
var shortcuts = map[string]Shortcut{
	"pad": func(x X, _ string, units, stride int, _ string) X {
		extra := units - x.Units()
		return x.Every(stride).ZeroUnits(extra/2, extra-extra/2)
	},
	"conv1": projection(Kernel{Size: 1, NoBias: true}),
	"conv3": projection(Kernel{Size: 3, Pad: 1, NoBias: true, Late: true}),
}

// projection is a convolution with a norm.
func projection(k Kernel) Shortcut {
	return func(x X, name string, units, stride int, norm string) X {
		if stride == 1 && units == x.Units() {
			return x
		}
		return x.Conv(name+"/short", units, k.by(stride)).Norm(norm)
	}
}

// ResNet has three stages of n blocks of two 3×3 convolutions; the second and third stage begin with stride 2 and twice the channels.
func ResNet(n, width int, norm string, shortcut Shortcut) Forward {
	return func(x X) X {
		three := Kernel{Size: 3, Pad: 1, NoBias: true, Late: norm == "layer"} // Flax pads late
		x = x.Conv("conv1", width, three.by(1)).Norm(norm).ReLU()
		for s := range 3 {
			for b := range n {
				name, units, stride := fmt.Sprintf("layer%d.%d", s+1, b), width<<s, 1
				if s > 0 && b == 0 {
					stride = 2
				}
				y := x.Conv(name+"/conv1", units, three.by(stride)).Norm(norm).ReLU()
				y = y.Conv(name+"/conv2", units, three.by(1)).Norm(norm)
				x = y.Add(shortcut(x, name, units, stride, norm)).As(name + "/sum").ReLU().As(name)
			}
		}
		return x.Mean().Dense("logits", x.Classes())
	}
}
