package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"layerwise/internal/impostor"
)

// pictureConfig is what the header of an image file says.
type pictureConfig struct {
	w, h int
	grey bool
}

// readConfig reads only the header of a PNG or JPEG file of size bytes, and refuses an image that could not be decoded within
// the limits.
func readConfig(r io.Reader, size int64, l limits) (c pictureConfig, err error) {
	in := bufio.NewReader(r)
	config := jpeg.DecodeConfig
	isPNG, err := sniff(in)
	if isPNG {
		config = png.DecodeConfig
	}
	if err != nil {
		return c, err
	}
	got, err := config(in)
	if err != nil {
		return c, fmt.Errorf("the header cannot be read: %w", cut(err))
	}
	if got.Width <= 0 || got.Height <= 0 || int64(got.Width) > l.image/int64(got.Height) {
		return c, fmt.Errorf("its header says %d×%d pixels, expected at least 1 and at most %d in all", got.Width, got.Height, l.image)
	}
	if most := pictureBytes(got.Width, got.Height); size > most {
		return c, fmt.Errorf("a file of %d bytes for %d×%d pixels, expected at most %d", size, got.Width, got.Height, most)
	}
	return pictureConfig{got.Width, got.Height, got.ColorModel == color.GrayModel || got.ColorModel == color.Gray16Model}, nil
}

// pictureBytes is more than any file of w×h pixels needs: 8 bytes for each, and room for thumbnails and profiles.
func pictureBytes(w, h int) int64 { return 8*int64(w)*int64(h) + 16<<20 }

// sniff tells PNG from JPEG by the first bytes, whatever the file is called (ImageNet has a PNG named .JPEG).
func sniff(in *bufio.Reader) (isPNG bool, err error) {
	head, err := in.Peek(8)
	switch {
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return true, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xd8}):
		return false, nil
	case len(head) == 0 && err == io.EOF:
		return false, errors.New("the file is empty, expected a PNG or JPEG image")
	case err != nil && err != io.EOF:
		return false, err
	}
	head, _ = in.Peek(impostor.HeadLen)
	if what := impostor.Reply(head); what != "" {
		return false, fmt.Errorf("neither PNG nor JPEG but %s", what)
	}
	return false, fmt.Errorf("neither PNG nor JPEG: it begins %.8q", head)
}

// cut says it in plain words if err means that the image ends too early.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || err == jpeg.FormatError("short Huffman data") {
		return fmt.Errorf("the image is cut: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// conversion is what had to be done to an image beyond unpacking it.
type conversion int

const (
	plain     conversion = iota
	fromGrey             // R = G = B
	from16               // v/257, rounded
	fromAlpha            // an alpha channel that was opaque everywhere, dropped
	fromCMYK             // as Go's image/color has it
	conversions
)

func (c conversion) String() string {
	return [...]string{"as they are", "grey made RGB", "16 bits made 8", "opaque alpha dropped", "CMYK made RGB"}[c]
}

// unpackPicture decodes a PNG or JPEG file into dst, [h, w, channels] with 1 channel (for grey images) or 3. YCbCr becomes
// RGB as in JFIF; chroma that was subsampled is repeated, not smoothed (libjpeg smooths it, which makes colours at edges
// differ by a few units). An image with transparent pixels has no colour of its own there, so it is refused.
func unpackPicture(dst []uint8, file []byte, w, h, channels int) (conversion, error) {
	in := bufio.NewReader(bytes.NewReader(file))
	isPNG, err := sniff(in)
	if err != nil {
		return plain, err
	}
	decode := jpeg.Decode
	if isPNG {
		decode = png.Decode
	}
	img, err := decode(in)
	if err != nil {
		return plain, fmt.Errorf("cannot be decoded: %w", cut(err))
	}
	if b := img.Bounds(); b.Dx() != w || b.Dy() != h {
		return plain, fmt.Errorf("%d×%d pixels, but %d×%d a moment ago: the file was changed while it was read", b.Dx(), b.Dy(), w, h)
	}
	return flatten(dst, img, channels)
}

func flatten(dst []uint8, img image.Image, channels int) (conversion, error) {
	b := img.Bounds()
	at := 0
	each := func(pixel func(x, y int)) {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				pixel(x, y)
				at += channels
			}
		}
	}
	grey := func(v uint8) {
		for c := range channels {
			dst[at+c] = v
		}
	}
	how := plain
	if channels == 3 {
		how = fromGrey
	}
	switch m := img.(type) {
	case *image.Gray:
		each(func(x, y int) { grey(m.GrayAt(x, y).Y) })
		return how, nil
	case *image.Gray16:
		each(func(x, y int) { grey(from16Bits(uint32(m.Gray16At(x, y).Y))) })
		return from16, nil
	}
	if channels != 3 {
		return plain, errors.New("a colour image among grey ones: the file was changed while it was read")
	}
	if o, ok := img.(interface{ Opaque() bool }); ok && !o.Opaque() {
		return plain, errors.New("it has transparent pixels, whose colour is not defined: put the image on a background first")
	}
	switch m := img.(type) {
	case *image.YCbCr:
		each(func(x, y int) {
			i, j := m.YOffset(x, y), m.COffset(x, y)
			dst[at], dst[at+1], dst[at+2] = color.YCbCrToRGB(m.Y[i], m.Cb[j], m.Cr[j])
		})
		return plain, nil
	case *image.RGBA: // opaque
		each(func(x, y int) { copy(dst[at:at+3], m.Pix[m.PixOffset(x, y):]) })
		return plain, nil
	case *image.NRGBA:
		each(func(x, y int) { copy(dst[at:at+3], m.Pix[m.PixOffset(x, y):]) })
		return fromAlpha, nil
	case *image.CMYK:
		how = fromCMYK
	case *image.RGBA64, *image.NRGBA64:
		how = from16
	case *image.Paletted:
		how = plain
	default:
		return plain, fmt.Errorf("pixels of kind %T, which are not read", img)
	}
	each(func(x, y int) {
		r, g, b, _ := img.At(x, y).RGBA()
		dst[at], dst[at+1], dst[at+2] = from16Bits(r), from16Bits(g), from16Bits(b)
	})
	return how, nil
}

func from16Bits(v uint32) uint8 { return uint8((v + 128) / 257) }
