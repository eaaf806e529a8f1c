package network

import (
	"errors"
	"fmt"
	"slices"
)

// Axis is one axis of a tensor: its size, and which unit stands at each place along it. An axis of Positions carries no units. An Axis
// is a value; it belongs to the run of the forward function that made it.
type Axis struct {
	size  int
	units []int  // unit ids, nil on an axis of positions
	trace *Trace // nil on an axis of positions
}

// Positions is an axis without units, such as the rows of an image or of a kernel: no permutation moves it.
func Positions(size int) Axis { return Axis{size: size} }

// Axis returns the last axis of x, with its units.
func (x X) Axis() Axis { return Axis{x.Units(), x.units, x.trace} }

// NewUnits makes n units that are alike and begin here, as Dense and Conv do, under a name of their own: the name of their group.
func (x X) NewUnits(name string, n int) Axis {
	if n < 1 {
		panic(fmt.Errorf("layer %q: %d units; at least 1 is needed", name, n))
	}
	x.trace.ops = append(x.trace.ops, fmt.Sprintf("%d units %q", n, name))
	return Axis{n, x.trace.units.fresh(name, n), x.trace}
}

// Size returns the number of places along the axis.
func (a Axis) Size() int { return a.size }

// Times is the whole axis n times over, as when Flatten repeats the channels at every position: unit j mod Size stands at j.
func (a Axis) Times(n int) Axis {
	return Axis{a.sizeOf(n), slices.Repeat(a.units, n), a.trace}
}

// Each is every unit n times in a row: unit j / n stands at j, as where a depthwise convolution makes n outputs of every channel.
func (a Axis) Each(n int) Axis {
	out := Axis{size: a.sizeOf(n), trace: a.trace}
	for _, u := range a.units {
		out.units = append(out.units, slices.Repeat([]int{u}, n)...)
	}
	return out
}

// sizeOf is the size of the axis with each unit n times.
func (a Axis) sizeOf(n int) int {
	if n < 1 {
		panic(fmt.Errorf("an axis of size %d, each unit %d times; it must be at least once", a.size, n))
	}
	if n > maxUnits/max(a.size, 1) {
		panic(tooLarge("an axis of size %d, each unit %d times; it may have at most %d in all", a.size, n, maxUnits))
	}
	return n * a.size
}

// Join puts axes one after the other. All must carry units of one run, or none.
func Join(axes ...Axis) Axis {
	if len(axes) == 0 {
		panic(errors.New("no axes to join; at least one is needed"))
	}
	out := axes[0]
	for _, a := range axes[1:] {
		if a.trace != out.trace {
			panic(errors.New("axes to join must all carry units of one run of the forward function, or none"))
		}
		if a.size > maxUnits-out.size {
			panic(tooLarge("an axis of a size above %d", maxUnits))
		}
		out.size += a.size
	}
	out.units = nil
	for _, a := range axes {
		out.units = append(out.units, a.units...)
	}
	return out
}

// Fix returns x with its units held in place: no permutation moves them, nor what they are joined with. It is for operations that tell
// units apart by their number, as a grouped convolution does. Shape and values stay; no tap.
func (x X) Fix() X {
	y := x.next(x.name, "fix")
	x.trace.units.pin(x.units)
	return y
}

// sizes returns the shape of a tensor of these axes.
func sizes(axes []Axis) []int {
	out := make([]int, len(axes))
	for i, a := range axes {
		out[i] = a.size
	}
	return out
}
