package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"layerwise/llfc/network"
)

// layerOf is layer l of an MLP in float64 on the host, for the inputs h of one sample: a linear map for even l, a ReLU for odd.
func layerOf(theta network.Params, l int, h []float64) []float64 {
	if l%2 == 1 {
		out := make([]float64, len(h))
		for i, v := range h {
			out[i] = max(v, 0)
		}
		return out
	}
	w, b := theta[l], theta[l+1]
	out := make([]float64, len(b.Data))
	for j := range out {
		out[j] = float64(b.Data[j])
	}
	for i, v := range h {
		for j := range out {
			out[j] += v * float64(w.Data[i*len(out)+j])
		}
	}
	return out
}

func minus(x, y []float64) []float64 { return plus(x, y, -1) }
func plus(x, y []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = x[i] + by*y[i]
	}
	return out
}

// The recursion of an MLP, by the formulas of the proof in float64: R̃ = W_α R − α(1−α) ΔW ΔH, then σ(Z + R̃) − σ(Z) − G with the gap G of
// two signs. And what came of the one and the other cause, carried along beside it.
func TestDepartureIsTheErrorRecursion(t *testing.T) {
	const alpha = 0.3
	for on, b := range engines(t) {
		t.Run(on, func(t *testing.T) {
			s := newScene(t, b, specs()["mlp"])
			s.b = jitter(t, s.f, 4, s.a)
			d := must[Departure](t)(pair(t, s, Options{Alphas: []float64{alpha}, Batch: 12, Also: Departures()}).Departure(alpha))
			theta := must[network.Params](t)(network.Interpolate(s.a, s.b, alpha))
			layers := []string{"fc1", "fc1/relu", "fc2", "fc2/relu", "logits"}
			var rr, bb, mm, yy, rb, rm, rc, ro [5]float64
			x := features(t, s, s.a, "input")
			for i := range x {
				ha, hb := x[i], x[i] // of A and B
				r, com, other := make([]float64, len(x[i])), make([]float64, len(x[i])), make([]float64, len(x[i]))
				for l := range layers {
					na, nb := layerOf(s.a, l, ha), layerOf(s.b, l, hb)
					z := mix(alpha, ha, hb)
					var made []float64
					pass := func(r []float64) []float64 { return minus(layerOf(theta, l, plus(z, r, 1)), layerOf(theta, l, z)) }
					if l%2 == 0 {
						delta := s.a.Clone()
						for j := range delta[l].Data {
							delta[l].Data[j] -= s.b[l].Data[j]
						}
						for j := range delta[l+1].Data {
							delta[l+1].Data[j] = 0
						}
						made = layerOf(delta, l, minus(ha, hb))
						for j := range made {
							made[j] *= -alpha * (1 - alpha)
						}
					} else {
						made = make([]float64, len(ha))
						for j, a := range ha {
							if b := hb[j]; (a > 0) != (b > 0) {
								made[j] = -min(alpha*math.Abs(a), (1-alpha)*math.Abs(b))
							}
						}
					}
					below := pass(r)
					var fromCom, fromOther []float64
					if l%2 == 0 { // linear: each goes its own way
						fromCom, fromOther = pass(com), pass(other)
						fromCom = plus(fromCom, made, 1)
					} else {
						fromCom = plus(pass(com), minus(pass(r), pass(other)), 1)
						fromOther = plus(pass(other), minus(pass(r), pass(com)), 1)
						for j := range fromCom {
							fromCom[j], fromOther[j] = fromCom[j]/2, fromOther[j]/2
						}
						fromOther = plus(fromOther, made, 1)
					}
					r, com, other = plus(below, made, 1), fromCom, fromOther
					ha, hb = na, nb
					y := mix(alpha, na, nb)
					rr[l], bb[l], mm[l], yy[l] = rr[l]+dot64(r, r), bb[l]+dot64(below, below), mm[l]+dot64(made, made), yy[l]+dot64(y, y)
					rb[l], rm[l], rc[l], ro[l] = rb[l]+dot64(r, below), rm[l]+dot64(r, made), rc[l]+dot64(r, com), ro[l]+dot64(r, other)
				}
			}
			for l, layer := range layers {
				if d.Size.Layers[l] != layer {
					t.Fatalf("layer %d is %s, expected %s", l, d.Size.Layers[l], layer)
				}
				if l == 0 { // linear in θ
					if d.Size.Stats[0].Mean > 1e-6 || !math.IsNaN(d.FromBelow.Stats[0].Mean) || !math.IsNaN(d.Commutativity.Stats[0].Mean) {
						t.Errorf("first layer: %+v, of which %+v from below", d.Size.Stats[0], d.FromBelow.Stats[0])
					}
					continue
				}
				for what, v := range map[string]struct{ got, want float64 }{
					"size": {d.Size.Stats[l].Mean, math.Sqrt(rr[l] / yy[l])}, "below": {d.Below.Stats[l].Mean, math.Sqrt(bb[l] / yy[l])},
					"made": {d.Made.Stats[l].Mean, math.Sqrt(mm[l] / yy[l])}, "share from below": {d.FromBelow.Stats[l].Mean, rb[l] / rr[l]},
					"share from here": {d.FromHere.Stats[l].Mean, rm[l] / rr[l]}, "commutativity": {d.Commutativity.Stats[l].Mean, rc[l] / rr[l]},
					"additivity": {d.Additivity.Stats[l].Mean, ro[l] / rr[l]},
				} {
					if math.Abs(v.got-v.want) > 1e-4 { // of float32 features; a pre-activation near 0 may have another sign
						t.Errorf("%s of %s: %g, expected %g", what, layer, v.got, v.want)
					}
				}
				if d.Size.Stats[l].Mean < 1e-3 || l > 1 && math.Abs(d.Commutativity.Stats[l].Mean*d.Additivity.Stats[l].Mean) < 1e-4 {
					t.Errorf("%s: %+v departs too little to prove anything", layer, d.Size.Stats[l])
				}
			}
			if want := []string{"commutativity", "weak additivity", "commutativity", "weak additivity", "commutativity"}; !slices.Equal(d.Causes, want) {
				t.Errorf("causes %q", d.Causes)
			}
		})
	}
}

