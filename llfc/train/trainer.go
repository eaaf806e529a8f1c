package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Trainer trains one network on one data set with one config. Trainers of one model that differ in seeds, schedule or length share what is
// compiled.
type Trainer struct {
	f      *network.Model
	d      *feed.Feed
	c      Config
	rule   rule
	half   dtypes.DType            // of linear maps; the zero value where they compute in float32
	mesh   *distributed.DeviceMesh // nil for one device
	engine engine

	perm      []int // batch order of (permSeed, permEpoch), kept between steps
	permSeed  int64
	permEpoch int
}

// Progress is what a watcher sees after each group of steps.
type Progress struct {
	Step, Steps, Epoch, Epochs int
	First                      int       // the first step of the group: it reports the steps First … Step−1
	Loss                       []float32 // mean loss of each step's batch, in nats
	Error                      []float32 // share of each step's batch that was classified wrongly, before the update
	Rate                       float64   // steps a second since Run began
	Snapshot                   func() (State, error)
}

// Remaining estimates the time to the last step.
func (p Progress) Remaining() time.Duration {
	return time.Duration(float64(p.Steps-p.Step) / p.Rate * float64(time.Second))
}

// NewTrainer checks the config against the data and the backend.
func NewTrainer(f *network.Model, d *feed.Feed, c Config) (*Trainer, error) {
	if err := c.Check(d.Len()); err != nil {
		return nil, err
	}
	if err := c.Augment.Check(d.Set.Shape); err != nil {
		return nil, err
	}
	if err := c.checkFreeze(f.About.Params); err != nil {
		return nil, err
	}
	r, err := c.Optimiser.rule()
	if err != nil {
		return nil, err
	}
	half, err := c.half()
	if err != nil {
		return nil, err
	}
	if half != dtypes.InvalidDType && !f.Backend.Capabilities().DTypes[half] {
		return nil, fmt.Errorf("train: the backend (%s) does not know %s, which precision %q needs", f.Backend.Name(), half, c.Precision)
	}
	mesh, err := c.mesh(f.Backend)
	if err != nil {
		return nil, err
	}
	t := &Trainer{f: f, d: d, c: c, rule: r, half: half, mesh: mesh}
	t.engine, err = newEngine(t)
	return t, err
}

// Train returns θ after the whole run; theta is untouched.
func Train(ctx context.Context, f *network.Model, theta network.Params, d *feed.Feed, c Config) (network.Params, error) {
	t, err := NewTrainer(f, d, c)
	if err != nil {
		return nil, err
	}
	s, err := Start(f.Network, theta, c)
	if err != nil {
		return nil, err
	}
	s, err = t.Run(ctx, s, c.Steps(d.Len()), nil)
	return s.Theta, err
}

// Spawn trains to a step, then lets batch order, dropout masks and augmentation of b take another stream: two networks that share their
// early training, weights, optimiser state and schedule. step 0 shares only the initialisation.
func Spawn(ctx context.Context, f *network.Model, theta network.Params, d *feed.Feed, c Config, step int, other Stream) (a, b network.Params, err error) {
	t, err := NewTrainer(f, d, c)
	if err != nil {
		return nil, nil, err
	}
	s, err := Start(f.Network, theta, c)
	if err != nil {
		return nil, nil, err
	}
	if s, err = t.Run(ctx, s, step, nil); err != nil {
		return nil, nil, err
	}
	end := c.Steps(d.Len())
	first, err := t.Run(ctx, s, end, nil)
	if err != nil {
		return nil, nil, err
	}
	if t, err = NewTrainer(f, d, c.Fork(step, other)); err != nil {
		return nil, nil, err
	}
	second, err := t.Run(ctx, s, end, nil)
	return first.Theta, second.Theta, err
}

// ErrDiverged is wrapped by the error of a run whose loss is no longer a number or grew beyond all use.
var ErrDiverged = errors.New("training diverged")

