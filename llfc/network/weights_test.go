package network

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Weights that cannot be computed with are found wherever they are, and named with their place.
func TestCheckWeights(t *testing.T) {
	s := resnet.Default
	s.Depth, s.Width = 8, 2
	n, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Compile(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	theta, err := n.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CheckWeights(theta); err != nil {
		t.Fatal(err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for i, p := range f.About.Params {
		last := len(theta[i].Data) - 1
		for _, v := range []float32{nan, inf, -inf, -1e-30, 0, float32(math.Copysign(0, -1)), math.MaxFloat32} {
			bad := theta.Clone()
			bad[i].Data[last] = v
			err := f.CheckWeights(bad)
			wrong := math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || v < 0 && p.Role == Variance
			if (err != nil) != wrong {
				t.Errorf("%v in %s: %v", v, p.Name, err)
			}
			if err != nil && (!strings.Contains(err.Error(), fmt.Sprintf("%q", p.Name)) || !strings.Contains(err.Error(), fmt.Sprint("position ", last))) {
				t.Errorf("%v in %s: %v", v, p.Name, err)
			}
		}
	}
	renamed, turned := theta.Clone(), theta.Clone()
	renamed[2].Name = "gone"
	turned[0].Dims = []int{27, 2}
	for what, bad := range map[string]Params{"a tensor too few": theta[1:], "another name": renamed, "another shape": turned} {
		if f.CheckWeights(bad) == nil {
			t.Errorf("%s passes", what)
		}
	}
}
