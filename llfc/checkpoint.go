package llfc

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// Checkpoint is a θ with all that is needed to use it: what network it is of, how its input is normalised, where it came from.
type Checkpoint struct {
	Theta     network.Params
	Network   network.Spec
	Normalize feed.Normalization
	Classes   []string          // what each logit stands for, by the names that the classes had in training; nil if that is not recorded
	ByNumber  bool              // asked for, and not kept in a file: label k of any data is logit k, whatever it is called and however many there are
	Run       *Run              // how it was trained; nil if that is not recorded, as in a permuted or foreign file
	Meta      map[string]string // everything the file says beside the tensors
}

// The names under which a checkpoint keeps what it knows.
const (
	metaNetwork   = "network"
	metaNormalize = "normalize"
	metaClasses   = "classes" // a JSON list; files written before there was one have none
	metaRun       = "run"
	metaBackend   = "backend"
	metaVersions  = "versions"
	metaSeconds   = "seconds"
	metaWritten   = "written"
	metaMatched   = "matched"
	metaMerged    = "merged"
)

// SaveCheckpoint writes a checkpoint as safetensors, whole or not at all.
func SaveCheckpoint(path string, c Checkpoint) error {
	meta := map[string]string{}
	for k, v := range c.Meta {
		meta[k] = v
	}
	meta["format"] = "pt"
	meta[metaNetwork] = c.Network.JSON()
	text, err := json.Marshal(c.Normalize)
	if err != nil {
		return fmt.Errorf("%s: normalisation: %w", path, err)
	}
	meta[metaNormalize] = string(text)
	delete(meta, metaClasses)
	if c.Classes != nil {
		if text, err = json.Marshal(c.Classes); err != nil {
			return fmt.Errorf("%s: classes: %w", path, err)
		}
		meta[metaClasses] = string(text)
	}
	if c.Run != nil {
		meta[metaRun] = c.Run.JSON()
	}
	return network.Save(path, c.Theta, meta)
}

// LoadCheckpoint reads a checkpoint, in the order of its network, and checks that its tensors are those of the network it names. A network
// that is not built in must be among own, with the forward function that it was made with.
func LoadCheckpoint(path string, own ...network.Architecture) (Checkpoint, error) {
	theta, meta, err := network.Load(path)
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{Meta: meta}
	text, ok := meta[metaNetwork]
	if !ok {
		return Checkpoint{}, fmt.Errorf("%s: no %q in the metadata, so its network is unknown; write one such as %s", path, metaNetwork, network.Spec{Architecture: "mlp", Input: []int{28, 28, 1}, Classes: 10, Widths: []int{512}, Init: "torch"}.JSON())
	}
	if c.Network, err = network.ParseSpec(text); err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.readMeta(); err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w", path, err)
	}
	n, err := network.NewOf(c.Network, theta, own...)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w", path, err)
	}
	f, err := network.Compile(nil, n)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w", path, err)
	}
	if c.Theta, err = f.Order(theta); err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w; expected the names and shapes that describe prints: dense weights [in, out], convolutions [kh, kw, in, out]", path, err)
	}
	if err := f.CheckWeights(c.Theta); err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c *Checkpoint) readMeta() error {
	text, ok := c.Meta[metaNormalize]
	if !ok {
		return errors.New(`no "normalize" in the metadata, so its input is unknown; write one such as {"mean":[0],"std":[1]}`)
	}
	if err := json.Unmarshal([]byte(text), &c.Normalize); err != nil {
		return fmt.Errorf("normalize %.100q: %w", text, err)
	}
	if in := c.Network.Input; len(in) == 3 && (len(c.Normalize.Mean) != in[2] || len(c.Normalize.Std) != in[2]) {
		return fmt.Errorf("normalize %.100q: expected a mean and a std for each of %d channels", text, in[2])
	}
	if text, ok := c.Meta[metaClasses]; ok {
		if err := json.Unmarshal([]byte(text), &c.Classes); err != nil {
			return fmt.Errorf("classes %.100q: %w", text, err)
		}
		if len(c.Classes) != c.Network.Classes {
			return fmt.Errorf("classes %.100q: %d names for %d logits", text, len(c.Classes), c.Network.Classes)
		}
	}
	if text, ok := c.Meta[metaRun]; ok {
		c.Run = &Run{}
		if err := json.Unmarshal([]byte(text), c.Run); err != nil {
			return fmt.Errorf("run %.100q: %w", text, err)
		}
	}
	return nil
}

// Label names a checkpoint for people: its run, or what it says of itself.
func (c Checkpoint) Label() string {
	if c.Run != nil {
		return c.Run.Name()
	}
	return c.Network.Architecture
}

// provenance is what every file of this program says of its making.
func (l *Lab) provenance(spent time.Duration) map[string]string {
	return map[string]string{
		metaBackend:  l.Info.String(),
		metaVersions: Versions(),
		metaSeconds:  strconv.FormatFloat(spent.Seconds(), 'f', 1, 64),
		metaWritten:  time.Now().UTC().Format(time.RFC3339),
	}
}

// Versions names this program's Go and modules: "go1.27.4 linux/amd64, gomlx v0.28.16, …".
func Versions() string {
	out := fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, m := range modules("github.com/gomlx/gomlx", "github.com/gomlx/compute", "github.com/gomlx/go-xla") {
		out += ", " + m
	}
	return out
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
