package llfc

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"layerwise/data"
	"layerwise/llfc/network"
)

// halves are the two halves of the classes of the digits, as data sets of a lab.
func halves(t *testing.T, l *Lab) (low, high Setting) {
	t.Helper()
	train, test, err := l.Sets(t.Context(), "synthetic", 400, 100)
	if err != nil {
		t.Fatal(err)
	}
	n := len(train.Classes) / 2
	for i, s := range []*Setting{&low, &high} {
		*s = tiny()
		s.Data, s.TrainSamples, s.TestSamples = []string{"low", "high"}[i], 0, 0
		keep := train.Classes[:n]
		if i == 1 {
			keep = train.Classes[n:]
		}
		a, b := must[*data.Set](t)(train.Only(keep...)), must[*data.Set](t)(test.Only(keep...))
		a.Name, b.Name = s.Data, s.Data
		if err := l.AddData(a, b); err != nil {
			t.Fatal(err)
		}
	}
	return low, high
}

// A fine-tuned run starts from the base's weights to the bit, keeps what is frozen, and is named by where it starts.
func TestFineTune(t *testing.T) {
	ctx := t.Context()
	l, _ := open(t)
	low, high := halves(t, l)
	base := must[Checkpoint](t)(l.Train(ctx, must[Run](t)(l.Run(ctx, low, 1))))
	frozen := FineTuning{NewHead: true, Freeze: []string{"fc1"}}
	r := must[Run](t)(l.FineTune(ctx, base, high, 2, frozen))
	start := must[network.Params](t)(l.start(r))
	tuned := must[Checkpoint](t)(l.Train(ctx, r))
	for i, p := range base.Theta {
		head := strings.HasPrefix(p.Name, "logits/")
		if was := start[i : i+1].Equal(base.Theta[i : i+1]); was == head {
			t.Errorf("%s: starts with the base's numbers: %v", p.Name, was)
		}
		if is := tuned.Theta[i : i+1].Equal(start[i : i+1]); is == head {
			t.Errorf("%s: kept its numbers: %v", p.Name, is)
		}
	}
	if again := must[Run](t)(l.FineTune(ctx, base, high, 2, frozen)); again.Name() != r.Name() {
		t.Errorf("asked for again it is another run: %s, %s", again.Name(), r.Name())
	}
	names := []string{r.Name()}
	for _, other := range []Run{
		must[Run](t)(l.FineTune(ctx, tuned, high, 2, FineTuning{Freeze: []string{"fc1"}})), must[Run](t)(l.FineTune(ctx, base, high, 3, frozen)),
		must[Run](t)(l.FineTune(ctx, base, high, 2, FineTuning{NewHead: true})), must[Run](t)(l.FineTune(ctx, base, high, 2, FineTuning{Freeze: []string{"fc1"}})), must[Run](t)(l.Run(ctx, high, 2)),
	} {
		if slices.Contains(names, other.Name()) {
			t.Errorf("%s names two runs", other.Name())
		}
		names = append(names, other.Name())
	}
}

// A fine-tuned run forks like any other, and what is interrupted goes on to the same bits in another lab.
func TestFineTuneForksAndResumes(t *testing.T) {
	runs := t.TempDir()
	l, _ := openIn(t, runs)
	low, high := halves(t, l)
	base := must[Checkpoint](t)(l.Train(t.Context(), must[Run](t)(l.Run(t.Context(), low, 1))))
	r := must[Run](t)(l.FineTune(t.Context(), base, high, 2, FineTuning{}))
	other := must[Run](t)(r.Spawn(1, 77))
	ctx, cancel := context.WithCancel(t.Context())
	l.progress = &display{out: &lines{hears: cancel}}
	if _, err := l.Train(ctx, other); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not interrupted: %v", err)
	}
	again, _ := openIn(t, runs)
	halves(t, again)
	got := must[Checkpoint](t)(again.Train(t.Context(), other))

	fresh, _ := open(t)
	low, high = halves(t, fresh)
	base = must[Checkpoint](t)(fresh.Train(t.Context(), must[Run](t)(fresh.Run(t.Context(), low, 1))))
	r = must[Run](t)(fresh.FineTune(t.Context(), base, high, 2, FineTuning{}))
	want := must[Checkpoint](t)(fresh.Train(t.Context(), must[Run](t)(r.Spawn(1, 77))))
	if !got.Theta.Equal(want.Theta) {
		t.Error("the interrupted fork ends elsewhere")
	}
}

func TestFineTuneRefuses(t *testing.T) {
	ctx := t.Context()
	l, _ := open(t)
	low, high := halves(t, l)
	base := must[Checkpoint](t)(l.Train(ctx, must[Run](t)(l.Run(ctx, tiny(), 1))))
	wide := high
	wide.Data = "digits32"
	for want, s := range map[string]Setting{"FineTuning.NewHead draws a layer": low, "the network takes": wide} {
		if _, err := l.FineTune(ctx, base, s, 1, FineTuning{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	r := must[Run](t)(l.FineTune(ctx, base, low, 1, FineTuning{NewHead: true}))
	if err := os.Remove(l.startOf(r)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Train(ctx, r); err == nil || !strings.Contains(err.Error(), r.From) {
		t.Errorf("without its start: %v", err)
	}
}
