package measure

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// known is the calibration of logits, one sample after the other, by the definitions.
func known(labels []int32, logits [][]float64) (c Calibration, classes []int) {
	type bin struct{ n, confidence, right float64 }
	bins := map[int]bin{}
	n := float64(len(logits))
	for i, z := range logits {
		sum, best := 0.0, 0
		for k, v := range z {
			sum += math.Exp(v - z[0])
			if v > z[best] {
				best = k
			}
		}
		classes = append(classes, best)
		most := 0.0
		for k, v := range z {
			p := math.Exp(v-z[0]) / sum
			most = max(most, p)
			hit := 0.0
			if k == int(labels[i]) {
				hit = 1
				c.Loss -= math.Log(p) / n
			}
			c.Brier += (p - hit) * (p - hit) / n
		}
		b := bins[min(int(math.Floor(most*15)), 14)]
		b.n++
		b.confidence += most
		if best == int(labels[i]) {
			b.right++
		} else {
			c.Error += 1 / n
		}
		bins[min(int(math.Floor(most*15)), 14)] = b
	}
	for _, b := range bins {
		c.ECE += b.n / n * math.Abs(b.right/b.n-b.confidence/b.n)
	}
	return c, classes
}

// Loss, error, Brier score and ECE of A, B, θ_α and the blend of logits are those of the definitions, and the two sides of Lemma 1 hold.
func TestCalibration(t *testing.T) {
	scenes(t, func(t *testing.T, s scene) {
		if s.f.Backend.Name() == "xla" && len(s.f.About.Linears) > 3 {
			t.Skip("the MLP shows it")
		}
		r := pair(t, s, Options{Alphas: []float64{0.3}, Batch: 12})
		fa, fb := features(t, s, s.a, "logits"), features(t, s, s.b, "logits")
		lemma := r.Lemma()
		for k, alpha := range r.Alphas {
			theta := must[network.Params](t)(network.Interpolate(s.a, s.b, alpha))
			var mixed [][]float64
			for i := range fa {
				mixed = append(mixed, mix(alpha, fa[i], fb[i]))
			}
			of, classes := known(s.d.Set.Labels, features(t, s, theta, "logits"))
			blend, others := known(s.d.Set.Labels, mixed)
			apart := 0.0
			for i := range classes {
				if classes[i] != others[i] {
					apart += 1 / float64(len(classes))
				}
			}
			if math.Abs(r.Apart[k]-apart) > 1e-9 {
				t.Errorf("α = %g: apart on %g, expected %g", alpha, r.Apart[k], apart)
			}
			for what, c := range map[string][2]Calibration{
				"θ_α": {must[Calibration](t)(r.Calibration(alpha)), of}, "blend": {must[Calibration](t)(r.Ensemble(alpha)), blend},
			} {
				got, want := c[0], c[1]
				if math.Abs(got.Loss-want.Loss) > 1e-5 || math.Abs(got.Error-want.Error) > 1e-9 || math.Abs(got.Brier-want.Brier) > 1e-6 || math.Abs(got.ECE-want.ECE) > 1e-6 || want.ECE < 1e-3 {
					t.Errorf("α = %g, %s: %+v, expected %+v", alpha, what, got, want)
				}
				samples := 0
				for _, b := range got.Bins {
					samples += b.Samples
				}
				if samples != s.d.Len() || got.Reliability().Len() == 0 || got.Reliability().Len() > len(got.Bins) {
					t.Errorf("%d samples in %d bins", samples, len(got.Bins))
				}
			}
			if r.Networks[k].Error != r.Lines[0].Error[k] || r.Ensembles[k].Error != lemma.Blend.Values[k] {
				t.Errorf("α = %g: two errors of one network: %+v, %g", alpha, r.Networks[k], r.Lines[0].Error[k])
			}
			if slack := lemma.Slack().Values[k]; slack < -1e-12 || lemma.Blend.Values[k] > lemma.Bound.Values[k] {
				t.Errorf("α = %g: Lemma 1 is off by %g", alpha, slack)
			}
		}
		if apart := lemma.Apart.Values; apart[0] != 0 || apart[len(apart)-1] != 0 || apart[1] == 0 {
			t.Errorf("apart %v; expected 0 at the ends only", apart)
		}
		_, ensemble := r.Calibrations(func(c Calibration) float64 { return c.ECE })
		if ensemble.Values[1] != r.Ensembles[1].ECE {
			t.Errorf("%v", ensemble)
		}
		average := must[*Result](t)(Average(r, r))
		if a, b := average.Networks[1], r.Networks[1]; math.Abs(a.Brier-b.Brier) > 1e-15 || a.Bins != nil || average.Apart[1] != r.Apart[1] {
			t.Errorf("average %+v of twice %+v", a, b)
		}
		_, err := r.Ensemble(0.7)
		expect(t, err, "α = 0.7 was not measured")
		var text strings.Builder
		if err := r.WriteCalibration(&text); err != nil || strings.Count(text.String(), "\n") != 1+2*len(r.Alphas) {
			t.Errorf("%v:\n%s", err, text.String())
		}
	})
}

// A predictor that is 70 % sure of four samples and right on three: its ECE is 0.05. Confidence 1 belongs to the last bin.
func Example_calibration() {
	var r reliability
	for _, wrong := range []float64{0, 0, 0, 1} {
		r.add([]float64{0.5, wrong, 0.7, 0.2})
	}
	c := r.calibration()
	fmt.Printf("%.2f %.2f %.2f %.2f\n", c.Loss, c.Error, c.Brier, c.ECE)
	r.add([]float64{0, 0, 1, 0})
	fmt.Println(r.calibration().Reliability().Len(), r.bins[Bins-1].n)
	// Output:
	// 0.50 0.25 0.20 0.05
	// 2 1
}

func ExampleResult_WriteCalibration() {
	c := Calibration{Loss: 0.1, Error: 0.02, Brier: 0.03, ECE: 0.01}
	r := &Result{Alphas: []float64{0.5}, Networks: []Calibration{c}, Ensembles: []Calibration{{Loss: 0.2}}, Apart: []float64{0.25}}
	_ = r.WriteCalibration(os.Stdout)
	// Output:
	// alpha,predictor,loss,error,brier,ece,apart,policy
	// 0.5,network,0.1,0.02,0.03,0.01,0.25,interpolate
	// 0.5,ensemble,0.2,0,0,0,0.25,interpolate
}
