package feed

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"layerwise/internal/draw"
)

// Augment is how training pictures are varied; the zero value leaves them as they are. What a picture becomes
// depends only on the seed and on its place in the batch. It is integer arithmetic, the same on every backend, bit for bit.
type Augment struct {
	Crop   int        `json:"crop,omitempty"`   // pixels of black on every side, out of which a window of the old size is cut
	Flip   bool       `json:"flip,omitempty"`   // left and right are swapped in half of the pictures
	Zoom   [2]float64 `json:"zoom,omitzero"`    // smallest and largest magnification; zeros mean no zoom
	Rotate float64    `json:"rotate,omitempty"` // the largest angle in degrees, in both directions
}

// CropFlip is the paper's set, customary on CIFAR: torchvision's RandomCrop(32, padding=4), whose padding is black before the
// normalisation, then RandomHorizontalFlip.
func CropFlip() Augment { return Augment{Crop: 4, Flip: true} }

// ZoomFlipRotate is Git Re-Basin's set, augmax's RandomSizedCrop(zoom_range=(0.8, 1.2)), HorizontalFlip and Rotate: magnified by a
// factor whose logarithm is uniform, flipped and turned by up to 30° in one bilinear sampling, rounded to whole pixel values, the
// edges repeated outwards (as augmax did until 0.2.2, the version of that time; black since 0.3). Ours is one part: a picture made
// smaller lies anywhere in the frame, where augmax 0.2 puts it into the same corner always, as its range of places is upside down.
func ZoomFlipRotate() Augment {
	return Augment{Flip: true, Zoom: [2]float64{0.8, 1.2}, Rotate: 30}
}

// Check returns nil if pictures of shape [H, W, C] can be augmented so.
func (a Augment) Check(shape []int) error {
	if a == (Augment{}) {
		return nil
	}
	h, w := shape[0], shape[1]
	switch {
	case a.Crop < 0 || a.Crop >= min(h, w):
		return fmt.Errorf("feed: a crop out of %d pixels of padding; with pictures of %d×%d it must lie in [0, %d)", a.Crop, h, w, min(h, w))
	case a.Zoom != [2]float64{} && !(a.Zoom[0] >= 0.25 && a.Zoom[0] <= a.Zoom[1] && a.Zoom[1] <= 4):
		return fmt.Errorf("feed: zoom from %g to %g; it must rise and lie in [0.25, 4]", a.Zoom[0], a.Zoom[1])
	case !(a.Rotate >= 0 && a.Rotate <= 180):
		return fmt.Errorf("feed: a rotation by up to %g degrees; it must lie in [0, 180]", a.Rotate)
	case a.Crop > 0 && a.samples():
		return errors.New("feed: a crop cannot go with zoom or rotation: outside the picture one is black, the other repeats the edges")
	case a.samples() && max(h, w) > a.largest():
		return fmt.Errorf("feed: pictures of %d×%d are too large to be zoomed or rotated exactly; up to %d pixels are", h, w, a.largest())
	}
	return nil
}

// samples tells whether pixels come from between pixels.
func (a Augment) samples() bool { return a.Zoom != [2]float64{} || a.Rotate != 0 }

// place tells these draws from those of dropout, whose places are small.
const place = 0x61756700 // "aug"

// The columns of draws.
const (
	drawY = iota
	drawX
	drawFlip
	drawZoom
	drawAngle
	draws = 8 // room for more, without changing those before
)

// luck is the draws of a batch.
type luck struct{ bits *graph.Node } // [B, draws] uint32

func newLuck(seed *graph.Node, batch int) luck { return luck{draw.Bits(seed, place, batch, draws)} }

func (l luck) column(i int) *graph.Node { // [B, 1]
	return graph.Slice(l.bits, graph.AxisRange(), graph.AxisElem(i))
}

// below returns integers in [0, n), [B, 1] int32. Each is as probable as the others to n/2³².
func (l luck) below(i, n int) *graph.Node {
	bits := l.column(i)
	return graph.ConvertDType(graph.Mod(bits, graph.Const(bits.Graph(), uint32(n))), dtypes.Int32)
}

// coin returns 0 or 1, [B, 1] int32.
func (l luck) coin(i int) *graph.Node { return l.top(i, 1) }

// top returns the highest bits, [B, 1] int32.
func (l luck) top(i int, bits uint32) *graph.Node {
	return graph.ConvertDType(graph.BitwiseShiftRightLogicalScalar(l.column(i), 32-bits), dtypes.Int32)
}

// Augmented is Batch with the pictures varied by a; seed is a uint32 scalar. What the normalisation rounds is rounded here alike on every
// backend, so the last bit of a value may differ from Batch's.
func (f *Feed) Augmented(a Augment, pixels, labels, index, seed *graph.Node) (x, y *graph.Node) {
	if a == (Augment{}) {
		return f.Batch(pixels, labels, index)
	}
	if err := a.Check(f.Set.Shape); err != nil {
		panic(err)
	}
	p := f.pictures(pixels, index)
	l := newLuck(seed, p.b)
	xla := pixels.Graph().Backend().Name() == "xla"
	switch {
	case a.samples():
		x = a.resample(p, l)
	case xla:
		x = a.pick(p, l)
	default:
		x = a.cut(p, l)
	}
	if x = f.normalizeExactly(x); xla {
		x = once(x, seed)
	}
	return x, graph.Gather(labels, graph.InsertAxes(index, -1))
}

