// Package measure compares two networks and the line between them: loss, error and barriers, layerwise linear feature connectivity,
// weak additivity and commutativity, where departures from it come from, and calibration, all in one streaming pass over a data set. Beside
// [Pair] there are [Stitch], which joins the head of one network to the tail of the other, and [PairSpectra]. α weights A: θ_α = αθ_A + (1−α)θ_B. Equations
// and definitions are those of arXiv 2307.08286.
package measure

import "math"

// Gram holds the inner products of two vectors x and y, from which every distance here is made: ⟨x,x⟩, ⟨x,y⟩, ⟨y,y⟩.
type Gram struct{ XX, XY, YY float64 }

// zero reports whether a vector vanishes, so that no angle is defined.
func (g Gram) zero() bool { return !(g.XX > 0 && g.YY > 0) }

// OneMinusCos is 1 − cos(x, y) = sin² / (1 + cos). The difference ‖x‖²‖y‖² − ⟨x,y⟩² is taken without rounding the products, so
// no digit is lost near 0; where cos < 0 the subtraction from 1 is exact. NaN if x or y is zero.
func (g Gram) OneMinusCos() float64 {
	if g.zero() {
		return math.NaN()
	}
	norms := math.Sqrt(g.XX) * math.Sqrt(g.YY)
	cos := g.XY / norms
	if cos < 0 {
		return 1 - cos
	}
	p, q := g.XX*g.YY, g.XY*g.XY
	if p < 1e-280 || math.IsInf(p, 1) { // outside the range of float64; scaling by a power of two is exact
		_, ex := math.Frexp(g.XX)
		_, ey := math.Frexp(g.YY)
		ex, ey = ex&^1, ey&^1
		s := Gram{math.Ldexp(g.XX, -ex), math.Ldexp(g.XY, -ex/2-ey/2), math.Ldexp(g.YY, -ey)}
		return s.OneMinusCos()
	}
	// Kahan's difference of products: p − q and the rounding errors of both.
	d := (p - q) + math.FMA(g.XX, g.YY, -p) - math.FMA(g.XY, g.XY, -q)
	return max(0, d) / (p * (1 + cos))
}

// Cos is cos(x, y). NaN if x or y is zero.
func (g Gram) Cos() float64 {
	if g.zero() {
		return math.NaN()
	}
	return g.XY / (math.Sqrt(g.XX) * math.Sqrt(g.YY))
}

// Coef is ⟨x,y⟩ / ‖y‖²: the multiple of y nearest to x. NaN if y is zero.
func (g Gram) Coef() float64 {
	if !(g.YY > 0) {
		return math.NaN()
	}
	return g.XY / g.YY
}

// Dist is ‖x−y‖² / (‖x‖ ‖y‖), the paper's dist; at least 2(1 − cos), equal where the norms are. NaN if x or y is zero.
func (g Gram) Dist() float64 {
	if g.zero() {
		return math.NaN()
	}
	x, y := math.Sqrt(g.XX), math.Sqrt(g.YY)
	return (x-y)*(x-y)/(x*y) + 2*g.OneMinusCos()
}

// add sums Gram numbers: those of two samples give those of both as one long vector.
func (g Gram) add(h Gram) Gram { return Gram{g.XX + h.XX, g.XY + h.XY, g.YY + h.YY} }

// triple holds what one layer's features of one sample have in common at A and B.
type triple struct{ aa, ab, bb float64 }

// interpolated is the Gram of f_α with αf_A + (1−α)f_B, from ⟨f,f⟩, ⟨f,a⟩ and ⟨f,b⟩. A blend whose parts cancel to rounding is zero.
func (t triple) interpolated(alpha, ff, fa, fb float64) Gram {
	beta := 1 - alpha
	yy := alpha*alpha*t.aa + 2*alpha*beta*t.ab + beta*beta*t.bb
	if yy <= 1e-15*(alpha*alpha*t.aa+beta*beta*t.bb) {
		yy = 0
	}
	return Gram{ff, alpha*fa + beta*fb, yy}
}
