package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/network"
)

// Data-parallel training: every device keeps the whole state and the whole data set, takes its share of each batch, device d the d-th
// part, and the gradients are averaged over the devices before each of them makes the same update. Without batch norm and dropout
// n devices make the step of one, to the rounding of the sums. Batch norms normalise by the statistics of their device's share, as
// PyTorch's DistributedDataParallel does, and the running statistics follow the mean of the devices' (PyTorch keeps the first
// device's). Dropout and augmentation draw from a seed for each device. So the number of devices is part of what names a run.
//
// XLA shows the cores of a CPU as four devices, on which the tests prove all this; they share the cores, so nothing is gained:
// BenchmarkSteps, on 2 busy cores, took 781, 807 and 875 ms of processor time for a step of ResNet-20 over 1, 2 and 4 of them, and 7.2, 10.9
// and 17.2 ms for one of a 3×512 MLP. Several GPUs were not tried.

// devices is the number of devices that share a step.
func (t *Trainer) devices() int { return max(t.c.Devices, 1) }

func (c Config) checkDevices() error {
	switch {
	case c.Devices < 0:
		return fmt.Errorf("train: %d devices; expected 2 or more, or 0 for one", c.Devices)
	case c.Devices == 1:
		return errors.New("train: one device is written as 0 devices, so that a run has one name")
	case c.Devices > 1 && c.Batch%c.Devices != 0:
		return fmt.Errorf("train: a batch of %d cannot be shared by %d devices; it must be a multiple of their number", c.Batch, c.Devices)
	}
	return nil
}

// mesh lines up the first devices of a backend; nil is one device.
func (c Config) mesh(b compute.Backend) (*distributed.DeviceMesh, error) {
	if c.Devices < 2 {
		return nil, nil
	}
	if have := b.NumDevices(); have < c.Devices {
		return nil, fmt.Errorf("train: %d devices were asked for, but the backend (%s) has %d", c.Devices, b.Name(), have)
	}
	if !b.Capabilities().Operations[compute.OpTypeAllReduce] {
		return nil, fmt.Errorf("train: the backend (%s) cannot add up over %d devices; leave devices at 0", b.Name(), c.Devices)
	}
	return distributed.NewDeviceMesh([]int{c.Devices}, []string{"data"})
}

// mean averages values over the devices, in one collective operation; with one device it changes nothing.
func (t *Trainer) mean(values []*graph.Node) []*graph.Node {
	if t.mesh == nil {
		return values
	}
	sums := values[0].Graph().Distributed().AllReduce(values, compute.ReduceOpSum)
	out := make([]*graph.Node, len(sums))
	for i, s := range sums {
		out[i] = graph.DivScalar(s, float64(t.devices()))
	}
	return out
}

// spread copies the data set to the devices beyond the first, which has it, and returns what to pass to each of them. free releases the
// copies.
func (t *Trainer) spread() (data [][]any, free func(), err error) {
	var copies []*tensors.Tensor
	free = func() { network.Free(copies...) }
	data = [][]any{t.d.Args()}
	for d := 1; d < t.devices(); d++ {
		var args []any
		for _, a := range data[0] {
			c, err := a.(*tensors.Tensor).OnDeviceClone(t.f.Backend, compute.DeviceNum(d))
			if err != nil {
				free()
				return nil, nil, fmt.Errorf("train: copying the data to device %d: %w", d, err)
			}
			copies, args = append(copies, c), append(args, c)
		}
		data = append(data, args)
	}
	return data, free, nil
}

// replicate copies a state on the first device to the others; state is returned with the copies behind it, device after device.
func (t *Trainer) replicate(state []*tensors.Tensor) ([]*tensors.Tensor, error) {
	all := slices.Clone(state)
	for d := 1; d < t.devices(); d++ {
		for _, s := range state {
			c, err := s.OnDeviceClone(t.f.Backend, compute.DeviceNum(d))
			if err != nil {
				network.Free(all...)
				return nil, fmt.Errorf("train: copying the state to device %d: %w", d, err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// call hands the state over to the executable, which may overwrite it, with more arguments for each device. It returns the new state, device
// after device, and what else the first device gives; the others give the same.
func (t *Trainer) call(exec *graph.Exec, state []*tensors.Tensor, more func(device int) []any) (next, rest []*tensors.Tensor, err error) {
	n := len(state) / t.devices()
	var args []any
	for d := range t.devices() {
		for i, s := range state[d*n : (d+1)*n] {
			donated, err := graph.DonateTensorBuffer(s, t.f.Backend, compute.DeviceNum(d))
			if err != nil {
				return nil, nil, fmt.Errorf("donating state tensor %d of device %d: %w", i, d, err)
			}
			args = append(args, donated)
		}
		args = append(args, more(d)...)
	}
	out, err := exec.Call(args...)
	if err != nil {
		return nil, nil, err
	}
	each := len(out) / t.devices()
	for d := range t.devices() {
		own := out[d*each : (d+1)*each]
		next = append(next, own[:n]...)
		if d == 0 {
			rest = own[n:]
		} else {
			network.Free(own[n:]...)
		}
	}
	return next, rest, nil
}
