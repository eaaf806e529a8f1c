package notebook

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/plotter"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
	"layerwise/plotting"
)

// cell runs the named part of this test as a cell's program, and returns what it printed and how it ended.
func cell(t *testing.T, name string) (out string, code int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "-test.run=^TestCell$")
	c.Env = append(os.Environ(), "NOTEBOOK_CELL="+name)
	text, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), c.ProcessState.ExitCode()
}

// TestCell: an error ends the cell with one line that says what is wrong, and no stack; an interrupt ends the context.
func TestCell(t *testing.T) {
	switch os.Getenv("NOTEBOOK_CELL") {
	case "check":
		Check(fmt.Errorf("layer %q: %w", "fc1", errors.New("no such layer")))
	case "must":
		fmt.Println(Must(7, nil))
		Must(network.New(network.Spec{Architecture: "unknown"}))
	case "interrupt":
		p, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		ctx := Ctx()
		if err := p.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			Check(fmt.Errorf("training: %w", ctx.Err()))
		case <-time.After(10 * time.Second):
			fmt.Println("not interrupted")
		}
	case "show":
		Show(Must(plotting.Lines("", "", "", plotting.Series{Data: plotter.XYs{{X: 1, Y: 2}}})))
	case "fine":
		Check(nil)
	case "":
		for _, c := range []struct {
			name, says string
			code       int
		}{
			{"check", "Error: layer \"fc1\": no such layer\n", 1},
			{"must", "7\nError: ", 1},
			{"interrupt", "Interrupted; run the cell again and training goes on where it was.\n", 1},
			{"show", "Error: plotting: not in a GoNB notebook", 1},
			{"fine", "PASS", 0},
		} {
			out, code := cell(t, c.name)
			if code != c.code || !strings.HasPrefix(out, c.says) || strings.Contains(out, "goroutine") || strings.Count(out, "\n") > 2 {
				t.Errorf("%s: exit status %d, %q; expected %d, %q", c.name, code, out, c.code, c.says)
			}
		}
	}
}

func TestOpen(t *testing.T) {
	t.Setenv("LAYERWISE_SCALE", "smoke")
	t.Setenv("LAYERWISE_RUNS", t.TempDir())
	t.Setenv("GOMLX_BACKEND", "")
	lab := Open()
	defer lab.Close()
	s := Afford(lab, llfc.MLPMNIST())
	if !Smoke() || !strings.HasPrefix(lab.Info.String(), "go") || s.Data != "digits" || s.Network.Widths[0] != 32 {
		t.Errorf("at scale smoke: %s, %+v", lab.Info, s)
	}
	t.Setenv("LAYERWISE_SCALE", "quick")
	if s := Afford(lab, llfc.MLPMNIST()); Smoke() || s.Network.Widths[0] != 512 {
		t.Errorf("at scale quick: %+v", s)
	}
}

func tiny(t *testing.T, spec network.Spec) (*llfc.Lab, llfc.Setting) {
	t.Helper()
	l, err := llfc.OpenOn("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.Runs = t.TempDir()
	return l, llfc.Setting{Name: "tiny", Network: spec, Data: "synthetic", TrainSamples: 200, TestSamples: 60,
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 2}}
}

var mlp = network.Spec{Architecture: "mlp", Widths: []int{16, 12}, Init: "torch"}

// pairs measures a spawned and an independent pair of tiny networks.
func pairs(t *testing.T) []figures.Pair {
	t.Helper()
	l, s := tiny(t, mlp)
	ctx := context.Background()
	a, err1 := l.Spawned(ctx, s, 0, 1)
	b, err2 := l.Independent(ctx, s, 1)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return Tested(l, s, measure.Options{Conditions: true}, a, b)
}

// TestMatchings: a row for each pair, with the time of its search where it had one, and the numbers of its result.
func TestMatchings(t *testing.T) {
	p := pairs(t)
	headers, rows := Matchings(p, []match.Result{{Seconds: 1.5}})
	if len(rows) != len(p) || len(rows[0]) != len(headers) || rows[0][7] != "1.50" || rows[1][7] != "–" {
		t.Fatalf("%q under %q", rows, headers)
	}
	for i, r := range p {
		com, e := 0.0, r.Errors()
		for _, s := range Must(r.Commutativity()).Com.Stats {
			com += s.Mean
		}
		if rows[i][0] != r.Name || rows[i][5] != fmt.Sprintf("%.3g", com) || rows[i][2] != fmt.Sprintf("%.2f %%", 100*e.Values[e.Len()/2]) {
			t.Errorf("%q: Σ Dist_com %g, error at ½ %g", rows[i], com, e.Values[e.Len()/2])
		}
	}
	if headers, rows := Methods(); len(rows) != len(match.Methods()) || len(rows[0]) != len(headers) {
		t.Errorf("methods %q", rows)
	}
}

