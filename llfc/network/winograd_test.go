package network

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/backend"
)

// everyBackend runs a test on the pure-Go backend, and on XLA where there is a plugin.
func everyBackend(t *testing.T, test func(t *testing.T, b compute.Backend)) {
	t.Helper()
	for _, name := range []string{"go", "xla:cpu"} {
		t.Run(name, func(t *testing.T) {
			b, _, err := backend.Open(name)
			if err != nil {
				t.Skip(err)
			}
			defer b.Finalize()
			test(t, b)
		})
	}
}

// normal returns a tensor of standard normal numbers.
func normal(rng *rand.Rand, dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(data, dims...)
}

// distance is ‖a − b‖ / ‖b‖, in float64.
func distance(t *testing.T, a, b *tensors.Tensor) float64 {
	t.Helper()
	if !a.Shape().Equal(b.Shape()) {
		t.Fatalf("shapes %s and %s", a.Shape(), b.Shape())
	}
	x, errX := tensors.CopyFlatData[float32](a)
	y, errY := tensors.CopyFlatData[float32](b)
	if err := errors.Join(errX, errY); err != nil {
		t.Fatal(err)
	}
	var diff, norm float64
	for i := range x {
		diff += math.Pow(float64(x[i])-float64(y[i]), 2)
		norm += float64(y[i]) * float64(y[i])
	}
	return math.Sqrt(diff / norm)
}

// withGradients is y = conv(x, w) and the gradients of ⟨y, dy⟩; y is used twice, so that gradients add up.
func withGradients(conv func(x, w *graph.Node) *graph.Node) func(x, w, dy *graph.Node) []*graph.Node {
	return func(x, w, dy *graph.Node) []*graph.Node {
		y := conv(x, w)
		half := graph.MulScalar(dy, 0.5)
		loss := graph.Add(graph.ReduceAllSum(graph.Mul(y, half)), graph.ReduceAllSum(graph.Mul(half, y)))
		return append([]*graph.Node{y}, graph.Gradient(loss, x, w)...)
	}
}

func compute3(t *testing.T, b compute.Backend, f func(x, w, dy *graph.Node) []*graph.Node, args ...any) []*tensors.Tensor {
	t.Helper()
	e, err := graph.NewExec(b, f)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Sums of float32 in another order differ by 5e-7; Winograd's transforms cost up to one decimal digit more (arXiv 1803.10986).
const winogradTolerance = 5e-6

// The tiles against the sum of shifted products, which autodiff differentiates. Loops, remainders, maps that are no whole number of tiles,
// and one tile alone are among the shapes.
func TestWinogradIsTheConvolution(t *testing.T) {
	everyBackend(t, func(t *testing.T, b compute.Backend) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, s := range []struct{ n, h, w, in, out int }{
			{1, 4, 4, 8, 8}, {3, 4, 8, 16, 24}, {7, 12, 8, 16, 16}, {5, 7, 9, 32, 16}, {2, 3, 5, 8, 64}, {37, 16, 16, 16, 16}, {3, 14, 14, 64, 128},
		} {
			x, w, dy := normal(rng, s.n, s.h, s.w, s.in), normal(rng, 3, 3, s.in, s.out), normal(rng, s.n, s.h, s.w, s.out)
			k := Kernel{Size: 3, Pad: 1}
			want := compute3(t, b, withGradients(func(x, w *graph.Node) *graph.Node { return convolveShifts(x, w, k) }), x, w, dy)
			got := compute3(t, b, withGradients(func(x, w *graph.Node) *graph.Node {
				return withGradient(x, w, winograd, func(x, w, dy *graph.Node) (dx, dw *graph.Node) {
					return winograd(dy, turn(w)), winogradWeights(x, dy)
				})
			}), x, w, dy)
			for i, what := range []string{"y", "dx", "dw"} {
				if d := distance(t, got[i], want[i]); !(d < winogradTolerance) {
					t.Errorf("%+v: %s differs by %.1e", s, what, d)
				}
			}
		}
	})
}

