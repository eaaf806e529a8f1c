package measure

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// The departure of a layer is R = f_α − (αf_A + (1−α)f_B), which LLFC with c = 1 says is 0. Every layer is made by an operation from values before
// it, and so R has two parts, whatever the network:
//
//	below = op(θ_α; f_α) − op(θ_α; f_int)                   the departure of what goes in
//	made  = op(θ_α; f_int) − [α op(θ_A; f_A) + (1−α) op(θ_B; f_B)]   what the operation adds for blended inputs
//
// Of a linear map made is −α(1−α)(W_A − W_B)(H_A − H_B), which commutativity (Definition 4) says is 0; of a ReLU it is σ(αz_A + (1−α)z_B) −
// ασ(z_A) − (1−α)σ(z_B), which weak additivity (Definition 3) says is 0. A sum of a residual block makes nothing and passes on what comes in on
// both ways; a max pool and a norm make something of their own. Where nothing is made anywhere there is no departure: Theorem 1.
//
// Departures that come in from below have been made further down. What a layer passes on of those that linear maps made, and of those that
// all other operations made, is the mean of what it passes on of the one with and without the other (Shapley 1953), so both add up to R.

// Cause is what a departure that is made in a layer of a kind is called.
func Cause(kind string) string {
	switch kind {
	case "linear":
		return "commutativity"
	case "act":
		return "weak additivity"
	}
	return kind // a pool, a norm; a sum of a block makes none
}

// Departures names the quantities of departures, for Options.Also.
func Departures() []string {
	return []string{departureSize, departureBelow, departureMade, shareBelow, shareMade, originLinear, originOther}
}

const (
	departureSize  = "departure"
	departureBelow = "departure_below"
	departureMade  = "departure_made"
	shareBelow     = "share_below"
	shareMade      = "share_made"
	originLinear   = "origin_commutativity"
	originOther    = "origin_additivity"
)

// Departure is how far the features of θ_α are from the blend at every layer, over the whole set, and where that comes from.
type Departure struct {
	Size, Below, Made Profile // ‖R‖, ‖below‖ and ‖made‖ over ‖αf_A + (1−α)f_B‖; Size is at most Below + Made

	// FromBelow and FromHere are ⟨R, below⟩/‖R‖² and ⟨R, made⟩/‖R‖²: they add up to 1. A share below 0 has made the departure smaller. NaN where
	// there is no departure beyond rounding.
	FromBelow, FromHere Profile

	// Commutativity and Additivity are the shares of R that linear maps and all other operations made, in this layer or further down: they add
	// up to 1 too.
	Commutativity, Additivity Profile

	Causes []string // for each layer the Cause of what is made there
}

// Departure is the error recursion behind Theorem 1. It must have been measured: see Departures.
func (r *Result) Departure(alpha float64) (d Departure, err error) {
	for _, q := range []struct {
		name string
		to   *Profile
	}{{departureSize, &d.Size}, {departureBelow, &d.Below}, {departureMade, &d.Made}, {shareBelow, &d.FromBelow}, {shareMade, &d.FromHere},
		{originLinear, &d.Commutativity}, {originOther, &d.Additivity}} {
		if *q.to, err = r.Profile(q.name, alpha); err != nil {
			return Departure{}, err
		}
	}
	for _, l := range r.Layers {
		d.Causes = append(d.Causes, Cause(l.Kind))
	}
	return d, nil
}

// Here is FromHere at the layers with one cause only, for figures that colour by it; NaN elsewhere.
func (d Departure) Here(cause string) Profile {
	out := Profile{Layers: d.FromHere.Layers}
	for i, s := range d.FromHere.Stats {
		if d.Causes[i] != cause {
			s = Stat{Mean: math.NaN(), Std: math.NaN()}
		}
		out.Stats = append(out.Stats, s)
	}
	return out
}

