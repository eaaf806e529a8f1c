package formats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"layerwise/internal/pickle"
)

const maxPickle = 256 << 20 // bytes

// torch reads an archive of torch.save, or TorchScript: folder/data.pkl, and each storage in a file folder/data/KEY.
func (f *File) torch(e entries, folder, key string) error {
	f.Format = "PyTorch"
	bigEndian := false
	if order := e.byName[folder+"byteorder"]; order != nil {
		text, err := order.bytes(16)
		if err != nil {
			return err
		}
		bigEndian = string(text) == "big"
	}
	read := func(name, storages string) (any, *torchRules, error) {
		s := e.byName[folder+name]
		b, err := s.bytes(maxPickle)
		if err != nil {
			return nil, nil, err
		}
		rules := &torchRules{find: func(key string) (*storage, error) {
			s := e.byName[folder+storages+key]
			if s == nil {
				return nil, fmt.Errorf("a tensor lies in the storage %.80q, and the archive has no file %.80q", key, folder+storages+key)
			}
			s.bigEndian = bigEndian
			return s, nil
		}}
		v, size, err := pickle.Load(b, 5, rules)
		if err == nil && size < len(b) {
			err = fmt.Errorf("offset %d: %d bytes follow the end of the pickle", size, len(b)-size)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
		return v, rules, nil
	}
	root, rules, err := read("data.pkl", "data/")
	if err != nil {
		return err
	}
	if e.byName[folder+"constants.pkl"] != nil {
		f.Format = "TorchScript"
		f.note("TorchScript is read as a container of tensors; its code is not run")
	}
	if err := f.stateDict(root, key); err != nil {
		return err
	}
	rules.notes(f)
	if f.Format != "TorchScript" || key != "" {
		return nil
	}
	constants, _, err := read("constants.pkl", "constants/")
	if err != nil {
		return err
	}
	w := walker{}
	if err := w.walk("constants", constants, 0); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	f.Tensors = append(f.Tensors, w.found...)
	if n := len(w.found); n > 0 {
		f.note("%d constants of the code are listed as constants.0 and so on", n)
	}
	return nil
}

// legacy reads what torch.save wrote before version 1.6: four pickles (magic number, protocol, machine, the object), a pickle of the keys of
// the storages, and each storage behind its number of elements.
func (f *File) legacy(r reader, key string) error {
	whole, err := r.bytes(0, min(r.size, 64<<20), 64<<20, "pickles") // the storages follow
	if err != nil {
		return err
	}
	byKey := map[string]*storage{}
	rules := &torchRules{find: func(key string) (*storage, error) {
		if byKey[key] == nil {
			byKey[key] = &storage{name: fmt.Sprintf("%s: storage %.80q", r.path, key), r: r, at: -1}
		}
		return byKey[key], nil
	}}
	at := 0
	next := func() (any, error) {
		v, size, err := pickle.Load(whole[at:], 5, rules)
		if e := (*pickle.Error)(nil); errors.As(err, &e) {
			return nil, r.fail(int64(at+e.Offset), "%s", e.Problem)
		}
		at += size
		return v, err
	}
	if _, err := next(); err != nil { // the magic number, by which the file was known
		return err
	}
	if v, err := next(); err != nil {
		return err
	} else if v != any(int64(1001)) {
		return r.fail(int64(at), "the protocol of the file is a %T, or another number than 1001", v) // which may be nested so that its text would not end
	}
	machine, err := next()
	if err != nil {
		return err
	}
	bigEndian := false
	if d, ok := machine.(*pickle.Dict); ok {
		bigEndian = d.Get("little_endian") == any(false)
	}
	root, err := next()
	if err != nil {
		return err
	}
	v, err := next()
	if err != nil {
		return err
	}
	keys, ok := v.(*pickle.List)
	if !ok {
		return r.fail(int64(at), "the keys of the storages are a %T, expected a list", v)
	}
	offset := int64(at)
	for _, k := range keys.Items {
		name, _ := pickle.Text(k)
		s := byKey[name]
		if s == nil {
			return r.fail(offset, "the storage %.80q is of no tensor", name)
		}
		length, err := r.bytes(offset, 8, 8, "the length of a storage")
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint64(length))
		if bigEndian {
			n = int64(binary.BigEndian.Uint64(length))
		}
		each := rules.each[name]
		if each == 0 || n < 0 || n > (r.size-offset-8)/each {
			return r.fail(offset, "the storage %.80q has %d numbers, more than the file: it is cut short", name, n)
		}
		if s.at >= 0 {
			return r.fail(offset, "the storage %.80q stands in it twice", name)
		}
		s.at, s.size, s.bigEndian = offset+8, n*each, bigEndian
		offset += 8 + s.size
	}
	for name, s := range byKey {
		if s.at < 0 {
			return fmt.Errorf("%s: a tensor lies in the storage %.80q, which is not in the file", r.path, name)
		}
	}
	if err := f.stateDict(root, key); err != nil {
		return err
	}
	rules.notes(f)
	return nil
}

