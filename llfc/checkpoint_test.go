package llfc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// small is a checkpoint of no run.
func small(t *testing.T) Checkpoint {
	t.Helper()
	s := network.Spec{Architecture: "lenet", Input: []int{28, 28, 1}, Classes: 10, Init: "torch"}
	n := must[network.Network](t)(network.New(s))
	c := Checkpoint{Theta: must[network.Params](t)(n.Init(1)), Network: s, Meta: map[string]string{metaMatched: "b to a"}}
	c.Normalize.Mean, c.Normalize.Std = []float32{0.25}, []float32{0.5}
	return c
}

func TestCheckpointReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	c := small(t)
	if err := SaveCheckpoint(path, c); err != nil {
		t.Fatal(err)
	}
	got := must[Checkpoint](t)(LoadCheckpoint(path))
	if !got.Theta.Equal(c.Theta) || got.Network.JSON() != c.Network.JSON() || got.Run != nil || got.Label() != "lenet" ||
		!slices.Equal(got.Normalize.Mean, c.Normalize.Mean) || !slices.Equal(got.Normalize.Std, c.Normalize.Std) {
		t.Errorf("came back as %v %v %v", got.Network, got.Normalize, got.Run)
	}
	for k, want := range map[string]string{metaMatched: "b to a", "format": "pt", metaNormalize: `{"mean":[0.25],"std":[0.5]}`, metaNetwork: c.Network.JSON()} {
		if got.Meta[k] != want {
			t.Errorf("metadata %s is %q, expected %q", k, got.Meta[k], want)
		}
	}
	if len(c.Meta) != 1 {
		t.Errorf("saving changed the caller's metadata: %v", c.Meta)
	}
}

// A run's checkpoint says how it was made, and its run can be asked for again.
func TestCheckpointOfARun(t *testing.T) {
	l, _ := open(t)
	r := spawned(t, runOf(t, l, tiny(), 1), 0.5, 2)
	c := must[Checkpoint](t)(l.Train(context.Background(), r))
	if c.Run == nil || c.Run.JSON() != r.JSON() || c.Label() != r.Name() || c.Network.JSON() != r.Network.JSON() {
		t.Errorf("its run is %v", c.Run)
	}
	for _, k := range []string{metaBackend, metaVersions, metaSeconds, metaWritten} {
		if c.Meta[k] == "" {
			t.Errorf("nothing under %q: %v", k, c.Meta)
		}
	}
	if !strings.HasPrefix(c.Meta[metaVersions], "go1") || c.Meta[metaBackend] != l.Info.String() {
		t.Errorf("made by %q on %q", c.Meta[metaVersions], c.Meta[metaBackend])
	}
}

// Python's safetensors sorts tensors by size and name; the order of the network comes back.
func TestCheckpointInAnotherOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	c := small(t)
	want := c.Theta
	for name, order := range map[string]func(a, b network.Tensor) int{
		"by name":   func(a, b network.Tensor) int { return strings.Compare(a.Name, b.Name) },
		"backwards": func(a, b network.Tensor) int { return -strings.Compare(a.Name, b.Name) },
	} {
		c.Theta = slices.SortedFunc(slices.Values(want), order)
		if c.Theta.Equal(want) {
			t.Fatalf("%s changes nothing", name)
		}
		if err := SaveCheckpoint(path, c); err != nil {
			t.Fatal(err)
		}
		if got := must[Checkpoint](t)(LoadCheckpoint(path)); !got.Theta.Equal(want) {
			t.Errorf("%s: the order of the network is lost", name)
		}
	}
}

// What cannot be used says what is wrong with it and how to mend it.
func TestCheckpointThatCannotBeUsed(t *testing.T) {
	sound := small(t)
	full := filepath.Join(t.TempDir(), "sound.safetensors")
	if err := SaveCheckpoint(full, sound); err != nil {
		t.Fatal(err)
	}
	meta := must[Checkpoint](t)(LoadCheckpoint(full)).Meta
	with := func(key, value string) map[string]string {
		m := maps.Clone(meta)
		if m[key] = value; value == "" {
			delete(m, key)
		}
		return m
	}
	change := func(f func(network.Params) network.Params) network.Params { return f(sound.Theta.Clone()) }
	transposed := change(func(p network.Params) network.Params {
		i := slices.IndexFunc(p, func(t network.Tensor) bool { return t.Name == "fc1/w" })
		slices.Reverse(p[i].Dims)
		return p
	})
	for what, c := range map[string]struct {
		theta  network.Params
		meta   map[string]string
		naming []string
	}{
		"no network":           {sound.Theta, with(metaNetwork, ""), []string{`no "network"`, `"architecture":"mlp"`}},
		"no JSON":              {sound.Theta, with(metaNetwork, "lenet"), []string{"network description", `"lenet"`}},
		"unknown architecture": {sound.Theta, with(metaNetwork, `{"architecture":"nonesuch"}`), []string{"nonesuch", "lenet"}},
		"unknown field":        {sound.Theta, with(metaNetwork, `{"architecture":"lenet","depth":3}`), []string{"depth"}},
		"impossible input":     {sound.Theta, with(metaNetwork, `{"architecture":"lenet","input":[2,2,1],"classes":10,"init":"torch"}`), []string{"conv2", "does not fit"}},
		"no normalisation":     {sound.Theta, with(metaNormalize, ""), []string{`no "normalize"`, `{"mean":[0],"std":[1]}`}},
		"normalisation":        {sound.Theta, with(metaNormalize, "[0,1]"), []string{"normalize", "[0,1]"}},
		"three channels":       {sound.Theta, with(metaNormalize, `{"mean":[0,0,0],"std":[1,1,1]}`), []string{"normalize", "1 channels"}},
		"run":                  {sound.Theta, with(metaRun, "{"), []string{"run"}},
		"a tensor too few":     {sound.Theta[1:], meta, []string{sound.Theta[0].Name, "missing", "describe"}},
		"a tensor too many":    {append(sound.Theta.Clone(), network.Tensor{Name: "bn1/gain", Dims: []int{1}, Data: []float32{1}}), meta, []string{"bn1/gain", "not of the network", "describe"}},
		"PyTorch's shapes":     {transposed, meta, []string{"fc1/w", "[in, out]"}},
		"none of it":           {nil, meta, []string{sound.Theta[0].Name, "missing"}},
	} {
		path := filepath.Join(t.TempDir(), "bad.safetensors")
		if err := network.Save(path, c.theta, c.meta); err != nil {
			t.Fatal(err)
		}
		got, err := LoadCheckpoint(path)
		complains(t, what, err, append(c.naming, path)...)
		if err != nil && got.Theta != nil {
			t.Errorf("%s: weights beside an error", what)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(-1)} {
		bad := sound
		bad.Theta = change(func(p network.Params) network.Params { p[1].Data[2] = float32(v); return p })
		path := filepath.Join(t.TempDir(), "bad.safetensors")
		if err := SaveCheckpoint(path, bad); err != nil {
			t.Fatal(err)
		}
		_, err := LoadCheckpoint(path)
		complains(t, fmt.Sprint(v), err, path, sound.Theta[1].Name, "position 2")
	}
	if _, err := LoadCheckpoint(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
