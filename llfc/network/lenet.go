package network

// lenet is the convolutional network of the authors' released code: 61,706 parameters on MNIST.
var lenet = Architecture{
	builtIn: true,
	Name:    "lenet",
	Doc:     "LeNet-5 with ReLU and max pooling (authors' code)",
	Default: Spec{Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 10, Init: "torch"},
	Forward: func(s Spec) (Forward, error) { return LeNet, s.only() },
}

// LeNet is two convolutions and three dense layers.
func LeNet(x X) X {
	x = x.Conv("conv1", 6, Kernel{Size: 5, Pad: 2}).ReLU().MaxPool(2)
	x = x.Conv("conv2", 16, Kernel{Size: 5}).ReLU().MaxPool(2)
	x = x.Flatten().Dense("fc1", 120).ReLU().Dense("fc2", 84).ReLU()
	return x.Dense("logits", x.Classes())
}
