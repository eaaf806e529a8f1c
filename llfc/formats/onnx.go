package formats

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
)

// isONNX looks for the fields that a model begins with: the version of the format, and one of its other fields.
func isONNX(r reader, head []byte) bool {
	if len(head) < 4 || head[0] != 0x08 || head[1] == 0 || head[1] > 32 {
		return false
	}
	switch head[2] { // producer, its version, domain, model version, doc, graph, opset, metadata
	case 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72:
		return true
	}
	return false
}

// onnxTypes are the numbers of TensorProto.DataType (onnx.proto3, version 1.23).
var onnxTypes = map[uint64]string{1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 12: "U32",
	13: "U64", 14: "C64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ"}

// onnx collects the initialisers of a model's graph, the tensors of its Constant nodes, and both of its sub-graphs.
func (f *File) onnx(r reader, _ string) error {
	o := &onnxModel{File: f, wire: wire{r: r}, external: map[string]reader{}, names: map[string]bool{}}
	return o.fields(0, r.size, func(m field) error {
		switch m.number {
		case 2, 3: // the program that wrote it, its version
			text, err := o.text(m, maxName)
			if err != nil {
				return err
			}
			f.Meta[map[int]string{2: "producer", 3: "producer version"}[m.number]] = text
		case 7:
			return o.graph(m, 0)
		}
		return nil
	})
}

type onnxModel struct {
	*File
	wire
	external map[string]reader
	names    map[string]bool
}

// Field numbers of GraphProto, NodeProto and AttributeProto.
const (
	graphNode, graphInitializer, graphSparse    = 1, 5, 15
	nodeOutput, nodeOperator, nodeAttribute     = 2, 4, 5
	attributeTensor, attributeGraph, manyGraphs = 5, 6, 11
)

func (o *onnxModel) graph(g field, depth int) error {
	if depth > 32 || g.kind != 2 {
		return o.r.fail(g.start, "graphs in graphs, more than 32 deep, or a graph that is none")
	}
	return o.fields(g.start, g.end, func(m field) error {
		switch m.number {
		case graphInitializer:
			return o.tensor(m, "")
		case graphSparse:
			o.note("left out: sparse initialisers")
		case graphNode:
			return o.node(m, depth)
		}
		return nil
	})
}

