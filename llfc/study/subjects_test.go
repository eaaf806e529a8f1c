package study

import (
	"slices"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/network"
)

func TestSubjects(t *testing.T) {
	ever := map[string]bool{}
	for _, scale := range llfc.ScaleNames() {
		subjects, err := Subjects(scale)
		if err != nil || len(subjects) < 4 {
			t.Fatalf("%s: %d subjects, %v", scale, len(subjects), err)
		}
		widths := map[int]bool{}
		for _, s := range subjects {
			ever[s.ID] = true
			if len(s.Seeds) == 0 || s.Alphas%2 == 0 || len(s.Policies) == 0 || s.nearest().ID == "" || !strings.HasPrefix(s.String(), s.Name+" on "+s.Setting.Data+", ") {
				t.Errorf("%s at %s: %+v", s.ID, scale, s)
			}
			spec := s.Setting.Network
			spec.Input, spec.Classes = []int{32, 32, 3}, 10
			if _, err := network.New(spec); err != nil {
				t.Errorf("%s at %s: %v", s.ID, scale, err)
			}
			if s.Width > 0 {
				widths[spec.Width/s.Width] = true
			}
			if s.Plain && s.Setting.Train.Schedule.Name != "" {
				t.Errorf("%s at %s: schedule %q; the paper's is constant", s.ID, scale, s.Setting.Train.Schedule.Name)
			}
			for _, p := range s.Policies {
				if err := p.Check(); err != nil {
					t.Errorf("%s at %s: %v", s.ID, scale, err)
				}
			}
			for _, k := range s.Kinds {
				if k.K() >= float64(s.Setting.Train.Epochs) {
					t.Errorf("%s at %s: spawns after %g of %d epochs", s.ID, scale, k.K(), s.Setting.Train.Epochs)
				}
				if k.Against != "" && !slices.ContainsFunc(s.Kinds, func(other Kind) bool { return other.ID == k.Against }) {
					t.Errorf("%s at %s: %s is compared with %s, which is not measured", s.ID, scale, k.ID, k.Against)
				}
			}
		}
		if len(widths) > 1 || len(widths) == 0 && scale != "cpu-hour" {
			t.Errorf("%s: the permuted networks are not multiples of one width: %v", scale, widths)
		}
	}
	if len(ever) != len(entries()) {
		t.Errorf("%d of %d subjects are measured at some scale", len(ever), len(entries()))
	}
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		scale string
		ids   []string
		want  string // the ids, or what the error says
	}{
		{"quick", nil, "mlp mlp-rebasin"},
		{"cpu-hour", nil, "mlp mlp-rebasin"},
		{"quick", []string{"resnet20", "vgg16-bn"}, "resnet20 vgg16-bn"},
		{"smoke", []string{"mlp", "resnet20-ln-x2"}, "mlp resnet20-ln-x2"},
		{"huge", nil, `unknown scale "huge"; known: smoke, quick, cpu-hour, paper`},
		{"quick", []string{"alexnet"}, `unknown subject "alexnet"; of scale quick: mlp, mlp-rebasin, mlp-cifar10, vgg16-bn, resnet20, resnet20-ln-x1`},
		{"cpu-hour", []string{"resnet20-ln-x1"}, `unknown subject "resnet20-ln-x1"; of scale cpu-hour: mlp, mlp-rebasin, mlp-cifar10, vgg16-bn, resnet20`},
		{"quick", []string{"mlp", "mlp"}, `"mlp" is named twice`},
	} {
		subjects, err := Select(c.scale, c.ids...)
		var ids []string
		for _, s := range subjects {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %q, %v; expected %q", c.scale, c.ids, got, err, c.want)
		}
	}
}

// The runs of a subject are named by its settings. These are the names of those on the digits, but for the checksum of the data: where one changes,
// other networks are trained than those that earlier numbers are of.
func TestRunNames(t *testing.T) {
	l := lab(t, t.TempDir())
	for id, want := range map[string]string{
		"smoke mlp": "mlp-digits-831691f116e5f86b", "smoke mlp-rebasin": "mlp-digits-4396d380eae74735", "quick mlp": "mlp-digits-55d634d15700bd17", "quick mlp-rebasin": "mlp-digits-575b11834d3c28dd",
		"smoke vgg16-bn": "vgg-digits32-f74f88dad568d234", "smoke resnet20": "resnet-digits32-c6d159ba37529047", "smoke resnet20-ln-x1": "resnet-digits32-9a8acf830f1528ae", "smoke resnet20-ln-x2": "resnet-digits32-34d701fa9dbe47d5",
	} {
		scale, subject, _ := strings.Cut(id, " ")
		s, err := Select(scale, subject)
		if err != nil {
			t.Fatal(err)
		}
		run, err := l.Run(t.Context(), s[0].Setting, 1)
		run.Data.SHA256 = "" // the data are what they are
		if err != nil || run.Name() != want {
			t.Errorf("%q: %q, // %v", id, run.Name(), err)
		}
	}
}

// Pairs of several methods stand side by side in one subject.
func TestPermutedKinds(t *testing.T) {
	if k := Permuted("weight", "independent"); k.ID != "permuted" || k.Name != "permuted" || !k.Connected() {
		t.Errorf("%+v", k)
	}
	if k := permuted("unpermuted", "weight", "activation", "unheard-of"); len(k) != 2 || k[0].ID != "permuted" || k[1].ID != "permuted-activation" { // those that are known
		t.Errorf("%+v", k)
	}
	if k := Permuted("other", "independent"); k.ID != "permuted-other" || k.Name != "permuted (other)" || k.Method != "other" || k.Against != "independent" {
		t.Errorf("%+v", k)
	}
}
