package network

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Doubling the value of a linear map is doubling its weights and its bias; doubling that of a norm, its γ and β.
func TestEdit(t *testing.T) {
	for on, b := range backends(t) {
		for name, of := range map[string]struct {
			tap     string
			tensors []string
		}{"mlp": {"fc1", []string{"fc1/w", "fc1/b"}}, "resnet": {"layer1.0/conv2/bn", []string{"layer1.0/conv2/bn/gamma", "layer1.0/conv2/bn/beta"}}} {
			f := must[*Model](t)(Compile(b, nets(t)[name]))
			theta, x := jitter(t, f, 3), input(f, 5, 2)
			var seen []string
			edited := func(edit func(h *graph.Node) *graph.Node) ([]*tensors.Tensor, error) {
				exec := must[*graph.Exec](t)(graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
					last := len(in) - 1
					o := Options{Edit: func(tap string, h *graph.Node) *graph.Node {
						seen = append(seen, tap)
						if tap == of.tap {
							return edit(h)
						}
						return h
					}}
					return []*graph.Node{f.Trace(in[:last], in[last], o).Output.Node()}
				}))
				args := []any{}
				for _, w := range append(must[[]*tensors.Tensor](t)(f.Upload(theta)), must[[]*tensors.Tensor](t)(Upload(b, Params{x}))...) {
					args = append(args, w)
				}
				return exec.Call(args...)
			}
			out := must[[]*tensors.Tensor](t)(edited(func(h *graph.Node) *graph.Node { return graph.MulScalar(h, 2) }))
			got := tensors.MustCopyFlatData[float32](out[0])
			for _, tap := range f.About.Taps {
				if !slices.Contains(seen, tap.Name) {
					t.Errorf("%s on %s: the tap %q was not offered", name, on, tap.Name)
				}
			}
			double := theta.Clone()
			for _, w := range double {
				for j := range w.Data {
					if slices.Contains(of.tensors, w.Name) {
						w.Data[j] *= 2
					}
				}
			}
			want := must[Tensor](t)(f.Logits(double, x)).Data
			if d := relative(want, got); d > 1e-5 {
				t.Errorf("%s on %s: an edited %q is off by %.1e", name, on, of.tap, d)
			}
			if d := relative(must[Tensor](t)(f.Logits(theta, x)).Data, got); d < 1e-3 {
				t.Errorf("%s on %s: editing %q changed nothing", name, on, of.tap)
			}
			_, err := edited(func(h *graph.Node) *graph.Node { return graph.ReduceAllMean(h) })
			if err == nil || !strings.Contains(err.Error(), of.tap) {
				t.Errorf("%s on %s: a value of another shape gave %v", name, on, err)
			}
		}
	}
}

// Every linear map of a network with norms but the last has one after it, in either kind.
func TestNorms(t *testing.T) {
	for name, n := range nets(t) {
		d := must[*Trace](t)(n.Describe())
		norms := 0
		for _, tap := range d.Taps {
			if tap.Kind == "norm" {
				norms++
			}
		}
		if got := d.Norms(); len(got) != norms {
			t.Errorf("%s: %d norms follow a linear map alone, expected %d: %v", name, len(got), norms, got)
		}
		if name == "resnet-ln" && (norms != len(d.Linears)-1 || len(d.Folds()) != 0) {
			t.Errorf("%s: %d norms for %d linear maps, %d of them folded", name, norms, len(d.Linears), len(d.Folds()))
		}
	}
	n := Network{Spec: Spec{Architecture: "twice", Input: []int{4}, Classes: 3, Init: "torch"}, Forward: func(x X) X {
		y := x.Dense("a", 3)
		return y.LayerNorm().Add(y).As("out")
	}}
	if got := must[*Trace](t)(n.Describe()).Norms(); len(got) != 0 {
		t.Errorf("a map whose output is used beside its norm is listed: %v", got)
	}
}
