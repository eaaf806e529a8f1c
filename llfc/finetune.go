package llfc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layerwise/llfc/network"
)

// FineTuning says what a fine-tuned network keeps of the one that it starts from.
type FineTuning struct {
	NewHead bool     // the logits' layer is drawn anew, as it must be where the classes are others in number
	Freeze  []string // layers and tensors that stay as they are; see train.Config
}

// fromDir is the folder of the run store that keeps starting weights, named by their content.
const fromDir = "from"

// FineTune is the training of a setting from the weights of a checkpoint: a run like any other, named by those weights too, trained, resumed
// and forked by the same calls. Network and normalisation are the checkpoint's; the setting gives the data and how to train. The seed draws
// a new head and the order of batches.
func (l *Lab) FineTune(ctx context.Context, base Checkpoint, s Setting, seed int64, o FineTuning) (Run, error) {
	fail := func(err error) (Run, error) { return Run{}, fmt.Errorf("fine-tuning %s: %w", base.Label(), err) }
	s.Network, s.Train.Freeze = base.Network, o.Freeze
	r, err := l.Run(ctx, s, seed)
	if err != nil {
		return fail(err)
	}
	r.Normalize = base.Normalize
	if !slices.Equal(r.Network.Input, base.Network.Input) {
		return fail(fmt.Errorf("the network takes %v, but the samples of %s are %v", base.Network.Input, s.Data, r.Network.Input))
	}
	if r.Network.Classes != base.Network.Classes && !o.NewHead {
		return fail(fmt.Errorf("the network has %d logits and %s has %d classes; FineTuning.NewHead draws a layer for them", base.Network.Classes, s.Data, r.Network.Classes))
	}
	theta := base.Theta
	if o.NewHead {
		if theta, err = l.newHead(ctx, r, theta); err != nil {
			return fail(err)
		}
	}
	r.From = theta.SHA256()
	if _, err := l.start(r); errors.Is(err, fs.ErrNotExist) {
		meta := l.provenance(0)
		meta["of"] = base.Label()
		err = os.MkdirAll(filepath.Join(l.Runs, fromDir), 0o777)
		if err == nil {
			err = SaveCheckpoint(l.startOf(r), Checkpoint{Theta: theta, Network: r.Network, Normalize: r.Normalize, Meta: meta})
		}
		if err != nil {
			return fail(err)
		}
	} else if err != nil {
		return fail(err)
	}
	return r, nil
}

// newHead draws the tensors of the last linear map anew.
func (l *Lab) newHead(ctx context.Context, r Run, theta network.Params) (network.Params, error) {
	f, err := l.model(ctx, r.Network)
	if err != nil {
		return nil, err
	}
	drawn, err := f.Network.InitContext(ctx, r.InitSeed)
	if err != nil {
		return nil, err
	}
	last := f.About.Linears[len(f.About.Linears)-1].Name
	old := theta.ByName()
	for i, t := range drawn {
		if u, ok := old[t.Name]; ok && !strings.HasPrefix(t.Name, last+"/") {
			drawn[i] = u
		}
	}
	return drawn, f.CheckWeights(drawn)
}

func (l *Lab) startOf(r Run) string { return filepath.Join(l.Runs, fromDir, r.From+".safetensors") }

// start reads the weights that a fine-tuned run begins with.
func (l *Lab) start(r Run) (network.Params, error) {
	path := l.startOf(r)
	c, err := l.LoadCheckpoint(path)
	if err == nil && c.Theta.SHA256() != r.From {
		err = fmt.Errorf("%s does not hold the weights that it is named for; delete it and ask Lab.FineTune again", path)
	}
	return c.Theta, err
}
