package measure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// Quantity is one measure: its name, where it comes from, where it looks, and its formula. It is all there is to write for a new one: what
// stands in [Quantities] is measured, averaged, kept, drawn and written to CSV by its name.
type Quantity struct {
	Name   string // in tables and files
	Doc    string // the formula
	Source string
	Where  Where
	When   When

	// Set sums the columns up over all samples before the formula sees them: one number for the whole set, without a deviation.
	Set bool
	// Optional quantities are measured where Options.Also names them.
	Optional bool

	// Columns are the numbers of each sample that the formula needs, one after the other.
	Columns []Columns
	// Value is the formula. NaN is a sample, or a set, where the quantity is not defined.
	Value func(alpha float64, c []float64) float64
	// Over makes one value of those along the grid, for quantities of the grid: the best so far, and the next.
	Over func(best, v, alpha float64) float64
	// At is the one α of the grid that Over picks; NaN for all other quantities.
	At float64
}

// Where is the kind of place that a quantity looks at.
type Where int

// The places.
const (
	Layers         Where = iota // every value of the forward pass that has a name of its own
	Nonlinearities              // Options.Conditions
	LinearMaps                  // Options.Conditions
)

// When is what a quantity compares.
type When int

// The networks.
const (
	Ends       When = iota // A and B, once
	EveryAlpha             // θ_α with A and B, at every α
	Grid                   // A and B along the grid of Options.WeakAlphas, made one number for each sample by Over
)

// Columns are numbers of each sample that the device computes. Quantities that need the same columns share them.
type Columns struct {
	Name string // tells them from all others
	When When
	N    int // how many
	// Build returns N nodes [batch], float64.
	Build func(p Place) []*graph.Node
	// Weights, instead of Build, compares the weights of a linear map, on the host: N numbers for the whole set.
	Weights func(a, b network.Tensor) []float64
}

// Place is what Build sees.
type Place struct {
	A, B    *graph.Node    // the values of A and B there, [batch, ...]; of a nonlinearity its inputs
	F       *graph.Node    // that of θ_α; nil but for EveryAlpha
	Made    *graph.Node    // that of θ_α where all layers before it are blends of A and B; nil but for the columns of departures
	Linear  *graph.Node    // what linear maps made of its departure; nil but for the columns of origins
	Act     network.Act    // of a nonlinearity
	LinearA network.Linear // of a linear map
	LinearB network.Linear
	Alpha   *graph.Node // scalars; nil for Ends
	Beta    *graph.Node // 1 − α
	Real    *graph.Node // the number of samples that are not padding, a scalar; only for Ends
	grams
}

// Names of the quantities that have methods of their own in [Result].
const (
	oneMinusCos = "one_minus_cos"
	coef        = "coef"
	baseline    = "baseline"
	weakHalf    = "dist_sigma_half"
	weakMax     = "dist_sigma_max"
	disagree    = "sign_disagreement"
	distCom     = "dist_com"
	distW       = "dist_w"
	distH       = "dist_h"
)

