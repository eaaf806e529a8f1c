package llfc

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// tiny is a setting of 80 steps of about a millisecond.
func tiny() Setting {
	return Setting{
		Name: "tiny", Network: network.Spec{Architecture: "mlp", Widths: []int{16}, Init: "torch"}, Data: "synthetic", TrainSamples: 400, TestSamples: 100,
		Train: train.Config{Optimiser: train.Optimiser{Name: "adam", Rate: 3e-3}, Batch: 20, Epochs: 4},
	}
}

// open opens a lab on the pure-Go backend with a run store of its own. What it says goes to the buffer.
func open(t *testing.T) (*Lab, *lines) {
	t.Helper()
	return openIn(t, t.TempDir())
}

func openIn(t *testing.T, runs string) (*Lab, *lines) {
	t.Helper()
	l, err := OpenOn("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	said := &lines{}
	l.Runs, l.progress = runs, &display{out: said}
	return l, said
}

// lines is what a display has written.
type lines struct {
	mu    sync.Mutex
	text  bytes.Buffer
	hears func() // called at every write, if not nil
}

func (s *lines) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hears != nil {
		s.hears()
	}
	return s.text.Write(b)
}

func (s *lines) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// must is for what a test takes for granted.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func runOf(t *testing.T, l *Lab, s Setting, seed int64) Run {
	t.Helper()
	return must[Run](t)(l.Run(context.Background(), s, seed))
}

func trained(t *testing.T, l *Lab, r Run) network.Params {
	t.Helper()
	return must[Checkpoint](t)(l.Train(context.Background(), r)).Theta
}

// same fails unless both stores hold the run with the same bits and the same log, apart from its seconds.
func same(t *testing.T, what string, r Run, l, m *Lab) {
	t.Helper()
	a, b := must[Checkpoint](t)(l.load(r, l.dir(r))), must[Checkpoint](t)(m.load(r, m.dir(r)))
	if !a.Theta.Equal(b.Theta) {
		t.Errorf("%s: the weights differ", what)
	}
	x, y := logOf(t, l, r), logOf(t, m, r)
	if len(x) != r.Train.Epochs+1 || !slices.EqualFunc(x, y, slices.Equal) {
		t.Errorf("%s: the logs differ:\n%v\n%v", what, x, y)
	}
}

// logOf is log.csv without the seconds.
func logOf(t *testing.T, l *Lab, r Run) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(l.dir(r), logFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := must[[][]string](t)(csv.NewReader(f).ReadAll())
	for i := range rows {
		rows[i] = rows[i][:len(rows[i])-1]
	}
	return rows
}

// holds fails unless the folder of a run holds exactly these files.
func holds(t *testing.T, l *Lab, r Run, want ...string) {
	t.Helper()
	var got []string
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(l.dir(r))) {
		got = append(got, e.Name())
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, expected %q", got, want)
	}
}

// complains fails unless err names all that it should.
func complains(t *testing.T, what string, err error, naming ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, n := range naming {
		if !strings.Contains(err.Error(), n) {
			t.Errorf("%s: the error does not say %q: %v", what, n, err)
		}
	}
}

func TestTrainLoadsWhatIsDone(t *testing.T) {
	l, said := open(t)
	r := runOf(t, l, tiny(), 1)
	theta := trained(t, l, r)
	holds(t, l, r, runFile, thetaFile, logFile, lockFile)
	if !strings.Contains(said.String(), "epoch 4/4") {
		t.Errorf("training said %q", said)
	}
	before := must[os.FileInfo](t)(os.Stat(filepath.Join(l.dir(r), thetaFile)))
	m, said := openIn(t, l.Runs)
	if !trained(t, m, r).Equal(theta) {
		t.Error("another lab loads other weights")
	}
	after := must[os.FileInfo](t)(os.Stat(filepath.Join(l.dir(r), thetaFile)))
	if !os.SameFile(before, after) || said.String() != "" {
		t.Errorf("a run that is done was trained again, saying %q", said)
	}
	other, _ := open(t)
	trained(t, other, r)
	same(t, "two stores", r, l, other)
}

// The store adds nothing to the bits: they are those of the trainer alone.
func TestTrainIsTheTrainer(t *testing.T) {
	l, _ := open(t)
	ctx := context.Background()
	r := runOf(t, l, tiny(), 1)
	begin := must[saved](t)(l.begin(t.Context(), r))
	f := must[*network.Model](t)(l.Model(r.Network))
	d := must[*feed.Feed](t)(l.feedOf(ctx, r))
	defer d.Free()
	want := must[network.Params](t)(train.Train(ctx, f, begin.Theta, d, r.Train))
	if !trained(t, l, r).Equal(want) {
		t.Error("the weights differ from those of train.Train")
	}
}

func TestRunJSONIsPinned(t *testing.T) {
	r := Run{Version: 1, Network: network.Spec{Architecture: "mlp", Input: []int{28, 28, 1}, Classes: 10, Widths: []int{512}, Init: "torch"},
		Data: DataID{Name: "mnist", Samples: 60000, SHA256: "ab"}, Train: MLPMNIST().Train, InitSeed: 3}
	r.Normalize.Mean, r.Normalize.Std = []float32{0.1307}, []float32{0.3081}
	r.Train.Streams = []train.Stream{{Order: 3, Dropout: 3}, {From: 5000, Order: 7}}
	want := `{"version":1,"network":{"architecture":"mlp","input":[28,28,1],"classes":10,"widths":[512],"init":"torch"},` +
		`"data":{"name":"mnist","samples":60000,"sha256":"ab"},"normalize":{"mean":[0.1307],"std":[0.3081]},` +
		`"train":{"optimiser":{"name":"adam","rate":0.00012},"schedule":{},"batch":60,"epochs":30,` +
		`"streams":[{"from":0,"order":3,"dropout":3},{"from":5000,"order":7}]},"init_seed":3}`
	if got := r.JSON(); got != want {
		t.Errorf("runs are named anew, so every store is forgotten; if that is meant, raise runVersion\n got %s\nwant %s", got, want)
	}
	r.Train.Augment, r.Train.Streams[0].Augment = feed.CropFlip(), 3
	want = strings.Replace(want, `"dropout":3}`, `"dropout":3,"augment":3}`, 1)
	want = strings.Replace(want, `7}]}`, `7}],"augment":{"crop":4,"flip":true}}`, 1)
	if got := r.JSON(); got != want {
		t.Errorf("augmented runs are named anew\n got %s\nwant %s", got, want)
	}
}

