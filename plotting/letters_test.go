package plotting

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"html"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// onlyFonts makes the machine's fonts those of these folders, so that a test does not depend on the machine.
func onlyFonts(t *testing.T, folders ...string) {
	was := fontFor
	t.Cleanup(func() { fontFor = was })
	b := newFontBook(folders)
	fontFor = func(cluster string, f font.Font) *opentype.Font { return b.find(cluster, false) }
}

// asked is a canvas that sees which font is asked for which letter, and counts the strokes, of which placeholders are made.
type asked struct {
	recorder.Canvas
	t     *testing.T
	drawn string
}

func (a *asked) FillString(f font.Face, pt vg.Point, s string) {
	if a.drawn += s + "\n"; !hasAll(f.Face, s) {
		a.t.Errorf("%q is written in a font that lacks some of it", s)
	}
}

// worldly are figures of every kind with letters of many scripts wherever they have text.
func worldly(t *testing.T) (figs map[string]*Figure, texts map[string][]string) {
	t.Helper()
	figs, texts = map[string]*Figure{}, map[string][]string{}
	add := func(kind string, written []string, f *Figure, err error) {
		if err != nil {
			t.Fatal(err)
		}
		figs[kind], texts[kind] = f, written
	}
	a := Series{Name: "学習済み α = ½", Data: values(1, 2)}
	f, err := Lines("神经网络 café", "α от 0", "误差 (شبكة)", a)
	add("lines", []string{"神经网络", "café", "α от 0", "误差 (شبكة)", a.Name}, f, err)
	layers := []string{"卷积层", "भाषा"}
	f, err = Layers("층별", "שלום", layers, a)
	add("layers", append([]string{"층별", "שלום", a.Name}, layers...), f, err)
	f, err = Bars("🤖 bars", "η\u0301", layers, a)
	add("bars", append([]string{"🤖 bars", "η\u0301", a.Name}, layers...), f, err)
	f, err = ECDF("分布", "距离", Sample{Name: "样本", Values: []float64{1, 2}})
	add("ecdf", []string{"分布", "距离", "样本"}, f, err)
	f, err = Images("画像", []string{"猫", "dog"}, image.NewGray(image.Rect(0, 0, 2, 2)), image.NewGray(image.Rect(0, 0, 2, 2)))
	add("images", []string{"画像", "猫", "dog"}, f, err)
	f, err = Row(figs["layers"], figs["ecdf"])
	f.Title = "一行"
	add("row", append([]string{"一行"}, append(texts["layers"], texts["ecdf"]...)...), f, err)
	return figs, texts
}

// TestEveryLetter: no letter is written in a font that lacks it; what no font has is a box, one for each letter, and stands in the note.
func TestEveryLetter(t *testing.T) {
	onlyFonts(t)
	figs, texts := worldly(t)
	for kind, f := range figs {
		w, h := f.Size()
		boxes := map[string]bool{}
		all := ""
		a := &asked{t: t}
		s := &sheet{Canvas: a, written: func(line string, pieces []piece) {
			all += line + "\n"
			for _, p := range pieces {
				if p.font == nil {
					boxes[p.text] = true
				}
			}
		}}
		if err := f.draw(draw.NewCanvas(s, w, h)); err != nil {
			t.Fatal(err)
		}
		svg := html.UnescapeString(string(bytesOf(t, f, "svg")))
		note := f.Note()
		for _, want := range texts[kind] {
			if !strings.Contains(all, want) || !strings.Contains(svg, want) {
				t.Errorf("%s: %q was not written", kind, want)
			}
			for _, c := range clusters(want) {
				r := []rune(c)[0]
				if latin := r < 0x600 || r == 0x212b; latin == boxes[c] {
					t.Errorf("%s: %q is a box: %t", kind, c, boxes[c])
				}
				if number := fmt.Sprintf("%04X", r); boxes[c] && (!strings.Contains(a.drawn, number[:len(number)/2]+"\n") || !strings.Contains(a.drawn, number[len(number)/2:]+"\n")) && len(number) == 4 {
					t.Errorf("%s: no box with the number %s of %q", kind, number, c)
				}
			}
		}
		if !strings.Contains(note, "no font here has") || strings.Contains(note, "\n") || len(boxes) > noteLetters && !strings.Contains(note, fmt.Sprintf("and %d more", len(boxes)-noteLetters)) {
			t.Errorf("%s: the note of %d boxes is %q", kind, len(boxes), note)
		}
		for _, format := range []string{"png", "pdf"} {
			bytesOf(t, f, format)
		}
	}
	if note := all("plain, α ≤ ½", 1, 2)["lines"].Note(); note != "" {
		t.Errorf("a note on nothing: %q", note)
	}
}

