package match

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/backend"
	"layerwise/llfc/network"
)

func ExampleMergeSimilar() {
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 10, Widths: []int{4}, Init: "torch"})
	if err != nil {
		panic(err)
	}
	theta, _ := n.Init(1)
	w, _ := theta.Get("fc1/w") // [64, 4]: unit 3 becomes nearly what unit 1 is; the biases are 0
	for i := range 64 {
		w.Data[4*i+3] = 1.01 * w.Data[4*i+1]
	}
	s, _ := n.Symmetry()
	merged, err := MergeSimilar(s, theta, 0.1)
	fmt.Println(merged.Clusters, err)
	// Output: map[fc1:[[0] [1 3] [2]]] <nil>
}

// copied returns theta with each of the pairs of a group given the same incoming weights and statistics, not the same outgoing ones.
func copied(s network.Symmetry, theta network.Params, group string, pairs ...[2]int) network.Params {
	out := theta.Clone()
	g, _ := s.Group(group)
	for _, place := range g.Places {
		t, _ := out.Get(place.Tensor)
		if place.Axis < len(t.Dims)-1 {
			continue
		}
		outer, size, inner := split(t.Dims, place.Axis)
		for _, p := range pairs {
			for j := range place.At[0] {
				for i := range outer {
					copy(t.Data[(i*size+place.At[p[1]][j])*inner:][:inner], t.Data[(i*size+place.At[p[0]][j])*inner:])
				}
			}
		}
	}
	return out
}

// Copies merge without changing the function, whatever goes out of them; merging what are no copies does change it.
func TestMergeSimilarOfCopies(t *testing.T) {
	on, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	defer on.Finalize()
	for name, spec := range map[string]network.Spec{
		"mlp": mlpSpec(20, 30, 20), "lenet": lenetSpec(),
		"vgg":              {Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 10, Depth: 11, Width: 4, Norm: "batch", Head: []int{20}, Init: "kaiming-out"},
		"resnet, option A": {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 10, Depth: 8, Width: 8, Norm: "batch", Shortcut: "pad", Init: "kaiming"},
		"resnet":           {Architecture: "resnet", Input: []int{8, 8, 3}, Classes: 10, Depth: 8, Width: 8, Norm: "batch", Shortcut: "conv1", Init: "kaiming"},
	} {
		s, theta := drawn(t, spec, 1)
		n, err := network.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		f, err := network.Compile(on, n)
		if err != nil {
			t.Fatal(err)
		}
		x := Noise(spec.Input)
		x.Data, x.Dims[0] = x.Data[:len(x.Data)/8], x.Dims[0]/8
		for _, g := range s.Groups {
			if g.Size < 4 {
				continue
			}
			pair := [2]int{1, g.Size - 1}
			twins := copied(s, theta, g.Name, pair)
			m, err := MergeSimilar(s, twins, 1e-3)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range s.Groups {
				want := other.Size
				if other.Name == g.Name {
					want--
				}
				if m.Units(other.Name) != want {
					t.Errorf("%s: units 1 and %d of %s are copies, and %s has %d clusters of %d units", name, pair[1], g.Name, other.Name, m.Units(other.Name), other.Size)
				}
			}
			if !slices.ContainsFunc(m.Clusters[g.Name], func(c []int) bool { return slices.Equal(c, pair[:]) }) {
				t.Errorf("%s, %s: %v", name, g.Name, m.Clusters[g.Name])
			}
			if m.Theta.Equal(twins) {
				t.Errorf("%s, %s: nothing was merged", name, g.Name)
			}
			if err := Check(f, twins, m.Theta, x); err != nil {
				t.Errorf("%s, %s: %v", name, g.Name, err)
			}
		}
		if m, err := MergeSimilar(s, theta, 0); err != nil || !m.Theta.Equal(theta) {
			t.Errorf("%s: no copies, and the weights changed; %v", name, err)
		}
		m, err := MergeSimilar(s, theta, 1.5)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(f, theta, m.Theta, x); err == nil || !strings.Contains(err.Error(), "another function") {
			t.Errorf("%s: the control: units that are not alike were merged, and Check says %v", name, err)
		}
	}
}

// What goes out is summed, what comes in averaged.
func TestMergeSimilarSums(t *testing.T) {
	s, theta := drawn(t, mlpSpec(10), 1)
	m, err := MergeSimilar(s, theta, 10)
	if err != nil || m.Units(s.Groups[0].Name) != 1 {
		t.Fatal(m.Clusters, err)
	}
	for _, name := range []string{"fc1/w", "fc1/b", "logits/w"} {
		x, _ := theta.Get(name)
		y, _ := m.Theta.Get(name)
		sums := [2]float64{}
		for i := range x.Data {
			sums[0] += float64(x.Data[i])
			sums[1] += float64(y.Data[i])
		}
		if math.Abs(sums[0]-sums[1]) > 1e-5 {
			t.Errorf("%s: %v", name, sums)
		}
	}
}

// nearest is what joining one pair after another by the distances of the means themselves gives.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := range 15 {
		for _, threshold := range []float64{0, 0.3, 0.8, 1.2, 3} {
			const k = 3
			v := fill(n*k, r.NormFloat64)
			gram := make([]float64, n*n)
			for i := range gram {
				for c := range k {
					gram[i] += v[i/n*k+c] * v[i%n*k+c]
				}
			}
			want := [][]int{}
			for i := range n {
				want = append(want, []int{i})
			}
			mean := func(units []int) (m [k]float64) {
				for _, u := range units {
					for c := range k {
						m[c] += v[u*k+c] / float64(len(units))
					}
				}
				return m
			}
			for {
				best, at := math.Inf(1), [2]int{}
				for i := range want {
					for j := range i {
						x, y := mean(want[i]), mean(want[j])
						apart, size := 0.0, 0.0
						for c := range k {
							apart += (x[c] - y[c]) * (x[c] - y[c])
							size += (x[c]*x[c] + y[c]*y[c]) / 2
						}
						if d := math.Sqrt(apart / size); d < best {
							best, at = d, [2]int{j, i}
						}
					}
				}
				if best > threshold {
					break
				}
				want[at[0]] = slices.Sorted(slices.Values(append(want[at[0]], want[at[1]]...)))
				want = slices.Delete(want, at[1], at[1]+1)
			}
			got := nearest(gram, n, threshold)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("n = %d, threshold %g: %v, want %v", n, threshold, got, want)
			}
		}
	}
}

func TestMergeSimilarRefuses(t *testing.T) {
	s, theta := drawn(t, mlpSpec(8), 1)
	for _, threshold := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := MergeSimilar(s, theta, threshold); err == nil || !strings.Contains(err.Error(), "threshold") {
			t.Errorf("%g: %v", threshold, err)
		}
	}
	_, narrow := drawn(t, mlpSpec(7), 1)
	if _, err := MergeSimilar(s, narrow, 1); err == nil || !strings.Contains(err.Error(), `"fc1/w"`) {
		t.Error(err)
	}
	w, _ := theta.Get("fc1/w")
	w.Data[9] = float32(math.NaN())
	if _, err := MergeSimilar(s, theta, 1); err == nil || !strings.Contains(err.Error(), `group "fc1"`) {
		t.Error(err)
	}
}
