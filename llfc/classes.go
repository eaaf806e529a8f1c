package llfc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"layerwise/data"
)

// ClassesError says that the labels of a data set, or the logits of another network, mean something else than a network's logits.
type ClassesError struct{ Reason string }

func (e *ClassesError) Error() string { return e.Reason }

// Suits returns nil if a data set has samples that the network takes, and labels that mean what they meant in training: as many classes as
// there are logits, of the same names in the same order, as far as the checkpoint names them. Else it is a *ClassesError where ByNumber
// would do.
func (c Checkpoint) Suits(d *data.Set) error {
	at := func(from int) string {
		return fmt.Sprintf("%s has %s", d.Name, listed(d.Classes, len(d.Classes), from))
	}
	logits := func(from int) string { return "the network tells apart " + listed(c.Classes, c.Network.Classes, from) }
	const mend = "give the data it was trained on, or take classes by their numbers"
	switch {
	case !slices.Equal(d.Shape, c.Network.Input):
		return fmt.Errorf("%s has samples of shape %v, but the network takes %v; give the data it was trained on", d.Name, d.Shape, c.Network.Input)
	case len(d.Classes) > c.Network.Classes:
		return fmt.Errorf("%s, but %s; give the data it was trained on", at(0), logits(0))
	case c.ByNumber:
		return nil
	case len(d.Classes) < c.Network.Classes:
		return &ClassesError{fmt.Sprintf("%s, but %s; %s", at(0), logits(0), mend)}
	}
	i := parted(c.Classes, d.Classes)
	switch {
	case i < 0:
		return nil
	case slices.Equal(slices.Sorted(slices.Values(c.Classes)), slices.Sorted(slices.Values(d.Classes))):
		return &ClassesError{fmt.Sprintf("%s, but %s: the same names in another order, so that labels would be taken for others; %s", at(i), logits(i), mend)}
	}
	return &ClassesError{fmt.Sprintf("%s, but %s; %s", at(i), logits(i), mend)}
}

// parted is the first class whose names differ, −1 if there is none or one of the two has no names.
func parted(a, b []string) int {
	if a == nil || b == nil {
		return -1
	}
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}
	return -1
}

// listed is n classes with a few of their names, if they have any: those from one on.
func listed(names []string, n, from int) string {
	const most = 6
	if names == nil {
		return fmt.Sprintf("%d classes", n)
	}
	var out []string
	if from > 0 {
		out = append(out, "…")
	}
	for _, name := range names[from:min(len(names), from+most)] {
		out = append(out, fmt.Sprintf("%.40q", name))
	}
	if from+most < len(names) {
		out = append(out, "…")
	}
	return fmt.Sprintf("%d classes (%s)", n, strings.Join(out, ", "))
}

// sameClasses returns nil if the logits of two networks mean the same, as far as they say.
func sameClasses(a, b Checkpoint) error {
	i := parted(a.Classes, b.Classes)
	if i < 0 || a.ByNumber || b.ByNumber {
		return nil
	}
	return &ClassesError{fmt.Sprintf("the two tell other classes apart: %s and %s; give two of the same data, or take classes by their numbers",
		listed(a.Classes, a.Network.Classes, i), listed(b.Classes, b.Network.Classes, i))}
}

// suit returns nil if both ends of a pair suit a data set.
func (p Pair) suit(d *data.Set) error {
	for _, c := range []Checkpoint{p.A, p.B} {
		if err := c.Suits(d); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

// Other is a note for numbers that a network got on data which it was not trained on, though they may have classes of the same names; "" if
// they are the same data, or if the checkpoint does not say.
func (l *Lab) Other(ctx context.Context, c Checkpoint, dataName string) (string, error) {
	if c.Run == nil {
		return "", nil
	}
	set, _, err := l.Sets(ctx, dataName, c.Run.Data.Samples, 0)
	if err != nil || set.SHA256 == c.Run.Data.SHA256 {
		return "", err
	}
	return fmt.Sprintf("%s was trained on %s; %s are other data", c.Label(), c.Run.Data.Name, dataName), nil
}

// current is the names of the classes that a run was trained on as its data set has them now, if that has been loaded, else names. The data
// of a run are known by their pixels and labels, so their classes may have been given other names since.
func (l *Lab) current(ctx context.Context, r Run, names []string) []string {
	l.mu.Lock()
	both, loaded := l.loaded[r.Data.Name]
	l.mu.Unlock()
	if !loaded || slices.Equal(both[0].Classes, names) {
		return names
	}
	if set, _, err := l.Sets(ctx, r.Data.Name, r.Data.Samples, 0); err == nil && set.SHA256 == r.Data.SHA256 {
		return set.Classes
	}
	return names
}
