package network

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// The numbers of trainable parameters that the literature gives.
func TestPublishedParameterCounts(t *testing.T) {
	with := func(name string, change func(*Spec)) Spec {
		s := must[Spec](t)(Default(name))
		change(&s)
		return s
	}
	head := func(s *Spec) { s.Head, s.Dropout = []int{4096, 4096}, 0.5 }
	for name, c := range map[string]struct {
		spec Spec
		want int
	}{
		"VGG-16-BN, the authors' code":        {with("vgg16-bn", head), 33646666},
		"VGG-16, the authors' code":           {with("vgg16", head), 33638218},
		"VGG-11, torchvision on ImageNet's":   {with("vgg11", func(s *Spec) {}), 9225610},     // 9,220,480 of the convolutions + 5,130
		"VGG-19-BN, one dense layer":          {with("vgg19-bn", func(s *Spec) {}), 20040522}, // of the widely used CIFAR collections
		"ResNet-20":                           {with("resnet20", func(s *Spec) {}), 269722},
		"ResNet-32":                           {with("resnet32", func(s *Spec) {}), 464154},
		"ResNet-44":                           {with("resnet44", func(s *Spec) {}), 658586},
		"ResNet-56":                           {with("resnet56", func(s *Spec) {}), 853018},
		"ResNet-110":                          {with("resnet110", func(s *Spec) {}), 1727962},
		"ResNet-50 on ImageNet, torchvision":  {with("resnet50", func(s *Spec) { s.Stem, s.Input, s.Classes = "imagenet", []int{224, 224, 3}, 1000 }), 25557032},
		"ResNet-101 on ImageNet, torchvision": {with("resnet50", func(s *Spec) { s.Depth, s.Stem, s.Input, s.Classes = 101, "imagenet", []int{224, 224, 3}, 1000 }), 44549160},
		"ResNet-50 with a 3×3 stem, CIFAR-10": {with("resnet50", func(s *Spec) { s.Classes = 10 }), 23520842},
	} {
		n := must[Network](t)(New(c.spec))
		if got := must[Description](t)(n.Description()).Count; got != c.want {
			t.Errorf("%s has %d parameters, expected %d", name, got, c.want)
		}
	}
	// Git Re-Basin's, in millions, cut after the last digit, by width.
	for m, want := range map[int]string{1: "0.29", 2: "1.16", 4: "4.65", 8: "18.6", 32: "297"} {
		n := must[Network](t)(New(with("resnet20-ln", func(s *Spec) { s.Width *= m })))
		if got := millions(must[Description](t)(n.Description()).Count); !strings.HasPrefix(got, want) {
			t.Errorf("ResNet-20-LN at width %d has %s million parameters, expected %s", m, got, want)
		}
	}
}

func millions(n int) string {
	text := string(rune('0' + n/1e6%10))
	for m := n / 1e7; m > 0; m /= 10 {
		text = string(rune('0'+m%10)) + text
	}
	text += "."
	for rest := n % 1e6; len(text) < 6; rest = rest * 10 % 1e6 {
		text += string(rune('0' + rest*10/1e6))
	}
	return text
}

// Every ReLU is a tap, and a block's output is one under the block's name.
func TestEveryReLUIsATap(t *testing.T) {
	for name, relus := range map[string]int{"vgg16-bn": 13, "resnet20": 19, "resnet20-ln": 19, "resnet50": 49} {
		d := must[*Trace](t)(must[Network](t)(New(must[Spec](t)(Default(name)))).Describe())
		var taps []string
		for _, p := range d.Taps {
			if p.Kind == "act" {
				taps = append(taps, p.Name)
			}
		}
		if len(taps) != relus || len(d.Acts) != relus {
			t.Errorf("%s: %d taps of ReLUs and %d ReLUs, expected %d", name, len(taps), len(d.Acts), relus)
		}
		for i, a := range d.Acts {
			if a.Name != taps[i] {
				t.Errorf("%s: the ReLU %q has the tap %q", name, a.Name, taps[i])
			}
		}
		if strings.HasPrefix(name, "resnet") && !slices.Contains(taps, "layer1.0") {
			t.Errorf("%s: no tap layer1.0 among %q", name, taps)
		}
	}
}

// Residual streams share one group; a projection begins a new stream, a padded shortcut carries the old units on between new ones.
func TestGroupsOfResidualStreams(t *testing.T) {
	for name, want := range map[string]string{
		"resnet": "conv1 4, layer1.0/conv1 4, layer1.1/conv1 4, layer2.0/conv1 8, layer2.0/conv2 4, layer2.1/conv1 8, " +
			"layer3.0/conv1 16, layer3.0/conv2 8, layer3.1/conv1 16",
		"resnet-ln": "conv1 5, layer1.0/conv1 5, layer2.0/conv1 10, layer2.0/conv2 10, layer3.0/conv1 20, layer3.0/conv2 20",
		"resnet 1":  "conv1 3, layer1.0/conv1 3, layer2.0/conv1 6, layer2.0/conv2 6, layer3.0/conv1 12, layer3.0/conv2 12",
	} {
		s := must[Symmetry](t)(nets(t)[name].Symmetry())
		if got := s.String(); got != want {
			t.Errorf("%s: groups %q, expected %q", name, got, want)
		}
	}
	// Git Re-Basin lists 12 groups for its ResNet-20 by hand; option A has as many.
	for _, name := range []string{"resnet20", "resnet20-ln"} {
		s := must[Symmetry](t)(must[Network](t)(New(must[Spec](t)(Default(name)))).Symmetry())
		if len(s.Groups) != 12 {
			t.Errorf("%s: %d groups, expected 12: %s", name, len(s.Groups), s)
		}
	}
}

