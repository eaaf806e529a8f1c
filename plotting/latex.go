package plotting

import (
	"regexp"
	"strings"
)

// LaTeX returns the table as a table environment with the rules of package booktabs, columns of numbers set to the right. It is for pdfLaTeX:
// signs that its fonts lack are written as formulas. A caption or label that is empty is left out.
func (t Table) LaTeX(caption, label string) (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n")
	if caption != "" {
		b.WriteString("\\caption{" + latexText(caption) + "}\n")
	}
	if label != "" {
		b.WriteString("\\label{" + label + "}\n")
	}
	columns := ""
	for i := range t.Headers {
		if t.Numeric(i) {
			columns += "r"
		} else {
			columns += "l"
		}
	}
	line := func(cells []string) {
		var out []string
		for _, c := range cells {
			out = append(out, latexText(c))
		}
		b.WriteString(strings.Join(out, " & ") + " \\\\\n")
	}
	b.WriteString("\\begin{tabular}{" + columns + "}\n\\toprule\n")
	line(t.Headers)
	b.WriteString("\\midrule\n")
	for _, r := range t.Rows {
		line(r)
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n\\end{table}\n")
	return b.String(), nil
}

// latexText keeps text from being read as markup. Formulas between dollar signs stay formulas.
func latexText(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if strings.Count(s, "$") >= 2 {
		return s
	}
	return formulas.ReplaceAllString(latexSigns.Replace(s), "") // $α$$β$ is one formula
}

var (
	formulas   = regexp.MustCompile(`\$\$`)
	latexSigns = strings.NewReplacer(
		`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "&", `\&`, "%", `\%`, "$", `\textdollar{}`, "#", `\#`, "_", `\_`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`,
		"<", "$<$", ">", "$>$", "|", "$|$",
		"α", `$\alpha$`, "β", `$\beta$`, "γ", `$\gamma$`, "ε", `$\varepsilon$`, "θ", `$\theta$`, "λ", `$\lambda$`, "μ", `$\mu$`, "π", `$\pi$`, "σ", `$\sigma$`, "Δ", `$\Delta$`,
		"Σ", `$\Sigma$`, "ℓ", `$\ell$`, "−", "$-$", "±", `$\pm$`, "×", `$\times$`, "·", `$\cdot$`, "≤", `$\le$`, "≥", `$\ge$`, "≈", `$\approx$`, "‖", `$\|$`, "⟨", `$\langle$`, "⟩", `$\rangle$`,
		"½", `$\frac{1}{2}$`, "¼", `$\frac{1}{4}$`, "¾", `$\frac{3}{4}$`, "²", "$^2$", "∞", `$\infty$`, "°", `$^\circ$`, "→", `$\to$`, "–", "--", "—", "---", "…", `\ldots{}`, "\u00a0", "~")
)
