package match

import (
	"context"
	"fmt"
	"math"
	"slices"
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
// finite is an error that names its row and column. Beside the gains it needs 48 bytes for each row, and to begin with up
// to n/2¹⁸ of what the gains take.
func Assign(gain []float64, n int) ([]int, error) { return new(Assigner).Assign(gain, n) }

// Assign is the function Assign, started from the prices of the last problem if that had the same size.
func (a *Assigner) Assign(gain []float64, n int) ([]int, error) {
	return a.assign(context.Background(), gain, n)
}

// AssignRectangular is Assign for a matrix gain [rows, columns]. Where there are more columns than rows, some stay
// free; where there are more rows, as many are left over, and p[u] is −1 for those.
func AssignRectangular(gain []float64, rows, columns int) ([]int, error) {
	if rows < 0 || columns < 0 || len(gain) != rows*columns {
		return nil, fmt.Errorf("assign: %d gains, expected %d×%d", len(gain), rows, columns)
	}
	if _, err := largest(gain, columns); err != nil {
		return nil, err
	}
	if rows <= columns {
		// No prices but equal ones will do to begin with: a column that stays free must be no dearer than any other.
		return newAssignment(gain, rows, columns, make([]float64, columns)).solve(context.Background())
	}
	turned := make([]float64, len(gain))
	for i := range rows {
		for j, v := range gain[i*columns : (i+1)*columns] {
			turned[j*rows+i] = v
		}
	}
	row, err := newAssignment(turned, columns, rows, make([]float64, rows)).solve(context.Background())
	if err != nil {
		return nil, err
	}
	column := make([]int, rows)
	for i := range column {
		column[i] = -1
	}
	for j, i := range row {
		column[i] = j
	}
	return column, nil
}

// assign is Assign until ctx ends.
func (a *Assigner) assign(ctx context.Context, gain []float64, n int) ([]int, error) {
	if n < 0 || len(gain) != n*n {
		return nil, fmt.Errorf("assign: %d gains, expected %d×%d", len(gain), n, n)
	}
	most, err := largest(gain, n)
	if err != nil {
		return nil, err
	}
	if len(a.prices) != n {
		a.prices = firstPrices(gain, n, most)
	}
	return newAssignment(gain, n, n, a.prices).solve(ctx)
}

// Prices returns w, the dual solution of the last problem, a proof that its answer p is optimal: for every row u,
// column p[u] is one where gain[u][j] − w[j] is largest (up to rounding). nil before the first problem.
func (a *Assigner) Prices() []float64 { return a.prices }

// largest returns the largest |gain| of rows of n, read on all processors, and refuses a gain that is not finite.
func largest(gain []float64, n int) (float64, error) {
	parts := chunks(len(gain), n)
	most, wrong := make([]float64, len(parts)), make([]int, len(parts))
	parallel(len(parts), func(t int) {
		m := 0.0
		wrong[t] = -1
		for i, v := range gain[parts[t].from:parts[t].to] {
			if v < 0 {
				v = -v
			}
			if !(v <= m) {
				if m = v; !(v <= 1e290) { // room for sums
					wrong[t] = parts[t].from + i
					return
				}
			}
		}
		most[t] = m
	})
	for _, i := range wrong {
		if i >= 0 {
			return 0, fmt.Errorf("assign: gain of row %d, column %d is %g, expected a finite number", i/n, i%n, gain[i])
		}
	}
	return slices.Max(append(most, 0)), nil
}

// span is a part of a matrix, whole rows.
type span struct{ from, to int }

// chunks cuts size gains in rows of n, always in the same way: no sum depends on the number of processors.
func chunks(size, n int) (out []span) {
	step := max(1, (1<<18)/max(1, n)) * n
	for from := 0; from < size; from += step {
		out = append(out, span{from, min(from+step, size)})
	}
	return out
}

// firstPrices are those to begin with for n×n gains: the means of the columns where these differ by more than chance,
// so that gains of large means, as products of activations have, are as easy as centred ones (means of the rows would
// change nothing: a row compares only its own gains). Where they do not differ, means would only break ties, which are
// the shortest ways. The means are rounded to 26 bits below the largest gain: with integer gains all sums then stay exact.
func firstPrices(gain []float64, n int, most float64) []float64 {
	prices := make([]float64, n)
	if !(most > 0x1p-1000) {
		return prices
	}
	_, exponent := math.Frexp(most)
	unit := math.Ldexp(1, -exponent)
	parts := chunks(len(gain), n)
	sums, squares := make([][]float64, len(parts)), make([]float64, len(parts))
	parallel(len(parts), func(t int) {
		sum := make([]float64, n)
		for i := parts[t].from; i < parts[t].to; i += n {
			square := 0.0
			for j, v := range gain[i : i+n] {
				v *= unit
				sum[j] += v
				square += v * v
			}
			squares[t] += square
		}
		sums[t] = sum
	})
	square := 0.0
	for t, sum := range sums {
		square += squares[t]
		for j, v := range sum {
			prices[j] += v
		}
	}
	mean, between := 0.0, 0.0
	for j := range prices {
		prices[j] /= float64(n)
		mean += prices[j] / float64(n)
	}
	for _, v := range prices {
		between += (v - mean) * (v - mean) / float64(n)
	}
	if all := square/(float64(n)*float64(n)) - mean*mean; !(between*float64(n) > 2*all) {
		clear(prices)
		return prices
	}
	for j, v := range prices {
		prices[j] = math.Ldexp(math.Round(math.Ldexp(v, 26)), exponent-26)
	}
	return prices
}

// assignment is one problem under way. Invariant: the column of an assigned row is one where gain − price is largest.
// The method is Jonker and Volgenant's (Computing 38, 1987) in the terms of an auction: their duals are −prices. Prices
// only rise, and those of free columns not at all.
type assignment struct {
	rows, n int       // n columns, at least as many as rows
	gain    []float64 // [rows, n]
	prices  []float64 // [n]
	column  []int     // of each row, −1 if free
	row     []int     // of each column, −1 if free
	x, open []float64 // [n] scratch
}

func newAssignment(gain []float64, rows, n int, prices []float64) *assignment {
	return &assignment{rows: rows, n: n, gain: gain, prices: prices, column: make([]int, rows), row: make([]int, n), x: make([]float64, n), open: make([]float64, n)}
}

// solve returns the column of each row, and leaves in prices the proof that no other answer is better.
func (s *assignment) solve(ctx context.Context) ([]int, error) {
	free := make([]int, s.rows)
	for i := range s.rows {
		s.column[i], free[i] = -1, i
	}
	for j := range s.n {
		s.row[j] = -1
	}
	for _, i := range s.bid(s.bid(free)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.augment(i)
	}
	return s.column, nil
}

func (s *assignment) gains(i int) []float64 { return s.gain[i*s.n : (i+1)*s.n] }

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
// are the rest after 4 bids a row (a price war is won faster by augment).
func (s *assignment) bid(free []int) (left []int) {
	for bids := 0; len(free) > 0; bids++ {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		if bids >= 4*s.rows {
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