// torchRules make tensors of a checkpoint's pickle. Classes stand for nothing but their name; an object is its state.
type torchRules struct {
	find   func(key string) (*storage, error)
	each   map[string]int64 // bytes of a number of each storage
	opaque map[string]bool  // names that something was asked of, and that stand for nothing here
}

func (r *torchRules) notes(f *File) {
	if len(r.opaque) > 0 {
		f.note("objects of these classes are in the file and are left out, nothing of them was run: %.400s", strings.Join(sorted(r.opaque), ", "))
	}
}

type (
	// global is a name, "torch.FloatStorage".
	global string
	// object is what a class that is not known would have made.
	object struct {
		class global
		state any
	}
	// stored is a storage seen as numbers of a type.
	stored struct {
		*storage
		dtype  string
		offset int64 // in numbers
	}
)

// storageTypes are the classes of storages, whose names are older than the types.
var storageTypes = map[global]string{
	"torch.FloatStorage": "F32", "torch.DoubleStorage": "F64", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
	"torch.ByteStorage": "U8", "torch.CharStorage": "I8", "torch.ShortStorage": "I16", "torch.IntStorage": "I32", "torch.LongStorage": "I64",
	"torch.BoolStorage": "BOOL", "torch.ComplexFloatStorage": "C64", "torch.storage.UntypedStorage": "U8", "torch.UntypedStorage": "U8",
}

var torchTypes = map[global]string{
	"torch.float32": "F32", "torch.float64": "F64", "torch.float16": "F16", "torch.bfloat16": "BF16", "torch.uint8": "U8", "torch.int8": "I8",
	"torch.int16": "I16", "torch.int32": "I32", "torch.int64": "I64", "torch.uint16": "U16", "torch.uint32": "U32", "torch.uint64": "U64",
	"torch.bool": "BOOL", "torch.complex64": "C64", "torch.float8_e4m3fn": "F8_E4M3", "torch.float8_e5m2": "F8_E5M2",
	"torch.float8_e4m3fnuz": "F8_E4M3FNUZ", "torch.float8_e5m2fnuz": "F8_E5M2FNUZ",
}

func (r *torchRules) Global(module, name string) (any, error) {
	full := module + "." + name
	if module == "__builtin__" { // Python 2's
		full = "builtins." + name
	}
	return global(strings.Clone(full)), nil
}

// harmless are names of which a call makes a value that no tensor depends on.
var harmless = map[global]bool{
	"numpy.core.multiarray.scalar": true, "numpy._core.multiarray.scalar": true, "numpy.dtype": true, "numpy.core.multiarray._reconstruct": true,
	"numpy._core.multiarray._reconstruct": true, "_codecs.encode": true, "torch.device": true, "collections.Counter": true, "builtins.set": true,
	"builtins.frozenset": true, "builtins.slice": true, "builtins.complex": true, "builtins.bytearray": true, "builtins.range": true,
	"datetime.datetime": true, "datetime.timedelta": true, "datetime.date": true, "pathlib.Path": true, "pathlib.PosixPath": true,
	"pathlib.PurePosixPath": true, "pathlib.WindowsPath": true, "pathlib._local.PosixPath": true, "argparse.Namespace": true,
	"torch._utils._rebuild_qtensor": true, "torch._utils._rebuild_sparse_tensor": true, "torch._utils._rebuild_nested_tensor": true,
	"torch._utils._rebuild_meta_tensor_no_storage": true, "torch._utils._rebuild_device_tensor_from_numpy": true,
	"copyreg._reconstructor": true, "copy_reg._reconstructor": true, "uuid.UUID": true, "decimal.Decimal": true, "fractions.Fraction": true,
}

