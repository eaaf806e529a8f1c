package network

import (
	"errors"
	"fmt"
)

// mlp is the fully connected network of the paper's MNIST experiments: 784-512-512-512-10 by default, ReLU, biases.
var mlp = Architecture{
	builtIn: true,
	Name:    "mlp",
	Doc:     "fully connected with ReLU, any widths (paper, App. B.1: three hidden layers of 512)",
	Default: Spec{Architecture: "mlp", Input: []int{28, 28, 1}, Classes: 10, Widths: []int{512, 512, 512}, Init: "torch"},
	Forward: func(s Spec) (Forward, error) {
		if len(s.Widths) == 0 {
			return nil, errors.New("no widths given; one for each hidden layer, such as 512,512,512")
		}
		return MLP(s.Widths, s.Dropout), s.only("widths", "dropout")
	},
}

// MLP is a fully connected network with hidden layers fc1, fc2, … of these widths.
func MLP(widths []int, dropout float64) Forward {
	return func(x X) X {
		x = x.Flatten()
		for i, w := range widths {
			x = x.Dense(fmt.Sprintf("fc%d", i+1), w).ReLU().Dropout(dropout)
		}
		return x.Dense("logits", x.Classes())
	}
}
