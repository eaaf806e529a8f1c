package llfc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gomlx/compute"

	"layerwise/data"
	"layerwise/llfc/backend"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Lab is a place to work: a backend, data, and the store of runs. Safe for concurrent use.
type Lab struct {
	Backend compute.Backend
	Info    backend.Info
	Runs    string       // the folder of the run store
	Data    data.Options // where data sets are looked for

	checkpointEvery time.Duration // how much work a killed run can lose
	progress        *display
	mu              sync.Mutex
	loaded          map[string][2]*data.Set
	parts           map[part]*data.Set // subsets, which are drawn and hashed once
	models          map[string]*network.Model
	own             []network.Architecture // architectures that are not built in
}

// Open opens the best backend found and the run store in $LAYERWISE_RUNS, by default the folder runs of the working
// directory. Progress goes to a notebook's cell or to standard error.
func Open() (*Lab, error) { return OpenOn("") }

// OpenOn is Open on a named backend; see backend.Open.
func OpenOn(name string) (*Lab, error) {
	b, info, err := backend.Open(name)
	if err != nil {
		return nil, err
	}
	runs := os.Getenv("LAYERWISE_RUNS")
	if runs == "" {
		runs = "runs"
	}
	if runs, err = filepath.Abs(runs); err != nil {
		return nil, err
	}
	l := &Lab{Backend: b, Info: info, Runs: runs, Data: data.DefaultOptions(), checkpointEvery: 15 * time.Second, progress: newDisplay(),
		loaded: map[string][2]*data.Set{}, parts: map[part]*data.Set{}, models: map[string]*network.Model{}}
	l.Data.Progress, l.Data.Note = l.progress.download, l.progress.say
	if info.Note != "" {
		l.say("%s", info.Note)
	}
	return l, nil
}

// say tells the user one line.
func (l *Lab) say(format string, args ...any) { l.progress.say(fmt.Sprintf(format, args...)) }

// Close releases the backend.
func (l *Lab) Close() { l.Backend.Finalize() }

// Network builds the network of a spec: built in, or one of those that AddNetwork was given, whose identity it fills in.
func (l *Lab) Network(s network.Spec) (network.Network, error) {
	return l.network(context.Background(), s)
}

func (l *Lab) network(ctx context.Context, s network.Spec) (network.Network, error) {
	l.mu.Lock()
	own := l.own
	l.mu.Unlock()
	return network.NewContext(ctx, s, own...)
}

// Model compiles the network of a spec; the same spec gives the same model.
func (l *Lab) Model(s network.Spec) (*network.Model, error) { return l.model(context.Background(), s) }

func (l *Lab) model(ctx context.Context, s network.Spec) (*network.Model, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.models[s.JSON()]; f != nil {
		return f, nil
	}
	n, err := network.NewContext(ctx, s, l.own...)
	if err != nil {
		return nil, err
	}
	f, err := network.Compile(l.Backend, n)
	if err == nil {
		l.models[s.JSON()], l.models[n.Spec.JSON()] = f, f // s may lack the identity
	}
	return f, err
}

// subsetSeed draws the samples of every subset: a set of one size is the same in every run.
const subsetSeed = 0

// part is n samples of a set.
type part struct {
	of *data.Set
	n  int
}

// Sets returns a data set, its splits cut to trainN and testN samples, drawn stratified and always the same; 0 is all.
func (l *Lab) Sets(ctx context.Context, name string, trainN, testN int) (train, test *data.Set, err error) {
	return l.setsBy(ctx, l.Data, name, trainN, testN)
}

// setsBy is Sets with other options for looking a data set up.
func (l *Lab) setsBy(ctx context.Context, o data.Options, name string, trainN, testN int) (train, test *data.Set, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	both, ok := l.loaded[name]
	if !ok {
		if err := data.Known(name); err != nil {
			return nil, nil, fmt.Errorf("%w; a data set of your own is given to Lab.AddData", err)
		}
		if train, test, err = data.Load(ctx, name, o); err != nil {
			return nil, nil, err
		}
		both = [2]*data.Set{train, test}
		l.loaded[name], l.loaded[train.Name] = both, both // a run knows a folder of pictures only by its last element
	}
	for i, n := range []int{trainN, testN} {
		if n > 0 && n < both[i].Len() {
			k := part{both[i], n}
			if l.parts[k] == nil {
				if l.parts[k], err = both[i].Subset(n, subsetSeed); err != nil {
					return nil, nil, err
				}
			}
			both[i] = l.parts[k]
		}
	}
	return both[0], both[1], nil
}

// Feed puts both splits of a data set on the device, with the normalisation that a network was trained with. 0 samples are all.
func (l *Lab) Feed(ctx context.Context, name string, norm feed.Normalization, trainN, testN int) (train, test *feed.Feed, err error) {
	trainSet, testSet, err := l.Sets(ctx, name, trainN, testN)
	if err != nil {
		return nil, nil, err
	}
	if train, err = feed.New(l.Backend, trainSet, norm); err != nil {
		return nil, nil, err
	}
	if test, err = feed.New(l.Backend, testSet, norm); err != nil {
		train.Free()
		return nil, nil, err
	}
	return train, test, nil
}
