package report_test

import (
	"bytes"
	"fmt"
	"strings"

	"layerwise/plotting/report"
)

// A page is one file that needs nothing beside it.
func ExamplePage_Write() {
	page := report.Page{Title: "Pairs", Summary: "One claim.", Claims: []report.Claim{{
		ID: "lmc", Source: "Def. 1", Statement: "a pair is connected", Threshold: "≤ 2 %", Measured: "0.1 %", Verdict: report.Holds,
	}}}
	var b bytes.Buffer
	if err := page.Write(&b); err != nil {
		panic(err)
	}
	text := b.String()
	fmt.Println(strings.Contains(text, "<title>Pairs</title>"), strings.Contains(text, "a pair is connected"), strings.Contains(text, "https://"))
	// Output: true true false
}
