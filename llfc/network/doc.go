// Package network holds f and θ: architectures, each written once as a forward function, and everything that follows from it: parameters
// and their initialisation, taps, cost, and permutation symmetry.
//
// # A network is one function
//
// A [Forward] takes a value [X], applies layers to it by chained calls, and returns the logits:
//
//	func small(x network.X) network.X {
//		x = x.Conv("conv", 8, network.Kernel{Size: 3, Pad: 1}).BatchNorm().ReLU().MaxPool(2)
//		return x.Flatten().Dense("logits", x.Classes())
//	}
//
// An X always knows its name, the shape of one sample and its units, and holds a graph node only where there is one. So the same function
// describes a network (no node, no backend: [Network.Describe]), computes it and trains it ([Model.Trace] inside a graph), and computes what
// follows a tap ([Model.LogitsFrom], which is stitching). It must do the same each time: no chance, nothing kept between calls.
//
// Names are strings and those of the layers in every table; layers without a name of their own take that of their input: "conv/bn/relu".
// Shapes in this documentation are those of one sample, [H, W, C] or [F]; in a graph the batch comes first. Operations panic with an error
// that names the layer; [Network.Describe], [New] and everything else on the host return it.
//
// # From a function to numbers
//
//	n, err := network.Custom("small", small).New(network.Spec{Input: []int{8, 8, 1}, Classes: 10})
//	s, err := n.Symmetry()                        // which permutation moves which axis
//	f, err := network.Compile(b, n)               // on a backend; takes any θ
//	theta, err := f.Init(1)                       // θ₀ from a seed
//	moved, err := s.Apply(s.Random(1), theta)     // π(θ)
//	y, err := f.Logits(moved, x)                  // as those of theta
//
// [Params] are values: nothing changes one in place. A [Network] is made once; only its Spec.Init may be changed afterwards. A [Model] is
// safe for concurrent use. Built-in architectures have a [Spec] to be made from, see [Architectures], [Default] and [New].
//
// # Symmetry
//
// A unit is one index of the last axis of a value. Units that begin together and are used alike form a group, whose members can change places
// without changing the function. What becomes of units:
//
//	Dense, Conv, NewUnits                   make new ones, a group of the layer's name
//	norms, activations, pools, Mean, Every,
//	Dropout, As, Elementwise, Pool          keep them
//	Flatten                                 repeats them at every position
//	Add, Mul                                make those of two values one, place by place
//	Concat, ZeroUnits                       put them side by side
//	Linear                                  as its axes say
//	Fix, and the network's input and output hold them in place
//
// # Layers of your own
//
// [X.Elementwise] is an activation, [X.Pool] works along positions, [X.Linear] is any linear map with a weight: it says which axis of the
// weight carries which units. All that is derived for built-in layers is derived for them, and [Model.Prove] tries on random weights
// whether it is so: that permuting units changes nothing, and that linear maps are linear. The lab does this before it trains.
//
// # Identity
//
// A built-in network is named by its Spec. One of your own has no code that could be stored, so it is named by its name and by what it
// describes: [Network.Identity] is a hash of all operations in order with their settings, parameters, taps and symmetry
// ([Network.Canonical] is the text). The same code has the same identity everywhere; another width, order or name of a layer another one.
// What a function of your own computes inside of Elementwise, Pool or Linear cannot be seen. Its name can, and so can a version that
// follows an @: write "swish@2" when the code changes, or runs of the old code are taken for those of the new.
package network