// Interrupted after every few steps, a run loses nothing.
func TestCancelAndResume(t *testing.T) {
	l, said := open(t)
	r := runOf(t, l, tiny(), 1)
	steps := 0
	for range 5 {
		ctx, cancel := context.WithCancel(context.Background())
		l.progress.last = time.Time{}
		said.hears = cancel // at the first line of progress
		_, err := l.Train(ctx, r)
		cancel()
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), r.Name()) {
			t.Fatalf("a cancelled training gave %v", err)
		}
		s := must[saved](t)(l.loadState(r, filepath.Join(l.dir(r), stateFile)))
		if s.Step <= steps {
			t.Fatalf("step %d is kept after step %d", s.Step, steps)
		}
		steps = s.Step
	}
	said.hears = nil
	trained(t, l, r)
	holds(t, l, r, runFile, thetaFile, logFile, lockFile)
	whole, _ := open(t)
	trained(t, whole, r)
	same(t, "cancelled five times", r, l, whole)
}

func TestCancelledBeforeItBegins(t *testing.T) {
	l, _ := open(t)
	r := runOf(t, l, tiny(), 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Train(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	trained(t, l, r)
}

// A state of another backend is reported and never mixed in.
func TestOtherBackend(t *testing.T) {
	l, said := open(t)
	r := runOf(t, l, tiny(), 1)
	real := l.Info
	s := must[saved](t)(l.begin(t.Context(), r))
	for i := range s.Theta { // a state that is not on the way of this run
		clear(s.Theta[i].Data)
	}
	s.Step = 70
	l.Info.Version = "another version"
	if err := os.MkdirAll(l.dir(r), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := l.saveState(r, filepath.Join(l.dir(r), stateFile), s); err != nil {
		t.Fatal(err)
	}
	was := l.Info.String()
	l.Info = real
	trained(t, l, r)
	if !strings.Contains(said.String(), "made on "+was+"; on "+real.String()+" it starts again") {
		t.Errorf("said %q", said)
	}
	whole, _ := open(t)
	trained(t, whole, r)
	same(t, "begun elsewhere", r, l, whole)

	m, said := openIn(t, l.Runs)
	m.Info.Version = "a third version"
	trained(t, m, r)
	if want := "was trained on " + real.String() + "; this is " + m.Info.String(); !strings.Contains(said.String(), want) {
		t.Errorf("said %q, expected %q", said, want)
	}
}

func TestOtherData(t *testing.T) {
	l, _ := open(t)
	r := runOf(t, l, tiny(), 1)
	r.Data.SHA256 = strings.Repeat("0", 64)
	_, err := l.Train(context.Background(), r)
	complains(t, "another data set", err, r.Name(), "synthetic", "checksum", "000000000000", "bring back")
	holds(t, l, r, runFile, lockFile)
}

// Two labs in one process share the work too.
func TestTwoGoroutines(t *testing.T) {
	l, said := open(t)
	r := runOf(t, l, tiny(), 1)
	var all sync.WaitGroup
	var theta [3]network.Params
	for i := range theta {
		all.Go(func() {
			c, err := l.Train(context.Background(), r)
			if err != nil {
				t.Error(err)
			}
			theta[i] = c.Theta
		})
	}
	all.Wait()
	if !theta[0].Equal(theta[1]) || !theta[0].Equal(theta[2]) {
		t.Error("the weights differ")
	}
	if n := strings.Count(said.String(), "epoch 4/4"); n != 1 {
		t.Errorf("%d trainings came to an end, expected 1: %q", n, said)
	}
}

func TestSetting(t *testing.T) {
	l, _ := open(t)
	s := tiny()
	s.Train.Batch = 401
	_, err := l.Run(context.Background(), s, 1)
	complains(t, "a batch beyond the data", err, "tiny", "401")
	s = tiny()
	s.Data = "nonesuch"
	_, err = l.Run(context.Background(), s, 1)
	complains(t, "unknown data", err, "nonesuch", "digits")
	s = tiny()
	s.Network.Architecture = "nonesuch"
	_, err = l.Run(context.Background(), s, 1)
	complains(t, "unknown network", err, "nonesuch", "mlp")
	s = tiny()
	if a, b := runOf(t, l, s, 1), runOf(t, l, s, 2); a.Name() == b.Name() {
		t.Error("two seeds share a name")
	}
	s.Name, s.About, s.Source = "other", []string{"thing"}, "words"
	if a, b := runOf(t, l, tiny(), 1), runOf(t, l, s, 1); a.Name() != b.Name() {
		t.Error("words for people change the name of a run")
	}
	s.Unit = true
	if a, b := runOf(t, l, tiny(), 1), runOf(t, l, s, 1); a.Name() == b.Name() || b.Normalize.Mean[0] != 0 || b.Normalize.Std[0] != 1 {
		t.Errorf("inputs in [0, 1] are normalised by %v", b.Normalize)
	}
}
