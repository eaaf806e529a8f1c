package pass_test

import (
	"context"
	"fmt"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/pass"
)

// A pass over 12 samples in batches of 5: the last batch is filled up on the device, and counts 2.
func ExampleOpen() {
	b, _, err := backend.Open("go")
	check(err)
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 3, Widths: []int{4}, Init: "torch"})
	check(err)
	f, err := network.Compile(b, n)
	check(err)
	set, err := data.Blobs(3, 4, []int{8, 8, 1}, 1)
	check(err)
	d, err := feed.New(b, set, feed.Standard(set))
	check(err)
	defer d.Free()
	p, err := pass.Open(f, d, 5, 1)
	check(err)
	defer p.Close()
	for p.Next(context.Background()) {
		fmt.Println(p.Len(), "samples from", p.Sample(0), "as", p.X.Shape().Dimensions)
	}
	check(p.Err())
	// Output:
	// 5 samples from 0 as [5 8 8 1]
	// 5 samples from 5 as [5 8 8 1]
	// 2 samples from 10 as [5 8 8 1]
}

// A fair sample of a set, whatever its order: 6 of 12, without repetition.
func ExampleDraw() {
	b, _, err := backend.Open("go")
	check(err)
	n, err := network.New(network.Spec{Architecture: "mlp", Input: []int{8, 8, 1}, Classes: 3, Widths: []int{4}, Init: "torch"})
	check(err)
	f, err := network.Compile(b, n)
	check(err)
	set, err := data.Blobs(3, 4, []int{8, 8, 1}, 1)
	check(err)
	d, err := feed.New(b, set, feed.Standard(set))
	check(err)
	defer d.Free()
	p, err := pass.Draw(f, d, 6, 1, 2)
	check(err)
	defer p.Close()
	seen := map[int]bool{}
	for p.Next(context.Background()) {
		for i := range p.Len() {
			seen[p.Sample(i)] = true
		}
	}
	check(p.Err())
	fmt.Println(len(seen), "samples in", p.Batches(), "batch")
	// Output: 6 samples in 1 batch
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
