package measure

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// conditions gathers Definitions 3 and 4.
type conditions struct {
	alphas       []float64
	acts         []string
	inputs       []int // for every nonlinearity, where its input stands among the kept values
	half, most   []moments
	disagreement []moments
	linears      []string
	at           []int  // for every linear map, which parameter its weight is
	com, h, w    []Gram // Frobenius, over the whole set
}

func newConditions(f *network.Model, v values, weights []int, o Options) (*conditions, error) {
	grid := o.WeakAlphas
	if grid == nil {
		for i := 1; i < 20; i++ {
			grid = append(grid, float64(i)/20)
		}
	}
	alphas, err := settle(grid, 0.5)
	if err != nil {
		return nil, err
	}
	c := &conditions{alphas: alphas, inputs: v.acts, at: weights}
	for _, act := range f.About.Acts {
		c.acts = append(c.acts, act.Name)
	}
	n := len(c.acts)
	c.half, c.most, c.disagreement = make([]moments, n), make([]moments, n), make([]moments, n)
	for i, l := range f.About.Linears {
		if weights[i] < 0 {
			return nil, fmt.Errorf("measure: the weight of the linear map %q is not a parameter of the network", l.Name)
		}
		c.linears = append(c.linears, l.Name)
	}
	c.com, c.h = make([]Gram, len(c.linears)), make([]Gram, len(c.linears))
	return c, nil
}

// weights compares the weights of the linear maps.
func (c *conditions) weights(a, b network.Params) {
	for _, i := range c.at {
		c.w = append(c.w, frobenius(a[i].Data, b[i].Data))
	}
}

func frobenius(x, y []float32) (g Gram) {
	for i := range x {
		p, q := float64(x[i]), float64(y[i])
		g = g.add(Gram{p * p, p * q, q * q})
	}
	return g
}

// ends adds what endsGraph returns from column at on.
func (c *conditions) ends(rows [][]float64, at int, raw *Raw) {
	for _, row := range rows {
		row = row[at:]
		for i := range c.linears {
			g := row[6*i:]
			c.com[i] = c.com[i].add(Gram{g[0], g[1], g[2]})
			c.h[i] = c.h[i].add(Gram{g[3], g[4], g[5]})
		}
		for i, share := range row[6*len(c.linears):] {
			c.disagreement[i].add(share)
			raw.disagreement(i, share)
		}
	}
}

// weak runs weakGraph at every α and takes the maximum over α for each sample. A sample counts where at least one α gives two
// vectors that are not zero.
func (c *conditions) weak(ctx context.Context, s *pass.Pass, a, b []*tensors.Tensor, raw *Raw, tick func()) error {
	if len(c.acts) == 0 {
		for range c.alphas {
			tick()
		}
		return nil
	}
	var za, zb []*tensors.Tensor
	for _, i := range c.inputs {
		za, zb = append(za, a[i]), append(zb, b[i])
	}
	n := s.Len()
	half, most := nans(len(c.acts), n), nans(len(c.acts), n)
	for _, alpha := range c.alphas {
		rows, _, err := s.Rows(ctx, weakGraph, float32(alpha), float32(1-alpha), za, zb)
		if err != nil {
			return fmt.Errorf("measure: %s, weak additivity at α = %g: %w", s, alpha, err)
		}
		for i, row := range rows {
			for l := range c.acts {
				d := Gram{row[3*l], row[3*l+1], row[3*l+2]}.Dist()
				if same(alpha, 0.5) {
					half[l][i] = d
				}
				if !(d <= most[l][i]) && !math.IsNaN(d) {
					most[l][i] = d
				}
			}
		}
		tick()
	}
	for l := range c.acts {
		for i := range n {
			c.half[l].add(half[l][i])
			c.most[l].add(most[l][i])
			raw.weak(l, half[l][i], most[l][i])
		}
	}
	return nil
}

func nans(n, m int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, m)
		for j := range out[i] {
			out[i][j] = math.NaN()
		}
	}
	return out
}

// whole makes a Profile of distances over the whole set: one number for each layer, without a deviation.
func whole(layers []string, grams []Gram, samples int) Profile {
	p := Profile{Layers: layers}
	for _, g := range grams {
		d := Stat{Mean: g.Dist(), Std: math.NaN(), Used: samples}
		if math.IsNaN(d.Mean) {
			d.Used, d.Skipped = 0, samples
		}
		p.Stats = append(p.Stats, d)
	}
	return p
}

func perSample(layers []string, m []moments) Profile {
	p := Profile{Layers: layers}
	for _, v := range m {
		p.Stats = append(p.Stats, v.stat())
	}
	return p
}
