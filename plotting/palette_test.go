package plotting

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
)

// TestSmaller: a figure shrinks to less than half and looks the same, always in the same bytes; a photograph stays as it is.
func TestSmaller(t *testing.T) {
	fig, err := Lines("Title", "x", "y", Series{Name: "a", Data: values(1, 3, 2)}, Series{Name: "b", Data: values(2, 1, 3)})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := fig.Write(&file, "png"); err != nil {
		t.Fatal(err)
	}
	small, err := smaller(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if 2*len(small) > file.Len() {
		t.Errorf("%d bytes of %d", len(small), file.Len())
	}
	if again, err := smaller(file.Bytes()); err != nil || !bytes.Equal(small, again) {
		t.Errorf("the same figure in other bytes (%v)", err)
	}
	before, after := decoded(t, file.Bytes()), decoded(t, small)
	if before.Bounds() != after.Bounds() {
		t.Fatalf("%v became %v", before.Bounds(), after.Bounds())
	}
	b, stray := before.Bounds(), 0
	for y := range b.Dy() {
		for x := range b.Dx() {
			p, q := color.NRGBAModel.Convert(before.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(after.At(x, y)).(color.NRGBA)
			if apart(p, q) > paletteError {
				stray++
			}
		}
	}
	if share := float64(stray) / float64(b.Dx()*b.Dy()); share > paletteStray {
		t.Errorf("%g of the pixels have another colour", share)
	}

	rng, photo := rand.New(rand.NewPCG(1, 1)), image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range photo.Pix {
		photo.Pix[i] = uint8(rng.Uint32()) | uint8(i%4/3*255)
	}
	file.Reset()
	if err := png.Encode(&file, photo); err != nil {
		t.Fatal(err)
	}
	if same, err := smaller(file.Bytes()); err != nil || !bytes.Equal(same, file.Bytes()) {
		t.Errorf("a photograph was changed (%v)", err)
	}
	if _, err := smaller([]byte("no picture")); err == nil {
		t.Error("no picture, no error")
	}
}

func decoded(t *testing.T, file []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
