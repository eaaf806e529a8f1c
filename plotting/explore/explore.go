// Package explore writes one self-contained page on which a reader looks around in what was measured of a pair of networks: a slider for α,
// a choice of layers, the distribution over images, and the images that are worst, with what the networks make of them. The page needs
// no network and works from disk.
//
// Curves and histograms are drawn by uPlot 1.6.32 (Leon Sorokin, MIT; npm uplot@1.6.32), which lies in the folder uplot with its licence
// and is embedded in the page.
package explore

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/png"
	"io"
	"math"
	"strings"

	"layerwise/internal/finite"
)

// Page is what was measured of a pair.
type Page struct {
	Title, Subtitle string
	Alphas          []float64 // ascending; 0 is B, 1 is A
	Layers          []string
	Error, Loss     []float64     // by α: a fraction, and nats
	Between         []float64     // by layer: mean 1 − cos of A and B
	Cos             [][][]float64 // 1 − cos_α by α, layer and image; NaN where it is not defined
	Coef            [][]float64   // mean coef_α by α and layer
	Names           []string      // of the images
	Shown           []Shown       // the images that can be looked at
}

// Shown is one image, and what the networks make of it: a map for each layer.
type Shown struct {
	Image   int // its number among Names
	Picture image.Image
	A, B    []Map
	Line    [][]Map // by α, then by layer
}

// Map is numbers, [row][column].
type Map [][]float64

var (
	//go:embed explore.html
	source string
	//go:embed uplot/uPlot.iife.min.js
	script string
	//go:embed uplot/uPlot.min.css
	style string
	//go:embed uplot/LICENSE
	licence string
)

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	data, err := p.data()
	if err != nil {
		return fmt.Errorf("explore: %w", err)
	}
	text, err := json.Marshal(data) // which writes <, > and & as escapes, so that no data end the script
	if err != nil {
		return fmt.Errorf("explore: %w", err)
	}
	_, err = strings.NewReplacer("{{title}}", html.EscapeString(p.Title), "{{licence}}", strings.TrimSpace(licence), "{{style}}", style, "{{script}}", script, "{{data}}", string(text)).
		WriteString(w, source)
	return err
}

// Frame is the page in a frame, for the cell of a notebook: the whole page is in it, so that it survives in the saved notebook. Where scripts or
// frames are not allowed, in a notebook that is not trusted, its last line says what to do. Height is in pixels.
func (p Page) Frame(height int) (string, error) {
	var page bytes.Buffer
	if err := p.Write(&page); err != nil {
		return "", err
	}
	return fmt.Sprintf(`<iframe srcdoc="%s" sandbox="allow-scripts" style="width:100%%;height:%dpx;border:0" title="%s"></iframe>`+
		`<p style="font-size:smaller">%s: where no page stands above this line, trust this notebook, and it will.</p>`, html.EscapeString(page.String()), height, html.EscapeString(p.Title), html.EscapeString(p.Title)), nil
}

// What the page's script reads. Arrays of numbers are base64 of little-endian bytes.
type (
	pageData struct {
		Title    string    `json:"title"`
		Subtitle string    `json:"subtitle"`
		Alphas   []float64 `json:"alphas"`
		Layers   []string  `json:"layers"`
		Error    []float64 `json:"error"`
		Loss     []float64 `json:"loss"`
		Between  []number  `json:"between"`
		Images   int       `json:"images"`
		Cos      string    `json:"cos"` // float32 [α][layer][image]
		Coef     []number  `json:"coef"`
		Names    []string  `json:"names"`
		Shown    []shown   `json:"shown"`
	}
	shown struct {
		Image   int      `json:"image"`
		Picture string   `json:"picture"` // a data URI
		Maps    []layers `json:"maps"`
	}
	layers struct { // of one layer
		Rows    int     `json:"rows"`
		Columns int     `json:"columns"`
		Unit    float64 `json:"unit"`   // what 1 of the values stands for
		Values  string  `json:"values"` // int8: A, B, then every α
	}
)

// number is null in JSON where it is not finite.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if !finite.Is(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func numbers(values []float64) []number {
	out := make([]number, len(values))
	for i, v := range values {
		out[i] = number(v)
	}
	return out
}

