package measure

import (
	"fmt"
	"io"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/llfc/network"
)

// Bins is the number of bins of confidence, equally wide in [0, 1] (Guo et al. 2017 take 15).
const Bins = 15

// Calibration says how good one predictor is, and how well it knows. Its probabilities are the softmax of its logits; its confidence is the largest
// of them.
type Calibration struct {
	Loss  float64 // mean cross-entropy in nats: the negative log-likelihood
	Error float64 // share of wrong predictions
	Brier float64 // mean over samples of Σ over classes of (p − y)², in [0, 2] (Brier 1950)
	ECE   float64 // expected calibration error: mean over samples of |accuracy − confidence| of their bin (Guo et al. 2017)
	Bins  []Bin   // a reliability diagram
}

// Bin is the samples whose confidence lies in one of the bins; the lower bound belongs to it, and 1 to the last.
type Bin struct {
	Samples    int
	Confidence float64 // mean; NaN without samples
	Accuracy   float64 // share of right predictions; NaN without samples
}

// Reliability is accuracy against confidence, a point for each bin with samples. It is a gonum plotter.XYer.
type Reliability []Bin

// Reliability is the reliability diagram; where calibration is perfect it is the diagonal.
func (c Calibration) Reliability() Reliability {
	var out Reliability
	for _, b := range c.Bins {
		if b.Samples > 0 {
			out = append(out, b)
		}
	}
	return out
}

// Len is the number of bins with samples.
func (r Reliability) Len() int { return len(r) }

// XY is mean confidence and accuracy of bin i.
func (r Reliability) XY(i int) (x, y float64) { return r[i].Confidence, r[i].Accuracy }

// Calibration of θ_α.
func (r *Result) Calibration(alpha float64) (Calibration, error) {
	return r.predictor(r.Networks, alpha)
}

// Ensemble is the network whose logits are αf_A + (1−α)f_B, those of the two networks blended: at α = ½ the ensemble of the mean of logits. By
// Definition 2 at the logits it predicts what θ_α does.
func (r *Result) Ensemble(alpha float64) (Calibration, error) {
	return r.predictor(r.Ensembles, alpha)
}

func (r *Result) predictor(of []Calibration, alpha float64) (Calibration, error) {
	i := find(r.Alphas, alpha)
	if i < 0 || i >= len(of) {
		return Calibration{}, fmt.Errorf("measure: α = %g was not measured; there is %v", alpha, r.Alphas)
	}
	return of[i], nil
}

// Calibrations is a number of θ_α and of the blend of logits along the line, beside each other.
func (r *Result) Calibrations(of func(Calibration) float64) (network, ensemble Curve) {
	network.Alphas, ensemble.Alphas = r.Alphas, r.Alphas
	for i := range r.Networks {
		network.Values, ensemble.Values = append(network.Values, of(r.Networks[i])), append(ensemble.Values, of(r.Ensembles[i]))
	}
	return network, ensemble
}

// Lemma is what Lemma 1 is about along the line, on the set that layers were measured on; all are shares of its samples.
type Lemma struct {
	Network Curve // Err(θ_α), its left-hand side
	Blend   Curve // error of the blended logits αf_A + (1−α)f_B
	Apart   Curve // where θ_α and the blend predict different classes: 0 where LLFC holds at the logits, its premise
	Bound   Curve // Err_A + Err_B, at most the 2ε of its right-hand side
}

// Slack is Bound + Apart − Network, which is never negative, whatever the pair: where the premise does not hold, Apart is what it costs.
func (l Lemma) Slack() Curve {
	out := Curve{Alphas: l.Network.Alphas}
	for i, v := range l.Network.Values {
		out.Values = append(out.Values, l.Bound.Values[i]+l.Apart.Values[i]-v)
	}
	return out
}

// Lemma gives both sides of Lemma 1 at every α.
func (r *Result) Lemma() Lemma {
	blend, bound := r.Lemma1()
	l := Lemma{Network: r.Errors(), Blend: blend, Apart: Curve{Alphas: r.Alphas, Values: r.Apart}, Bound: Curve{Alphas: r.Alphas}}
	for range r.Alphas {
		l.Bound.Values = append(l.Bound.Values, bound)
	}
	return l
}

var calibrationColumns = []string{"alpha", "predictor", "loss", "error", "brier", "ece", "apart"}

// WriteCalibration writes how good θ_α ("network") and the blend of logits ("ensemble") are at every α, and the share of samples on which the two
// predict different classes.
func (r *Result) WriteCalibration(w io.Writer) error {
	t := newTable(w, append(calibrationColumns, "policy")...)
	for k, alpha := range r.Alphas {
		for i, c := range []Calibration{r.Networks[k], r.Ensembles[k]} {
			t.row(number(alpha), []string{"network", "ensemble"}[i], number(c.Loss), number(c.Error), number(c.Brier), number(c.ECE), number(r.Apart[k]), r.Policy.String())
		}
	}
	return t.flush()
}

// predictions is the number of columns of predicted.
const predictions = 4

// predicted is loss in nats, 1 where the prediction is wrong, confidence, and Brier score of every sample: four columns.
func predicted(logits, y *graph.Node) []*graph.Node {
	z := graph.ConvertDType(logits, dtypes.Float64)
	p := graph.Softmax(z, -1)
	miss := graph.Sub(p, graph.OneHot(y, z.Shape().Dim(-1), dtypes.Float64))
	return []*graph.Node{network.CrossEntropy(z, y), wrong(logits, y), graph.ReduceMax(p, -1), graph.ReduceSum(graph.Square(miss), -1)}
}

// apart is 1 where two predictors disagree on the class, a column.
func apart(x, y *graph.Node) *graph.Node { return wrong(x, graph.ArgMax(y, -1, dtypes.Int32)) }

// reliability gathers the columns of predicted over samples.
type reliability struct {
	tally
	brier float64
	bins  [Bins]struct {
		n                 int
		confidence, right float64
	}
}

func (r *reliability) add(row []float64) {
	r.tally.add(row[0], row[1])
	r.brier += row[3]
	b := &r.bins[min(int(row[2]*Bins), Bins-1)]
	b.n++
	b.confidence += row[2]
	b.right += 1 - row[1]
}

func (r *reliability) calibration() Calibration {
	var c Calibration
	c.Loss, c.Error = r.means()
	c.Brier = r.brier / float64(r.n)
	for _, b := range r.bins {
		n := float64(b.n)
		c.ECE += math.Abs(b.right-b.confidence) / float64(r.n)
		c.Bins = append(c.Bins, Bin{b.n, b.confidence / n, b.right / n})
	}
	return c
}
