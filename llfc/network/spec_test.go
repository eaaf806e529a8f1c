package network

import (
	"strings"
	"testing"
)

// A checkpoint's description is a stranger's word: sizes of any kind end in a network or an error, soon and in little memory.
func TestAbsurdSpecs(t *testing.T) {
	for _, text := range []string{
		`{"architecture":"mlp","input":[28,28,1],"classes":10,"widths":[1000000000000],"init":"torch"}`,
		`{"architecture":"mlp","input":[4611686018427387904,4,1],"classes":10,"widths":[5],"init":"torch"}`,
		`{"architecture":"mlp","input":[28,28,1],"classes":4611686018427387904,"widths":[5],"init":"torch"}`,
		`{"architecture":"lenet","input":[60000,60000,3],"classes":10,"init":"torch"}`,
		`{"architecture":"mlp","input":[-1],"classes":10,"widths":[5],"init":"torch"}`,
		`{"architecture":"mlp","input":[8],"classes":10,"widths":[5,0],"init":"torch"}`,
		`{"architecture":"mlp","input":[8],"classes":10,"widths":[` + strings.Repeat("2000000,", 100) + `5],"init":"torch"}`,
		`{"architecture":"mlp","input":[8],"classes":10,"widths":[5],"dropout":2,"init":"torch"}`,
	} {
		s, err := ParseSpec(text)
		if err != nil {
			t.Errorf("%.80s does not parse: %v", text, err)
			continue
		}
		if _, err := New(s); err == nil {
			t.Errorf("%.80s was accepted", text)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, a := range Architectures() {
		f.Add(a.Default.JSON())
	}
	f.Add(`{"architecture":"mlp","input":[9223372036854775807],"classes":1,"widths":[1]}`)
	f.Add(`{"architecture":"lenet","input":[5,5,1],"classes":0}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			return
		}
		n, err := New(s)
		if err != nil {
			return
		}
		if again, err := ParseSpec(n.Spec.JSON()); err != nil || again.JSON() != n.Spec.JSON() {
			t.Errorf("%q came back as %q, %v", text, again.JSON(), err)
		}
	})
}