func TestGoldenLetters(t *testing.T) {
	onlyFonts(t)
	cmpimg.CheckPlotApprox(func() {
		f, err := Layers("训练的神经网络：逐层线性特征连通性，标题很长所以必须换行才能放得下 café", "误差 error", []string{"卷积层 1", "שלום (abc)", "😀"},
			Series{Name: "학습 α = ½", Data: values(1, 2, 3)}, Series{Name: "baseline", Data: values(2, 3, 3)})
		if err == nil {
			err = f.Save(filepath.Join("testdata", "letters.png"))
		}
		if err != nil {
			t.Error(err)
		}
	}, t, 0.01, "letters.png")
}

// TestOtherFonts: letters that Liberation Sans lacks come from a font that has them, whether it stands in a file of its own, in a
// collection, or in one whose tables lie at odd places.
func TestOtherFonts(t *testing.T) {
	const letter = "∪" // in Go's font, not in Liberation Sans
	own := font.DefaultCache.Lookup(textStyle(fontSize, false).Font, fontSize).Face
	if hasAll(own, letter) {
		t.Fatalf("Liberation Sans has %s now; the test needs another letter", letter)
	}
	for name, content := range map[string][]byte{
		"plain.ttf":      goregular.TTF,
		"collection.ttc": collection(goregular.TTF, 4),
		"odd.TTC":        collection(goregular.TTF, 3),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, b := range map[string][]byte{name: content, "broken.ttf": content[:200], "not-a-font.otf": []byte("nothing"), "empty.ttc": nil} {
				if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "sub", file), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			onlyFonts(t, filepath.Join(dir, "missing"), dir)
			f, err := Lines("A "+letter+" B", "", "", Series{Data: values(1, 2)})
			if err != nil {
				t.Fatal(err)
			}
			w, h := f.Size()
			a := &asked{t: t}
			if err := f.draw(draw.NewCanvas(a, w, h)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(a.drawn, letter) || f.Note() != "" {
				t.Errorf("written: %q; note: %q", a.drawn, f.Note())
			}
			if png := bytesOf(t, f, "png"); !bytes.HasPrefix(png, []byte("\x89PNG")) {
				t.Error("no PNG")
			}
		})
	}
}

// collection is a font collection of one font, its tables at offsets that are gap more than a multiple of 4 bytes.
func collection(ttf []byte, gap int) []byte {
	out := append([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01"), 0, 0, 0, 16) // one font, at 16
	tables := int(binary.BigEndian.Uint16(ttf[4:]))
	size := 12 + 16*tables
	out = append(out, ttf[:size]...)
	for i := range tables {
		e := out[16+12+16*i:]
		at, length := binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])
		table := slices.Clone(ttf[at : at+length])
		pad := (gap-len(out))%4 + 4
		binary.BigEndian.PutUint32(e[8:], uint32(len(out)+pad))
		out = append(append(out, make([]byte, pad)...), table...)
	}
	return out
}

// TestFontFolders: those that are named in the environment come first.
func TestFontFolders(t *testing.T) {
	t.Setenv(fontsEnv, "/a/font.ttf"+string(os.PathListSeparator)+"/b")
	if got := fontFolders(); len(got) < 3 || got[0] != "/a/font.ttf" || got[1] != "/b" {
		t.Errorf("folders %q", got)
	}
	file := filepath.Join(t.TempDir(), "one.ttf")
	if err := os.WriteFile(file, goregular.TTF, 0o644); err != nil {
		t.Fatal(err)
	}
	if newFontBook([]string{file}).find("∪", false) == nil {
		t.Error("a file that is named itself was not read")
	}
}

func TestVisual(t *testing.T) {
	for in, want := range map[string]string{
		"plain α":         "plain α",
		"中文 abc":          "中文 abc",
		"שלום":            "םולש",
		"error שלום, abc": "error םולש, abc",
		"(שלום)":          "(םולש)",
		"שלום abc":        "abc םולש",
	} {
		if got := visual(in); got != want {
			t.Errorf("%q is drawn as %q, want %q", in, got, want)
		}
	}
}

// TestWrap: lines are broken at spaces and beside letters that are written without them, never before a comma, and nothing gets lost.
func TestWrap(t *testing.T) {
	onlyFonts(t)
	style := textStyle(titleSize, true)
	for _, title := range []string{"one two three four five six seven", "训练的神经网络，逐层线性，特征连通性。", "層ごとの features of ネットワーク", "onelongwordthatcannotbebroken"} {
		lines := wrap(style, title, 5*titleSize)
		if got := strings.Join(lines, ""); got != strings.ReplaceAll(title, " ", "") && strings.Join(lines, " ") != title && strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(title, " ", "") {
			t.Errorf("%q became %q", title, lines)
		}
		for _, l := range lines {
			if style.Width(l) > 5*titleSize && strings.ContainsFunc(l, func(r rune) bool { return r > 0x3000 }) && len([]rune(l)) > 6 {
				t.Errorf("line %q of %q is too wide", l, title)
			}
			if strings.HasPrefix(l, "，") || strings.HasPrefix(l, "。") {
				t.Errorf("line %q begins with punctuation", l)
			}
		}
	}
	if got := wrap(style, "训练的神经网络", 3*titleSize); fmt.Sprint(got) != "[训练的 神经网 络]" {
		t.Errorf("lines %q", got)
	}
}