// Quantities lists what can be measured, in the order of columns and files. absCos makes 1 − |cos| of 1 − cos, as the authors' released code does.
func Quantities(absCos bool) []Quantity {
	angle := Gram.OneMinusCos
	if absCos {
		angle = func(g Gram) float64 { g.XY = math.Abs(g.XY); return g.OneMinusCos() }
	}
	dist := func(_ float64, c []float64) float64 { return gram(c).Dist() }
	out := []Quantity{
		{Name: oneMinusCos, Doc: "1 − cos(f_α, αf_A + (1−α)f_B)", Source: "Definition 2", Where: Layers, When: EveryAlpha, Columns: []Columns{endsGram, alphaGram},
			Value: func(alpha float64, c []float64) float64 { return angle(blended(alpha, c)) }},
		{Name: coef, Doc: "⟨f_α, f_int⟩ / ‖f_int‖² with f_int = αf_A + (1−α)f_B", Source: "App. B.2", Where: Layers, When: EveryAlpha, Columns: []Columns{endsGram, alphaGram},
			Value: func(alpha float64, c []float64) float64 {
				g := blended(alpha, c)
				if g.zero() {
					return math.NaN()
				}
				return g.Coef()
			}},
		{Name: baseline, Doc: "1 − cos(f_A, f_B)", Source: "Figs 2–3", Where: Layers, When: Ends, Columns: []Columns{endsGram},
			Value: func(_ float64, c []float64) float64 { return angle(gram(c)) }},
		{Name: "linear_cka", Doc: "linear CKA of f_A and f_B over samples, unbiased HSIC averaged over batches; 1 is the same up to rotation and scale",
			Source: "Kornblith et al. 2019 (arXiv 1905.00414); batches: Nguyen et al. 2021 (arXiv 2010.15327)", Where: Layers, When: Ends, Set: true, Optional: true,
			Columns: []Columns{hsicColumns}, Value: func(_ float64, c []float64) float64 { return gram(c).Cos() }},
		{Name: weakHalf, Doc: "Dist(σ(½z_A + ½z_B), ½σ(z_A) + ½σ(z_B))", Source: "Definition 3", Where: Nonlinearities, When: Grid, Columns: []Columns{weakGram}, Value: dist, At: 0.5,
			Over: func(best, v, alpha float64) float64 {
				if same(alpha, 0.5) {
					return v
				}
				return best
			}},
		{Name: weakMax, Doc: "Dist(σ(αz_A + (1−α)z_B), ασ(z_A) + (1−α)σ(z_B)), the largest over α", Source: "Definition 3", Where: Nonlinearities, When: Grid, Columns: []Columns{weakGram}, Value: dist,
			Over: func(best, v, _ float64) float64 {
				if !(v <= best) && !math.IsNaN(v) {
					return v
				}
				return best
			}},
		{Name: disagree, Doc: "share of units whose z has another sign at A than at B: only there a ReLU is not additive", Source: "Definition 3", Where: Nonlinearities, When: Ends,
			Columns: []Columns{signColumn}, Value: func(_ float64, c []float64) float64 { return c[0] }},
		{Name: distCom, Doc: "Dist(W_A·H_A + W_B·H_B, W_A·H_B + W_B·H_A)", Source: "Definition 4", Where: LinearMaps, When: Ends, Set: true, Columns: []Columns{crossedGram}, Value: dist},
		{Name: distW, Doc: "Dist(W_A, W_B)", Source: "Definition 4, for scale", Where: LinearMaps, When: Ends, Set: true, Columns: []Columns{weightGram}, Value: dist},
		{Name: distH, Doc: "Dist(H_A, H_B) of the inputs", Source: "Definition 4, for scale", Where: LinearMaps, When: Ends, Set: true, Columns: []Columns{inputGram}, Value: dist},
		ofWeights("stable_rank_a", "‖W_A‖²_F / ‖W_A‖²₂", "App. B.5", 0),
		ofWeights("stable_rank_b", "‖W_B‖²_F / ‖W_B‖²₂", "App. B.5", 1),
		ofWeights("angle_out", "the largest principal angle between the 5 leading left singular vectors of W_A and W_B, in degrees", "released code, principal_angle.py", 2),
		ofWeights("angle_in", "the largest principal angle between the 5 leading right singular vectors of W_A and W_B, in degrees", "released code, principal_angle.py", 3),
	}
	return append(out, departures()...)
}

// ofWeights is an optional quantity that is one of the numbers of spectralColumns.
func ofWeights(name, doc, source string, i int) Quantity {
	return Quantity{Name: name, Doc: doc, Source: source, Where: LinearMaps, When: Ends, Set: true, Optional: true, Columns: []Columns{spectralColumns},
		Value: func(_ float64, c []float64) float64 { return c[i] }}
}

