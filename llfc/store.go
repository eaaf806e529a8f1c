package llfc

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"layerwise/internal/atomicfile"
	"layerwise/internal/filelock"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// A run's folder in the store holds
//
//	run.json              what the run is; the hash of this is its name
//	theta.safetensors     the trained weights, once it is done
//	state.safetensors     the latest checkpoint, until it is done
//	at-N.safetensors      the state at step N, where another run has forked off
//	log.csv               epoch, loss, error and seconds
//	lock                  held while a process works on it
const (
	runFile   = "run.json"
	thetaFile = "theta.safetensors"
	stateFile = "state.safetensors"
	logFile   = "log.csv"
	lockFile  = "lock"
)

func forkFile(step int) string { return fmt.Sprintf("at-%d.safetensors", step) }

// checkpointEvery is how much work a killed run can lose.
const checkpointEvery = 15 * time.Second

// epochLog is one row of log.csv: means over the batches of an epoch, before each update.
type epochLog struct {
	Epoch   int     `json:"epoch"`
	Steps   int     `json:"steps"`
	Loss    float64 `json:"loss"`  // sum over the steps so far, in nats
	Error   float64 `json:"error"` // likewise, as a share
	Seconds float64 `json:"seconds"`
}

// saved is a training state as a file holds it.
type saved struct {
	train.State
	log   []epochLog
	spent time.Duration
}

// Train returns the trained network of a run: loaded if it is done, resumed if it was interrupted, else trained. Two processes that ask for
// the same run share the work of one. When ctx ends, what was done is kept.
func (l *Lab) Train(ctx context.Context, r Run) (Checkpoint, error) {
	var c Checkpoint
	err := l.withRun(ctx, r, func(dir string) error {
		path := filepath.Join(dir, thetaFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := l.finish(ctx, r, dir); err != nil {
				return err
			}
		}
		var err error
		if c, err = LoadCheckpoint(path); err != nil {
			return fmt.Errorf("%w; delete the folder %s to train it again", err, dir)
		}
		if was := c.Meta[metaBackend]; was != l.Info.String() {
			l.say("%s was trained on %s; this is %s", r.Name(), was, l.Info)
		}
		return nil
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("run %s: %w", r.Name(), err)
	}
	return c, nil
}

// withRun makes the folder of a run and holds its lock.
func (l *Lab) withRun(ctx context.Context, r Run, do func(dir string) error) error {
	dir := filepath.Join(l.Runs, r.Name())
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(dir, lockFile), func() { l.say("waiting for another process to train %s", r.Name()) })
	if err != nil {
		return err
	}
	defer unlock()
	path := filepath.Join(dir, runFile)
	switch text, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := atomicfile.Write(path, func(w io.Writer) error { _, err := io.WriteString(w, r.JSON()); return err }); err != nil {
			return err
		}
	case err != nil:
		return err
	case string(text) != r.JSON():
		return fmt.Errorf("%s describes another run; delete the folder", path)
	}
	return do(dir)
}