// A batch norm's statistics move with their units.
func TestBuffersArePermuted(t *testing.T) {
	for _, name := range []string{"vgg-bn", "resnet", "bottleneck"} {
		n := nets(t)[name]
		moved := must[Symmetry](t)(n.Symmetry()).Tensors()
		for _, p := range must[*Trace](t)(n.Describe()).Params {
			if p.Buffer() && !slices.Contains(moved, p.Name) {
				t.Errorf("%s: no permutation moves %q", name, p.Name)
			}
		}
	}
}

// f(Fold(θ); x) = f(θ; x), and the first norm of a blend of folded weights is the blend of the norms.
func TestFold(t *testing.T) {
	b := backends(t)["go"]
	for _, name := range []string{"vgg-bn", "resnet", "bottleneck", "resnet-ln"} {
		f := must[*Model](t)(Compile(b, nets(t)[name]))
		x, one, two := input(f, 4, 1), jitter(t, f, 1), jitter(t, f, 2)
		folded := must[Params](t)(f.Network.Fold(one))
		want := must[Tensor](t)(f.Logits(one, x))
		if d := relative(want.Data, must[Tensor](t)(f.Logits(folded, x)).Data); d > 1e-5 {
			t.Errorf("%s: folding changes the logits by %.1e", name, d)
		}
		if len(f.About.Folds()) == 0 {
			if !folded.Equal(one) {
				t.Errorf("%s: nothing can be folded, but the weights changed", name)
			}
			continue
		}
		first := slices.IndexFunc(f.About.Taps, func(p Tap) bool { return p.Kind == "norm" })
		tap := f.About.Taps[first].Name
		other := must[Params](t)(f.Network.Fold(two))
		blend := func(a, b Params) []float32 {
			return must[Tensor](t)(f.Features(must[Params](t)(Interpolate(a, b, 0.5)), x, tap)).Data
		}
		ha, hb := must[Tensor](t)(f.Features(one, x, tap)), must[Tensor](t)(f.Features(two, x, tap))
		mean := must[Params](t)(Interpolate(Params{ha}, Params{hb}, 0.5))[0].Data
		if d := relative(mean, blend(folded, other)); d > 1e-5 {
			t.Errorf("%s: the blend of folded weights misses the blend of features by %.1e", name, d)
		}
		if d := relative(mean, blend(one, two)); d < 1e-2 {
			t.Errorf("%s: the blend of raw weights is linear too: %.1e", name, d)
		}
	}
}

// With the statistics of a batch every unit of a norm has mean β and standard deviation |γ|, and the update has the unbiased variance.
func TestBatchStatistics(t *testing.T) {
	n := Network{Spec: Spec{Architecture: "norm", Input: []int{2, 3, 2}, Classes: 12, Init: "torch"}, Forward: func(x X) X {
		return x.As("x").BatchNorm().Flatten().As("out")
	}}
	b := backends(t)["go"]
	f := must[*Model](t)(Compile(b, n))
	theta, x := jitter(t, f, 3), input(f, 5, 2)
	exec := must[*graph.Exec](t)(f.Exec("test: statistics", func(in []*graph.Node) []*graph.Node {
		tr := f.Trace(in[:4], in[4], Options{Statistics: true})
		return []*graph.Node{tr.Output.Node(), tr.Updates["x/bn/mean"], tr.Updates["x/bn/var"]}
	}))
	weights := must[[]*tensors.Tensor](t)(f.Upload(theta))
	in := must[[]*tensors.Tensor](t)(Upload(b, Params{x}))
	out := must[[]*tensors.Tensor](t)(exec.Call(weights[0], weights[1], weights[2], weights[3], in[0]))
	y, mean, variance := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1]), tensors.MustCopyFlatData[float32](out[2])
	near := func(what string, got float32, want float64) {
		if d := float64(got) - want; d > 1e-5 || d < -1e-5 {
			t.Errorf("%s is %g, expected %g", what, got, want)
		}
	}
	for u := range 2 {
		var hs, ys []float64
		for i := u; i < len(y); i += 2 {
			hs, ys = append(hs, float64(x.Data[i])), append(ys, float64(y[i]))
		}
		m, v := spread(hs)
		near("the mean", mean[u], m)
		near("the unbiased variance", variance[u], v*30/29)
		m, v = spread(ys)
		near("β", theta[1].Data[u], m)
		near("γ²", theta[0].Data[u]*theta[0].Data[u], v) // ε is 1e-5 of a variance near 1
	}
}

func spread(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, variance
}

// Sizes that an architecture does not have are refused, with the sizes it has.
func TestSpecsThatDoNotFit(t *testing.T) {
	for want, s := range map[string]Spec{
		"depth 17; known: 11, 13, 16, 19": {Architecture: "vgg", Depth: 17, Width: 4},
		"it must be 6n + 2":               {Architecture: "resnet", Depth: 21, Width: 4, Shortcut: "pad"},
		"shortcut \"\"; known: pad":       {Architecture: "resnet", Depth: 20, Width: 4},
		"width 0":                         {Architecture: "resnet", Depth: 20, Shortcut: "pad"},
		"head is given":                   {Architecture: "resnet", Depth: 20, Width: 4, Shortcut: "pad", Head: []int{8}},
		"stem \"large\"; known":           {Architecture: "bottleneck", Depth: 50, Width: 4, Stem: "large"},
		"unknown norm \"group\"":          {Architecture: "vgg", Depth: 11, Width: 4, Norm: "group"},
		"depth given":                     {Architecture: "lenet", Depth: 5},
	} {
		s.Input, s.Classes, s.Init = []int{32, 32, 3}, 10, "he"
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error with %q, got %v", want, err)
		}
	}
}
