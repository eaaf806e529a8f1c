package match

import (
	"context"
	"fmt"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// planted is a network, and itself with its units in another order.
func planted() Problem {
	b, _, err := backend.Open("go")
	check(err)
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{6, 6, 1}, Classes: 5, Widths: []int{16, 12}, Init: "torch"})
	check(err)
	f, err := network.Compile(b, n)
	check(err)
	s, err := n.Symmetry()
	check(err)
	set, err := data.Blobs(5, 20, n.Spec.Input, 1)
	check(err)
	d, err := feed.New(b, set, feed.Standard(set))
	check(err)
	p := Problem{F: f, Symmetry: s, Training: d}
	p.A, err = f.Init(1)
	check(err)
	p.B, err = s.Apply(s.Random(7), p.A)
	check(err)
	return p
}

// tell says whether B came back to A.
func tell(p Problem, r Result) {
	back, err := p.Symmetry.Apply(r.Permutation, p.B)
	check(err)
	fmt.Printf("%s: back to A %t, better than unmatched %t\n", r.Of, back.Equal(p.A), r.Objective > r.Identity)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func ExampleActivations() {
	p := planted()
	r, err := Activations(context.Background(), p)
	check(err)
	tell(p, r)
	// Output: Σ⟨H_A, π(H_B)⟩: back to A true, better than unmatched true
}

func ExampleCorrelations() {
	p := planted()
	r, err := Correlations(context.Background(), p)
	check(err)
	tell(p, r)
	// Output: Σ corr(H_A, π(H_B)): back to A true, better than unmatched true
}

func ExampleFrontToBack() {
	p := planted()
	r, err := FrontToBack(context.Background(), p)
	check(err)
	tell(p, r)
	// Output: Σ corr(H_A, π(H_B)): back to A true, better than unmatched true
}

func ExampleDualSpace() {
	p := planted()
	p.Mix = 0.3 // of the correlation of features; the rest is that of weights
	r, err := DualSpace(context.Background(), p)
	check(err)
	tell(p, r)
	// Output: Σ similarity: back to A true, better than unmatched true
}

func ExampleCommutativity() {
	p := planted()
	p.Restarts = 2
	r, err := Commutativity(context.Background(), p)
	check(err)
	tell(p, r)
	// Output: −Σ‖ΔW ΔH‖²: back to A true, better than unmatched true
}

// The search begins at weight matching, which finds the planted permutation.
func ExampleStraightThrough() {
	p := planted()
	p.Steps, p.Samples = 2, 50
	r, err := StraightThrough(context.Background(), p)
	check(err)
	fmt.Printf("%s: no worse than unmatched %t\n", r.Of, r.Objective >= r.Identity)
	// Output: −loss of ½(A + π(B)): no worse than unmatched true
}

func ExampleAnnealing() {
	p := planted()
	p.Steps, p.Samples = 20, 50
	r, err := Annealing(context.Background(), p)
	check(err)
	fmt.Printf("%s: no worse than unmatched %t\n", r.Of, r.Objective >= r.Identity)
	// Output: accuracy of ½(A + π(B)): no worse than unmatched true
}

func ExampleMethods() {
	for _, m := range Methods() {
		fmt.Println(m.Name, "looks at data:", m.Data)
	}
	// Output:
	// weight looks at data: false
	// activation looks at data: true
	// correlation looks at data: true
	// front-to-back looks at data: true
	// mudsc looks at data: true
	// ste looks at data: true
	// annealing looks at data: true
	// commutativity looks at data: true
	// frank-wolfe looks at data: false
}
