package plotting

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Exports are the endings of the files that Export writes.
func Exports() []string { return []string{".svg", ".png", ".pdf", ".csv", ".tex", ".md"} }

// exportDigits is how many digits the tables for people have; the CSV has all.
const exportDigits = 3

// Export writes a figure to a folder, which must exist, under a name without ending: as SVG, PNG and PDF, with its numbers as CSV, all of them
// in all digits, and as tables that are [Figure.Numbers] under the caption, for LaTeX (booktabs) and in Markdown. The caption should say
// the setting, what was counted and how many, and the scale.
func (f *Figure) Export(dir, name, caption string) error {
	base := filepath.Join(dir, name)
	for _, ending := range Exports()[:3] {
		if err := f.Save(base + ending); err != nil {
			return err
		}
	}
	if err := f.SaveCSV(base + ".csv"); err != nil {
		return err
	}
	numbers := f.Numbers(exportDigits)
	tex, err := numbers.LaTeX(caption, "tab:"+name)
	if err != nil {
		return fmt.Errorf("%w (saving %s.tex)", err, base)
	}
	if err := writeFile(base+".tex", []byte(tex)); err != nil {
		return err
	}
	text, err := numbers.Markdown()
	if err != nil {
		return fmt.Errorf("%w (saving %s.md)", err, base)
	}
	head := fmt.Sprintf("![%s](%s.png)\n\n%s\n\n", strings.NewReplacer("[", `\[`, "]", `\]`).Replace(f.name()), name, caption)
	return writeFile(base+".md", []byte(head+text))
}
