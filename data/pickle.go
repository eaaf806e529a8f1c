package data

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"layerwise/internal/impostor"
	"layerwise/internal/pickle"
)

// unpickle reads a pickle of protocol 2 to 4 that holds dicts, lists, tuples, text, bytes, numbers and numpy arrays of
// numbers (*ndarray), as Python 2 and 3 write them. Any other name in it is an error: nothing is ever imported or run.
func unpickle(path string, b []byte) (any, error) {
	if what := impostor.Reply(b); what != "" {
		return nil, corrupt(path, 0, "expected a pickle, found %s", what)
	}
	v, size, err := pickle.Load(b, 4, &arrays{limit: len(b)})
	if at := (*pickle.Error)(nil); errors.As(err, &at) {
		return nil, corrupt(path, at.Offset, "%s", at.Problem)
	}
	if size < len(b) {
		return nil, corrupt(path, size, "%d bytes follow the end of the pickle", len(b)-size)
	}
	return v, err
}

// arrays are the rules for numpy arrays and bytes.
type arrays struct {
	limit int // of the bytes made from text
	made  int
}

type pyGlobal string // "numpy.dtype"

func (r *arrays) Global(module, name string) (any, error) {
	switch full := module + "." + name; full {
	case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
		return pyGlobal("_reconstruct"), nil
	case "numpy.ndarray", "numpy.dtype", "_codecs.encode":
		return pyGlobal(full), nil
	case "__builtin__.bytes", "builtins.bytes":
		return pyGlobal("bytes"), nil
	default:
		return nil, fmt.Errorf("the pickle asks for %.100q: only numpy arrays of numbers are made from it, nothing is executed", full)
	}
}

// Call makes what Python would get from calling f.
func (r *arrays) Call(f any, a pickle.Tuple) (any, error) {
	g, _ := f.(pyGlobal)
	switch {
	case g == "_reconstruct" && len(a) == 3 && a[0] == any(pyGlobal("numpy.ndarray")):
		return &ndarray{}, nil
	case g == "numpy.dtype" && len(a) >= 1:
		d := &dtype{}
		d.code, _ = pickle.Text(a[0])
		if d.size() == 0 {
			return nil, fmt.Errorf("a numpy array of %.20q, expected unsigned or signed integers (u1 to i8)", d.code)
		}
		return d, nil
	case g == "_codecs.encode" && len(a) == 2: // how Python 3 writes bytes in protocol 2
		text, ok := a[0].(string)
		if ok && a[1] == any("latin1") {
			return r.latin1(text)
		}
	case g == "bytes" && len(a) == 0:
		return pickle.Bytes{}, nil
	}
	return nil, fmt.Errorf("a call of %T %q with %d arguments, expected one that makes a numpy array or bytes; nothing is executed", f, g, len(a))
}

func (r *arrays) New(class any, _ pickle.Tuple) (any, error) {
	return nil, fmt.Errorf("a new object of %T, expected a numpy array or bytes; nothing is executed", class)
}

func (r *arrays) Persistent(any) (any, error) {
	return nil, errors.New("something that lies outside of the pickle, expected all of it inside")
}

func (r *arrays) latin1(text string) (any, error) {
	if r.made += len(text); r.made > r.limit { // each text once: a small pickle must not ask for one over and over
		return nil, errors.New("more bytes made from text than the pickle has")
	}
	b := make(pickle.Bytes, 0, utf8.RuneCountInString(text))
	for _, c := range text {
		if c > 255 {
			return nil, fmt.Errorf("a character %q in what should be bytes", c)
		}
		b = append(b, byte(c))
	}
	return b, nil
}

// Build gives an array or its type what it holds, as numpy's __setstate__ does.
func (r *arrays) Build(v, state any) error {
	s, _ := state.(pickle.Tuple)
	switch into := v.(type) {
	case *dtype:
		if len(s) >= 2 {
			if order, ok := pickle.Text(s[1]); ok && len(order) == 1 && strings.Contains("|<>=", order) {
				into.order = order
				return nil
			}
		}
	case *ndarray:
		if err := into.set(s); err != nil {
			return fmt.Errorf("numpy array: %v", err)
		}
		return nil
	}
	return fmt.Errorf("the state of a %T, expected that of a numpy array", v)
}

// ndarray is a numpy array of integers.
type ndarray struct {
	dtype
	shape   []int
	columns bool // Fortran's order: the first index moves fastest
	raw     []byte
}

// dtype is the kind of a number: code "u1", order "|", "<", ">" or "=".
type dtype struct{ code, order string }

// size is in bytes; 0 for what is not read.
func (d dtype) size() int {
	switch d.code {
	case "u1", "i1":
		return 1
	case "u2", "i2":
		return 2
	case "u4", "i4":
		return 4
	case "u8", "i8":
		return 8
	}
	return 0
}

// set takes numpy's state: version, shape, dtype, order, bytes.
func (a *ndarray) set(state pickle.Tuple) error {
	if len(state) != 5 {
		return fmt.Errorf("a state of %d values, expected 5", len(state))
	}
	shape, ok := state[1].(pickle.Tuple)
	d, also := state[2].(*dtype)
	columns, isBool := state[3].(bool)
	if n, isInt := state[3].(int64); isInt { // Python 2
		columns, isBool = n != 0, true
	}
	raw, isBytes := state[4].(pickle.Bytes)
	if !ok || !also || !isBool || !isBytes {
		return fmt.Errorf("a state of %T, %T, %T, %T, expected shape, dtype, order and bytes", state[1], state[2], state[3], state[4])
	}
	size := d.size()
	dims := []int{}
	for _, v := range shape {
		n, ok := v.(int64)
		if !ok || n < 0 || n > 0 && int64(size) > math.MaxInt64/n || int64(size)*n > math.MaxInt32 {
			return fmt.Errorf("axis %d is a %T (%d) after %v, expected sizes with a product below 2^31", len(dims), v, n, dims)
		}
		size *= int(n)
		dims = append(dims, int(n))
	}
	if size != len(raw) {
		return fmt.Errorf("%d bytes for shape %v of %s, expected %d", len(raw), dims, d.code, size)
	}
	*a = ndarray{*d, dims, columns, raw}
	return nil
}

// integers returns the values of a list of numbers, or of an array with one axis.
func integers(v any) ([]int64, error) {
	var out []int64
	switch v := v.(type) {
	case *pickle.List:
		for i, x := range v.Items {
			n, ok := x.(int64)
			if !ok {
				return nil, fmt.Errorf("value %d is a %T, expected a number", i, x)
			}
			out = append(out, n)
		}
		return out, nil
	case *ndarray:
		if len(v.shape) != 1 {
			return nil, fmt.Errorf("an array of shape %v, expected one axis", v.shape)
		}
		size := v.size()
		for i := range v.shape[0] {
			var n uint64
			for j := range size {
				k := j // of the least byte first
				if v.order == ">" {
					k = size - 1 - j
				}
				n |= uint64(v.raw[i*size+k]) << (8 * j)
			}
			if shift := 64 - 8*size; v.code[0] == 'i' {
				n = uint64(int64(n<<shift) >> shift)
			}
			out = append(out, int64(n))
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %T, expected a list of numbers", v)
}