// The columns that quantities are made of.
var (
	endsGram = Columns{Name: "ends", When: Ends, N: 3, Build: func(p Place) []*graph.Node { return p.triple(p.A, p.B) }}

	alphaGram = Columns{Name: "alpha", When: EveryAlpha, N: 3, Build: func(p Place) []*graph.Node {
		return []*graph.Node{p.inner(p.F, p.F), p.inner(p.F, p.A), p.inner(p.F, p.B)}
	}}

	weakGram = Columns{Name: "weak", When: Grid, N: 3, Build: func(p Place) []*graph.Node {
		left := p.Act.Apply(blend(p.Alpha, p.A, p.Beta, p.B))
		right := blend(p.Alpha, p.Act.Apply(p.A), p.Beta, p.Act.Apply(p.B))
		return p.triple(left, right)
	}}

	signColumn = Columns{Name: "sign", When: Ends, N: 1, Build: func(p Place) []*graph.Node { return []*graph.Node{disagreement(p.A, p.B)} }}

	crossedGram = Columns{Name: "crossed", When: Ends, N: 3, Build: func(p Place) []*graph.Node {
		a, b := p.LinearA, p.LinearB
		return p.triple(graph.Add(a.Apply(a.W, a.In), b.Apply(b.W, b.In)), graph.Add(a.Apply(a.W, b.In), b.Apply(b.W, a.In)))
	}}

	inputGram = Columns{Name: "inputs", When: Ends, N: 3, Build: func(p Place) []*graph.Node { return p.triple(p.LinearA.In, p.LinearB.In) }}

	weightGram = Columns{Name: "weights", When: Ends, N: 3, Weights: func(a, b network.Tensor) []float64 {
		g := frobenius(a.Data, b.Data)
		return []float64{g.XX, g.XY, g.YY}
	}}

	spectralColumns = Columns{Name: "spectral", When: Ends, N: 4, Weights: func(a, b network.Tensor) []float64 {
		one, err := compareMatrices(Layer{}, weightMatrix(a), weightMatrix(b), SpectraOptions{}.Subspaces(), true)
		if err != nil || len(one.Out) == 0 {
			return nans(1, 4)[0]
		}
		return []float64{one.A.StableRank(), one.B.StableRank(), one.Out[0], one.In[0]}
	}}

	hsicColumns = Columns{Name: "hsic", When: Ends, N: 3, Build: func(p Place) []*graph.Node {
		a, b := unbiasedKernel(p.A, p.Real), unbiasedKernel(p.B, p.Real)
		return []*graph.Node{hsic(a, a, p.Real), hsic(a, b, p.Real), hsic(b, b, p.Real)}
	}}
)

// gram reads a Gram from columns.
func gram(c []float64) Gram { return Gram{c[0], c[1], c[2]} }

// blended reads the Gram of f_α with αf_A + (1−α)f_B from the columns of the ends and of θ_α.
func blended(alpha float64, c []float64) Gram {
	return triple{c[0], c[1], c[2]}.interpolated(alpha, c[3], c[4], c[5])
}

func frobenius(x, y []float32) (g Gram) {
	for i := range x {
		p, q := float64(x[i]), float64(y[i])
		g = g.add(Gram{p * p, p * q, q * q})
	}
	return g
}

// chosen are the quantities that options ask for.
func chosen(o Options) ([]Quantity, error) {
	var out []Quantity
	missing := slices.Clone(o.Also)
	var optional []string
	for _, q := range Quantities(o.AbsCos) {
		if q.Optional {
			optional = append(optional, q.Name)
			if !slices.Contains(o.Also, q.Name) {
				continue
			}
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == q.Name })
		}
		if q.Where == Layers || q.Optional || o.Conditions {
			out = append(out, q)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("measure: unknown quantity %q; beside those that are always measured there is %s", missing[0], strings.Join(optional, ", "))
	}
	return out, nil
}
