package llfc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
//	again.safetensors     the latest checkpoint of a second way to such a step, for a fork from a run that is beyond it
//	log.csv               epoch, loss, error and seconds
//	lock                  held while a process works on it
const (
	runFile   = "run.json"
	thetaFile = "theta.safetensors"
	stateFile = "state.safetensors"
	againFile = "again.safetensors"
	logFile   = "log.csv"
	lockFile  = "lock"
)

// litter is the age at which a temporary file in a locked folder is a killed writer's. It is not 0 because of file systems without locks.
const litter = time.Minute

const forkPattern = "at-%d.safetensors"

func forkFile(step int) string { return fmt.Sprintf(forkPattern, step) }

// Train returns the trained network of a run: loaded if it is done, resumed if it was interrupted, else trained. Two processes that ask for
// the same run share the work of one. When ctx ends, what was done is kept.
func (l *Lab) Train(ctx context.Context, r Run) (Checkpoint, error) {
	c, err := l.load(r, l.dir(r))
	if errors.Is(err, fs.ErrNotExist) {
		err = l.withRun(ctx, r, func(dir string) error {
			if c, err = l.load(r, dir); errors.Is(err, fs.ErrNotExist) {
				if err = l.finish(ctx, r, dir); err == nil {
					c, err = l.load(r, dir)
				}
			}
			return err
		})
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("run %s: %w", r.Name(), err)
	}
	c.Classes = l.current(ctx, r, c.Classes)
	if was := c.Meta[metaBackend]; was != l.Info.String() {
		l.say("%s was trained on %s; this is %s", r.Name(), was, l.Info)
	}
	return c, nil
}

func (l *Lab) dir(r Run) string { return filepath.Join(l.Runs, r.Name()) }

// load reads the weights of a run that is done. They are written once and whole, so this needs no lock.
func (l *Lab) load(r Run, dir string) (Checkpoint, error) {
	path := filepath.Join(dir, thetaFile)
	c, err := l.LoadCheckpoint(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Checkpoint{}, err
	case unreadable(err):
		return Checkpoint{}, err
	case err != nil:
		return Checkpoint{}, fmt.Errorf("%w; delete it to train the run again", err)
	case c.Run == nil || c.Run.JSON() != r.JSON():
		return Checkpoint{}, fmt.Errorf("%s is of another run, %s; delete it to train this one", path, c.Label())
	}
	if err := describes(filepath.Join(dir, runFile), r); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, err
	}
	return c, nil
}

// unreadable says that the system would not read a file, which tells nothing of its content.
func unreadable(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p)
}

// describes returns nil if a run.json is that of the run.
func describes(path string, r Run) error {
	text, err := os.ReadFile(path)
	if err == nil && string(text) != r.JSON() {
		err = fmt.Errorf("%s is damaged or describes another run: it departs from %s at byte %d; delete it, it is written anew", path, r.JSON(), shared(string(text), r.JSON()))
	}
	return err
}

// shared is the length of the beginning that two texts share.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// withRun makes the folder of a run and holds its lock.
func (l *Lab) withRun(ctx context.Context, r Run, do func(dir string) error) error {
	dir := l.dir(r)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(dir, lockFile), func() { l.say("waiting for another process that works on %s", r.Name()) })
	if err != nil {
		return err
	}
	defer unlock()
	atomicfile.Sweep(dir, litter)
	path := filepath.Join(dir, runFile)
	err = describes(path, r)
	if errors.Is(err, fs.ErrNotExist) {
		err = atomicfile.Write(path, func(w io.Writer) error { _, err := io.WriteString(w, r.JSON()); return err })
	}
	if err != nil {
		return err
	}
	return do(dir)
}

// finish trains a run to its end and writes its weights.
func (l *Lab) finish(ctx context.Context, r Run, dir string) error {
	s, err := l.latest(ctx, r, dir, r.Steps())
	if err != nil {
		return err
	}
	checkpoint := filepath.Join(dir, stateFile)
	if s, err = l.advance(ctx, r, checkpoint, s, r.Steps()); err != nil {
		return err
	}
	if err := writeLog(filepath.Join(dir, logFile), s.log); err != nil {
		return err
	}
	c := Checkpoint{Theta: s.Theta, Network: r.Network, Normalize: r.Normalize, Classes: l.current(ctx, r, nil), Run: &r, Meta: l.provenance(s.spent)}
	if err := SaveCheckpoint(filepath.Join(dir, thetaFile), c); err != nil {
		return err
	}
	atomicfile.Sweep(dir, litter)
	return remove(checkpoint)
}

