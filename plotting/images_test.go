package plotting_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/vg"

	"layerwise/plotting"
)

// checker is a board of h × w squares whose first one is white.
func checker(w, h int) image.Image {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range w * h {
		if (i%w+i/w)%2 == 0 {
			m.SetGray(i%w, i/w, color.Gray{Y: 255})
		}
	}
	return m
}

func ExampleImages() {
	ramp := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		ramp.SetGray(i%8, i/8, color.Gray{Y: uint8(4 * i)})
	}
	f, err := plotting.Images("Three pictures", []string{"board", "ramp", "tall"}, checker(8, 8), ramp, checker(3, 6))
	save("images.png", nil, f, err)
	// Output:
}

func TestImages(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleImages, t, 0.01, "images.png")
	for name, f := range map[string]func() (*plotting.Figure, error){
		"no pictures": func() (*plotting.Figure, error) { return plotting.Images("", nil) },
		"names missing": func() (*plotting.Figure, error) {
			return plotting.Images("", []string{"a"}, checker(2, 2), checker(2, 2))
		},
		"a nil picture":   func() (*plotting.Figure, error) { return plotting.Images("", []string{"a"}, nil) },
		"an empty one":    func() (*plotting.Figure, error) { return plotting.Images("", []string{"a"}, checker(0, 4)) },
		"a very tall one": func() (*plotting.Figure, error) { return draws(plotting.Images("", []string{"a"}, checker(1, 500))) },
	} {
		if _, err := f(); (err == nil) != (name == "a very tall one") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func draws(f *plotting.Figure, err error) (*plotting.Figure, error) {
	if err == nil {
		err = f.Write(&bytes.Buffer{}, "png")
	}
	return f, err
}

// TestImagesTrue draws one picture and looks at the middle of each of its pixels: in place, upright, and its own colour.
func TestImagesTrue(t *testing.T) {
	corner := image.NewGray(image.Rect(0, 0, 2, 2))
	corner.SetGray(1, 0, color.Gray{Y: 255}) // white at the upper right, else black
	f, err := plotting.Images("", []string{"corner"}, corner)
	if err != nil {
		t.Fatal(err)
	}
	f.Width, f.Height = 5*vg.Centimeter, 8*vg.Centimeter
	var b bytes.Buffer
	if err := f.Write(&b, "png"); err != nil {
		t.Fatal(err)
	}
	drawn, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	dark := image.Rectangle{} // what the black pixels cover; the name stands far below
	size := drawn.Bounds().Size()
	for y := range size.Y * 3 / 4 {
		for x := range size.X {
			if r, _, _, _ := drawn.At(x, y).RGBA(); r < 0x1000 {
				dark = dark.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if dx, dy := dark.Dx(), dark.Dy(); dx < size.X/2 || dx-dy > 2 || dy-dx > 2 {
		t.Fatalf("the picture is %v in a figure of %v, expected a large square", dark, size)
	}
	for i, want := range []bool{false, true, false, false} { // white?
		x, y := dark.Min.X+dark.Dx()*(1+2*(i%2))/4, dark.Min.Y+dark.Dy()*(1+2*(i/2))/4
		if r, _, _, _ := drawn.At(x, y).RGBA(); (r > 0x8000) != want {
			t.Errorf("pixel %d has brightness %#x", i, r)
		}
	}
	if rows := f.Table().Rows; len(rows) != 4 || rows[1][3] != "255" || rows[2][3] != "0" {
		t.Errorf("the numbers behind it are %v", rows)
	}
}
