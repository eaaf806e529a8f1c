package network_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// recorded are identities as an earlier process has found them. They name runs in stores: if one changes, old runs of guests are not found
// again. Where that is meant, raise identityVersion.
var recorded = map[string]string{"separable": "63b39672297a1fcb", "series": "083dad6d9846583a", "gated": "1ce9e4c4be54df54", "grouped": "61b39ee5204c9401", "shared": "56f7d3d19fa6bb2e"}

// The same code has the same identity in another process, and had it when these were recorded.
func TestIdentityIsTheSameElsewhere(t *testing.T) {
	if os.Getenv("NETWORK_TEST_IDENTITY") != "" {
		for name, g := range guests() {
			fmt.Printf("identity %s %s\n", name, identity(t, name, g.forward, g.input))
		}
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), "NETWORK_TEST_IDENTITY=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, g := range guests() {
		here := identity(t, name, g.forward, g.input)
		if line := fmt.Sprintf("identity %s %s\n", name, here); !strings.Contains(string(out), line) {
			t.Errorf("another process does not say %q: %s", line, out)
		}
		if here != recorded[name] {
			t.Errorf("%s has the identity %s, recorded is %s", name, here, recorded[name])
		}
	}
}

func identity(t *testing.T, name string, f network.Forward, input []int) string {
	t.Helper()
	n := must[network.Network](t)(network.Custom(name, f).New(network.Spec{Input: input, Classes: 4}))
	if again := must[string](t)(n.Identity()); again != n.Spec.Identity {
		t.Errorf("%s: the identity is %s, the spec says %s", name, again, n.Spec.Identity)
	}
	return n.Spec.Identity
}

// sizes of a network, each of which its identity must show.
type sizes struct {
	units, size, stride, pad, pool, every, before int
	bias, mean, own, late                         bool
	dropout                                       float64
	layer, act, op, block, norm                   string
	times                                         bool
}

func (s sizes) forward(x network.X) network.X {
	x = x.Conv(s.layer, s.units, network.Kernel{Size: s.size, Stride: s.stride, Pad: s.pad, NoBias: !s.bias, Late: s.late}).Norm(s.norm)
	x = x.Elementwise(s.act, leaky).Every(s.every).ZeroUnits(s.before, 3-s.before).As(s.block)
	if s.mean {
		x = x.MeanPool(s.pool)
	} else {
		x = x.MaxPool(s.pool)
	}
	x = x.Flatten().Dropout(s.dropout)
	out := x.NewUnits("mine", 3)
	wide := out.Each(2)
	if s.times {
		wide = out.Times(2)
	}
	m := network.Map{Op: s.op, Weight: []network.Axis{x.Axis(), wide}, Out: []network.Axis{wide}, Apply: func(w, h *graph.Node) *graph.Node { return graph.MatMul(h, w) }}
	if s.own {
		m.FanIn = 7
	}
	return x.Linear("mine", m).Dense("logits", x.Classes())
}

// Everything that a forward function says enters its identity; the name and the initialiser, which a run is named by anyway, do not.
func TestIdentityTellsNetworksApart(t *testing.T) {
	input := []int{14, 14, 2}
	base := sizes{units: 4, size: 3, stride: 2, pad: 1, pool: 2, every: 1, before: 1, bias: true, dropout: 0.1, layer: "c", act: "leaky@1", op: "mine@1", block: "b", norm: "batch"}
	seen := map[string]string{identity(t, "net", base.forward, input): "base"}
	for what, change := range map[string]func(s *sizes){
		"units": func(s *sizes) { s.units++ }, "kernel": func(s *sizes) { s.size, s.pad = 5, 2 }, "stride": func(s *sizes) { s.stride = 1 },
		"pad": func(s *sizes) { s.pad = 0 }, "late": func(s *sizes) { s.late = true }, "window": func(s *sizes) { s.pool = 3 }, "every": func(s *sizes) { s.every = 2 },
		"zeros": func(s *sizes) { s.before = 2 }, "bias": func(s *sizes) { s.bias = false }, "kind of pool": func(s *sizes) { s.mean = true },
		"dropout": func(s *sizes) { s.dropout = 0.2 }, "layer": func(s *sizes) { s.layer = "d" }, "activation": func(s *sizes) { s.act = "other@1" },
		"version of an activation": func(s *sizes) { s.act = "leaky@2" }, "version of a map": func(s *sizes) { s.op = "mine@2" }, "block": func(s *sizes) { s.block = "bb" },
		"norm": func(s *sizes) { s.norm = "layer" }, "no norm": func(s *sizes) { s.norm = "" }, "units of an axis": func(s *sizes) { s.times = true },
		"fan in": func(s *sizes) { s.own = true },
	} {
		s := base
		change(&s)
		id := identity(t, "net", s.forward, input)
		if other, taken := seen[id]; taken {
			t.Errorf("another %s has the identity of %s", what, other)
		}
		seen[id] = what
	}
	if seen[identity(t, "another-name", base.forward, input)] != "base" {
		t.Error("the name is part of the identity")
	}
	n := must[network.Network](t)(network.Custom("net", base.forward).New(network.Spec{Input: input, Classes: 4, Init: "he"}))
	if seen[n.Spec.Identity] != "base" {
		t.Error("the initialiser is part of the identity")
	}
	n = must[network.Network](t)(network.Custom("net", base.forward).New(network.Spec{Input: input, Classes: 5}))
	if what, taken := seen[n.Spec.Identity]; taken {
		t.Errorf("another number of classes has the identity of %s", what)
	}
}

