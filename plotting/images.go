package plotting

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Images draws pictures side by side, each over its name: samples of a data set. Pixels stay squares, however large they become.
func Images(title string, names []string, pictures ...image.Image) (*Figure, error) {
	if len(pictures) == 0 || len(names) != len(pictures) {
		return nil, fmt.Errorf("plotting: Images: %d names for %d pictures; give at least one picture, and a name (or \"\") for each", len(names), len(pictures))
	}
	tallest := 0.0
	for i, p := range pictures {
		if p == nil || p.Bounds().Empty() {
			return nil, fmt.Errorf("plotting: Images: picture %s is empty", label(names[i], i))
		}
		tallest = max(tallest, float64(p.Bounds().Dy())/float64(p.Bounds().Dx()))
	}
	height := defaultWidth/vg.Length(len(pictures))*vg.Length(tallest) + 1.6*vg.Centimeter
	return &Figure{Title: title, Height: min(max(height, 3*vg.Centimeter), 2*defaultWidth), content: &images{slices.Clone(names), pictures}}, nil
}

type images struct {
	names    []string
	pictures []image.Image
}

func (m *images) legend() []entry { return nil }

func (m *images) scales(*Figure, vg.Point) (x, y scale, err error) {
	return layerScale(m.names), scale{min: 0, max: 1}, nil
}

func (m *images) plot(_ *Figure, _, _ scale, p *plot.Plot) {
	p.HideY()
	p.X.LineStyle.Width, p.X.Tick.LineStyle.Width = 0, 0
	p.Add(m)
}

// Plot draws the pictures, each as large as its place allows.
func (m *images) Plot(c draw.Canvas, p *plot.Plot) {
	tx, _ := p.Transforms(&c)
	room := 0.92 * (tx(1) - tx(0))
	for i, picture := range m.pictures {
		b := picture.Bounds()
		w, h := room, room*vg.Length(b.Dy())/vg.Length(b.Dx())
		if most := c.Max.Y - c.Min.Y; h > most {
			w, h = w*most/h, most
		}
		corner := vg.Point{X: tx(float64(i)) - w/2, Y: (c.Min.Y + c.Max.Y - h) / 2}
		c.DrawImage(vg.Rectangle{Min: corner, Max: vg.Point{X: corner.X + w, Y: corner.Y + h}}, enlarged(picture, 240))
	}
}

// enlarged repeats pixels until a picture is that wide: viewers blur small pictures.
func enlarged(m image.Image, width int) image.Image {
	b := m.Bounds()
	k := max(1, (width+b.Dx()-1)/b.Dx())
	out := image.NewNRGBA(image.Rect(0, 0, k*b.Dx(), k*b.Dy()))
	for y := range k * b.Dy() {
		for x := range k * b.Dx() {
			out.Set(x, y, m.At(b.Min.X+x/k, b.Min.Y+y/k))
		}
	}
	return out
}

func (m *images) deeper(*Figure, vg.Length) vg.Length { return 0 }

// table lists the pixels; of coloured ones the grey value.
func (m *images) table(int) Table {
	t := Table{Headers: []string{"picture", "row", "column", "grey"}}
	for i, p := range m.pictures {
		b := p.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				grey := color.GrayModel.Convert(p.At(x, y)).(color.Gray).Y
				t.Rows = append(t.Rows, []string{m.names[i], strconv.Itoa(y - b.Min.Y), strconv.Itoa(x - b.Min.X), strconv.Itoa(int(grey))})
			}
		}
	}
	return t
}
