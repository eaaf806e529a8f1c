package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/feed"
	"layerwise/llfc/foreign"
	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

// keyFlag declares the flag that chooses among the dictionaries of a PyTorch checkpoint.
func (c *command) keyFlag() *string {
	return c.String("key", "", "of a PyTorch checkpoint with several dictionaries: read what stands under this `key`, such as ema")
}

// weights opens a file of anybody's that the caller named.
func (c *command) weights(path, key string) (*formats.File, error) {
	f, err := formats.Open(path, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.wrong("there is no file %s: %w", path, err)
	}
	return f, err
}

// strangers are the flags by which weights of other programs become networks of this one.
type strangers struct {
	*command
	key, network, normalize, reference *string
}

func (c *command) strangerFlags() strangers {
	return strangers{c, c.keyFlag(),
		c.String("network", "", "of files that other programs wrote: they must be of this kind of network, by `name`: "+networkNames()+"; by default what fits"),
		c.choice("normalize", "data", "of such files: their input is the pixels in [0, 1] less the mean of the data set, over its deviation (data), or as they are (unit), by `name`", "data", "unit"),
		c.path("reference", "", "of such files: a .npz or .safetensors `file` with inputs and logits of A, or two with a comma between them, of A and B; nothing is measured unless the network computes the same"),
	}
}

// own reports whether a file says what network of this program it is of.
func own(f *formats.File) bool { return f.Format == "safetensors" && f.Meta["network"] != "" }

// given reports whether one of the two files is of another program. Flags for such files are a misuse where none is.
func (s strangers) given() (bool, error) {
	for _, path := range s.command.given {
		f, err := s.weights(path, *s.key)
		if err != nil {
			if misused := (misuse{}); errors.As(err, &misused) || *s.key != "" {
				return false, err
			}
			return false, nil // the reader of this program's own files says more
		}
		mine := own(f)
		if err := f.Close(); err != nil {
			return false, err
		}
		if !mine {
			return true, nil
		}
	}
	for _, name := range []string{"key", "network", "normalize", "reference"} {
		if s.set(name) {
			return false, s.wrong("--%s is for files that other programs wrote; both of these say what they are", name)
		}
	}
	return false, nil
}

// pair reads the two files as networks for a data set, and says of each how far it is known to compute what its original did.
func (s strangers) pair(ctx context.Context, l *llfc.Lab, set string) (a, b llfc.Checkpoint, notes []string, err error) {
	images, _, err := l.Sets(ctx, set, 0, 0)
	if err != nil {
		return a, b, nil, err
	}
	norm := feed.Standard(images)
	if *s.normalize == "unit" {
		norm = feed.Unit(images)
	}
	references := names(*s.reference)
	if len(references) > 2 {
		return a, b, nil, s.wrong("--reference %s: expected a file of A, or two with a comma between them", *s.reference)
	}
	var out [2]llfc.Checkpoint
	for i, path := range s.command.given {
		if out[i], err = s.checkpointOf(path, images.Shape, norm); err != nil {
			return a, b, nil, err
		}
	}
	for i := range out { // a file of this program's knows its normalisation
		if out[i].Meta["network"] != "" {
			out[1-i].Normalize = out[i].Normalize
		}
	}
	a, b = out[0], out[1]
	a.ByNumber, b.ByNumber = *s.asNumbers, *s.asNumbers
	if err := llfc.SamePlace(a, b); err != nil {
		return a, b, nil, s.classes(s.command.given[0]+" and "+s.command.given[1], err)
	}
	for i, ckpt := range out {
		path := s.command.given[i]
		if i >= len(references) {
			if ckpt.Meta["network"] == "" {
				notes = append(notes, path+": not verified against the original; --reference with inputs and logits would")
			}
			continue
		}
		p, err := s.verify(l, ckpt, references[i])
		if err != nil {
			return a, b, nil, fmt.Errorf("%s: %w", path, err)
		}
		notes = append(notes, fmt.Sprintf("%s: computes what the original did, to %.1g of the largest value, on %d samples (%s)", path, p.Error, p.Samples, strings.Join(p.Values, ", ")))
	}
	return a, b, notes, nil
}

// checkpointOf reads one of the two files, and prints the map of one that is foreign.
func (s strangers) checkpointOf(path string, input []int, norm feed.Normalization) (llfc.Checkpoint, error) {
	f, err := s.weights(path, *s.key)
	if err != nil {
		return llfc.Checkpoint{}, err
	}
	defer f.Close()
	if own(f) {
		return s.checkpoint(path)
	}
	m, theta, err := foreign.Load(f, network.Spec{}, input)
	if err != nil {
		return llfc.Checkpoint{}, err
	}
	if *s.network != "" {
		want, err := network.Default(*s.network)
		if err != nil {
			return llfc.Checkpoint{}, s.wrong("--network %s: %w", *s.network, err)
		}
		if got := m.Spec; got.Architecture != want.Architecture || *s.network != want.Architecture && (got.Depth != want.Depth || got.Norm != want.Norm) {
			return llfc.Checkpoint{}, s.wrong("--network %s: %s fits %s", *s.network, path, got.JSON())
		}
	}
	fmt.Fprintf(s.out, "%s is read as %s\n", path, m.Spec.JSON())
	for _, r := range m.Rows {
		fmt.Fprintf(s.out, "  %s %v is %s %v, %s\n", r.From, r.Shape, r.To, r.Dims, r.How)
	}
	for _, note := range slices.Concat(f.Notes, []string{left(m.Left)}) {
		if note != "" {
			s.note(path + ": " + note)
		}
	}
	return llfc.Checkpoint{Theta: theta, Network: m.Spec, Normalize: norm, Meta: map[string]string{}}, nil
}

func left(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "left out: " + some(names)
}

func (s strangers) verify(l *llfc.Lab, ckpt llfc.Checkpoint, path string) (foreign.Parity, error) {
	reference, err := s.weights(path, "")
	if err != nil {
		return foreign.Parity{}, err
	}
	defer reference.Close()
	f, err := l.Model(ckpt.Network)
	if err != nil {
		return foreign.Parity{}, err
	}
	return foreign.Verify(f, ckpt.Theta, reference)
}
