package study

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"layerwise/llfc"
)

// Markdown prints a scorecard.json as a table in GitHub's notation, the claims on one kind of pair together, and one line that counts them.
func Markdown(scorecard io.Reader) (string, error) {
	claims, err := llfc.ReadScorecard(scorecard)
	if err != nil {
		return "", err
	}
	return claimsTable(claims), nil
}

func claimsTable(claims llfc.Scorecard) string {
	var b strings.Builder
	row := func(cells ...string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	beside := slices.ContainsFunc(claims, func(c llfc.Claim) bool { return c.Elsewhere != nil })
	cells := func(cells []string, elsewhere string) {
		if beside {
			cells = append(cells, elsewhere)
		}
		row(cells...)
	}
	cells([]string{"claim", "quantity", "line", "measured", "95 % interval", "verdict"}, elsewhereTitle)
	cells([]string{"---", "---", "---:", "---:", "---", "---"}, "---")
	subject := ""
	for _, c := range claims {
		if c.Subject != subject {
			subject = c.Subject
			cells([]string{"**" + subject + "** …", "", "", "", "", ""}, "")
		}
		verdict := c.Verdict()
		if verdict != llfc.Holds {
			verdict = "**" + verdict + "**"
		}
		cells([]string{strings.TrimPrefix(c.Statement, subject+" "), c.Quantity, c.Threshold(), c.Measured(), interval(c), verdict}, elsewhere(c))
	}
	holds, fails, open := claims.Count()
	fmt.Fprintf(&b, "\n%d of %d claims hold, %d fail", holds, len(claims), fails)
	if open > 0 {
		fmt.Fprintf(&b, ", %d were not measured", open)
	}
	b.WriteString(".\n")
	return b.String()
}
