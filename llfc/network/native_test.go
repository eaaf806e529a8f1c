package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend"
)

// natively opens XLA on the CPU with native kernels, and without.
func natively(t *testing.T) (with, without compute.Backend) {
	t.Helper()
	with, info, err := backend.Open("xla:cpu")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(with.Finalize)
	if !strings.HasPrefix(info.Kernels, "native") {
		t.Skip(info.Kernels)
	}
	t.Setenv(backend.NativeEnv, "0")
	without, info, err = backend.Open("xla:cpu")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(without.Finalize)
	if strings.HasPrefix(info.Kernels, "native") {
		t.Fatalf("%s=0 is not heeded: %s", backend.NativeEnv, info.Kernels)
	}
	return with, without
}

// contents are the numbers of tensors, one after another.
func contents(t *testing.T, of []*tensors.Tensor) (all []float32) {
	t.Helper()
	for _, x := range of {
		v, err := tensors.CopyFlatData[float32](x)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

// local takes tensors off the device, so that another backend may have them.
func local(t *testing.T, of ...*tensors.Tensor) {
	t.Helper()
	for _, x := range of {
		if err := x.ToLocal(); err != nil {
			t.Fatal(err)
		}
	}
}

// Native operations beside the functions that stand for them, which a backend without kernels carries out. Strides that leave rows over, images smaller
// than the kernel, one image, no pad, and a pad as wide as the kernel allows are among the shapes.
func TestNativeIsItsBody(t *testing.T) {
	with, without := natively(t)
	rng := rand.New(rand.NewPCG(11, 12))
	for _, s := range []struct {
		n, h, w, in, out int
		k                Kernel
	}{
		{3, 8, 6, 16, 16, Kernel{Size: 3, Pad: 1}}, {1, 9, 8, 3, 32, Kernel{Size: 3, Pad: 1, Stride: 2}}, {5, 2, 1, 20, 7, Kernel{Size: 3, Pad: 1}},
		{2, 8, 7, 16, 24, Kernel{Size: 1, Stride: 2}}, {2, 9, 9, 5, 4, Kernel{Size: 7, Pad: 3, Stride: 2}}, {2, 5, 5, 4, 4, Kernel{Size: 2, Stride: 3}},
		{2, 6, 6, 6, 5, Kernel{Size: 3, Pad: 2}},
	} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			x, w := normal(rng, s.n, s.h, s.w, s.in), normal(rng, s.k.Size, s.k.Size, s.in, s.out)
			dy := normal(rng, s.n, s.k.out(s.h), s.k.out(s.w), s.out)
			f := withGradients(func(x, w *graph.Node) *graph.Node { return convolveNative(x, w, s.k) })
			got := compute3(t, with, f, x, w, dy)
			local(t, x, w, dy)
			want := compute3(t, without, f, x, w, dy)
			for i, what := range []string{"y", "dx", "dw"} {
				if d := distance(t, got[i], want[i]); !(d < 1e-6) {
					t.Errorf("%s differs by %.1e", what, d)
				}
			}
		})
	}
	t.Run("norm", func(t *testing.T) {
		f := withGradients(func(x, w *graph.Node) *graph.Node {
			at := func(i int) *graph.Node { return graph.Reshape(graph.Slice(w, graph.AxisElem(i)), w.Shape().Dim(1)) }
			y, mean, variance := normNative(x, at(0), at(1))
			return graph.Add(y, graph.ExpandLeftToRank(graph.Add(mean, variance), y.Rank()))
		})
		x, w, dy := normal(rng, 4, 5, 3, 20), normal(rng, 2, 20), normal(rng, 4, 5, 3, 20)
		got := compute3(t, with, f, x, w, dy)
		local(t, x, w, dy)
		want := compute3(t, without, f, x, w, dy)
		for i, what := range []string{"y and moments", "dx", "dγ and dβ"} {
			if d := distance(t, got[i], want[i]); !(d < 1e-6) {
				t.Errorf("%s differ by %.1e", what, d)
			}
		}
	})
}

// The gradients of a whole step, each against those that the same network has in float64. The activation is smooth: one number near 0 that rounding puts
// on the other side of a ReLU changes the gradients of all layers before it by parts in a thousand, whoever convolves.
func TestNativeStepAgainstFloat64(t *testing.T) {
	with, without := natively(t)
	n := Network{
		Spec: Spec{Input: []int{12, 12, 3}, Classes: 5, Init: "kaiming"},
		Forward: func(x X) X {
			three := Kernel{Size: 3, Pad: 1, NoBias: true}
			x = x.Conv("conv1", 16, three).BatchNorm().SiLU()
			for i, units := range []int{16, 32} {
				stride, name := units/x.Units(), fmt.Sprintf("block%d", i)
				y := x.Conv(name+"/conv1", units, three.by(stride)).BatchNorm().SiLU()
				y = y.Conv(name+"/conv2", units, three).BatchNorm()
				x = y.Add(shortcuts["pad"](x, name, units, stride, "batch")).SiLU()
			}
			return x.Mean().Dense("logits", 5)
		},
	}
	const batch = 24
	rng := rand.New(rand.NewPCG(21, 22))
	x := normal(rng, batch, 12, 12, 3)
	labels := make([]int32, batch)
	for i := range labels {
		labels[i] = rng.Int32N(5)
	}
	y := tensors.FromFlatDataAndDimensions(labels, batch)
	gradients := func(b compute.Backend, of dtypes.DType) []*tensors.Tensor {
		f, err := Compile(b, n)
		if err != nil {
			t.Fatal(err)
		}
		theta, err := f.Init(3)
		if err != nil {
			t.Fatal(err)
		}
		state, err := f.Upload(theta)
		if err != nil {
			t.Fatal(err)
		}
		step, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
			theta := make([]*graph.Node, len(in)-2)
			for i := range theta {
				theta[i] = graph.ConvertDType(in[i], of)
			}
			trace := f.Trace(theta, graph.ConvertDType(in[len(in)-2], of), Options{Train: true})
			loss := graph.ReduceAllMean(CrossEntropy(trace.Output.Node(), in[len(in)-1]))
			out := graph.Gradient(loss, theta...)
			for i, p := range f.About.Params {
				if p.Buffer() {
					out[i] = trace.Updates[p.Name]
				}
				out[i] = graph.ConvertDType(out[i], dtypes.Float32)
			}
			return out
		})
		if err != nil {
			t.Fatal(err)
		}
		var args []any
		for _, s := range state {
			args = append(args, s)
		}
		args = append(args, x, y)
		out, err := step.Call(args...)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			again, err := step.Call(args...)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(contents(t, again), contents(t, out)) {
				t.Errorf("%s on %s: a step taken again is another one", of, b.Description())
			}
		}
		local(t, x, y)
		return out
	}
	want := gradients(without, dtypes.Float64)
	ours, plain := gradients(with, dtypes.Float32), gradients(without, dtypes.Float32)
	var worst, worstPlain float64
	for i := range want {
		worst, worstPlain = math.Max(worst, distance(t, ours[i], want[i])), math.Max(worstPlain, distance(t, plain[i], want[i]))
	}
	t.Logf("from float64: native %.1e, XLA's own %.1e", worst, worstPlain)
	if !(worst < 1e-5) {
		t.Errorf("a gradient is %.1e from float64; without native kernels the worst is %.1e", worst, worstPlain)
	}
}
