package train

import (
	"path"
	"strings"
	"testing"
)

// What is frozen keeps its bits and has no state; all else learns as if nothing were frozen, in the first step to the bit.
func TestFreeze(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		for pattern, c := range map[string]Config{"fc1": adam(), "fc[12]": sgd(), "conv1": sgd(), "conv1/bn/mean": sgd()} {
			spec := small
			if strings.HasPrefix(pattern, "conv1") {
				if spec = residual; b.Name() == "xla" {
					continue // which takes long to compile it
				}
			}
			frozen := func(name string) bool {
				layer, _, _ := strings.Cut(name, "/")
				ok, err := path.Match(pattern, layer)
				return ok && err == nil || name == pattern
			}
			f, theta, d := task(t, b, spec)
			free := run(t, f, d, c, mustStart(t, f, theta, c), 1)
			c.Freeze = []string{pattern, pattern}
			first := run(t, f, d, c, mustStart(t, f, theta, c), 1)
			last := run(t, f, d, c, first, 7)
			whole := run(t, f, d, c, mustStart(t, f, theta, c), 7)
			if !last.Tensors().Equal(whole.Tensors()) {
				t.Errorf("%s: the resumed run differs from the whole one", pattern)
			}
			n := 0
			for i, was := range theta {
				same := theta[i : i+1].Equal(last.Theta[i : i+1])
				switch {
				case frozen(was.Name) && !same:
					t.Errorf("%s: %s changed", pattern, was.Name)
				case frozen(was.Name):
					n++
				case !first.Theta[i : i+1].Equal(free.Theta[i : i+1]):
					t.Errorf("%s: the first step of %s is another", pattern, was.Name)
				}
			}
			for _, s := range last.Slots {
				if name, _, _ := strings.Cut(s.Name, "#"); frozen(name) {
					t.Errorf("%s: the frozen tensor has the state %s", pattern, s.Name)
				}
			}
			if n == 0 {
				t.Errorf("%s: nothing was frozen", pattern)
			}
		}
	})
}

func TestFreezeRefuses(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		f, _, d := task(t, b, small)
		for want, freeze := range map[string][]string{
			`freeze "fc9" names no tensor of the network; its first is "fc1/w"`: {"fc1", "fc9"},
			"leaves nothing to be trained":                                      {"fc*", "logits"},
			"syntax error in pattern":                                           {"fc1/["},
		} {
			c := adam()
			c.Freeze = freeze
			if _, err := NewTrainer(f, d, c); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", freeze, err, want)
			}
		}
	})
}