// A spec finds the forward function that it was made with, or says what is missing and what to call.
func TestSpecsOfGuests(t *testing.T) {
	own := network.Custom("gated", gated)
	n := must[network.Network](t)(own.New(network.Spec{Input: []int{12}, Classes: 4}))
	if n.Spec.Architecture != "gated" || n.Spec.Init != "torch" {
		t.Errorf("the spec is %s", n.Spec.JSON())
	}
	read := must[network.Spec](t)(network.ParseSpec(n.Spec.JSON()))
	if again := must[network.Network](t)(network.New(read, own)); again.Spec.JSON() != n.Spec.JSON() {
		t.Errorf("%s came back as %s", n.Spec.JSON(), again.Spec.JSON())
	}
	calls := 0
	for _, c := range []struct {
		want string
		err  func() (network.Network, error)
	}{
		{`give network.Custom("gated", f) to Lab.AddNetwork, LoadCheckpoint or network.New`, func() (network.Network, error) { return network.New(read) }},
		{"it has changed since", func() (network.Network, error) { return network.New(read, network.Custom("gated", series)) }},
		{`unknown network "other"; known: mlp, lenet, vgg, resnet, bottleneck, gated`, func() (network.Network, error) {
			return network.New(network.Spec{Architecture: "other"}, own)
		}},
		{"a built-in network has this name", func() (network.Network, error) { return network.Custom("mlp", gated).New(read) }},
		{"the spec is of the architecture", func() (network.Network, error) { return network.Custom("mine", gated).New(read) }},
		{"folders are named by it", func() (network.Network, error) { return network.Custom("../mine", gated).New(network.Spec{}) }},
		{"no forward function", func() (network.Network, error) {
			return network.Architecture{Name: "mine"}.New(network.Spec{Input: []int{12}, Classes: 4})
		}},
		{"sizes of this architecture are fixed", func() (network.Network, error) {
			return own.New(network.Spec{Input: []int{12}, Classes: 4, Widths: []int{3}})
		}},
		{"built in and has none", func() (network.Network, error) {
			s := must[network.Spec](t)(network.Default("lenet"))
			s.Identity = "0123456789abcdef"
			return network.New(s)
		}},
		{`describes itself differently each time, first as "parameter`, func() (network.Network, error) {
			return network.Custom("chance", func(x network.X) network.X {
				calls++
				return x.Dense("fc", 3+calls%2).Dense("logits", x.Classes())
			}).New(network.Spec{Input: []int{12}, Classes: 4})
		}},
	} {
		if _, err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("expected an error with %q, got %v", c.want, err)
		}
	}
}

// An architecture with sizes is made like a built-in one.
func TestGuestWithSizes(t *testing.T) {
	own := network.Architecture{Name: "wide", Default: network.Spec{Init: "he"}, Forward: func(s network.Spec) (network.Forward, error) {
		if s.Width < 1 {
			return nil, fmt.Errorf("width %d; it must be at least 1", s.Width)
		}
		return func(x network.X) network.X {
			return x.Flatten().Dense("fc", s.Width).Tanh().Dense("logits", x.Classes())
		}, nil
	}}
	three := must[network.Network](t)(own.New(network.Spec{Input: []int{5}, Classes: 2, Width: 3}))
	four := must[network.Network](t)(own.New(network.Spec{Input: []int{5}, Classes: 2, Width: 4}))
	if three.Spec.Identity == four.Spec.Identity || three.Spec.Init != "he" {
		t.Errorf("%s and %s", three.Spec.JSON(), four.Spec.JSON())
	}
	if _, err := own.New(network.Spec{Input: []int{5}, Classes: 2}); err == nil || !strings.Contains(err.Error(), `network "wide": width 0`) {
		t.Errorf("no width gave %v", err)
	}
}