// departures are the quantities of this file.
func departures() []Quantity {
	size := func(name, doc string, i int) Quantity {
		return Quantity{Name: name, Doc: doc + " over ‖αf_A + (1−α)f_B‖", Columns: []Columns{endsGram, recursionColumns},
			Value: func(alpha float64, c []float64) float64 {
				g := triple{c[0], c[1], c[2]}.interpolated(alpha, 0, 0, 0)
				if g.YY == 0 {
					return math.NaN()
				}
				return math.Sqrt(c[3+i] / g.YY)
			}}
	}
	share := func(name, doc string, i int, more ...Columns) Quantity {
		return Quantity{Name: name, Doc: doc + " over ‖R‖²", Columns: append([]Columns{endsGram, recursionColumns}, more...),
			Value: func(alpha float64, c []float64) float64 {
				g := triple{c[0], c[1], c[2]}.interpolated(alpha, 0, 0, 0)
				if rr := c[3]; rr > rounded*g.YY {
					return c[3+i] / rr
				}
				return math.NaN()
			}}
	}
	out := []Quantity{
		size(departureSize, "‖R‖ with R = f_α − αf_A − (1−α)f_B", 0),
		size(departureBelow, "‖below‖, what R is where the inputs of the layer depart", 1),
		size(departureMade, "‖made‖, what R is where they do not", 2),
		share(shareBelow, "⟨R, below⟩", 3),
		share(shareMade, "⟨R, made⟩", 4),
		share(originLinear, "⟨R, what linear maps made of R, here or further down⟩", 5, originColumns),
		share(originOther, "⟨R, what all other operations made of R, here or further down⟩", 6, originColumns),
	}
	for i := range out {
		out[i].Source, out[i].Where, out[i].When, out[i].Set, out[i].Optional = "Theorem 1, its proof", Layers, EveryAlpha, true, true
	}
	return out
}

// rounded is ‖R‖²/‖f_int‖² up to which a departure is taken for the rounding of float32.
const rounded = 1e-12

var (
	// recursionColumns are ‖R‖², ‖below‖², ‖made‖², ⟨R, below⟩, ⟨R, made⟩.
	recursionColumns = Columns{Name: "recursion", When: EveryAlpha, N: 5, Build: func(p Place) []*graph.Node {
		r := p.departure()
		made := graph.Sub(wide(p.Made), p.mixed())
		below := graph.Sub(r, made)
		return []*graph.Node{p.inner(r, r), p.inner(below, below), p.inner(made, made), p.inner(r, below), p.inner(r, made)}
	}}

	// originColumns are ⟨R, R_linear⟩ and ⟨R, R_other⟩.
	originColumns = Columns{Name: "origin", When: EveryAlpha, N: 2, Build: func(p Place) []*graph.Node {
		r, linear := p.departure(), wide(p.Linear)
		return []*graph.Node{p.inner(r, linear), p.inner(r, graph.Sub(r, linear))}
	}}
)

func wide(x *graph.Node) *graph.Node { return graph.ConvertDType(flat(x), dtypes.Float64) }

// mixed is αf_A + (1−α)f_B in float64, from the float32 α with which θ_α was made.
func (p Place) mixed() *graph.Node {
	return blend(graph.ConvertDType(p.Alpha, dtypes.Float64), wide(p.A), graph.ConvertDType(p.Beta, dtypes.Float64), wide(p.B))
}

// departure is R in float64.
func (p Place) departure() *graph.Node { return graph.Sub(wide(p.F), p.mixed()) }

// recursion fills in what the columns above need of θ_α: Made, the value that each layer has where all before it are blends; with origins also
// Linear, what linear maps made of its departure. The network runs once more, and with origins twice more, and every layer is replaced as soon as
// it is made.
func recursion(f *network.Model, theta []*graph.Node, x *graph.Node, v values, places []Place, origins bool) {
	at := map[string]int{}
	for l, layer := range v.about {
		at[layer.Name] = l
	}
	mixed := make([]*graph.Node, len(places))
	for l, p := range places {
		mixed[l] = blend(p.Alpha, p.A, p.Beta, p.B)
	}
	f.Trace(theta, x, network.Options{Edit: func(tap string, h *graph.Node) *graph.Node {
		l, ok := at[tap]
		if !ok { // the input, or a name that is given up for another
			return h
		}
		places[l].Made = h
		return mixed[l]
	}})
	if !origins {
		return
	}
	// Two networks in one batch: in the first only the departures that linear maps made go in, in the second only the others.
	n := x.Shape().Dim(0)
	f.Trace(theta, graph.Concatenate([]*graph.Node{x, x}, 0), network.Options{Edit: func(tap string, h *graph.Node) *graph.Node {
		l, ok := at[tap]
		if !ok {
			return h
		}
		linear, other := graph.Slice(h, graph.AxisRange(0, n)), graph.Slice(h, graph.AxisRange(n, 2*n))
		p := &places[l]
		passed := graph.MulScalar(graph.Add(graph.Sub(linear, p.Made), graph.Sub(p.F, other)), 0.5)
		if v.about[l].Kind == "linear" {
			passed = graph.Add(passed, graph.Sub(p.Made, mixed[l]))
		}
		p.Linear = passed
		return graph.Concatenate([]*graph.Node{graph.Add(mixed[l], passed), graph.Sub(p.F, passed)}, 0)
	}})
}
