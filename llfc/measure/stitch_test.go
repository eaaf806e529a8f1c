package measure

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

func stitch(t *testing.T, s scene, o StitchOptions) *Stitched {
	t.Helper()
	return must[*Stitched](t)(Stitch(context.Background(), s.f, s.a, s.b, s.d, o))
}

// residual is a ResNet of one block a stage, on pure Go: XLA takes seconds to compile its pieces.
func residual(t *testing.T) scene {
	t.Helper()
	return newScene(t, engines(t)["go"], network.Spec{Architecture: "resnet", Input: []int{8, 8, 2}, Classes: 4, Depth: 8, Width: 3, Norm: "layer", Shortcut: "pad", Init: "torch"})
}

// scored is loss and error of logits, in float64 on the host.
func scored(labels []int32, logits [][]float64) Score {
	var out Score
	for i, z := range logits {
		sum, best := 0.0, 0
		for c, v := range z {
			sum += math.Exp(v - z[labels[i]])
			if v > z[best] {
				best = c
			}
		}
		out.Loss += math.Log(sum) / float64(len(logits))
		if best != int(labels[i]) {
			out.Error += 1 / float64(len(logits))
		}
	}
	return out
}

func (s Score) near(w Score) bool {
	return math.Abs(s.Loss-w.Loss) <= 1e-5*(1+math.Abs(w.Loss)) && math.Abs(s.Error-w.Error) < 1e-9
}

// Stitching piece by piece gives what one graph from the cut on gives for the other network's features, at every cut and both ways. At the
// input it is the one network, at the logits the other.
func TestStitchAgainstOneGraph(t *testing.T) {
	check := func(t *testing.T, s scene) {
		if s.f.Backend.Name() == "xla" && len(s.f.About.Linears) > 3 {
			t.Skip("XLA takes seconds to compile each of the graphs to compare with; the MLP shows it")
		}
		got := stitch(t, s, StitchOptions{Batch: 12})
		labels := s.d.Set.Labels
		for d, theta := range map[Direction][2]network.Params{AToB: {s.a, s.b}, BToA: {s.b, s.a}} {
			for i, cut := range got.Cuts {
				want := scored(labels, features(t, s, theta[1], "logits"))
				if cut.Name != "input" {
					h := tensorOf(features(t, s, theta[0], cut.Name), s.f, cut.Name)
					z := h // of the first network itself, at the logits
					if i < len(got.Cuts)-1 {
						z = must[network.Tensor](t)(s.f.LogitsFrom(theta[1], h, cut.Name))
					}
					want = scored(labels, rowsOf(z))
				}
				if v := got.Scores[d][i]; !v.near(want) {
					t.Errorf("%s at %s: %+v, expected %+v", d, cut.Name, v, want)
				}
			}
		}
		a, b := got.Ends()
		if last := len(got.Cuts) - 1; got.Scores[AToB][last] != a || got.Scores[AToB][0] != b || got.Scores[BToA][last] != b || a == b {
			t.Errorf("A %+v, B %+v; at the logits %+v, at the input %+v", a, b, got.Scores[AToB][last], got.Scores[AToB][0])
		}
	}
	scenes(t, check)
	t.Run("resnet", func(t *testing.T) { check(t, residual(t)) })
}

func tensorOf(rows [][]float64, f *network.Model, layer string) network.Tensor {
	i := slices.IndexFunc(f.About.Taps, func(tap network.Tap) bool { return tap.Name == layer })
	out := network.Tensor{Name: layer, Dims: append([]int{len(rows)}, f.About.Taps[i].Dims...)}
	for _, row := range rows {
		for _, v := range row {
			out.Data = append(out.Data, float32(v))
		}
	}
	return out
}

func rowsOf(x network.Tensor) [][]float64 {
	width := len(x.Data) / x.Dims[0]
	out := make([][]float64, x.Dims[0])
	for i := range out {
		for _, v := range x.Data[i*width : (i+1)*width] {
			out[i] = append(out[i], float64(v))
		}
	}
	return out
}

// A network stitched to itself is itself at every cut, to the last bit of its loss; to a network that differs in its last layer only, it is that
// network at every cut before. One that differs in its first layer gives another loss, or the test would see nothing.
func TestStitchedToItself(t *testing.T) {
	check := func(t *testing.T, s scene) {
		self := s
		self.b = s.a
		got := stitch(t, self, StitchOptions{Batch: 12})
		for d, scores := range got.Scores {
			for i, v := range scores {
				if v != scores[0] {
					t.Errorf("%s at %s: %+v, expected %+v to the bit", Direction(d), got.Cuts[i].Name, v, scores[0])
				}
			}
		}
		last, first := s, s
		last.b, first.b = s.a.Clone(), s.a.Clone()
		for i := range s.b[len(s.b)-2:] {
			last.b[len(s.b)-2+i] = s.b[len(s.b)-2+i]
		}
		first.b[0] = s.b[0]
		tail := stitch(t, last, StitchOptions{Batch: 12}).Scores[AToB]
		head := stitch(t, first, StitchOptions{Batch: 12}).Scores[AToB]
		n := len(tail) - 1
		for i := range tail {
			if i < n && tail[i] != tail[0] || i > 0 && head[i] != head[n] {
				t.Errorf("at %s: %+v and %+v", got.Cuts[i].Name, tail[i], head[i])
			}
		}
		if tail[n] == tail[0] || head[n] == head[0] {
			t.Error("the networks are too alike to prove anything")
		}
	}
	scenes(t, check)
	t.Run("resnet", func(t *testing.T) { check(t, residual(t)) })
}

