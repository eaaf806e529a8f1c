package compare

import (
	"fmt"
	"math"
	"math/rand/v2"

	"layerwise/llfc/network"
)

// toy is a network 4-w-w-2 with ReLU in PyTorch's layout, trained by plain SGD on the squared error of two smooth functions of the input. All toys see the same
// task: what they share they have learned from it, not from each other.
func toyInit(width int, seed uint64) network.Params {
	rng := rand.New(rand.NewPCG(seed, 1))
	var p network.Params
	in := 4
	for l, out := range []int{width, width, 2} {
		w := network.Tensor{Name: fmt.Sprintf("%d.weight", 2*l), Dims: []int{out, in}, Data: make([]float32, in*out)}
		for i := range w.Data {
			w.Data[i] = float32(rng.NormFloat64() / math.Sqrt(float64(in)))
		}
		p = append(p, w, network.Tensor{Name: fmt.Sprintf("%d.bias", 2*l), Dims: []int{out}, Data: make([]float32, out)})
		in = out
	}
	return p
}

func toyTrain(start network.Params, steps int, seed uint64) network.Params {
	p := start.Clone()
	rng := rand.New(rand.NewPCG(seed, 2))
	var h [4][]float64
	for range steps {
		x := make([]float64, 4)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		want := []float64{math.Sin(x[0] + x[1]), x[2] * x[3]}
		h[0] = x
		for l := range 3 {
			w, b := p[2*l], p[2*l+1]
			out, in := w.Dims[0], w.Dims[1]
			h[l+1] = make([]float64, out)
			for o := range out {
				s := float64(b.Data[o])
				for i := range in {
					s += float64(w.Data[o*in+i]) * h[l][i]
				}
				if l < 2 {
					s = max(0, s)
				}
				h[l+1][o] = s
			}
		}
		d := []float64{h[3][0] - want[0], h[3][1] - want[1]}
		for l := 2; l >= 0; l-- {
			w, b := p[2*l], p[2*l+1]
			out, in := w.Dims[0], w.Dims[1]
			back := make([]float64, in)
			for o := range out {
				if l < 2 && h[l+1][o] <= 0 {
					continue
				}
				for i := range in {
					back[i] += float64(w.Data[o*in+i]) * d[o]
					w.Data[o*in+i] -= float32(0.01 * d[o] * h[l][i])
				}
				b.Data[o] -= float32(0.01 * d[o])
			}
			d = back
		}
	}
	return p
}

// permuted moves the hidden units of a toy.
func permuted(p network.Params, seed uint64) network.Params {
	p = p.Clone()
	rng := rand.New(rand.NewPCG(seed, 3))
	for l := range 2 {
		old := p.Clone()
		w, next := p[2*l], p[2*l+2]
		n, in := w.Dims[0], w.Dims[1]
		for u, v := range rng.Perm(n) {
			copy(w.Data[u*in:(u+1)*in], old[2*l].Data[v*in:(v+1)*in])
			p[2*l+1].Data[u] = old[2*l+1].Data[v]
			for o := range next.Dims[0] {
				next.Data[o*n+u] = old[2*l+2].Data[o*n+v]
			}
		}
	}
	return p
}