// node looks for the tensor of a constant, and for graphs.
func (o *onnxModel) node(n field, depth int) error {
	output, operator := "", ""
	var attributes []field
	err := o.fields(n.start, n.end, func(m field) (err error) {
		switch m.number {
		case nodeOutput:
			if output == "" {
				output, err = o.text(m, maxName)
			}
		case nodeOperator:
			operator, err = o.text(m, maxName)
		case nodeAttribute:
			attributes = append(attributes, m)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range attributes {
		if a.kind != 2 {
			return o.r.fail(a.start, "an attribute of the wire type %d", a.kind)
		}
		err := o.fields(a.start, a.end, func(m field) error {
			switch {
			case m.number == attributeTensor && operator == "Constant":
				return o.tensor(m, output)
			case m.number == attributeGraph || m.number == manyGraphs:
				return o.graph(m, depth+1)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Field numbers of TensorProto.
const (
	tensorDims, tensorType, tensorFloats, tensorInts, tensorStrings, tensorLongs, tensorName = 1, 2, 4, 5, 6, 7, 8
	tensorRaw, tensorDoubles, tensorUnsigned, tensorExternal, tensorLocation                 = 9, 10, 11, 13, 14
)

// tensor reads one TensorProto. name is that of the node that holds it; "" takes its own.
func (o *onnxModel) tensor(p field, name string) error {
	if p.kind != 2 {
		return o.r.fail(p.start, "a tensor of the wire type %d", p.kind)
	}
	t := Tensor{Shape: []int{}}
	var typed []field // the fields with the numbers
	var raw *field
	outside := map[string]string{}
	location := uint64(0)
	code := uint64(0)
	err := o.fields(p.start, p.end, func(m field) (err error) {
		switch m.number {
		case tensorDims:
			return o.numbers(m, func(v uint64) error {
				if v > math.MaxInt64 || len(t.Shape) == maxRank {
					return o.r.fail(m.start, "a tensor with a size of %d, or of more than %d sizes", int64(v), maxRank)
				}
				t.Shape = append(t.Shape, int(v))
				return nil
			})
		case tensorType:
			code = m.value
		case tensorName:
			t.Name, err = o.text(m, maxName)
		case tensorFloats, tensorInts, tensorLongs, tensorDoubles, tensorUnsigned:
			typed = append(typed, m)
		case tensorRaw:
			if m.kind != 2 {
				return o.r.fail(m.start, "raw data of the wire type %d", m.kind)
			}
			raw = &m
		case tensorExternal:
			if m.kind != 2 {
				return o.r.fail(m.start, "an entry of the wire type %d", m.kind)
			}
			err = o.entry(m, outside)
		case tensorLocation:
			location = m.value
		}
		return err
	})
	if err != nil {
		return err
	}
	if name != "" {
		t.Name, t.Constant = name, true
	}
	t.DType = onnxTypes[code]
	if t.DType == "" {
		if code != 8 { // text
			o.note("left out: %.80q, of ONNX's type %d, which is not read", t.Name, code)
		}
		return nil
	}
	if err := t.checkShape(); err != nil {
		return o.r.fail(p.start, "%w", err)
	}
	at := fmt.Sprintf("%s: offset %d", o.r.path, p.start)
	switch {
	case location == 1:
		t.storage, err = o.outside(outside, p.start, t.Bytes())
	case raw != nil:
		t.storage = &storage{name: at, size: raw.end - raw.start, r: o.r, at: raw.start}
	default:
		t.storage, err = o.typed(typed, t, at)
	}
	if err != nil {
		return err
	}
	if t.storage.size != t.Bytes() {
		return o.r.fail(p.start, "tensor %.80q of shape %v and type %s has %d bytes, expected %d", t.Name, t.Shape, t.DType, t.storage.size, t.Bytes())
	}
	for base, n := t.Name, 2; t.Name == "" || o.names[t.Name]; n++ { // names in sub-graphs may repeat
		t.Name = base + "#" + strconv.Itoa(n)
	}
	o.names[t.Name] = true
	if len(o.Tensors) == maxTensors {
		return o.r.fail(p.start, "more than %d tensors", maxTensors)
	}
	o.Tensors = append(o.Tensors, t)
	return nil
}

// entry reads a key and its value.
func (o *onnxModel) entry(e field, into map[string]string) error {
	var pair [3]string
	err := o.fields(e.start, e.end, func(m field) (err error) {
		if m.number == 1 || m.number == 2 {
			pair[m.number], err = o.text(m, maxName)
		}
		return err
	})
	into[pair[1]] = pair[2]
	return err
}

// outside is the storage of a tensor whose bytes are in a file beside the model.
func (o *onnxModel) outside(e map[string]string, at, size int64) (*storage, error) {
	name := filepath.FromSlash(e["location"])
	number := func(key string, unset int64) (int64, error) {
		if e[key] == "" {
			return unset, nil
		}
		n, err := strconv.ParseInt(e[key], 10, 64)
		if err != nil || n < 0 {
			return 0, o.r.fail(at, "external data with the %s %.40q", key, e[key])
		}
		return n, nil
	}
	offset, err := number("offset", 0)
	if err != nil {
		return nil, err
	}
	length, err := number("length", size)
	if err != nil {
		return nil, err
	}
	r, ok := o.external[name]
	if !ok {
		if len(o.external) == 256 {
			return nil, o.r.fail(at, "external data in more than 256 files")
		}
		if r, err = o.beside(o.Path, name); err != nil {
			return nil, err
		}
		o.external[name] = r
	}
	if offset > r.size || length > r.size-offset {
		return nil, o.r.fail(at, "external data of %d bytes from %d on, and %s has %d", length, offset, r.path, r.size)
	}
	return &storage{name: r.path, size: length, r: r, at: offset}, nil
}

// typed is the storage of numbers that stand in a field of their type. Packed floats lie in the file as they are wanted; the others are
// turned into bytes, at most a few for each byte of the file.
func (o *onnxModel) typed(fields []field, t Tensor, name string) (*storage, error) {
	if len(fields) == 1 && fields[0].kind == 2 && (fields[0].number == tensorFloats && t.DType == "F32" || fields[0].number == tensorDoubles && t.DType == "F64") {
		return &storage{name: name, size: fields[0].end - fields[0].start, r: o.r, at: fields[0].start}, nil
	}
	var out []byte
	each := int(size(t.DType))
	if t.DType == "C64" {
		each = 4
	}
	add := func(v uint64) error {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		out = append(out, b[:each]...)
		return nil
	}
	want := map[string]int{"F32": tensorFloats, "C64": tensorFloats, "F64": tensorDoubles, "I64": tensorLongs, "U64": tensorUnsigned, "U32": tensorUnsigned}[t.DType]
	if want == 0 {
		want = tensorInts // small integers, F16 and BF16 as their bits
	}
	for _, m := range fields {
		if m.number != want {
			return nil, o.r.fail(m.start, "numbers of %s in the field %d, expected in %d", t.DType, m.number, want)
		}
		var err error
		switch {
		case want != tensorFloats && want != tensorDoubles:
			err = o.numbers(m, add)
		case m.kind == 0:
			err = o.r.fail(m.start, "a float of the wire type 0")
		default: // one by one, or packed
			var b []byte
			if b, err = o.r.bytes(m.start, m.end-m.start, o.r.size, "numbers"); err == nil {
				out = append(out, b...)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return inMemory(name, out), nil
}
