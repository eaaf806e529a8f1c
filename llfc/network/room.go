package network

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"

	"layerwise/internal/memory"
)

// Bounds on what a description may ask for, many times any network that trains here: one with made-up sizes is an error at once.
const (
	maxUnits   = 1 << 22 // of all layers together, and values in one sample
	maxNumbers = 1 << 34 // in all parameters
	maxTaps    = 1 << 18 // named values
)

// TooLargeError says that something asked for is well formed, but more than this machine, or any, can hold.
type TooLargeError struct{ Reason string }

func (e *TooLargeError) Error() string { return e.Reason }

func tooLarge(format string, args ...any) error { return &TooLargeError{fmt.Sprintf(format, args...)} }

// Room returns a *TooLargeError if so many bytes are more than this machine has free; nil where that is not told, and where the backend has
// memory of its own. No backend is the machine. need is a lower bound: what passes may still turn out too large.
func Room(b compute.Backend, what string, need float64) error {
	if b != nil && deviceKind(b) == xlaOther {
		return nil
	}
	free, ok := memory.Available()
	if !ok || need <= float64(free) {
		return nil
	}
	return tooLarge("%s takes at least %s of memory, and this machine has %s free; a smaller network, input or batch takes less", what, memory.Size(need), memory.Size(float64(free)))
}

// Bytes is the memory of one θ in float32.
func (t *Trace) Bytes() float64 { return 4 * float64(t.numbers) }

// Features is the memory in float32 of the taps of these kinds for one sample; no kinds are all.
func (t *Trace) Features(kinds ...string) float64 {
	n := 0.0
	for _, p := range t.Taps {
		if len(kinds) == 0 || slices.Contains(kinds, p.Kind) {
			n += 4 * volume(p.Dims)
		}
	}
	return n
}

// Largest is the memory in float32 of the largest value of the forward pass of one sample.
func (t *Trace) Largest() float64 {
	n := 0.0
	for _, p := range t.Taps {
		n = max(n, 4*volume(p.Dims))
	}
	return n
}

// volume is the product of sizes; a float cannot overflow.
func volume(dims []int) float64 {
	n := 1.0
	for _, d := range dims {
		n *= float64(d)
	}
	return n
}

// bounds stop a description that grows beyond them, or that nobody waits for any more.
type bounds struct {
	ctx     context.Context
	numbers float64 // in all parameters
	of      string  // what bounds them
}

func within(ctx context.Context) bounds { return bounds{ctx, maxNumbers, "a network may have"} }
