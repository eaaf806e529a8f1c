package network

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// identityVersion is the first line of every canonical text. Raise it when the same forward function comes to compute something else.
const identityVersion = "layerwise network 1"

// Canonical is all that a forward function says of itself, as text that is the same in every process: its operations in order with their
// settings, the parameters with the fans that scale their initialisation, the taps, and the symmetry. Of operations of one's own it
// holds the name and version that the author gives, since code cannot be compared. Name and initialiser of the Spec are not part of it.
func (n Network) Canonical() (string, error) { return n.canonical(within(context.Background())) }

func (n Network) canonical(b bounds) (string, error) {
	t, err := n.describe(b)
	if err != nil {
		return "", err
	}
	s, err := t.symmetry()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("%s", identityVersion)
	line("input %v, %d classes", n.Spec.Input, n.Spec.Classes)
	for _, op := range t.ops {
		line("%s", op)
	}
	for _, p := range t.Params {
		line("parameter %q %v %s, fans %d %d", p.Name, p.Dims, p.Role, p.FanIn, p.FanOut)
	}
	for i, p := range t.Taps {
		line("tap %q of %d, %s %v, cut %t", p.Name, t.tapped[i].time, p.Kind, p.Dims, p.Cut)
	}
	for _, g := range s.Groups {
		line("group %q of %d", g.Name, g.Size)
		for _, p := range g.Places {
			line("  %q axis %d, %s", p.Tensor, p.Axis, p.positions())
		}
		for _, p := range g.TapPlaces {
			line("  tap %q axis %d, %s", p.Tensor, p.Axis, p.positions())
		}
	}
	return out.String(), nil
}

// positions says where all units of a place stand, in a few characters.
func (place Place) positions() string {
	h := sha256.New()
	var n [8]byte
	for _, at := range place.At {
		for _, i := range append([]int{len(at)}, at...) {
			binary.LittleEndian.PutUint64(n[:], uint64(i))
			h.Write(n[:])
		}
	}
	return fmt.Sprintf("positions %x", h.Sum(nil)[:8])
}

// Identity is 16 hexadecimal digits that stand for Canonical. Two networks of one name that are described differently have different
// identities, so that neither takes the other's weights.
func (n Network) Identity() (string, error) {
	text, err := n.Canonical()
	if err != nil {
		return "", err
	}
	return identityOf(text), nil
}

func identityOf(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return hex.EncodeToString(sum[:8])
}
