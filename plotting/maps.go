package plotting

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"layerwise/internal/finite"
)

// Tile is one place of Maps: a picture as it is, or numbers that are drawn as one.
type Tile struct {
	Picture image.Image
	Values  [][]float64 // [row][column], all rows of one length
}

// Maps draws tiles in rows and columns under their names: images over the feature maps that networks make of them. White is 0, indigo the
// largest number of a column of tiles, which share their scale, and red its negative, so that tiles below one another compare.
func Maps(title string, rows, columns []string, tiles [][]Tile) (*Figure, error) {
	if len(rows) == 0 || len(columns) == 0 || len(tiles) != len(rows) {
		return nil, fmt.Errorf("plotting: Maps: %d rows of tiles for %d names and %d columns; give at least one of each", len(tiles), len(rows), len(columns))
	}
	m := &maps{slices.Clone(rows), slices.Clone(columns), tiles}
	for i, row := range tiles {
		if len(row) != len(columns) {
			return nil, fmt.Errorf("plotting: Maps: row %q has %d tiles for %d columns", rows[i], len(row), len(columns))
		}
		for k, t := range row {
			if err := t.check(); err != nil {
				return nil, fmt.Errorf("plotting: Maps: row %q, column %q: %w", rows[i], columns[k], err)
			}
		}
	}
	_, total := m.heights()
	height := 0.8*defaultWidth/vg.Length(len(columns))*vg.Length(total) + 1.6*vg.Centimeter
	return &Figure{Title: title, Height: min(max(height, 3*vg.Centimeter), 3*defaultWidth), content: m}, nil
}

func (t Tile) check() error {
	if t.Picture != nil {
		if t.Picture.Bounds().Empty() {
			return fmt.Errorf("an empty picture")
		}
		return nil
	}
	if len(t.Values) == 0 || len(t.Values[0]) == 0 {
		return fmt.Errorf("neither a picture nor numbers")
	}
	for _, row := range t.Values {
		if len(row) != len(t.Values[0]) {
			return fmt.Errorf("rows of %d and %d numbers", len(t.Values[0]), len(row))
		}
		if !finite.All(row...) {
			return fmt.Errorf("a number that is not finite")
		}
	}
	return nil
}

type maps struct {
	rows, columns []string
	tiles         [][]Tile
}

// rowGap is the space between rows, in widths of a tile.
const rowGap = 0.12

// heights are the middle and the height of every row from the bottom, and of all, in widths of a tile.
func (m *maps) heights() (rows [][2]float64, total float64) {
	rows = make([][2]float64, len(m.rows))
	for i := len(rows) - 1; i >= 0; i-- {
		tallest := 0.0
		for k := range m.columns {
			w, h := m.tiles[i][k].size()
			tallest = max(tallest, float64(h)/float64(w))
		}
		rows[i] = [2]float64{total + (rowGap+tallest)/2, tallest}
		total += rowGap + tallest
	}
	return rows, total
}

// size is the width and the height of a tile, in pixels or numbers.
func (t Tile) size() (w, h int) {
	if t.Picture != nil {
		b := t.Picture.Bounds()
		return b.Dx(), b.Dy()
	}
	return len(t.Values[0]), len(t.Values)
}

func (m *maps) legend() []entry { return nil }

func (m *maps) scales(*Figure, vg.Point) (x, y scale, err error) {
	rows, total := m.heights()
	y = scale{min: 0, max: total}
	for i, name := range m.rows {
		y.ticks = append(y.ticks, plot.Tick{Value: rows[i][0], Label: name})
	}
	return layerScale(m.columns), y, nil
}

func (m *maps) plot(_ *Figure, _, _ scale, p *plot.Plot) {
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Width, a.Tick.LineStyle.Width, a.Tick.Length = 0, 0, 0
	}
	p.Y.Tick.Label.YAlign = draw.YCenter
	p.Add(m)
}

// Plot draws the tiles over the grid, each as large as its place allows.
func (m *maps) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	wide := 0.92 * (tx(1) - tx(0))
	rows, _ := m.heights()
	for i := range m.rows {
		high := ty(rows[i][1]) - ty(0)
		for k := range m.columns {
			picture := m.picture(i, k)
			b := picture.Bounds()
			w, h := wide, wide*vg.Length(b.Dy())/vg.Length(b.Dx())
			if h > high {
				w, h = w*high/h, high
			}
			corner := vg.Point{X: tx(float64(k)) - w/2, Y: ty(rows[i][0]) - h/2}
			end := vg.Point{X: corner.X + w, Y: corner.Y + h}
			c.DrawImage(vg.Rectangle{Min: corner, Max: end}, enlarged(picture, 240))
			c.StrokeLines(draw.LineStyle{Color: rule, Width: 0.4}, []vg.Point{corner, {X: end.X, Y: corner.Y}, end, {X: corner.X, Y: end.Y}, corner})
		}
	}
}

// picture is a tile as an image: white at 0, towards indigo above and towards red below.
func (m *maps) picture(row, column int) image.Image {
	t := m.tiles[row][column]
	if t.Picture != nil {
		return t.Picture
	}
	most := 0.0
	for _, tiles := range m.tiles {
		for _, values := range tiles[column].Values {
			for _, v := range values {
				most = math.Max(most, math.Abs(v))
			}
		}
	}
	out := image.NewNRGBA(image.Rect(0, 0, len(t.Values[0]), len(t.Values)))
	for y, values := range t.Values {
		for x, v := range values {
			end := StyleOf(0).Color.(color.RGBA)
			if v < 0 {
				end = StyleOf(1).Color.(color.RGBA)
			}
			share := 0.0
			if most > 0 {
				share = math.Abs(v) / most
			}
			mix := func(to uint8) uint8 { return uint8(255 + share*(float64(to)-255) + 0.5) }
			out.SetNRGBA(x, y, color.NRGBA{mix(end.R), mix(end.G), mix(end.B), 255})
		}
	}
	return out
}

func (m *maps) deeper(*Figure, vg.Length) vg.Length { return 0 }

// table lists the numbers of every tile; of a picture the grey values.
func (m *maps) table(digits int) Table {
	t := Table{Headers: []string{"map", "picture", "row", "column", "value"}}
	for i, tiles := range m.tiles {
		for k, tile := range tiles {
			add := func(y, x int, v string) {
				t.Rows = append(t.Rows, []string{m.rows[i], m.columns[k], strconv.Itoa(y), strconv.Itoa(x), v})
			}
			if tile.Picture != nil {
				b := tile.Picture.Bounds()
				for y := range b.Dy() {
					for x := range b.Dx() {
						add(y, x, strconv.Itoa(int(color.GrayModel.Convert(tile.Picture.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y)))
					}
				}
				continue
			}
			for y, values := range tile.Values {
				for x, v := range values {
					add(y, x, strconv.FormatFloat(v, 'g', digits, 64))
				}
			}
		}
	}
	return t
}

// numbers of maps are the least and the largest of each; Table has them all.
func (m *maps) numbers(_ *Figure, c numeral) Table {
	t := Table{Headers: append([]string{"map"}, m.columns...)}
	for i, tiles := range m.tiles {
		row := []string{m.rows[i]}
		for _, tile := range tiles {
			if tile.Picture != nil {
				b := tile.Picture.Bounds()
				row = append(row, fmt.Sprintf("%d × %d pixels", b.Dy(), b.Dx()))
				continue
			}
			all := slices.Concat(tile.Values...)
			row = append(row, c.number(slices.Min(all))+" to "+c.number(slices.Max(all)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
