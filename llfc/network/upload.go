package network

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Upload copies θ to the device, one tensor for each parameter in the order of About.Params, and checks that they arrived. Free it with Free.
func (f *Model) Upload(theta Params) ([]*tensors.Tensor, error) {
	if err := f.Check(theta); err != nil {
		return nil, err
	}
	return f.UploadAny(theta)
}

// UploadAny is Upload of any tensors: a training state has more than the weights.
func (f *Model) UploadAny(p Params) ([]*tensors.Tensor, error) {
	device, err := Upload(f.Backend, p)
	if err != nil {
		return nil, err
	}
	if err := f.arrived(p, device); err != nil {
		Free(device...)
		return nil, err
	}
	return device, nil
}

// Upload copies tensors to a device, in their order, without the check that Model.Upload makes: it is for inputs.
func Upload(b compute.Backend, p Params) ([]*tensors.Tensor, error) {
	out := make([]*tensors.Tensor, 0, len(p))
	for _, t := range p {
		raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(t.Data))), 4*len(t.Data))
		d, err := tensors.FromRaw(b, 0, shapes.Make(dtypes.Float32, t.Dims...), raw)
		if err != nil {
			Free(out...)
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// arrived compares a checksum that the device computes of the tensors with the host's. A difference means that graphs on this device would not
// compute with these weights; the error names the tensor, where reading it back shows which it is.
func (f *Model) arrived(p Params, device []*tensors.Tensor) error {
	exec, err := f.Exec("network: checksum", checksumGraph)
	if err != nil {
		return err
	}
	out, err := exec.Call(Args(device)...)
	if err != nil {
		return fmt.Errorf("network: checksum: %w", err)
	}
	defer Free(out...)
	got, err := tensors.CopyFlatData[uint32](out[0])
	if err != nil {
		return fmt.Errorf("network: checksum: %w", err)
	}
	want := sumOf(p)
	if got[0] == want {
		return nil
	}
	for i, t := range p {
		back, err := tensors.CopyFlatData[float32](device[i])
		if err == nil && !(Params{t}).Equal(Params{{Name: t.Name, Dims: t.Dims, Data: back}}) {
			return fmt.Errorf("network: the tensor %q did not arrive on the device %s as it was sent (checksum %08x, expected %08x): the backend is broken, use another one", t.Name, f.Backend.Description(), got[0], want)
		}
	}
	return fmt.Errorf("network: the device %s computes with other weights than were sent to it (checksum %08x, expected %08x): the backend is broken, use another one", f.Backend.Description(), got[0], want)
}

// sumOf is Σ (2i+1)·bᵢ mod 2³² over the bits b of all values, one after the other: it changes with each bit, and where two values change places.
func sumOf(p Params) (sum uint32) {
	at := uint32(0)
	for _, t := range p {
		for _, v := range t.Data {
			sum += (2*at + 1) * math.Float32bits(v)
			at++
		}
	}
	return sum
}

// checksumGraph is sumOf on the device. All tensors are joined first: a sum for each would take seconds to compile on deep networks.
func checksumGraph(in []*graph.Node) []*graph.Node {
	flat := make([]*graph.Node, len(in))
	for i, x := range in {
		flat[i] = graph.Reshape(x, x.Shape().Size())
	}
	bits := graph.Bitcast(graph.Concatenate(flat, 0), dtypes.Uint32)
	odd := graph.AddScalar(graph.MulScalar(graph.Iota(bits.Graph(), bits.Shape(), 0), 2), 1)
	return []*graph.Node{graph.ReduceAllSum(graph.Mul(bits, odd))}
}

// Download copies device tensors to the host, under the names and shapes of layout.
func Download(device []*tensors.Tensor, layout Params) (Params, error) {
	out := make(Params, len(layout))
	for i, t := range layout {
		data, err := tensors.CopyFlatData[float32](device[i])
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		out[i] = Tensor{Name: t.Name, Dims: t.Dims, Data: data}
	}
	return out, nil
}

// Args flattens slices of tensors, and whatever stands between them, into the arguments of one call.
func Args(parts ...any) []any {
	var out []any
	for _, p := range parts {
		switch p := p.(type) {
		case []*tensors.Tensor:
			for _, t := range p {
				out = append(out, t)
			}
		default:
			out = append(out, p)
		}
	}
	return out
}

// Free releases device tensors at once; XLA's memory is unknown to Go's collector.
func Free(device ...*tensors.Tensor) {
	for _, t := range device {
		if t != nil {
			_ = t.FinalizeAll() // a tensor already released is what was asked for
		}
	}
}
