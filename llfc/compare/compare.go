// Package compare says how two sets of weights are related, without knowing the network: [Nets] measures every tensor beside its partner
// (relative distance, cosine, leading singular values, principal angles), tests whether the two were trained independently, looks for a
// permutation of hidden units where shapes chain, and gives a verdict.
//
//	r, err := compare.Nets(ctx, compare.FromFile(a), compare.FromFile(b), compare.Options{})
//	fmt.Println(r.Verdict)
//
// One tensor of each network, for each processor, is in memory at a time; only the search for a permutation holds both networks.
package compare

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"layerwise/llfc/network"
)

// Options say how to compare. The zero value looks at everything that is cheap.
type Options struct {
	Symmetry *network.Symmetry // of the network, where it is known; nil looks for a chain of shapes
	Draws    int               // permutations drawn for the null distribution; 0 is 9999, and p is at least 1/(Draws+1)
	Seed     int64             // of the draws and of the units that are looked at
	Search   int               // look for a permutation in networks of up to so many numbers; 0 is 8 million, negative never looks
}

const (
	usualDraws  = 9999
	usualSearch = 8 << 20
)

// Result is what was found.
type Result struct {
	Rows         []Row
	OnlyA, OnlyB []string // tensors without a partner
	ByOrder      bool     // names differ: partners were found by shape and order
	Groups       []string // hidden units along which independence was tested, each with its tensors
	Known        bool     // the groups are of a known network, not of a chain of shapes
	Test         *Test    // nil where no hidden units were found
	Permuted     *Permuted
	Verdict      Verdict
}

// Row is one tensor of A beside its partner in B.
type Row struct {
	Name, NameB, DType string
	Shape              []int
	Count              int
	Float              bool // of a float type: the others are only told equal or not
	Identical          bool // every number, as float32, bit for bit
	Constant           bool // all numbers of A are the same
	Finite             bool
	NormA, NormB       float64 // ‖A‖, ‖B‖
	Distance           float64 // ‖A − B‖ / ‖A‖; +Inf where A is zero and B is not
	OneMinusCos        float64 // 1 − ⟨A, B⟩ / (‖A‖ ‖B‖); NaN where one of them is zero
	Spectra            *Spectra

	gap float64 // ‖A − B‖
}

// Nets compares two networks.
func Nets(ctx context.Context, a, b Net, o Options) (*Result, error) {
	if o.Draws <= 0 {
		o.Draws = usualDraws
	}
	if o.Search == 0 {
		o.Search = usualSearch
	}
	r := &Result{}
	partners := r.align(a, b)
	if len(partners) == 0 {
		r.Verdict = r.judge()
		return r, nil
	}
	symmetry, chain := o.Symmetry, chain{}
	if r.Known = symmetry != nil; !r.Known {
		chain = findChain(partners)
		symmetry = &chain.symmetry
	}
	t := newTest(*symmetry, partners, !r.Known, o.Seed)
	r.Groups = t.about()
	r.Rows = make([]Row, len(partners))
	if err := r.measure(ctx, partners, chain, t); err != nil {
		return nil, err
	}
	r.Test = t.result(o.Draws, o.Seed)
	if r.wantsPermutation() && o.Search > 0 {
		var err error
		if r.Permuted, err = search(ctx, *symmetry, partners, r.Rows, o); err != nil {
			return nil, err
		}
	}
	r.Verdict = r.judge()
	return r, nil
}

// partner is a tensor of A and the one of B that it is compared with.
type partner struct{ a, b Tensor }

// measure fills the rows on all processors, each with one pair of tensors at a time, the largest first.
func (r *Result) measure(ctx context.Context, partners []partner, c chain, t *test) error {
	order := make([]int, len(partners))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return partners[j].a.count() - partners[i].a.count() })
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, len(partners))
	next := 0
	for range min(len(order), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			var room scratch
			for {
				mu.Lock()
				k := next
				next++
				mu.Unlock()
				if k >= len(order) || ctx.Err() != nil {
					return
				}
				i := order[k]
				r.Rows[i], errs[i] = room.row(partners[i], c, t)
			}
		})
	}
	wg.Wait()
	return errors.Join(ctx.Err(), errors.Join(errs...))
}

// scratch is the memory of one worker.
type scratch struct{ a, b []float32 }

func (s *scratch) row(p partner, c chain, t *test) (Row, error) {
	n := p.a.count()
	row := Row{Name: p.a.Name, NameB: p.b.Name, DType: p.a.DType, Shape: p.a.Shape, Count: n, Float: p.a.Float && p.b.Float}
	if p.b.DType != p.a.DType {
		row.DType += "/" + p.b.DType
	}
	if !row.Float {
		same, err := sameBytes(p)
		row.Identical, row.Finite = same, true
		return row, err
	}
	s.a, s.b = slices.Grow(s.a[:0], n)[:n], slices.Grow(s.b[:0], n)[:n]
	if err := p.a.Floats(s.a); err != nil {
		return row, err
	}
	if err := p.b.Floats(s.b); err != nil {
		return row, err
	}
	row.distance(s.a, s.b)
	if !row.Finite {
		return row, nil
	}
	if rows, columns := c.matrix(p.a.Shape); min(rows, columns) > 1 && row.NormA > 0 && row.NormB > 0 {
		row.Spectra = spectra(s.a, s.b, rows, columns)
	}
	t.add(p.a.Name, s.a, s.b)
	return row, nil
}

// distance fills what one pass over the numbers tells, with sums in float64.
func (r *Row) distance(a, b []float32) {
	var aa, bb, dd float64
	r.Identical, r.Constant = true, true
	for i, v := range a {
		w := b[i]
		x, y := float64(v), float64(w)
		d := x - y
		aa += x * x
		bb += y * y
		dd += d * d
		if d != 0 || v == 0 && math.Float32bits(v) != math.Float32bits(w) {
			r.Identical = false
		}
		if v != a[0] {
			r.Constant = false
		}
	}
	r.Finite = !math.IsNaN(aa+bb) && !math.IsInf(aa+bb, 0) // a square of a float32 does not overflow
	if !r.Finite {
		r.Identical = slices.EqualFunc(a, b, func(v, w float32) bool { return math.Float32bits(v) == math.Float32bits(w) })
	}
	r.NormA, r.NormB = math.Sqrt(aa), math.Sqrt(bb)
	r.gap = math.Sqrt(dd)
	if r.Distance = r.gap / r.NormA; dd == 0 {
		r.Distance = 0
	}
	off := r.NormA - r.NormB
	r.OneMinusCos = max(0, (dd-off*off)/(2*r.NormA*r.NormB)) // ½‖a/‖a‖ − b/‖b‖‖², exact near 0 where 1 − cos is not
}

// whole sums rows as one vector: what is moved by training as a whole.
func whole(rows []Row) (distance, oneMinusCos float64) {
	var aa, bb, dd float64
	for _, r := range rows {
		if r.Float && r.Finite {
			aa += r.NormA * r.NormA
			bb += r.NormB * r.NormB
			dd += r.gap * r.gap
		}
	}
	off := math.Sqrt(aa) - math.Sqrt(bb)
	return math.Sqrt(dd / aa), max(0, (dd-off*off)/(2*math.Sqrt(aa*bb)))
}

// Whole is the relative distance and 1 − cos of all float tensors together.
func (r *Result) Whole() (distance, oneMinusCos float64) { return whole(r.Rows) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