// finish trains a run to its end and writes its weights.
func (l *Lab) finish(ctx context.Context, r Run, dir string) error {
	s, err := l.latest(ctx, r, dir)
	if err != nil {
		return err
	}
	if s, err = l.advance(ctx, r, dir, s, r.Steps()); err != nil {
		return err
	}
	meta := l.provenance(s.spent)
	if err := writeLog(filepath.Join(dir, logFile), s.log); err != nil {
		return err
	}
	c := Checkpoint{Theta: s.Theta, Network: r.Network, Normalize: r.Normalize, Run: &r, Meta: meta}
	if err := SaveCheckpoint(filepath.Join(dir, thetaFile), c); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, stateFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// latest is the state to go on from: the checkpoint, else the fork from the parent, else θ₀.
func (l *Lab) latest(ctx context.Context, r Run, dir string) (saved, error) {
	s, err := l.loadState(r, filepath.Join(dir, stateFile))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if parent, step, ok := r.parent(); ok {
		return l.at(ctx, parent, step)
	}
	return l.begin(r)
}

func (l *Lab) begin(r Run) (saved, error) {
	n, err := network.New(r.Network)
	if err != nil {
		return saved{}, err
	}
	theta, err := n.Init(r.InitSeed)
	if err != nil {
		return saved{}, err
	}
	s, err := train.Start(theta, r.Train)
	return saved{State: s}, err
}

// at is the state of a run at a step. The run is trained that far if need be, and stays there to go on from.
func (l *Lab) at(ctx context.Context, r Run, step int) (s saved, err error) {
	err = l.withRun(ctx, r, func(dir string) error {
		path := filepath.Join(dir, forkFile(step))
		if s, err = l.loadState(r, path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// A run that is done, or beyond the step, goes this way a second time: its bits are the same.
		if s, err = l.latest(ctx, r, dir); err != nil {
			return err
		}
		_, done := os.Stat(filepath.Join(dir, thetaFile))
		if again := s.Step > step || done == nil; again {
			if s, err = l.begin(r); err != nil {
				return err
			}
			dir = ""
		}
		if s, err = l.advance(ctx, r, dir, s, step); err != nil {
			return err
		}
		return l.saveState(r, path, s)
	})
	return s, err
}

// advance trains from a state to a step, keeping a checkpoint in dir; "" keeps none.
func (l *Lab) advance(ctx context.Context, r Run, dir string, s saved, until int) (saved, error) {
	if s.Step == until {
		return s, nil
	}
	d, err := l.feedOf(ctx, r)
	if err != nil {
		return saved{}, err
	}
	defer d.Free()
	f, err := l.Model(r.Network)
	if err != nil {
		return saved{}, err
	}
	t, err := train.NewTrainer(f, d, r.Train)
	if err != nil {
		return saved{}, err
	}
	keep := func(s saved) error {
		if dir == "" {
			return nil
		}
		return l.saveState(r, filepath.Join(dir, stateFile), s)
	}
	perEpoch := r.Train.StepsPerEpoch(d.Len())
	began, before, last := time.Now(), s.spent, time.Now()
	bar := l.progress.start(fmt.Sprintf("%s  seed %d  %s", r.Network.Architecture+"/"+r.Data.Name, r.InitSeed, r.Name()[len(r.Name())-16:]))
	state, err := t.Run(ctx, s.State, until, func(p train.Progress) error {
		s.record(p, perEpoch)
		s.spent = before + time.Since(began)
		bar.update(p, s.log)
		if time.Since(last) < checkpointEvery || p.Step == until {
			return nil
		}
		last = time.Now()
		now, err := p.Snapshot()
		if err != nil {
			return err
		}
		return keep(saved{now, s.log, s.spent})
	})
	bar.stop()
	s.State = state
	if err != nil && ctx.Err() != nil && state.Theta != nil {
		return s, errors.Join(err, keep(s))
	}
	return s, err
}

// record adds a group of steps to the log.
func (s *saved) record(p train.Progress, perEpoch int) {
	for i, loss := range p.Loss {
		epoch := (p.First + i) / perEpoch
		for len(s.log) <= epoch {
			s.log = append(s.log, epochLog{Epoch: len(s.log)})
		}
		e := &s.log[epoch]
		e.Steps++
		e.Loss += float64(loss)
		e.Error += float64(p.Error[i])
		e.Seconds = s.spent.Seconds()
	}
}

// The metadata of a training state.
const (
	metaStep = "step"
	metaLog  = "log"
)

func (l *Lab) saveState(r Run, path string, s saved) error {
	text, err := json.Marshal(s.log)
	if err != nil {
		return err
	}
	meta := l.provenance(s.spent)
	meta[metaRun], meta[metaStep], meta[metaLog] = r.JSON(), strconv.Itoa(s.Step), string(text)
	return network.Save(path, s.Tensors(), meta)
}

// loadState reads a training state. One of another backend or plugin is not continued, since its bits would be mixed: it is
// reported and counts as absent.
func (l *Lab) loadState(r Run, path string) (saved, error) {
	p, meta, err := network.Load(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return saved{}, err
		}
		return saved{}, fmt.Errorf("%w; delete that file to start the run again", err)
	}
	if was := meta[metaBackend]; was != l.Info.String() {
		l.say("%s was begun on %s; on %s it starts again", r.Name(), was, l.Info)
		return saved{}, fs.ErrNotExist
	}
	begin, err := l.begin(r)
	if err != nil {
		return saved{}, err
	}
	step, err := strconv.Atoi(meta[metaStep])
	if err != nil || meta[metaRun] != r.JSON() {
		return saved{}, fmt.Errorf("%s is not a state of this run; delete it", path)
	}
	s := saved{}
	if s.State, err = train.Restore(p, begin.Theta, r.Train, step); err != nil {
		return saved{}, fmt.Errorf("%s: %w", path, err)
	}
	seconds, err1 := strconv.ParseFloat(meta[metaSeconds], 64)
	s.spent = time.Duration(seconds * float64(time.Second))
	if err := errors.Join(err1, json.Unmarshal([]byte(meta[metaLog]), &s.log)); err != nil {
		return saved{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func writeLog(path string, log []epochLog) error {
	return atomicfile.Write(path, func(out io.Writer) error {
		w := csv.NewWriter(out)
		w.Write([]string{"epoch", "loss", "error", "seconds"})
		for _, e := range log {
			n := float64(max(1, e.Steps))
			w.Write([]string{strconv.Itoa(e.Epoch + 1), strconv.FormatFloat(e.Loss/n, 'g', 6, 64), strconv.FormatFloat(e.Error/n, 'g', 6, 64), strconv.FormatFloat(e.Seconds, 'f', 1, 64)})
		}
		w.Flush()
		return w.Error()
	})
}

// feedOf puts the training data of a run on the device, and checks that it is what the run was named for.
func (l *Lab) feedOf(ctx context.Context, r Run) (*feed.Feed, error) {
	set, _, err := l.sets(ctx, r.Data.Name, r.Data.Samples, 0)
	if err != nil {
		return nil, err
	}
	if set.SHA256 != r.Data.SHA256 {
		return nil, fmt.Errorf("the data set %s has the checksum %.12s, but the run was named for %.12s", r.Data.Name, set.SHA256, r.Data.SHA256)
	}
	return feed.New(l.Backend, set, r.Normalize)
}

func modules(paths ...string) (out []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, p := range paths {
		for _, m := range info.Deps {
			if m.Path == p {
				out = append(out, p[strings.LastIndex(p, "/")+1:]+" "+m.Version)
			}
		}
	}
	return out
}
