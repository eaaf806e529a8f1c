package llfc

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/llfc/network"
)

// numbersVariable asks this test binary, started again, for the numbers of some pairs: a JSON list of [kind, pair].
const numbersVariable = "LAYERWISE_TEST_NUMBERS"

// pairKinds are networks of every kind, those of dense layers as wide as the paper's: libraries take over large products only.
var pairKinds = []network.Spec{
	{Architecture: "mlp", Input: []int{28, 28, 1}, Classes: 10, Widths: []int{512, 512, 512}, Init: "torch"},
	{Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 10, Init: "torch"},
	{Architecture: "block", Input: []int{16, 16, 3}, Classes: 10, Width: 8, Norm: "batch", Init: "kaiming"},
}

// block is one block of a ResNet: XLA takes a tenth of the time for it that a whole one takes.
var block = network.Architecture{Name: "block", Forward: func(s network.Spec) (network.Forward, error) {
	return func(x network.X) network.X {
		k := network.Kernel{Size: 3, Pad: 1, NoBias: true}
		x = x.Conv("conv1", s.Width, k).Norm(s.Norm).ReLU()
		x = x.Conv("conv2", s.Width, k).Norm(s.Norm).Add(x).As("block").ReLU()
		return x.Mean().Dense("logits", x.Classes())
	}, nil
}}

// numbers measures pairs one after the other in this process, and prints what numbersOf says of each.
func numbers(engine string, pairs [][2]int) error {
	l, err := OpenOn(engine)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.AddNetwork(block); err != nil {
		return err
	}
	for _, p := range pairs {
		text, err := numbersOf(l, pairKinds[p[0]], p[1])
		if err != nil {
			text = "error: " + err.Error()
		}
		fmt.Printf("pair %d %d %.150s\n", p[0], p[1], strings.ReplaceAll(text, "\n", " "))
	}
	return nil
}

// numbersOf does with a pair of random networks all that uploads weights and runs them. It returns a digest of every bit of what they give,
// then the losses along the line.
func numbersOf(l *Lab, spec network.Spec, pair int) (string, error) {
	ctx := context.Background()
	f, err := l.Model(spec)
	if err != nil {
		return "", err
	}
	set, err := data.Blobs(spec.Classes, 26, spec.Input, 3)
	if err != nil {
		return "", err
	}
	set.Split = "test"
	test, err := feed.New(l.Backend, set, feed.Standard(set))
	if err != nil {
		return "", err
	}
	defer test.Free()
	sum := sha256.New()
	add := func(v any) { fmt.Fprintf(sum, "%v\n", v) }
	thetas := [2]network.Params{}
	for i := range thetas {
		if thetas[i], err = f.Init(int64(2*pair + i)); err != nil {
			return "", err
		}
		wrong, loss, err := measure.Evaluate(ctx, f, thetas[i], test)
		if err != nil {
			return "", err
		}
		add([]float64{wrong, loss})
	}
	o := measure.Options{Alphas: measure.Alphas(5), Batch: 130, Conditions: true, WeakAlphas: []float64{0.3}, PerSample: true, Train: test}
	switch { // every other pair under a policy that looks at data
	case spec.Norm == "batch":
		o.Policy = merge.Policy{Name: "reset", Samples: 200}
	case pair%2 == 1:
		o.Policy = merge.Policy{Name: "repair", Samples: 200}
	}
	r, err := measure.Pair(ctx, f, thetas[0], thetas[1], test, o)
	if err != nil {
		return "", err
	}
	for _, write := range []func(io.Writer) error{r.WritePath, r.WriteSamples, r.WriteConditions} {
		if err := write(sum); err != nil {
			return "", err
		}
	}
	s, err := f.Network.Symmetry()
	if err != nil {
		return "", err
	}
	found, err := match.Weights(ctx, s, thetas[0], thetas[1], match.Config{Seed: 1})
	if err != nil {
		return "", err
	}
	moved, err := s.Apply(found.Permutation, thetas[1])
	if err != nil {
		return "", err
	}
	x := match.Noise(spec.Input)
	if err := match.Check(f, thetas[1], moved, x); err != nil {
		return "", err
	}
	if match.Check(f, thetas[0], moved, x) == nil {
		return "", errors.New("the other network passes for the permuted one")
	}
	add(found.Objective)
	logits, err := f.Logits(moved, x)
	if err != nil {
		return "", err
	}
	for _, v := range logits.Data {
		add(math.Float32bits(v))
	}
	return fmt.Sprintf("%x %v", sum.Sum(nil)[:16], r.Lines[0].Loss), nil
}