// TestClaims: the numbers in the table are the measured ones.
func TestClaims(t *testing.T) {
	p := pairs(t)
	card := append(Connected(p[0], p[0].Result), Apart(p[1], p[1].Result)...)
	headers, rows := Claims([]string{"ours"}, card)
	if len(rows) != 10 || len(headers) != 5 {
		t.Fatalf("%d rows under %q", len(rows), headers)
	}
	linear, apart := Must(p[0].LLFC(0.5)), Must(p[1].LLFC(0.5))
	worst, share := 0.0, 0.0
	for l, s := range linear.Stats {
		worst, share = math.Max(worst, s.Mean), math.Max(share, s.Mean/p[0].Baseline().Stats[l].Mean)
	}
	c := Must(p[0].Commutativity())
	com := 0.0
	for l := 1; l < c.Com.Len(); l++ {
		com = math.Max(com, c.Com.Stats[l].Mean/math.Min(c.W.Stats[l].Mean, c.H.Stats[l].Mean))
	}
	for i, want := range map[int]float64{0: p[0].Barrier().Mean, 1: worst, 2: share, 6: com, 7: p[1].Barrier().Mean, 8: apart.Stats[apart.Len()-1].Mean} {
		if got := card[i].Values[0]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %g, expected %g", card[i].Quantity, got, want)
		}
		if want := card[i].Measured() + ", " + card[i].Verdict(); rows[i][4] != want || rows[i][3] != card[i].Threshold() {
			t.Errorf("row %q, expected %q", rows[i], want)
		}
	}
	if card[0].Subject != p[0].Name || card[7].Subject != p[1].Name || len(Connected(p[0], nil)) != 7 || len(Apart(p[1], nil)) != 3 {
		t.Errorf("subjects %q and %q", card[0].Subject, card[7].Subject)
	}
}

// TestAtCuts: of a ResNet, the first ReLU, the ends of blocks and the logits.
func TestAtCuts(t *testing.T) {
	l, s := tiny(t, network.Spec{Architecture: "resnet", Depth: 8, Width: 2, Norm: "batch", Shortcut: "pad", Init: "kaiming"})
	pair, err := l.Spawned(context.Background(), s, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := AtCuts(l, s, measure.Options{}, pair)[0]
	if want := "[conv1/bn/relu layer1.0 layer2.0 layer3.0 logits]"; fmt.Sprint(got.Baseline().Layers) != want {
		t.Errorf("layers %v, expected %s", got.Baseline().Layers, want)
	}
	if name := Name(s); name != "resnet-8, width 2" {
		t.Errorf("name %q", name)
	}
	headers, rows := Ends(l, s, pair)
	if len(rows) != 1 || len(rows[0]) != len(headers) || rows[0][0] != pair.Name || !strings.HasSuffix(rows[0][2], " %") {
		t.Errorf("ends %q under %q", rows, headers)
	}
	_, rows = Groups(pair.A.Network)
	for _, r := range rows {
		if n := strings.Count(r[3], ","); r[2] == fmt.Sprint(n+1) == strings.Contains(r[3], "…") {
			t.Errorf("group %q", r)
		}
	}
	if headers, rows := Networks(l, s); headers[1] != Name(s) || rows[3][1] != "7" { // ReLUs: the first and two a block
		t.Errorf("networks %q %q", headers, rows)
	}
}

// What a notebook asks about a network and data it does about those of its own too.
func TestOwnNetworkAndData(t *testing.T) {
	l, s := tiny(t, network.Spec{Architecture: "mine"})
	if err := l.AddNetwork(network.Custom("mine", func(x network.X) network.X {
		return x.Flatten().Dense("fc", 4).ReLU().Dense("logits", x.Classes())
	})); err != nil {
		t.Fatal(err)
	}
	own := &data.Set{Name: "own", Shape: []int{2, 2, 1}, Classes: []string{"dark", "bright"}}
	for i := range 40 {
		own.Labels = append(own.Labels, int32(i%2))
		for range 4 {
			own.Pixels = append(own.Pixels, uint8(150*(i%2)+i))
		}
	}
	if err := l.AddData(own, own); err != nil {
		t.Fatal(err)
	}
	s.Data, s.TrainSamples, s.TestSamples = "own", 0, 0
	pair, err := l.Spawned(context.Background(), s, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := AtCuts(l, s, measure.Options{}, pair)[0].Baseline().Layers; fmt.Sprint(got) != "[fc/relu logits]" {
		t.Errorf("layers %v", got)
	}
	if _, rows := Networks(l, s); rows[0][1] != "30" { // (4 + 1)·4 + (4 + 1)·2
		t.Errorf("parameters %q", rows[0])
	}
	if n := Examples(l, s, 6); n.Len() != 6 || n.Name != "own" {
		t.Errorf("examples %v", n)
	}
}
