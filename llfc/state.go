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
	"strconv"
	"time"

	"layerwise/internal/atomicfile"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// saved is a training state as a file holds it.
type saved struct {
	train.State
	log   []epochLog
	spent time.Duration
	file  string // where it was read from; "" if it was made here
}

// epochLog is one row of log.csv: means over the batches of an epoch, before each update.
type epochLog struct {
	Epoch   int     `json:"epoch"`
	Steps   int     `json:"steps"`
	Loss    float64 `json:"loss"`  // sum over the steps so far, in nats
	Error   float64 `json:"error"` // likewise, as a share
	Seconds float64 `json:"seconds"`
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
	if err := network.Save(path, s.Tensors(), meta); err != nil {
		return fmt.Errorf("the state at step %d is not kept: %w; mend that and ask again: training goes on from what was kept before", s.Step, err)
	}
	return nil
}

// loadState reads a training state. One of another backend or plugin is not continued, since its bits would be mixed: it is
// reported and counts as absent.
func (l *Lab) loadState(r Run, path string) (saved, error) {
	p, meta, err := network.Load(path)
	if err != nil {
		if unreadable(err) {
			return saved{}, err
		}
		return saved{}, fmt.Errorf("%w; delete it, and training goes on from the state before it", err)
	}
	if meta[metaRun] != r.JSON() {
		return saved{}, fmt.Errorf("%s is not a state of this run; delete it", path)
	}
	if was := meta[metaBackend]; was != l.Info.String() {
		l.say("%s of %s was made on %s; on %s it starts again", filepath.Base(path), r.Name(), was, l.Info)
		return saved{}, fs.ErrNotExist
	}
	begin, err := l.begin(context.Background(), r)
	if err != nil {
		return saved{}, err
	}
	s := saved{file: path}
	step, err1 := strconv.Atoi(meta[metaStep])
	seconds, err2 := strconv.ParseFloat(meta[metaSeconds], 64)
	if err := errors.Join(err1, err2, json.Unmarshal([]byte(meta[metaLog]), &s.log)); err != nil {
		return saved{}, fmt.Errorf("%s: %w; delete it", path, err)
	}
	s.spent = time.Duration(seconds * float64(time.Second))
	if s.State, err = begin.Restore(p, step); err != nil {
		return saved{}, fmt.Errorf("%s: %w; delete it", path, err)
	}
	return s, nil
}

// kept is the furthest state in the folder of a run that is not beyond a step, or fs.ErrNotExist.
func (l *Lab) kept(r Run, dir string, until int) (saved, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return saved{}, err
	}
	best := saved{State: train.State{Step: -1}}
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), forkPattern, &n); err == nil && e.Name() == forkFile(n) {
			if n > until || n <= best.Step {
				continue
			}
		} else if e.Name() != stateFile && e.Name() != againFile {
			continue
		}
		s, err := l.loadState(r, filepath.Join(dir, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return saved{}, err
		}
		if err == nil && s.Step <= until && s.Step > best.Step {
			best = s
		}
	}
	if best.Step < 0 {
		return saved{}, fs.ErrNotExist
	}
	return best, nil
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