// once makes XLA compute x and keep it. It would compute a chain of cheap operations again for every reader, and a convolution that
// is lowered to shifted products has one for each of its taps, forward and backward (a step of LeNet took 184 ms with zoom, flip and
// turn, 60 ms so); a barrier does not stop it, a division does, as being expensive. The divisor is 1, which XLA cannot know.
func once(x, seed *graph.Node) *graph.Node {
	return graph.Div(x, graph.MinScalar(graph.AddScalar(graph.ConvertDType(seed, x.DType()), 1), 1))
}

// pictures is a batch that is still in its set.
type pictures struct {
	pixels, index *graph.Node // [N, H·W·C] uint8, [B] int32
	b, h, w, c    int
}

func (f *Feed) pictures(pixels, index *graph.Node) pictures {
	return pictures{pixels, index, index.Shape().Dim(0), f.Set.Shape[0], f.Set.Shape[1], f.Set.Shape[2]}
}

// whole reads all pixels, [B, H, W, C] uint8.
func (p pictures) whole() *graph.Node {
	return graph.Reshape(graph.Gather(p.pixels, graph.InsertAxes(p.index, -1)), p.b, p.h, p.w, p.c)
}

// at reads the pixels whose places in their pictures are given, [B, H, W] int32 → [B, H, W, C] uint8.
func (p pictures) at(place *graph.Node) *graph.Node {
	from, first := p.pixels, graph.InsertAxes(p.index, -1, -1)
	if from.Shape().Dim(0) > math.MaxInt32/(p.h*p.w) { // no int32 counts the pixels of the set, but those of the batch
		from, first = p.whole(), iota32(p.index.Graph(), 0, p.b, 1, 1)
	}
	first = graph.BroadcastToDims(graph.MulScalar(first, p.h*p.w), p.b, p.h, p.w)
	return graph.Gather(graph.Reshape(from, -1, p.c), graph.InsertAxes(graph.Add(place, first), -1))
}

// overColumns spreads a value per row, [B, H], over the columns.
func (p pictures) overColumns(v *graph.Node) *graph.Node {
	return graph.BroadcastToDims(graph.InsertAxes(v, -1), p.b, p.h, p.w)
}

// overRows spreads a value per column, [B, W], over the rows.
func (p pictures) overRows(v *graph.Node) *graph.Node {
	return graph.BroadcastToDims(graph.InsertAxes(v, 1), p.b, p.h, p.w)
}

// pick crops and flips by the place that every pixel comes from. XLA makes one loop of it; the pure-Go backend takes 10 times as
// long as with cut.
func (a Augment) pick(p pictures, l luck) *graph.Node {
	g := p.index.Graph()
	row, column := iota32(g, 1, p.b, p.h), iota32(g, 1, p.b, p.w)
	if a.Flip {
		mirror := graph.Sub(graph.Const(g, int32(p.w-1)), graph.MulScalar(column, 2))
		column = graph.Add(column, graph.Mul(graph.BroadcastToDims(l.coin(drawFlip), p.b, p.w), mirror))
	}
	shift := func(to *graph.Node, i int) *graph.Node {
		by := graph.AddScalar(l.below(i, 2*a.Crop+1), -a.Crop)
		return graph.Add(to, graph.BroadcastToDims(by, to.Shape().Dimensions...))
	}
	row, column = shift(row, drawY), shift(column, drawX)
	inside := func(v *graph.Node, n int) *graph.Node { // negative places are huge as uint32
		return graph.LessThan(graph.ConvertDType(v, dtypes.Uint32), graph.Const(g, uint32(n)))
	}
	ok := graph.LogicalAnd(p.overColumns(inside(row, p.h)), p.overRows(inside(column, p.w)))
	at := graph.Add(p.overColumns(graph.MulScalar(row, p.w)), p.overRows(column))
	x := p.at(graph.Where(ok, at, graph.ZerosLike(at)))
	return graph.Where(graph.BroadcastToDims(graph.InsertAxes(ok, -1), x.Shape().Dimensions...), x, graph.ZerosLike(x))
}

// cut crops and flips in whole pictures: a window of the padded picture, then it or its mirror image.
func (a Augment) cut(in pictures, l luck) *graph.Node {
	g, b, h, w, c := in.index.Graph(), in.b, in.h, in.w, in.c
	x := in.whole()
	sample := iota32(g, 0, b, 1)
	if p := a.Crop; p > 0 {
		x = graph.Pad(graph.Reshape(x, b, h, w*c), graph.Scalar(g, dtypes.Uint8, 0),
			compute.PadAxis{}, compute.PadAxis{Start: p, End: p}, compute.PadAxis{Start: p * c, End: p * c})
		corner := graph.Concatenate([]*graph.Node{sample, l.below(drawY, 2*p+1), graph.MulScalar(l.below(drawX, 2*p+1), c)}, -1)
		x = graph.Reshape(graph.GatherSlices(x, []int{0, 1, 2}, corner, []int{1, h, w * c}, true), b, h, w, c)
	}
	if a.Flip {
		both := graph.Concatenate([]*graph.Node{graph.InsertAxes(x, 1), graph.InsertAxes(graph.Reverse(x, 2), 1)}, 1) // [B, 2, H, W, C]
		x = graph.Gather(graph.Reshape(both, 2*b, h, w, c), graph.Add(graph.MulScalar(sample, 2), l.coin(drawFlip)))
	}
	return x
}

func iota32(g *graph.Graph, axis int, dims ...int) *graph.Node {
	return graph.Iota(g, shapes.Make(dtypes.Int32, dims...), axis)
}
