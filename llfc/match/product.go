package match

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// strip is a part of the columns over which products are summed: those of one tensor at one position of the units.
// A's row u has its value at a[row[u]+at[c]], B's row v at b[row[v]+from[c]]. Where was is set, what it said of B is
// taken away.
type strip struct {
	a, b          []float32
	row           []int
	at, from, was []int32 // [columns]
}

const (
	tileRows    = 12
	tileColumns = 16
	depth       = 384 // columns at a time: sums of as many are float32, the sums of those float64
)

// product computes sums of products; the zero value is ready. It keeps its buffers.
type product struct{ a, b []float32 }

// add adds to total [n, n] the products ⟨A's row u, B's row v⟩ over the columns of all strips. Both sides are first copied
// into panels, units side by side, as the tiles read them.
func (p *product) add(strips []strip, total []float64, n int) {
	columns := 0
	for _, s := range strips {
		columns += len(s.at)
	}
	if n == 0 || columns == 0 {
		return
	}
	panelsA, panelsB := (n+tileRows-1)/tileRows, (n+tileColumns-1)/tileColumns
	deep := min(depth, columns)
	p.a, p.b = sized(p.a, panelsA*tileRows*deep), sized(p.b, panelsB*tileColumns*deep)
	for start := 0; start < columns; start += deep {
		k := min(deep, columns-start)
		panelA := func(i int) []float32 { return p.a[i*tileRows*k : (i+1)*tileRows*k] }
		panelB := func(i int) []float32 { return p.b[i*tileColumns*k : (i+1)*tileColumns*k] }
		parallel(panelsA+panelsB, func(t int) {
			if t < panelsA {
				pack(panelA(t), tileRows, strips, false, t*tileRows, start, k)
			} else {
				pack(panelB(t-panelsA), tileColumns, strips, true, (t-panelsA)*tileColumns, start, k)
			}
		})
		height := max(1, min(4, panelsA/(2*runtime.GOMAXPROCS(0)))) // panels of A in each task; they stay in the second cache
		parallel((panelsA+height-1)/height, func(t int) {
			var edge [tileRows * tileColumns]float64
			for j := range panelsB {
				for i := t * height; i < min((t+1)*height, panelsA); i++ {
					u, v := i*tileRows, j*tileColumns
					if u+tileRows <= n && v+tileColumns <= n {
						tile(panelA(i), panelB(j), k, total[u*n+v:], n)
						continue
					}
					clear(edge[:])
					tile(panelA(i), panelB(j), k, edge[:], tileColumns)
					for r := range min(tileRows, n-u) {
						for c := range min(tileColumns, n-v) {
							total[(u+r)*n+v+c] += edge[r*tileColumns+c]
						}
					}
				}
			}
		})
	}
}

// sized returns n float32 of whatever value.
func sized(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}

// pack copies width units from first on, over k columns from start on of all strips: [k, width], zeros beyond the last unit.
func pack(panel []float32, width int, strips []strip, b bool, first, start, k int) {
	for _, s := range strips {
		if start >= len(s.at) {
			start -= len(s.at)
			continue
		}
		m := min(k, len(s.at)-start)
		units := min(width, len(s.row)-first)
		if units < width {
			clear(panel[:m*width])
		}
		data, columns := s.a, s.at[start:start+m]
		var was []int32
		if b {
			data, columns = s.b, s.from[start:start+m]
			if s.was != nil {
				was = s.was[start : start+m]
			}
		}
		row := s.row[first : first+units]
		sideBySide := row[units-1]-row[0] == units-1 // rows rise with the units
		for i := 1; sideBySide && i < units; i++ {
			sideBySide = row[i] == row[i-1]+1
		}
		switch {
		case sideBySide && units == tileRows: // copies of constant size need no call
			for c, at := range columns {
				x := [tileRows]float32(data[row[0]+int(at):])
				*(*[tileRows]float32)(panel[c*width:]) = x
			}
		case sideBySide && units == tileColumns:
			for c, at := range columns {
				x := [tileColumns]float32(data[row[0]+int(at):])
				*(*[tileColumns]float32)(panel[c*width:]) = x
			}
		default:
			for u, r := range row {
				to := panel[u:]
				for c, at := range columns {
					to[c*width] = data[r+int(at)]
				}
			}
		}
		for c, at := range was {
			for u, r := range row {
				panel[c*width+u] -= data[r+int(at)]
			}
		}
		panel, k, start = panel[m*width:], k-m, 0
		if k == 0 {
			return
		}
	}
}

// tilePlain is a tile for processors without vectors, or of another kind.
func tilePlain(a, b []float32, k int, c []float64, stride int) {
	for i := 0; i < tileRows; i += 2 {
		for j := 0; j < tileColumns; j += 4 {
			var c00, c01, c02, c03, c10, c11, c12, c13 float32
			for t := range k {
				x, y := (*[2]float32)(a[t*tileRows+i:]), (*[4]float32)(b[t*tileColumns+j:])
				c00, c01, c02, c03 = c00+x[0]*y[0], c01+x[0]*y[1], c02+x[0]*y[2], c03+x[0]*y[3]
				c10, c11, c12, c13 = c10+x[1]*y[0], c11+x[1]*y[1], c12+x[1]*y[2], c13+x[1]*y[3]
			}
			for r, sums := range [2][4]float32{{c00, c01, c02, c03}, {c10, c11, c12, c13}} {
				for q, v := range sums {
					c[(i+r)*stride+j+q] += float64(v)
				}
			}
		}
	}
}

// parallel runs do(0) … do(tasks−1) on all processors.
func parallel(tasks int, do func(task int)) {
	if tasks == 1 {
		do(0)
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(tasks, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for t := int(next.Add(1)) - 1; t < tasks; t = int(next.Add(1)) - 1 {
				do(t)
			}
		})
	}
	wg.Wait()
}

// dot returns Σ xᵢyᵢ in float64.
func dot(x, y []float32) float64 {
	s := 0.0
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}