// Call makes tensors and dictionaries. What is neither known nor harmless is refused: to call it is what a hostile file wants.
func (r *torchRules) Call(f any, a pickle.Tuple) (any, error) {
	g, ok := f.(global)
	if !ok {
		return nil, fmt.Errorf("a call of a %T; nothing is executed", f)
	}
	switch {
	case g == "torch._utils._rebuild_tensor" && len(a) == 4, g == "torch._utils._rebuild_tensor_v2" && len(a) >= 4:
		return r.tensor(a, "")
	case g == "torch._utils._rebuild_tensor_v3" && len(a) >= 7:
		name, _ := a[6].(global)
		dtype := torchTypes[name]
		if dtype == "" {
			return nil, fmt.Errorf("a tensor of %.60q, which is not read", name)
		}
		return r.tensor(a, dtype)
	case (g == "torch._utils._rebuild_parameter" || g == "torch._utils._rebuild_parameter_with_state") && len(a) >= 1:
		return a[0], nil
	case g == "torch._tensor._rebuild_from_type_v2" && len(a) == 4:
		if args, ok := a[2].(pickle.Tuple); ok && a[0] != any(g) { // which could go on without end
			return r.Call(a[0], args)
		}
	case g == "collections.OrderedDict", g == "collections.defaultdict", g == "builtins.dict":
		return pairs(a), nil
	case g == "torch.Size" && len(a) == 1:
		return a[0], nil
	case strings.HasPrefix(string(g), "torch.jit._pickle.build_") && len(a) == 1, g == "torch.jit._pickle.restore_type_tag" && len(a) == 2:
		return a[0], nil
	case harmless[g]:
		if strings.HasSuffix(string(g), "_reconstructor") && len(a) > 0 {
			return r.New(a[0], nil)
		}
		return &object{class: g}, nil
	}
	return nil, fmt.Errorf("the file asks to call %.100q with %d arguments; only tensors and plain data are made from it, nothing is executed. In Python, save model.state_dict() only", g, len(a))
}

// pairs is a dictionary of the pairs that its constructor was given; the other arguments say what it does with missing keys.
func pairs(a pickle.Tuple) *pickle.Dict {
	d := &pickle.Dict{}
	for _, arg := range a {
		list, _ := arg.(*pickle.List)
		if list == nil {
			continue
		}
		for _, item := range list.Items {
			var pair []any
			switch item := item.(type) {
			case pickle.Tuple:
				pair = item
			case *pickle.List:
				pair = item.Items
			}
			if len(pair) == 2 {
				d.Keys, d.Values = append(d.Keys, pair[0]), append(d.Values, pair[1])
			}
		}
	}
	return d
}

// New makes an object that has nothing but its class. Dictionaries of their own class are dictionaries.
func (r *torchRules) New(class any, _ pickle.Tuple) (any, error) {
	g, ok := class.(global)
	if !ok {
		return nil, fmt.Errorf("a new object of a %T; nothing is executed", class)
	}
	if g == "collections.OrderedDict" {
		return &pickle.Dict{}, nil
	}
	return r.seen(g), nil
}

func (r *torchRules) seen(g global) *object {
	if r.opaque == nil {
		r.opaque = map[string]bool{}
	}
	if !strings.HasPrefix(string(g), "__torch__.") && len(r.opaque) < 20 {
		r.opaque[fmt.Sprintf("%.100s", string(g))] = true
	}
	return &object{class: g}
}

