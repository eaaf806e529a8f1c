package match

import (
	"context"
	"fmt"
	"math"
)

// Assigner solves assignment problems of one size, one after the other, and keeps the prices of the columns from one
// to the next: gains that changed little are then solved in little more than the time it takes to read them. The
// zero value is ready. The answer is optimal whatever the prices were; only among equally good answers can they
// choose. Not for use by several goroutines at once.
type Assigner struct {
	prices []float64 // w[j]; nil before the first problem
}

// Assign returns the permutation p that maximises Σ_u gain[u·n+p[u]]: row u takes column p[u] of the n×n matrix gain,
// row-major. To minimise, negate the gains. The same input gives the same answer, ties included. A gain that is not
// finite is an error.
func Assign(gain []float64, n int) ([]int, error) { return new(Assigner).Assign(gain, n) }

// Assign is the function Assign, started from the prices of the last problem if that had the same size.
func (a *Assigner) Assign(gain []float64, n int) ([]int, error) {
	return a.assign(context.Background(), gain, n)
}

// assign is Assign until ctx ends.
func (a *Assigner) assign(ctx context.Context, gain []float64, n int) ([]int, error) {
	if n < 0 || len(gain) != n*n {
		return nil, fmt.Errorf("assign: %d gains, expected %d×%d", len(gain), n, n)
	}
	largest := 0.0
	for i, v := range gain {
		if v = math.Abs(v); !(v <= 1e290) { // room for sums
			return nil, fmt.Errorf("assign: gain of row %d, column %d is %g, expected a finite number", i/n, i%n, gain[i])
		}
		if v > largest {
			largest = v
		}
	}
	s := assignment{n: n, gain: gain, prices: a.prices, column: make([]int, n), row: make([]int, n), x: make([]float64, n), open: make([]float64, n)}
	free := make([]int, n)
	for i := range n {
		s.column[i], s.row[i], free[i] = -1, -1, i
	}
	if len(s.prices) != n {
		s.start(largest)
	}
	free = s.bid(s.bid(free))
	for _, i := range free {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.augment(i)
	}
	a.prices = s.prices
	return s.column, nil
}

// Prices returns w, the dual solution of the last problem, a proof that its answer p is optimal: for every row u,
// column p[u] is one where gain[u][j] − w[j] is largest (up to rounding). nil before the first problem.
func (a *Assigner) Prices() []float64 { return a.prices }

// assignment is one problem under way. Invariant: the column of an assigned row is one where gain − price is largest.
// The method is Jonker and Volgenant's (Computing 38, 1987) in the terms of an auction: their duals are −prices.
type assignment struct {
	n       int
	gain    []float64 // [n, n]
	prices  []float64 // [n]
	column  []int     // of each row, −1 if free
	row     []int     // of each column, −1 if free
	x, open []float64 // [n] scratch
}

func (s *assignment) gains(i int) []float64 { return s.gain[i*s.n : (i+1)*s.n] }

// start sets the prices to the column means, so that gains with a large mean, as products of activations have, are
// as easy as centred ones. The means are rounded to 26 bits below the largest gain: with integer gains all sums
// then stay exact.
func (s *assignment) start(largest float64) {
	s.prices = make([]float64, s.n)
	for i := range s.n {
		for j, v := range s.gains(i) {
			s.prices[j] += v
		}
	}
	_, exponent := math.Frexp(largest)
	for j, v := range s.prices {
		s.prices[j] = math.Ldexp(math.Round(math.Ldexp(v/float64(s.n), 26-exponent)), exponent-26)
	}
}

// pick returns the first column where x is value, a free one if there is: among ties that shortens the search.
func (s *assignment) pick(x []float64, value float64) int {
	first := scanIndex(x, value, 0)
	for j := first; j < s.n; j = scanIndex(x, value, j+1) {
		if s.row[j] < 0 {
			return j
		}
	}
	return first
}

// bid is the augmenting row reduction: each free row takes the column it likes best, displacing its owner, and raises
// the price to where its second choice is as good. Rows that could only displace without raising are left over, as
// are the rest after 4n bids (a price war is won faster by augment).
func (s *assignment) bid(free []int) (left []int) {
	for bids := 0; len(free) > 0; bids++ {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		if bids >= 4*s.n {
			left = append(left, i)
			continue
		}
		best, second := scanProfits(s.gains(i), s.prices, s.x)
		j := s.pick(s.x, best)
		price := s.prices[j]
		if s.n > 1 {
			price += best - second
		}
		owner := s.row[j]
		if owner >= 0 && price <= s.prices[j] {
			left = append(left, i)
			continue
		}
		s.prices[j], s.row[j], s.column[i] = price, i, j
		if owner >= 0 {
			s.column[owner] = -1
			free = append(free, owner)
		}
	}
	return left
}

// reached is a row that a search has come to, by way of the column it owns.
type reached struct {
	row, column int     // column −1: the row where the search began
	distance    float64 // of the column
	off         float64 // what the row adds to price − gain of a next column to give its distance
}

// augment assigns the free row i: Dijkstra's search for the free column at the shortest distance, where the step from
// a row to a column costs the profit lost by it; then every row on the way moves to the next column.
func (s *assignment) augment(i int) {
	d := s.x
	for j := range d {
		d[j] = math.Inf(1)
	}
	copy(s.open, s.prices) // +Inf once the search is done with a column, which keeps it out of every minimum
	tree := []reached{{row: i, column: -1}}
	least, j := 0.0, -1
	for {
		at := tree[len(tree)-1]
		least = scanRelax(s.gains(at.row), s.open, d, at.off)
		if j = s.pick(d, least); s.row[j] < 0 {
			break
		}
		owner := s.row[j]
		tree = append(tree, reached{owner, j, least, least - (s.prices[j] - s.gain[owner*s.n+j])})
		d[j], s.open[j] = math.Inf(1), math.Inf(1)
	}
	for distance := least; j >= 0; { // back to i; the sum that gave a distance gives it again, bit for bit
		t := 0
		for s.prices[j]-s.gain[tree[t].row*s.n+j]+tree[t].off != distance {
			t++
		}
		s.row[j], s.column[tree[t].row] = tree[t].row, j
		j, distance = tree[t].column, tree[t].distance
	}
	for _, at := range tree[1:] {
		s.prices[at.column] += least - at.distance
	}
}
