package llfc

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/data"
	"layerwise/llfc/network"
)

// AddNetwork makes an architecture of your own known to this lab: a Setting may then name it, as it names a built-in one.
//
//	lab.AddNetwork(network.Custom("my-net", func(x network.X) network.X { … }))
//
// A run of it is named by what the forward function describes too (see network.Network.Identity), so one of the same name that describes
// something else is another run. A process that asks for its runs or checkpoints must have added it as well.
func (l *Lab) AddNetwork(a network.Architecture) error {
	if err := a.Check(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.own, func(b network.Architecture) bool { return a.Name == b.Name }) {
		return fmt.Errorf("network %q: the lab has one of this name; choose another", a.Name)
	}
	l.own = append(slices.Clip(l.own), a) // a list that was handed out stays as it is
	return nil
}

// AddData makes a data set of your own known to this lab: a Setting may then name it, by the Name of its training split. What data.New
// derives may be left out of both; the splits are called "train" and "test" where they have no name. A run is named by its checksum too.
func (l *Lab) AddData(train, test *data.Set) error {
	var both [2]*data.Set
	for i, s := range []*data.Set{train, test} {
		if s == nil {
			return fmt.Errorf("a data set has two splits, for training and for testing; one is missing")
		}
		made := *s
		if made.Split == "" {
			made.Split = []string{trainingSplit, "test"}[i]
		}
		var err error
		if both[i], err = data.New(made); err != nil {
			return err
		}
	}
	name := both[0].Name
	if name == "" || len(name) > 64 || strings.ContainsAny(name, "/\\:") || strings.HasPrefix(name, ".") {
		return fmt.Errorf("data: the name %.70q: it must be 1 to 64 characters, without a slash, a colon or a dot in front: folders are named by it", name)
	}
	if data.Known(name) == nil {
		return fmt.Errorf("data: a built-in data set is called %q; choose another name", name)
	}
	if t := both[1]; t.Name != name || !slices.Equal(t.Shape, both[0].Shape) || !slices.Equal(t.Classes, both[0].Classes) {
		return fmt.Errorf("data: the splits %s and %s are not of one set: their names, shapes and classes must agree", both[0], t)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.loaded[name]; taken {
		return fmt.Errorf("data: the lab has a set %q; choose another name", name)
	}
	l.loaded[name] = both
	return nil
}

// LoadCheckpoint is the function of that name for a lab: it knows the architectures of your own that AddNetwork was given.
func (l *Lab) LoadCheckpoint(path string) (Checkpoint, error) {
	l.mu.Lock()
	own := l.own
	l.mu.Unlock()
	return LoadCheckpoint(path, own...)
}