// Build keeps the state of an object. That of a dictionary or a tensor (hooks, versions) is of no use here.
func (r *torchRules) Build(v, state any) error {
	switch v := v.(type) {
	case *object:
		if t, ok := state.(pickle.Tuple); ok && len(t) == 2 && t[0] != nil { // a dictionary, and slots
			if _, isDict := t[0].(*pickle.Dict); isDict {
				state = t[0]
			}
		}
		v.state = state
		return nil
	case *pickle.Dict, *Tensor:
		return nil
	}
	return fmt.Errorf("the state of a %T, expected that of an object", v)
}

// Persistent finds a storage: ("storage", class, key, place, numbers), and in old files a view of another one.
func (r *torchRules) Persistent(id any) (any, error) {
	t, _ := id.(pickle.Tuple)
	if len(t) < 5 || !isText(t[0], "storage") {
		return nil, fmt.Errorf("something outside of the pickle that is no storage")
	}
	class, _ := t[1].(global)
	dtype := storageTypes[class]
	if dtype == "" {
		return nil, fmt.Errorf("a storage of %.100q, which is not known", class)
	}
	key, ok := pickle.Text(t[2])
	if n, isInt := t[2].(int64); isInt {
		key, ok = strconv.FormatInt(n, 10), true
	}
	if !ok {
		return nil, fmt.Errorf("a storage whose key is a %T", t[2])
	}
	out := stored{dtype: dtype}
	if len(t) >= 6 && t[5] != nil { // (key of the view, offset, numbers)
		view, _ := t[5].(pickle.Tuple)
		if len(view) != 3 {
			return nil, fmt.Errorf("a view of a storage with %d values, expected 3", len(view))
		}
		if out.offset, ok = view[1].(int64); !ok {
			return nil, fmt.Errorf("a view of a storage from a %T on, expected a number", view[1])
		}
	}
	if r.each == nil {
		r.each = map[string]int64{}
	}
	r.each[key] = size(dtype)
	var err error
	out.storage, err = r.find(key)
	return out, err
}

func isText(v any, want string) bool { text, ok := pickle.Text(v); return ok && text == want }

// tensor is PyTorch's rebuild: storage, offset, shape, strides.
func (r *torchRules) tensor(a pickle.Tuple, dtype string) (any, error) {
	s, ok := a[0].(stored)
	offset, also := a[1].(int64)
	if !ok || !also {
		return nil, fmt.Errorf("a tensor of %T from %T on, expected a storage and a number", a[0], a[1])
	}
	if dtype == "" {
		dtype = s.dtype
	}
	dims, err := sizes(a[2])
	if err != nil {
		return nil, fmt.Errorf("a tensor's shape: %w", err)
	}
	strides, err := sizes(a[3])
	if err != nil {
		return nil, fmt.Errorf("a tensor's strides: %w", err)
	}
	if offset < 0 || s.offset < 0 || offset > 1<<60 || s.offset > 1<<60 {
		return nil, fmt.Errorf("a tensor from number %d + %d of its storage on", s.offset, offset)
	}
	t := &Tensor{DType: dtype, Shape: make([]int, len(dims)), storage: s.storage, offset: s.offset + offset, strides: strides}
	for i, d := range dims {
		t.Shape[i] = int(d)
	}
	return t, nil
}

// sizes reads a tuple of numbers that are not negative.
func sizes(v any) ([]int64, error) {
	var items []any
	switch v := v.(type) {
	case pickle.Tuple:
		items = v
	case *pickle.List:
		items = v.Items
	default:
		return nil, fmt.Errorf("a %T, expected a tuple of numbers", v)
	}
	if len(items) > maxRank {
		return nil, fmt.Errorf("%d of them, expected at most %d", len(items), maxRank)
	}
	out := make([]int64, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || n < 0 {
			return nil, fmt.Errorf("%T (%v) at position %d, expected a number of at least 0", item, n, i)
		}
		out[i] = n
	}
	return out, nil
}
