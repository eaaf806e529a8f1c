package plotting

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"slices"
)

// The most by which a channel of a pixel may change with the palette, of 255, and the share of pixels that may change by more.
const (
	paletteError = 12
	paletteStray = 0.002
)

// smaller is a PNG in at most 256 colours, a third of the size: notebooks keep their figures as text. Where that would be seen,
// as in photographs, it is the PNG as it was.
func smaller(file []byte) ([]byte, error) {
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	few := fewColours(m)
	if few == nil {
		return file, nil
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, few); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// fewColours is m in the 256 colours that it holds most of, likes taken together; nil where that would be seen.
func fewColours(m image.Image) *image.Paletted {
	type bucket struct {
		count   int
		example color.NRGBA
		most    int
	}
	counts := map[color.NRGBA]int{}
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)]++
		}
	}
	likes := map[color.NRGBA]*bucket{}
	for c, n := range counts {
		key := color.NRGBA{c.R &^ 7, c.G &^ 7, c.B &^ 7, c.A}
		l := likes[key]
		if l == nil {
			l = &bucket{}
			likes[key] = l
		}
		l.count += n
		if n > l.most || n == l.most && order(c, l.example) < 0 { // whatever the order of the map
			l.example, l.most = c, n
		}
	}
	var all []*bucket
	for _, l := range likes {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *bucket) int { return cmp.Or(b.count-a.count, order(a.example, b.example)) })
	var colours color.Palette
	for _, l := range all[:min(256, len(all))] {
		colours = append(colours, l.example)
	}
	nearest, stray := map[color.NRGBA]uint8{}, 0
	for c, n := range counts {
		i := colours.Index(c)
		nearest[c] = uint8(i)
		if apart(c, colours[i].(color.NRGBA)) > paletteError {
			stray += n
		}
	}
	if float64(stray) > paletteStray*float64(b.Dx()*b.Dy()) {
		return nil
	}
	out := image.NewPaletted(b, colours)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)])
		}
	}
	return out
}

func order(a, b color.NRGBA) int {
	return cmp.Or(cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B), cmp.Compare(a.A, b.A))
}

// apart is the largest difference between the channels of two colours.
func apart(a, b color.NRGBA) int {
	most := 0
	for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B), int(a.A) - int(b.A)} {
		most = max(most, d, -d)
	}
	return most
}