// latest is the state to go on from: the furthest kept that is not beyond a step, else the fork from the parent, else θ₀.
func (l *Lab) latest(ctx context.Context, r Run, dir string, until int) (saved, error) {
	if err := l.roomToTrain(ctx, r); err != nil {
		return saved{}, err
	}
	s, err := l.kept(r, dir, until)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if parent, step, ok := r.parent(); ok {
		return l.at(ctx, parent, step)
	}
	return l.begin(ctx, r)
}

func (l *Lab) begin(ctx context.Context, r Run) (saved, error) {
	n, err := l.network(ctx, r.Network)
	if err != nil {
		return saved{}, err
	}
	var theta network.Params
	if r.From != "" {
		theta, err = l.start(r)
	} else {
		theta, err = n.InitContext(ctx, r.InitSeed)
	}
	if err != nil {
		return saved{}, err
	}
	s, err := train.Start(n, theta, r.Train)
	return saved{State: s}, err
}

// at is the state of a run at a step. The run is trained that far if need be, and goes on from there when it is asked for itself.
func (l *Lab) at(ctx context.Context, r Run, step int) (s saved, err error) {
	err = l.withRun(ctx, r, func(dir string) error {
		if s, err = l.latest(ctx, r, dir, step); err != nil {
			return err
		}
		fork := filepath.Join(dir, forkFile(step))
		if s.file == fork && s.Step == step {
			return nil
		}
		// A run that is done, or beyond the step, goes this way a second time, to the same bits, and keeps what it has.
		checkpoint := filepath.Join(dir, stateFile)
		if exists(filepath.Join(dir, thetaFile)) || exists(checkpoint) && s.file != checkpoint {
			checkpoint = filepath.Join(dir, againFile)
		}
		if s, err = l.advance(ctx, r, checkpoint, s, step); err != nil {
			return err
		}
		if err := l.saveState(r, fork, s); err != nil {
			return err
		}
		return remove(filepath.Join(dir, againFile))
	})
	return s, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// remove removes a file if it is there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// advance trains from a state to a step, keeping the state in the file checkpoint from time to time and when ctx ends.
func (l *Lab) advance(ctx context.Context, r Run, checkpoint string, s saved, until int) (saved, error) {
	if s.Step == until {
		return s, nil
	}
	d, err := l.feedOf(ctx, r)
	if err != nil {
		return saved{}, err
	}
	defer d.Free()
	f, err := l.model(ctx, r.Network)
	if err != nil {
		return saved{}, err
	}
	if r.Network.Identity != "" && s.Step == 0 { // before hours are spent on it
		if err := f.Prove(r.InitSeed); err != nil {
			return saved{}, err
		}
	}
	t, err := train.NewTrainer(f, d, r.Train)
	if err != nil {
		return saved{}, err
	}
	perEpoch := r.Train.StepsPerEpoch(d.Len())
	began, before, last := time.Now(), s.spent, time.Now()
	bar := l.progress.start(fmt.Sprintf("%s  seed %d  %s", r.Network.Architecture+"/"+r.Data.Name, r.InitSeed, r.Name()[len(r.Name())-16:]))
	state, err := t.Run(ctx, s.State, until, func(p train.Progress) error {
		s.record(p, perEpoch)
		s.spent = before + time.Since(began)
		bar.update(p, s.log)
		if time.Since(last) < l.checkpointEvery || p.Step == until {
			return nil
		}
		last = time.Now()
		now, err := p.Snapshot()
		if err != nil {
			return err
		}
		return l.saveState(r, checkpoint, saved{State: now, log: s.log, spent: s.spent})
	})
	bar.stop()
	s.State = state
	if err != nil && ctx.Err() != nil && state.Theta != nil {
		return s, errors.Join(err, l.saveState(r, checkpoint, s))
	}
	return s, err
}

// feedOf puts the training data of a run on the device, and checks that it is what the run was named for.
func (l *Lab) feedOf(ctx context.Context, r Run) (*feed.Feed, error) {
	set, _, err := l.Sets(ctx, r.Data.Name, r.Data.Samples, 0)
	if err != nil {
		return nil, err
	}
	if set.SHA256 != r.Data.SHA256 {
		return nil, fmt.Errorf("the data set %s has the checksum %.12s, but the run was named for %.12s; bring back the data it was named for, or name a new run", r.Data.Name, set.SHA256, r.Data.SHA256)
	}
	return feed.New(l.Backend, set, r.Normalize)
}
