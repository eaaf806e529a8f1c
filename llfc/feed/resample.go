package feed

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Places between pixels are whole multiples of 2⁻¹⁴ pixel and the weights of neighbours multiples of 2⁻⁸, so that every sum and product is
// an integer below 2²⁴, which float32 holds exactly. Zoom, angle and place are drawn from 2¹⁰ equally spaced values each,
// which tables hold: no backend computes a sine.
const (
	placeBits  = 14
	weightBits = 8
	drawBits   = 10
	one        = 1 << placeBits
	levels     = 1 << drawBits
)

// largest is the side of the largest picture for which no place overflows: at the corner it is half the side from the middle in
// both directions, turned and divided by the zoom, and moved at most as far again.
func (a Augment) largest() int {
	reach := 1.0
	if a.Zoom[0] > 0 {
		reach = max(1, 1/a.Zoom[0])
	}
	return int((1 << 24) / (one * (0.5 + math.Sqrt2/2*reach + 0.5*reach)))
}

// level is the middle of the k-th of the equal parts of [lo, hi].
func level(k int, lo, hi float64) float64 { return lo + (hi-lo)*(float64(k)+0.5)/levels }

// shrink returns 1/zoom for every level, in units of 2⁻¹⁴.
func (a Augment) shrink() []int32 {
	out := make([]int32, levels)
	for k := range out {
		out[k] = one
		if a.Zoom[0] > 0 {
			out[k] = int32(math.Round(one * math.Exp(-level(k, math.Log(a.Zoom[0]), math.Log(a.Zoom[1])))))
		}
	}
	return out
}

// turn returns the cosine and sine of the angle of every level, in units of 2⁻¹⁴.
func (a Augment) turn() (cos, sin []int32) {
	cos, sin = make([]int32, levels), make([]int32, levels)
	for k := range cos {
		s, c := math.Sincos(level(k, -a.Rotate, a.Rotate) * math.Pi / 180)
		cos[k], sin[k] = int32(math.Round(one*c)), int32(math.Round(one*s))
	}
	return cos, sin
}

// resample zooms, flips and turns: the pixel at (y, x) from the middle comes from S·F·R·(y, x) + place, with S = 1/zoom, F the flip and
// R = [cos sin; −sin cos]. It returns
// whole pixel values as float32, [B, H, W, C].
func (a Augment) resample(p pictures, l luck) *graph.Node {
	g, b, h, w, c := p.index.Graph(), p.b, p.h, p.w, p.c
	pick := func(table []int32, i int) *graph.Node { // [B, 1] int32
		return graph.Gather(graph.Const(g, table), graph.InsertAxes(l.top(i, drawBits), -1))
	}
	shrink := pick(a.shrink(), drawZoom)
	cosTable, sinTable := a.turn()
	cos, sin := pick(cosTable, drawAngle), pick(sinTable, drawAngle)
	scaled := func(v *graph.Node) *graph.Node { // v/zoom for steps of half a pixel: 2⁻¹⁴·2⁻¹⁴ → 2⁻¹³
		return half(graph.Mul(v, shrink), placeBits+1)
	}
	cos, sin = scaled(cos), scaled(sin)
	cosX, sinX := cos, sin
	if a.Flip {
		sign := graph.OneMinus(graph.MulScalar(l.coin(drawFlip), 2))
		cosX, sinX = graph.Mul(cos, sign), graph.Mul(sin, sign)
	}
	place := func(side, i int) *graph.Node { // the middle, and up to |side − side/zoom|/2 from it
		room := graph.Abs(graph.AddScalar(graph.Neg(shrink), one))
		room = half(graph.MulScalar(room, side), 1+3)                            // 3 bits less, or the product overflows
		off := graph.AddScalar(graph.MulScalar(l.top(i, drawBits), 2), 1-levels) // odd numbers, symmetric around 0
		return graph.AddScalar(half(graph.Mul(room, off), drawBits-3), (side-1)*one/2)
	}
	const exact = dtypes.Float32
	steps := func(side int) *graph.Node { // twice the distance from the middle, [B, side]
		return graph.AddScalar(graph.MulScalar(graph.Iota(g, shapes.Make(exact, b, side), 1), 2), float64(1-side))
	}
	along := func(n, factor *graph.Node) *graph.Node {
		return graph.Mul(n, graph.BroadcastToDims(graph.ConvertDType(factor, exact), n.Shape().Dimensions...))
	}
	grid := func(rows, columns *graph.Node) *graph.Node { // [B, H] and [B, W] → [B, H, W]
		return graph.Add(p.overColumns(rows), p.overRows(columns))
	}
	ys, xs := steps(h), steps(w)
	start := func(side, i int) *graph.Node {
		return graph.BroadcastToDims(graph.ConvertDType(place(side, i), exact), b, h)
	}
	y0, y1, fy := neighbours(grid(graph.Add(along(ys, cos), start(h, drawY)), along(xs, sin)), h)
	x0, x1, fx := neighbours(grid(graph.Sub(start(w, drawX), along(ys, sinX)), along(xs, cosX)), w)

	at := func(y, x *graph.Node) *graph.Node { // [B, H, W, C] float32
		return graph.ConvertDType(p.at(graph.ConvertDType(graph.Add(graph.MulScalar(y, float64(w)), x), dtypes.Int32)), exact)
	}
	weight := func(f *graph.Node) *graph.Node { return graph.BroadcastToDims(graph.InsertAxes(f, -1), b, h, w, c) }
	between := func(p, q, f *graph.Node) *graph.Node { // 2⁸ p + f (q − p)
		return graph.Add(graph.MulScalar(p, float64(int(1)<<weightBits)), graph.Mul(f, graph.Sub(q, p)))
	}
	fy, fx = weight(fy), weight(fx)
	sum := between(between(at(y0, x0), at(y0, x1), fx), between(at(y1, x0), at(y1, x1), fx), fy)
	return graph.Floor(graph.AddScalar(graph.MulScalar(sum, math.Ldexp(1, -2*weightBits)), 0.5))
}

// neighbours are the pixels on both sides of a place given in units of 2⁻¹⁴, and the weight of the second in units of 2⁻⁸. Places
// outside are moved to the edge, which repeats it outwards.
func neighbours(place *graph.Node, side int) (low, high, weight *graph.Node) {
	place = graph.ClipScalar(place, 0, float64((side-1)*one))
	place = graph.Floor(graph.AddScalar(graph.MulScalar(place, math.Ldexp(1, weightBits-placeBits)), 0.5))
	low = graph.Floor(graph.MulScalar(place, math.Ldexp(1, -weightBits)))
	return low, graph.MinScalar(graph.AddScalar(low, 1), float64(side-1)), graph.Sub(place, graph.MulScalar(low, float64(int(1)<<weightBits)))
}

// half is v/2ᵇ for integers, rounded.
func half(v *graph.Node, b int32) *graph.Node {
	return graph.BitwiseShiftRightArithmeticScalar(graph.AddScalar(v, int32(1)<<(b-1)), b)
}
