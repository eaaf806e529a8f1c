package train

import (
	"context"
	"math"
	"testing"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// mixed is a config whose linear maps compute in bfloat16.
func mixed(c Config) Config {
	c.Precision = "bf16"
	return c
}

// losses trains the whole run and returns the loss of every step.
func losses(t *testing.T, f *network.Model, d *feed.Feed, c Config, s State) (State, []float32) {
	t.Helper()
	tr, err := NewTrainer(f, d, c)
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	s, err = tr.Run(context.Background(), s, c.Steps(d.Len()), func(p Progress) error {
		out = append(out, p.Loss...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, out
}

// In mixed precision networks learn as in float32, and continue to the same bits. bfloat16 has 8 bits, so a value is off by up to
// 2⁻⁹ = 0.2 % after each rounding: the first loss, of the same weights, may differ by 1 %, the mean of all losses, of weights that
// drift apart, by 10 % of the first.
func TestMixedPrecision(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		for _, x := range []struct {
			spec network.Spec
			c    Config
		}{{small, adam()}, {residual, sgd()}} {
			f, theta, d := task(t, b, x.spec)
			start := mustStart(t, f, theta, x.c)
			_, full := losses(t, f, d, x.c, start)
			whole, half := losses(t, f, d, mixed(x.c), start)
			last, gap := len(half)-1, 0.0
			for i := range half {
				gap += float64(half[i]-full[i]) / float64(len(half))
			}
			t.Logf("%s: float32 %.4f to %.4f, bf16 %.4f to %.4f, mean difference %.4f", x.spec.Architecture, full[0], full[last], half[0], half[last], gap)
			if half[0] == full[0] {
				t.Errorf("%s: the first loss is %g in both; nothing was rounded", x.spec.Architecture, half[0])
			}
			if d := math.Abs(float64(half[0]/full[0] - 1)); d > 0.01 {
				t.Errorf("%s: the first loss is %g, in float32 %g", x.spec.Architecture, half[0], full[0])
			}
			if math.Abs(gap) > 0.1*float64(full[0]) || half[last] > half[0]/2 {
				t.Errorf("%s: losses from %g to %g, in float32 from %g to %g", x.spec.Architecture, half[0], half[last], full[0], full[last])
			}
			s := start
			for _, until := range []int{1, 9, whole.Step} {
				s = run(t, f, d, mixed(x.c), s, until)
			}
			if !s.Tensors().Equal(whole.Tensors()) {
				t.Errorf("%s: the resumed run differs from the whole one", x.spec.Architecture)
			}
		}
	})
}
