package plotting

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// noteLetters is how many missing letters a note spells out.
const noteLetters = 8

// Note says in one line what of the figure's text its PNG and PDF cannot show as it should be, and how to mend it: letters that no font
// here has, and those of scripts whose letters change where they meet. It is empty where there is nothing to say. An SVG keeps its
// text as text, and leaves it to the fonts of its reader.
func (f *Figure) Note() string {
	var missing, joining []string
	keep := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	written := func(_ string, pieces []piece) {
		for _, p := range pieces {
			if p.font == nil {
				keep(&missing, p.text)
				continue
			}
			for _, r := range p.text {
				if script := scriptOf(r, shaped); script != "" {
					keep(&joining, script)
				}
			}
		}
	}
	w, h := f.native()
	if err := f.draw(draw.NewCanvas(&sheet{Canvas: new(recorder.Canvas), written: written}, w, h)); err != nil {
		return "" // as Write says
	}
	var parts []string
	if n := len(missing); n > 0 {
		shown, more := missing, ""
		if n > noteLetters {
			shown, more = missing[:noteLetters], fmt.Sprintf(" and %d more", n-noteLetters)
		}
		var each []string
		for _, c := range shown {
			each = append(each, fmt.Sprintf("%s (%U)", c, []rune(c)[0]))
		}
		parts = append(parts, fmt.Sprintf("no font here has %s%s, which are numbered boxes in PNG and PDF: install one that does, such as Noto Sans CJK, or name its file in %s",
			strings.Join(each, ", "), more, fontsEnv))
	}
	if len(joining) > 0 {
		slices.Sort(joining)
		parts = append(parts, fmt.Sprintf("the letters of %s are not joined in PNG and PDF; use SVG", strings.Join(joining, ", ")))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("Text of the figure %q: %s.", f.name(), strings.Join(parts, "; "))
}

// shaped are scripts whose letters change their form or place with their neighbours.
var shaped = []string{"Arabic", "Syriac", "Nko", "Mongolian", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada",
	"Malayalam", "Sinhala", "Tibetan", "Myanmar", "Khmer"}

func scriptOf(r rune, scripts []string) string {
	if r < 0x600 {
		return ""
	}
	for _, s := range scripts {
		if unicode.Is(unicode.Scripts[s], r) {
			return s
		}
	}
	return ""
}
