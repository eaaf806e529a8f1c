package llfc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"layerwise/data"
	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// runVersion is part of every run's name. Raise it when the same settings come to mean other bits.
const runVersion = 1

// Run is the training of one network: everything that its weights depend on, apart from the rounding of the backend. It is plain
// data, and its content names its folder in the run store.
type Run struct {
	Version   int                `json:"version"`
	Network   network.Spec       `json:"network"`
	Data      DataID             `json:"data"`
	Normalize feed.Normalization `json:"normalize"`
	Train     train.Config       `json:"train"`
	InitSeed  int64              `json:"init_seed"`
	From      string             `json:"from,omitempty"` // content of the weights that it starts from, where these are not drawn; see Lab.FineTune
}

// DataID says what a network was trained on.
type DataID struct {
	Name    string `json:"name"`
	Samples int    `json:"samples"`
	SHA256  string `json:"sha256"` // of the training split, or the part of it that was used
	Note    string `json:"note,omitempty"`
}

func dataID(s *data.Set) DataID { return DataID{s.Name, s.Len(), s.SHA256, s.Note} }

// Name is the name of the run's folder: what a person wants to know first, then the hash of the whole.
func (r Run) Name() string {
	sum := sha256.Sum256([]byte(r.JSON()))
	return fmt.Sprintf("%s-%s-%s", r.Network.Architecture, r.Data.Name, hex.EncodeToString(sum[:8]))
}

// JSON is the canonical form of the run: fields in the order of the struct, numbers in their shortest form.
func (r Run) JSON() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain data marshals
	}
	return string(text)
}

// Steps is the length of the run.
func (r Run) Steps() int { return r.Train.Steps(r.Data.Samples) }

// parent is the run that this one forked from, and the step; ok is false for a run without a fork.
func (r Run) parent() (parent Run, step int, ok bool) {
	last := len(r.Train.Streams) - 1
	if last < 1 {
		return Run{}, 0, false
	}
	step = r.Train.Streams[last].From
	r.Train.Streams = r.Train.Streams[:last:last]
	return r, step, true
}