// A chunk of every size adds up to the same sum.
func TestSumOverImages(t *testing.T) {
	everyBackend(t, func(t *testing.T, b compute.Backend) {
		rng := rand.New(rand.NewPCG(3, 4))
		const n = 7
		x, y := normal(rng, n, 2, 2, 3), normal(rng, n, 2, 2, 5)
		product := func(x, y *graph.Node) *graph.Node { return graph.Einsum("nhwc,nhwk->ck", x, y) }
		for images := 1; images <= n+1; images++ {
			e, err := graph.NewExec(b, func(x, y *graph.Node) []*graph.Node {
				return []*graph.Node{product(x, y), sumOverImages(x, y, images, []int{3, 5}, product)}
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Call(x, y)
			if err != nil {
				t.Fatal(err)
			}
			if d := distance(t, out[1], out[0]); !(d < 1e-6) {
				t.Errorf("%d images at once: differs by %.1e", images, d)
			}
		}
	})
}

// Every convolution that networks are made of, as convolve lowers it, against the sum of shifted products.
func TestLoweringsAgree(t *testing.T) {
	everyBackend(t, func(t *testing.T, b compute.Backend) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, s := range []struct {
			n, h, w, in, out int
			k                Kernel
		}{
			{3, 8, 8, 3, 16, Kernel{Size: 3, Pad: 1}},
			{3, 8, 6, 16, 16, Kernel{Size: 3, Pad: 1}},
			{2, 9, 8, 16, 32, Kernel{Size: 3, Pad: 1, Stride: 2}},
			{2, 4, 4, 128, 128, Kernel{Size: 3, Pad: 1}},
			{4, 2, 2, 16, 16, Kernel{Size: 3, Pad: 1}},
			{2, 5, 5, 16, 16, Kernel{Size: 3, Pad: 1}},
			{2, 6, 6, 6, 5, Kernel{Size: 3}},
			{2, 8, 8, 16, 24, Kernel{Size: 1}},
			{2, 8, 7, 16, 24, Kernel{Size: 1, Stride: 2}},
			{2, 9, 9, 5, 4, Kernel{Size: 7, Pad: 3, Stride: 2}},
			{2, 8, 8, 8, 8, Kernel{Size: 5, Pad: 2}},
		} {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
				x, w := normal(rng, s.n, s.h, s.w, s.in), normal(rng, s.k.Size, s.k.Size, s.in, s.out)
				dy := normal(rng, s.n, s.k.out(s.h), s.k.out(s.w), s.out)
				want := compute3(t, b, withGradients(func(x, w *graph.Node) *graph.Node { return convolveShifts(x, w, s.k) }), x, w, dy)
				got := compute3(t, b, withGradients(func(x, w *graph.Node) *graph.Node { return convolve(x, w, s.k, false) }), x, w, dy)
				for i, what := range []string{"y", "dx", "dw"} {
					if d := distance(t, got[i], want[i]); !(d < winogradTolerance) {
						t.Errorf("%s differs by %.1e", what, d)
					}
				}
			})
		}
	})
}

// A small network trained by gradient descent through both lowerings stays on one curve: after 40 steps the losses were 1e-5 apart on
// pure Go, 1e-7 on XLA. A ReLU that falls on the other side of 0 parts them faster, hence the room; a wrong gradient shows at the second step.
func TestTrainingCurvesAgree(t *testing.T) {
	n := Network{
		Spec: Spec{Input: []int{8, 8, 3}, Classes: 5, Init: "kaiming"},
		Forward: func(x X) X {
			x = x.Conv("conv1", 16, Kernel{Size: 3, Pad: 1}).ReLU()
			x = x.Conv("conv2", 16, Kernel{Size: 3, Pad: 1, NoBias: true}).BatchNorm().ReLU()
			x = x.Conv("conv3", 32, Kernel{Size: 3, Pad: 1, Stride: 2}).ReLU()
			x = x.Conv("conv4", 32, Kernel{Size: 3, Pad: 1}).ReLU()
			return x.Conv("conv5", 32, Kernel{Size: 1}).ReLU().Mean().Dense("logits", 5)
		},
	}
	const batch, steps, rate = 48, 40, 0.04
	everyBackend(t, func(t *testing.T, b compute.Backend) {
		f, err := Compile(b, n)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(7, 8))
		x := normal(rng, batch, 8, 8, 3)
		labels := make([]int32, batch)
		for i := range labels {
			labels[i] = rng.Int32N(5)
		}
		y := tensors.FromFlatDataAndDimensions(labels, batch)
		curve := func(shifted bool) (losses []float64) {
			step, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
				theta, x, y := in[:len(in)-2], in[len(in)-2], in[len(in)-1]
				logits := f.Trace(theta, x, Options{Train: true, Shifted: shifted}).Output.Node()
				loss := graph.ReduceAllMean(CrossEntropy(logits, y))
				out := []*graph.Node{loss}
				for i, d := range graph.Gradient(loss, theta...) {
					out = append(out, graph.Sub(theta[i], graph.MulScalar(d, rate)))
				}
				return out
			})
			if err != nil {
				t.Fatal(err)
			}
			theta, err := f.Init(1)
			if err != nil {
				t.Fatal(err)
			}
			state, err := f.Upload(theta)
			if err != nil {
				t.Fatal(err)
			}
			for range steps {
				var args []any
				for _, s := range state {
					args = append(args, s)
				}
				out, err := step.Call(append(args, x, y)...)
				if err != nil {
					t.Fatal(err)
				}
				losses, state = append(losses, float64(tensors.ToScalar[float32](out[0]))), out[1:]
			}
			return losses
		}
		plain, ours := curve(true), curve(false)
		if !(plain[steps-1] < 0.85*plain[0]) {
			t.Errorf("the loss went from %.3f to %.3f only: too little happens to compare", plain[0], plain[steps-1])
		}
		for i := range plain {
			if d := math.Abs(ours[i]-plain[i]) / plain[i]; !(d < 1e-3) {
				t.Fatalf("step %d: loss %.6f, with plain convolutions %.6f", i, ours[i], plain[i])
			}
		}
	})
}
