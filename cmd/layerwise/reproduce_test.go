package main

import (
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/study"
)

// The list has a line for every item of the paper, and one for every subject of every scale, and runs nothing.
func TestReproduceList(t *testing.T) {
	inside(t)
	text := ok(t, "reproduce --list")
	paper, text, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(paper, "\n")
	for i, item := range study.Registry() {
		if id, about, _ := strings.Cut(strings.TrimSpace(lines[1+i]), " "); len(lines) != 1+len(study.Registry()) || id != item.ID || strings.TrimSpace(about) != item.String() {
			t.Errorf("%q, expected %s: %s", lines[1+i], item.ID, item)
		}
	}
	for _, part := range strings.Split(text, "\n\n") {
		head, rest, _ := strings.Cut(part, "\n")
		scale, _, _ := strings.Cut(strings.TrimPrefix(head, "--scale "), ":")
		subjects, err := study.Subjects(scale)
		if err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		lines := strings.Split(strings.TrimSpace(rest), "\n")
		if len(lines) != len(subjects) {
			t.Errorf("scale %s: %d lines for %d subjects:\n%s", scale, len(lines), len(subjects), part)
		}
		for i, s := range subjects {
			if id, about, _ := strings.Cut(strings.TrimSpace(lines[i]), " "); id != s.ID || strings.TrimSpace(about) != s.String() {
				t.Errorf("scale %s: %q, expected %s: %s", scale, lines[i], s.ID, s)
			}
		}
	}
	if n := strings.Count(text, "--scale "); n != len(llfc.Scales()) {
		t.Errorf("%d scales of %d:\n%s", n, len(llfc.Scales()), text)
	}
}

// A figure that is not there, or not yet made, is a misuse that says what there is, or what it needs; none of these runs anything.
func TestReproduceItems(t *testing.T) {
	inside(t)
	for call, want := range map[string]string{
		"--figure 23":                    `the paper has no "figure-23" here; known: figure-1, `,
		"--table 2":                      "Table 2: not yet made, needs a place for stitched networks in the study",
		"--figure 21":                    "Figures 20–22: not yet made, needs subjects of several widths",
		"--figure ,":                     `names none`,
		"--item figure-99":               `the paper has no "figure-99" here`,
		"--figure 3 --subjects vgg16-bn": `"vgg16-bn" does not show what is asked for`,
	} {
		status, out, text := do(t, "reproduce "+call)
		if status != misused || out != "" || !strings.Contains(text, want) || !strings.Contains(text, "--list") {
			t.Errorf("%s: status %d, %s%s, expected %s", call, status, out, text, want)
		}
	}
}

// Help names no flag that was renamed.
func TestFormerFlags(t *testing.T) {
	for verb, gone := range map[string][]string{"reproduce": {"--study", "--nets"}, "train": {"--budget"}, "spawn": {"--budget"}} {
		text := ok(t, verb+" --help")
		for _, flag := range gone {
			if strings.Contains(text, flag) {
				t.Errorf("help of %s names %s", verb, flag)
			}
		}
		if !strings.Contains(text, "--scale name\n") {
			t.Errorf("help of %s lacks --scale:\n%s", verb, text)
		}
	}
}

// A scale cuts the network too, and a size that is given holds over it.
func TestScaleUnderFlags(t *testing.T) {
	s := setting(t, "--network resnet20 --scale smoke")
	if n := s.Network; n.Depth != 8 || n.Width != 4 || s.Data != "digits32" || s.TrainSamples != 300 {
		t.Errorf("%+v", s)
	}
	s = setting(t, "--network resnet20 --scale smoke --depth 14 --width 6 --data digits --train-samples 50 --epochs 2")
	if n := s.Network; n.Depth != 14 || n.Width != 6 || s.Data != "digits" || s.TrainSamples != 50 || s.Train.Epochs != 2 {
		t.Errorf("%+v", s)
	}
	if s = setting(t, "--network mlp --widths 9,9 --scale smoke"); len(s.Network.Widths) != 2 || s.Network.Widths[0] != 9 {
		t.Errorf("%+v", s)
	}
}