// A ResNet can be cut where one value carries everything: the input, the stem, sums and outputs of blocks, and what follows. Inside of a block it
// cannot, which the error says.
func TestCutsOfAResNet(t *testing.T) {
	s := residual(t)
	var names []string
	for _, c := range Cuts(s.f) {
		names = append(names, c.Name)
	}
	want := "input conv1 conv1/ln conv1/ln/relu layer1.0/sum layer1.0 layer2.0/sum layer2.0 layer3.0/sum layer3.0 layer3.0/mean logits"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s; expected %s", got, want)
	}
	_, err := Stitch(context.Background(), s.f, s.a, s.b, s.d, StitchOptions{Cuts: []string{"layer1.0/conv1"}})
	expect(t, err, `cannot cut at "layer1.0/conv1"`, `"layer1.0"`)
}

// Fewer cuts, other batches and their padding change nothing but rounding, and Inner leaves out the ends.
func TestStitchWhatMustNotMatter(t *testing.T) {
	s := newScene(t, engines(t)["go"], specs()["mlp"])
	all := stitch(t, s, StitchOptions{Batch: 12})
	at := func(r *Stitched, layer string) int {
		return slices.IndexFunc(r.Cuts, func(c Layer) bool { return c.Name == layer })
	}
	done, total := 0, 0
	few := stitch(t, s, StitchOptions{Cuts: []string{"fc2"}, Batch: 7, Progress: func(d, n int) { done, total = d, n }})
	if len(few.Cuts) != 3 || done != total || total != 5*2*3 {
		t.Errorf("cuts %v, %d steps of %d", few.Cuts, done, total)
	}
	for d := range all.Scores {
		for i, c := range few.Cuts {
			if got, want := few.Scores[d][i], all.Scores[d][at(all, c.Name)]; !got.near(want) {
				t.Errorf("%s at %s: %+v, expected %+v", Direction(d), c.Name, got, want)
			}
		}
	}
	relu := all.Inner(func(l Layer) bool { return l.Kind == "act" })
	if len(relu.Cuts) != 2 || relu.Scores[BToA][1] != all.Scores[BToA][at(all, "fc2/relu")] || len(all.Inner(nil).Cuts) != len(all.Cuts)-2 {
		t.Errorf("inner: %+v", relu)
	}
	layer, d, worst := all.Worst()
	if worst != all.Scores[d][at(all, layer.Name)].Error || layer.Kind == "input" || layer.Name == "logits" {
		t.Errorf("the worst is %g, %s at %s", worst, d, layer.Name)
	}
	a, b := all.Ends()
	if p := all.Penalty(AToB); math.Abs(p.Stats[0].Mean-(b.Error-a.Error)/2) > 1e-15 || p.Layers[0] != "input" || !math.IsNaN(p.Stats[0].Std) {
		t.Errorf("penalty at the input: %+v", p.Stats[0])
	}
	_, err := Stitch(context.Background(), s.f, s.a, s.b[:5], s.d, StitchOptions{})
	expect(t, err, "weights B")
	wide := newScene(t, s.f.Backend, specs()["lenet"])
	_, err = Stitch(context.Background(), s.f, s.a, s.b, wide.d, StitchOptions{})
	expect(t, err, "have shape [20 16 2]")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Stitch(ctx, s.f, s.a, s.b, s.d, StitchOptions{})
	expect(t, err, "canceled")
}

func ExampleStitched_WriteCSV() {
	s := &Stitched{Samples: 100, Cuts: []Layer{{"input", "input"}, {"fc1/relu", "act"}, {"logits", "linear"}}}
	s.Scores = [2][]Score{{{0.1, 0.02}, {0.3, 0.05}, {0.2, 0.04}}, {{0.2, 0.04}, {0.4, 0.06}, {0.1, 0.02}}}
	_ = s.WriteCSV(os.Stdout)
	// Output:
	// layer,kind,direction,loss,error
	// input,input,A to B,0.1,0.02
	// fc1/relu,act,A to B,0.3,0.05
	// logits,linear,A to B,0.2,0.04
	// input,input,B to A,0.2,0.04
	// fc1/relu,act,B to A,0.4,0.06
	// logits,linear,B to A,0.1,0.02
}
