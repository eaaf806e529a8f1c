package measure

import (
	"fmt"
	"math"

	"layerwise/llfc/merge"
)

// Result is what Pair has measured.
type Result struct {
	Set     string       // the data set that layers were measured on, "mnist/test"
	Samples int          // its size
	Policy  merge.Policy // by which θ_α was made, both ends included
	Alphas  []float64
	Layers  []Layer   // the input and second names of a value are left out
	Lines   []Line    // loss and error: first on Set, then on the other splits
	Mixed   []float64 // for each α the error of the blend αf_A + (1−α)f_B of the logits, a fraction
	Apart   []float64 // for each α the share of samples on which θ_α and that blend predict different classes
	Rows    []Row     // every quantity, at every α and place
	Empty   []string  // quantities that were measured, and have no place in this network

	Networks, Ensembles []Calibration // for each α, of θ_α and of that blend
}

// Weak is Definition 3 at every nonlinearity: Dist(σ(αz_A + (1−α)z_B), ασ(z_A) + (1−α)σ(z_B)) over samples.
type Weak struct {
	Half         Profile // at α = ½
	Max          Profile // maximum over α for each sample, the paper's Dist_σ
	Disagreement Profile // share of units whose z has another sign at A than at B, and only there a ReLU is not additive
}

// Commutativity is Definition 4 at every linear map, over the whole set: a distance of 0 is exact, and the first map's Com and H
// are always 0. There is no deviation over samples.
type Commutativity struct {
	Com Profile // Dist(W_A·H_A + W_B·H_B, W_A·H_B + W_B·H_A)
	W   Profile // Dist(W_A, W_B), for scale
	H   Profile // Dist(H_A, H_B) of the inputs, for scale
}

// String is the ends, the middle and the error barrier on the split that layers were measured on, with the policy.
func (r *Result) String() string {
	l := r.Lines[0]
	e := l.ErrorBarrier()
	return fmt.Sprintf("%s, %d samples, %s: error of A %.2f %%, of B %.2f %%, barrier over the mean of the ends %.2f %%, at the middle %.2f %%",
		r.Set, r.Samples, r.Policy, 100*l.Error[len(l.Error)-1], 100*l.Error[0], 100*e.Mean, 100*e.Middle)
}

// Line returns loss and error along the line on a split.
func (r *Result) Line(split string) (Line, error) {
	var have []string
	for _, l := range r.Lines {
		if l.Split == split {
			return l, nil
		}
		have = append(have, l.Split)
	}
	return Line{}, fmt.Errorf("measure: the split %q was not measured; there is %q", split, have)
}

// Errors is the error along the line on the split that layers were measured on (Definition 1).
func (r *Result) Errors() Curve { return r.Lines[0].Errors() }

// Losses is the loss along the line on the split that layers were measured on, in nats.
func (r *Result) Losses() Curve { return r.Lines[0].Losses() }

// Barrier is the error barrier on the split that layers were measured on, a fraction.
func (r *Result) Barrier() Barrier { return r.Lines[0].ErrorBarrier() }

// Lemma1 gives the error of the blended logits along the line, and the bound of Lemma 1, Err(θ_A) + Err(θ_B), above which it never lies.
func (r *Result) Lemma1() (mixed Curve, bound float64) {
	errs := r.Lines[0].Error
	return Curve{Alphas: r.Alphas, Values: r.Mixed}, errs[0] + errs[len(errs)-1]
}

// LLFC is Definition 2 at every layer: E[1 − cos_α], the angle between f(θ_α) and αf(θ_A) + (1−α)f(θ_B).
func (r *Result) LLFC(alpha float64) (Profile, error) { return r.Profile(oneMinusCos, alpha) }

// Coef is E[coef_α] at every layer, coef_α = ⟨f_α, f_int⟩ / ‖f_int‖² with f_int = αf(θ_A) + (1−α)f(θ_B): the 1/c of Definition 2.
func (r *Result) Coef(alpha float64) (Profile, error) { return r.Profile(coef, alpha) }

// Baseline is E[1 − cos_{A,B}] at every layer, without which a small LLFC says nothing.
func (r *Result) Baseline() Profile { return r.profile(baseline, math.NaN()) }

// WeakAdditivity is Definition 3. It must have been measured: see Options.Conditions.
func (r *Result) WeakAdditivity() (w Weak, err error) {
	if w.Half, err = r.Profile(weakHalf, 0.5); err != nil {
		return Weak{}, err
	}
	if w.Max, err = r.Profile(weakMax, math.NaN()); err == nil {
		w.Disagreement, err = r.Profile(disagree, math.NaN())
	}
	return w, err
}

// Commutativity is Definition 4. It must have been measured: see Options.Conditions.
func (r *Result) Commutativity() (c Commutativity, err error) {
	if c.Com, err = r.Profile(distCom, math.NaN()); err != nil {
		return Commutativity{}, err
	}
	if c.W, err = r.Profile(distW, math.NaN()); err == nil {
		c.H, err = r.Profile(distH, math.NaN())
	}
	return c, err
}
