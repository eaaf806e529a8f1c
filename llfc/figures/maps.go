package figures

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/network"
	"layerwise/plotting"
)

// FeatureMaps draws what the networks of a pair make of some images at one tap, both by their place in f: the images, and below them f(θ_A),
// f(θ_α), the blend of f(θ_A) and f(θ_B), and f(θ_B) (the paper's Figure 1, measured). Of features with channels it takes that which is most
// active in A; those of a dense layer stand in rows, as many as make them nearly square.
func FeatureMaps(title string, f *llfc.Features, alpha, tap int) (*plotting.Figure, error) {
	if alpha < 0 || alpha >= len(f.Alphas) || tap < 0 || tap >= len(f.Taps) {
		return nil, fmt.Errorf("figures: %q: α number %d at tap number %d; there are %d and %d", title, alpha, tap, len(f.Alphas), len(f.Taps))
	}
	at := fmt.Sprintf("%.3g", f.Alphas[alpha])
	if f.Alphas[alpha] == 0.5 {
		at = "½"
	}
	rows := []string{"image", "f(θ_A)", "f(θ_" + at + ")", "blend", "f(θ_B)"}
	var columns []string
	tiles := make([][]plotting.Tile, len(rows))
	channel := Busiest(f.A[tap])
	for i, n := range f.Samples {
		columns = append(columns, f.Set.Classes[f.Set.Labels[n]])
		tiles[0] = append(tiles[0], plotting.Tile{Picture: Picture(f.Set, n)})
		for k, h := range []network.Tensor{f.A[tap], f.Line[alpha][tap], f.Blend(alpha, tap), f.B[tap]} {
			tiles[k+1] = append(tiles[k+1], plotting.Tile{Values: Map(h, i, channel)})
		}
	}
	return plotting.Maps(title, rows, columns, tiles)
}

// Busiest is the channel whose mean absolute value is largest; 0 where there are no channels.
func Busiest(h network.Tensor) int {
	if len(h.Dims) != 4 {
		return 0
	}
	sums := make([]float64, h.Dims[3])
	for i, v := range h.Data {
		sums[i%len(sums)] += math.Abs(float64(v))
	}
	return slices.Index(sums, slices.Max(sums))
}

// Map is one channel of the features of one sample, [row][column]. Features without places stand in rows.
func Map(h network.Tensor, sample, channel int) [][]float64 {
	size := len(h.Data) / h.Dims[0]
	values := h.Data[sample*size : (sample+1)*size]
	rows, columns := Rows(size), 0
	channels := 1
	if len(h.Dims) == 4 {
		rows, channels = h.Dims[1], h.Dims[3]
	} else {
		channel = 0
	}
	columns = size / channels / rows
	out := make([][]float64, rows)
	for y := range out {
		out[y] = make([]float64, columns)
		for x := range out[y] {
			out[y][x] = float64(values[(y*columns+x)*channels+channel])
		}
	}
	return out
}

// Rows is the number of rows in which so many units nearly fill a square: the largest divisor up to the square root.
func Rows(units int) int {
	rows := 1
	for d := 1; d*d <= units; d++ {
		if units%d == 0 {
			rows = d
		}
	}
	return rows
}

// Picture is a sample of a set: in colour one of three channels, of others the first channel in grey.
func Picture(s *data.Set, sample int) image.Image {
	h, w, channels := s.Shape[0], s.Shape[1], s.Shape[2]
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for k := range h * w {
		at := func(c int) uint8 { return uint8(255 * float32(s.Sample(sample)[k*channels+c]) / s.Max) }
		pixel := color.NRGBA{at(0), at(0), at(0), 255}
		if channels == 3 {
			pixel.G, pixel.B = at(1), at(2)
		}
		m.SetNRGBA(k%w, k/w, pixel)
	}
	return m
}