// In any network, with norms, pools and skip connections, the shares add up to 1, sizes obey the triangle, a sum of a block makes nothing, and at
// the ends nothing departs.
func TestDeparturesAddUp(t *testing.T) {
	batch := network.Spec{Architecture: "resnet", Input: []int{8, 8, 2}, Classes: 4, Depth: 8, Width: 3, Norm: "batch", Shortcut: "conv1", Init: "torch"}
	for name, s := range map[string]scene{
		"lenet": newScene(t, engines(t)["go"], specs()["lenet"]), "layer norm, pad": residual(t), "batch norm, conv1": newScene(t, engines(t)["go"], batch),
	} {
		t.Run(name, func(t *testing.T) {
			s.b = jitter(t, s.f, 4, s.a)
			for i, p := range s.f.About.Params { // a variance is not negative
				for j, v := range s.b[i].Data {
					if p.Role == network.Variance {
						s.b[i].Data[j] = max(v, 0.1)
					}
				}
			}
			r := pair(t, s, Options{Alphas: []float64{0.25}, Batch: 12, Also: Departures()})
			for _, alpha := range []float64{0.25, 0.5} {
				d := must[Departure](t)(r.Departure(alpha))
				departs := false
				for l, layer := range r.Layers {
					at := func(p Profile) float64 { return p.Stats[l].Mean }
					if at(d.Size) > at(d.Below)+at(d.Made)+1e-9 {
						t.Errorf("%s: %g > %g + %g", layer.Name, at(d.Size), at(d.Below), at(d.Made))
					}
					if layer.Kind == "block" && at(d.Made) > 1e-6 {
						t.Errorf("%s: a sum makes %g", layer.Name, at(d.Made))
					}
					if math.IsNaN(at(d.FromBelow)) {
						continue
					}
					departs = true
					if math.Abs(at(d.FromBelow)+at(d.FromHere)-1) > 1e-12 || math.Abs(at(d.Commutativity)+at(d.Additivity)-1) > 1e-12 {
						t.Errorf("%s: %g and %g, %g and %g do not add up to 1", layer.Name, at(d.FromBelow), at(d.FromHere), at(d.Commutativity), at(d.Additivity))
					}
				}
				if !departs {
					t.Error("nothing departs")
				}
			}
			for _, alpha := range []float64{0, 1} {
				for l, v := range must[Departure](t)(r.Departure(alpha)).Size.Stats {
					if v.Mean != 0 {
						t.Errorf("α = %g, %s: %g", alpha, r.Layers[l].Name, v.Mean)
					}
				}
			}
		})
	}
}

// Each cause is found where only it can be. B differs from A in its last map only: the last map commutes, and nothing departs. In its first two maps
// with units that never switch off: only linear maps can make a departure. In its first map only: only ReLUs can.
func TestDepartureFindsTheCause(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	changed := func(tensors ...int) network.Params {
		out, rng := s.a.Clone(), rand.New(rand.NewPCG(7, 7))
		for _, i := range tensors {
			for j := range out[i].Data {
				out[i].Data[j] += float32(0.1 * rng.NormFloat64())
			}
		}
		return out
	}
	departure := func() Departure {
		return must[Departure](t)(pair(t, s, Options{Batch: 12, Also: Departures()}).Departure(0.5))
	}
	s.b = changed(4)
	for l, v := range departure().Size.Stats {
		if v.Mean > 1e-6 {
			t.Errorf("only the last map differs, and layer %d departs by %g", l, v.Mean)
		}
	}
	s.b = changed(0)
	if d := departure(); d.Size.Stats[4].Mean < 1e-4 || math.Abs(d.Additivity.Stats[4].Mean-1) > 1e-6 {
		t.Errorf("only the first map differs: the logits depart by %g, of which ReLUs made %g", d.Size.Stats[4].Mean, d.Additivity.Stats[4].Mean)
	}
	for i, bias := range map[int]float32{1: 50, 3: 1000} {
		for j := range s.a[i].Data {
			s.a[i].Data[j] = bias
		}
	}
	s.b = changed(0, 2)
	if d := departure(); d.Made.Stats[2].Mean < 1e-5 || math.Abs(d.Commutativity.Stats[4].Mean-1) > 1e-3 {
		t.Errorf("all units are on: the second map makes %g, and the logits' departure is of linear maps by %g", d.Made.Stats[2].Mean, d.Commutativity.Stats[4].Mean)
	}
}