func (p Page) data() (pageData, error) {
	d := pageData{Title: p.Title, Subtitle: p.Subtitle, Alphas: p.Alphas, Layers: p.Layers, Error: p.Error, Loss: p.Loss, Between: numbers(p.Between), Images: len(p.Names), Names: p.Names}
	if len(p.Alphas) < 2 || len(p.Layers) == 0 || len(p.Names) == 0 {
		return d, fmt.Errorf("%d α, %d layers and %d images; give two α at least, and one of the others", len(p.Alphas), len(p.Layers), len(p.Names))
	}
	if len(p.Error) != len(p.Alphas) || len(p.Loss) != len(p.Alphas) || len(p.Cos) != len(p.Alphas) || len(p.Coef) != len(p.Alphas) || len(p.Between) != len(p.Layers) {
		return d, fmt.Errorf("%d errors, %d losses, %d and %d tables for %d α, %d baselines for %d layers", len(p.Error), len(p.Loss), len(p.Cos), len(p.Coef), len(p.Alphas), len(p.Between), len(p.Layers))
	}
	var cos bytes.Buffer
	for k := range p.Alphas {
		if len(p.Cos[k]) != len(p.Layers) || len(p.Coef[k]) != len(p.Layers) {
			return d, fmt.Errorf("%d and %d layers at α = %g, expected %d", len(p.Cos[k]), len(p.Coef[k]), p.Alphas[k], len(p.Layers))
		}
		for l, values := range p.Cos[k] {
			if len(values) != len(p.Names) {
				return d, fmt.Errorf("%d values at α = %g and %s, expected %d", len(values), p.Alphas[k], p.Layers[l], len(p.Names))
			}
			for _, v := range values {
				cos.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v))))
			}
		}
		d.Coef = append(d.Coef, numbers(p.Coef[k])...)
	}
	d.Cos = base64.StdEncoding.EncodeToString(cos.Bytes())
	for _, s := range p.Shown {
		out, err := p.shown(s)
		if err != nil {
			return d, err
		}
		d.Shown = append(d.Shown, out)
	}
	return d, nil
}

func (p Page) shown(s Shown) (shown, error) {
	out := shown{Image: s.Image}
	if s.Image < 0 || s.Image >= len(p.Names) || s.Picture == nil || len(s.A) != len(p.Layers) || len(s.B) != len(p.Layers) || len(s.Line) != len(p.Alphas) {
		return out, fmt.Errorf("image %d of %d: maps of %d and %d layers, expected %d, at %d α, expected %d", s.Image, len(p.Names), len(s.A), len(s.B), len(p.Layers), len(s.Line), len(p.Alphas))
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, s.Picture); err != nil {
		return out, err
	}
	out.Picture = "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())
	for l := range p.Layers {
		all := []Map{s.A[l], s.B[l]}
		for _, line := range s.Line {
			if len(line) != len(p.Layers) {
				return out, fmt.Errorf("image %d: maps of %d layers, expected %d", s.Image, len(line), len(p.Layers))
			}
			all = append(all, line[l])
		}
		maps, err := quantised(all)
		if err != nil {
			return out, fmt.Errorf("image %d, %s: %w", s.Image, p.Layers[l], err)
		}
		out.Maps = append(out.Maps, maps)
	}
	return out, nil
}

// quantised are maps of one size in steps of 1/127 of their largest value: a screen shows no finer ones.
func quantised(all []Map) (layers, error) {
	out := layers{Rows: len(all[0])}
	if out.Rows > 0 {
		out.Columns = len(all[0][0])
	}
	most := 0.0
	for _, m := range all {
		if len(m) != out.Rows || out.Rows == 0 || out.Columns == 0 {
			return out, fmt.Errorf("maps of %d and %d rows of %d", out.Rows, len(m), out.Columns)
		}
		for _, row := range m {
			if len(row) != out.Columns {
				return out, fmt.Errorf("rows of %d and %d", out.Columns, len(row))
			}
			for _, v := range row {
				if !finite.Is(v) {
					return out, fmt.Errorf("a map holds %v", v)
				}
				most = math.Max(most, math.Abs(v))
			}
		}
	}
	if out.Unit = most / 127; out.Unit == 0 {
		out.Unit = 1
	}
	var values []byte
	for _, m := range all {
		for _, row := range m {
			for _, v := range row {
				values = append(values, byte(int8(math.Round(v/out.Unit))))
			}
		}
	}
	out.Values = base64.StdEncoding.EncodeToString(values)
	return out, nil
}