// ask starts a process that measures pairs, and returns what it says of each, as often as it was asked.
func ask(t *testing.T, engine string, pairs [][2]int, env ...string) map[[2]int][]string {
	t.Helper()
	text := must[[]byte](t)(json.Marshal(pairs))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, numbersVariable+"="+string(text), "LAYERWISE_TEST_ENGINE="+engine)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
		return nil
	}
	said := map[[2]int][]string{}
	for line := range strings.Lines(string(out)) {
		var p [2]int
		if n, _ := fmt.Sscanf(line, "pair %d %d", &p[0], &p[1]); n == 2 {
			said[p] = append(said[p], strings.TrimSpace(strings.SplitN(line, " ", 4)[3]))
		}
	}
	return said
}

// reuse makes malloc give a freed block back at once, whatever its size, to whichever thread asks next: one arena, no mapping of large blocks,
// nothing returned to the system.
const reuse = "GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"

// crowd is pairs of every kind in a random order, each twice: what a long-lived process measures.
func crowd(perKind []int) [][2]int {
	var out [][2]int
	for kind, n := range perKind {
		for pair := range n {
			out = append(out, [2]int{kind, pair}, [2]int{kind, pair})
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// Every number of a pair that is measured after many others, under a load and with an allocator that reuses blocks at once, is that of the
// same pair in a process of its own, bit for bit.
func TestOneProcessForAllPairs(t *testing.T) {
	engine, perKind := "go", []int{2, 1, 1}
	if hasXLA(t) {
		engine, perKind = "xla:cpu", []int{2, 1, 1}
	}
	all := crowd(perKind)
	var wg sync.WaitGroup
	var together map[[2]int][]string
	wg.Go(func() { together = ask(t, engine, all, reuse) })
	single := map[[2]int]string{}
	for _, p := range all { // beside it, as its load
		if single[p] == "" {
			single[p] = strings.Join(ask(t, engine, [][2]int{p})[p], "")
		}
	}
	wg.Wait()
	different := map[string]bool{}
	for p, want := range single {
		if different[want] = true; want == "" || strings.HasPrefix(want, "error") {
			t.Errorf("pair %v in a process of its own: %q", p, want)
		}
		if !slices.Equal(together[p], []string{want, want}) {
			t.Errorf("pair %v among others: %q, in a process of its own %q", p, together[p], want)
		}
	}
	if len(different) != len(single) {
		t.Errorf("the pairs do not differ: %v", single)
	}
}

// hasXLA says whether XLA opens on the CPU.
func hasXLA(t *testing.T) bool {
	b, _, err := backend.Open("xla:cpu")
	if err != nil {
		t.Logf("without XLA: %v", err)
		return false
	}
	b.Finalize()
	return true
}

// With XNNPACK on and the canary taken away, no pair may be wrong in silence where XNNPACK strikes: an error is what is asked for. Where it
// does not strike every number is right but for rounding, of which XNNPACK has its own, and nothing is shown.
func TestLiveChecksFindXNNPACK(t *testing.T) {
	if !hasXLA(t) {
		t.Skip("no XLA on the CPU")
	}
	all := crowd([]int{3})
	want, got := ask(t, "xla:cpu", all[:]), ask(t, "xla:cpu", all, reuse, backend.TestXNNPACK+"=unchecked", "XLA_FLAGS=--xla_cpu_use_xnnpack=true")
	stopped := 0
	for p, right := range want {
		for _, v := range got[p] {
			if strings.HasPrefix(v, "error") {
				stopped++
			} else if a, b := losses(t, v), losses(t, right[0]); !slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-6 }) {
				t.Errorf("pair %v is wrong, and nothing was said: the losses are %v, expected %v", p, a, b)
			}
		}
	}
	t.Logf("%d of %d measurements stopped by an error", stopped, len(all))
}

// losses reads the losses that numbersOf has printed.
func losses(t *testing.T, text string) []float64 {
	t.Helper()
	var out []float64
	_, list, _ := strings.Cut(text, " ")
	for _, field := range strings.Fields(strings.Trim(list, "[]")) {
		out = append(out, must[float64](t)(strconv.ParseFloat(field, 64)))
	}
	if len(out) == 0 {
		t.Fatalf("no losses in %q", text)
	}
	return out
}