// Run continues a state to a step. watch, if not nil, is called after each group of steps, about twice a second; its error ends the run. When ctx
// ends, the state reached so far is returned with the context's error; every other error returns no usable state.
func (t *Trainer) Run(ctx context.Context, s State, until int, watch func(Progress) error) (State, error) {
	n := t.d.Len()
	if steps := t.c.Steps(n); s.Step > until || until > steps {
		return State{}, fmt.Errorf("train: cannot run from step %d to step %d of %d", s.Step, until, steps)
	}
	device, err := t.upload(s)
	if err != nil {
		return State{}, err
	}
	defer func() { network.Free(device...) }()
	data, free, err := t.spread()
	if err != nil {
		return State{}, err
	}
	defer free()
	step, begin, group := s.Step, time.Now(), 1
	for step < until && ctx.Err() == nil {
		count := min(group, until-step)
		started := time.Now()
		var loss, wrong []float32
		if device, loss, wrong, err = t.engine.steps(device, data, step, count); err != nil {
			return State{}, fmt.Errorf("train: step %d: %w", step, err)
		}
		if err := t.diverged(loss, step); err != nil {
			return State{}, err
		}
		step += count
		if spent := time.Since(started); spent < time.Second/4 { // so that a watcher and ctx are heard about twice a second
			group = min(2*group, t.engine.limit())
		} else if spent > time.Second && group > 1 {
			group /= 2
		}
		if watch == nil {
			continue
		}
		perEpoch := t.c.StepsPerEpoch(n)
		err = watch(Progress{
			Step: step, Steps: t.c.Steps(n), Epoch: step / perEpoch, Epochs: t.c.Epochs, First: step - count, Loss: loss, Error: wrong,
			Rate:     float64(step-s.Step) / time.Since(begin).Seconds(),
			Snapshot: func() (State, error) { return t.download(device, step) },
		})
		if err != nil {
			return State{}, err
		}
	}
	out, err := t.download(device, step)
	if err != nil {
		return State{}, err
	}
	if err := t.f.CheckWeights(out.Theta); err != nil { // the loss was that before the last update
		return State{}, fmt.Errorf("%w: after step %d: %w", ErrDiverged, step, err)
	}
	if step < until {
		err = ctx.Err()
	}
	return out, err
}

// diverged names the first step whose loss is not finite or above any that a network without knowledge has by far.
func (t *Trainer) diverged(loss []float32, first int) error {
	limit := 1000 * math.Log(float64(max(2, t.f.Network.Spec.Classes)))
	for i, l := range loss {
		if v := float64(l); math.IsNaN(v) || v > limit {
			step := first + i
			return fmt.Errorf("%w: loss %g at step %d (epoch %.2f) at learning rate %g; lower the rate or warm up longer",
				ErrDiverged, l, step, float64(step)/float64(t.c.StepsPerEpoch(t.d.Len())), t.rate(step))
		}
	}
	return nil
}

func (t *Trainer) rate(step int) float64 {
	f, err := t.c.Schedule.factor(step, t.c.StepsPerEpoch(t.d.Len()), t.c.Epochs)
	if err != nil {
		panic(err) // the config was checked
	}
	return t.c.Optimiser.Rate * f
}

// batch writes the sample numbers of a step to index.
func (t *Trainer) batch(step int, index []int32) {
	perEpoch := t.c.StepsPerEpoch(t.d.Len())
	epoch, seed := step/perEpoch, t.c.stream(step).Order
	if t.perm == nil || t.permEpoch != epoch || t.permSeed != seed {
		t.perm, t.permEpoch, t.permSeed = order(t.d.Len(), seed, epoch), epoch, seed
	}
	start := step % perEpoch * t.c.Batch
	for i, j := range t.perm[start : start+t.c.Batch] {
		index[i] = int32(j)
	}
}

func (t *Trainer) upload(s State) ([]*tensors.Tensor, error) {
	if err := t.f.CheckWeights(s.Theta); err != nil {
		return nil, err
	}
	state, err := t.f.UploadAny(s.Tensors())
	if err != nil {
		return nil, err
	}
	return t.replicate(state)
}

func (t *Trainer) download(device []*tensors.Tensor, step int) (State, error) {
	all, err := network.Download(device, t.layout())
	if err != nil {
		return State{}, fmt.Errorf("train: step %d: %w", step, err)
	}
	n := len(t.f.About.Params)
	return State{Theta: all[:n], Slots: all[n:], Step: step}, nil
}

// layout is the state without values.
func (t *Trainer) layout() network.Params {
	var out network.Params
	for _, p := range t.f.About.Params {
		out = append(out, network.Tensor{Name: p.Name, Dims: p.Dims})
	}
	for _, slot := range t.rule.slots {
		for _, p := range t.f.About.Params {
			if t.c.learns(p) {
				out = append(out, network.Tensor{Name: p.Name + "#" + slot, Dims: p.Dims})
			}
		}
	}
	return out
}
