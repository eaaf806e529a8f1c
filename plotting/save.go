package plotting

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"layerwise/internal/atomicfile"
)

// pngDPI is the resolution of PNG: twice a screen's, so that a figure is sharp there and fair in print.
const pngDPI = 192

// Save draws the figure into the file at path, in the format its extension names: .svg, .png or .pdf. The file appears
// whole or not at all; one that was there is replaced. The folder must exist.
func (f *Figure) Save(path string) error {
	var b bytes.Buffer
	if err := f.Write(&b, strings.TrimPrefix(filepath.Ext(path), ".")); err != nil {
		return fmt.Errorf("%w (saving %s)", err, path)
	}
	return writeFile(path, b.Bytes())
}

// SaveCSV writes the numbers behind the figure to the file at path, whole or not at all.
func (f *Figure) SaveCSV(path string) error {
	var b bytes.Buffer
	if err := f.Table().CSV(&b); err != nil {
		return fmt.Errorf("%w (saving %s)", err, path)
	}
	return writeFile(path, b.Bytes())
}

// Write draws the figure to w. Format is svg, png (192 dpi) or pdf, in either case. SVG keeps text as text and names
// fonts of the same widths as fallbacks; PDF holds text as outlines, so that Greek needs no font.
func (f *Figure) Write(w io.Writer, format string) error {
	if err := f.check(); err != nil {
		return err
	}
	width, height := f.native()
	scale := f.theme.scale()
	switch strings.ToLower(format) {
	case "svg":
		c := vgsvg.New(width, height)
		if err := f.draw(draw.NewCanvas(&sheet{Canvas: c, asText: true}, width, height)); err != nil {
			return err
		}
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return fmt.Errorf("plotting: SVG: %w", err)
		}
		_, err := w.Write(finishSVG(resizeSVG(b.Bytes(), scale), f.name()))
		return err
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(f.theme.dpi()))
		if err := f.draw(draw.New(c)); err != nil {
			return err
		}
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
		return err
	case "pdf":
		samePDF()
		c := vgpdf.New(scale*width, scale*height)
		c.Scale(float64(scale), float64(scale))
		o := &outlined{Canvas: c}
		if err := f.draw(draw.NewCanvas(o, width, height)); err != nil {
			return err
		}
		if o.err != nil {
			return o.err
		}
		_, err := c.WriteTo(w)
		return err
	}
	return fmt.Errorf("plotting: format %q; want svg, png or pdf", format)
}

// samePDF makes the same figure the same PDF at any time: without the time, and with its pictures in order.
var samePDF = sync.OnceFunc(func() {
	fpdf.SetDefaultCreationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultModificationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultCatalogSort(true)
})

// name returns a title for readers who cannot see the figure.
func (f *Figure) name() string {
	if f.Title != "" || len(f.panels) == 0 {
		return f.Title
	}
	var titles []string
	for _, p := range f.panels {
		if p.Title != "" {
			titles = append(titles, p.Title)
		}
	}
	return strings.Join(titles, "; ")
}

// finishSVG gives the drawing an accessible name, and its text fonts that other machines have: Arimo, Arial and
// Helvetica have the widths of Liberation Sans, Tinos and Times those of Liberation Serif.
func finishSVG(svg []byte, title string) []byte {
	svg = bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif;"))
	svg = bytes.ReplaceAll(svg, []byte("font-family:Liberation Serif;"),
		[]byte("font-family:'Liberation Serif',Tinos,'Times New Roman',Times,serif;"))
	if title == "" {
		return svg
	}
	var t bytes.Buffer
	t.WriteString("<title>")
	_ = xml.EscapeText(&t, []byte(title)) // a bytes.Buffer does not fail
	t.WriteString("</title>\n")
	start := bytes.Index(svg, []byte("<svg"))
	end := start + bytes.IndexByte(svg[start:], '>')
	out := append([]byte{}, svg[:end]...)
	out = append(out, ` role="img">`+"\n"...)
	out = append(out, t.Bytes()...)
	return append(out, svg[end+1:]...)
}

// resizeSVG scales a drawing by its outer size; what is in it stays as it is.
func resizeSVG(svg []byte, scale vg.Length) []byte {
	if scale == 1 {
		return svg
	}
	return svgSize.ReplaceAllFunc(svg, func(b []byte) []byte {
		size := svgSize.FindSubmatch(b)
		w, err1 := strconv.ParseFloat(string(size[1]), 64)
		h, err2 := strconv.ParseFloat(string(size[2]), 64)
		if err1 != nil || err2 != nil {
			return b // it is what the pattern matched
		}
		return fmt.Appendf(nil, `<svg width="%.5gpt" height="%.5gpt"`, float64(scale)*w, float64(scale)*h)
	})
}

var svgSize = regexp.MustCompile(`<svg width="([\d.]+)pt" height="([\d.]+)pt"`)

// writeFile puts data at path whole, or leaves what is there as it was.
func writeFile(path string, data []byte) error {
	if err := atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		return fmt.Errorf("plotting: %w", err)
	}
	return nil
}
