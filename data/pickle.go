package data

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"layerwise/internal/impostor"
)

// Values of a pickle: nil, bool, int64, float64, string (of text), pyBytes (of bytes, and of str in Python 2), pyTuple,
// *pyList, *pyDict, *ndarray; pyGlobal and *dtype on the way to an ndarray.
type (
	pyBytes  []byte // in the memory of the pickle
	pyTuple  []any
	pyList   struct{ items []any }
	pyDict   struct{ keys, values []any }
	pyGlobal string // "numpy.dtype"
	pyMark   struct{}
)

// get returns the value of a key that is text or, as Python 2 wrote it, bytes; nil if there is none.
func (d *pyDict) get(key string) any {
	for i, k := range d.keys {
		switch k := k.(type) {
		case string:
			if k == key {
				return d.values[i]
			}
		case pyBytes:
			if string(k) == key {
				return d.values[i]
			}
		}
	}
	return nil
}

// maxObjects bounds what a pickle can build: CIFAR-100 has 150,000 labels and names.
const maxObjects = 4 << 20

// unpickle reads a pickle of protocol 2 to 4 that holds dicts, lists, tuples, text, bytes, numbers and numpy arrays of
// numbers, as Python 2 and 3 write them (pickletools.dis shows what is in one). It only reads data. Where Python would call
// a function, unpickle makes the result of the few constructors that such data needs. Any other name is an error: nothing is
// ever imported or run.
func unpickle(path string, b []byte) (any, error) {
	p := &pickle{path: path, b: b, memo: map[uint32]any{}}
	if what := impostor.Reply(b); what != "" {
		return nil, corrupt(path, 0, "expected a pickle, found %s", what)
	}
	if len(b) < 2 || b[0] != 0x80 || b[1] < 2 || b[1] > 4 {
		return nil, corrupt(path, 0, "it begins %.8q, expected a pickle of protocol 2, 3 or 4 (pickle.dump(..., protocol=4) writes one)", b[:min(8, len(b))])
	}
	for {
		v, done, err := p.step()
		if err != nil {
			return nil, err
		}
		if done {
			return v, nil
		}
	}
}

type pickle struct {
	path    string
	b       []byte
	at      int // of the next byte
	op      int // where the present instruction began
	objects int
	made    int // bytes of memory beside b
	stack   []any
	memo    map[uint32]any
}

func (p *pickle) fail(format string, a ...any) error { return corrupt(p.path, p.op, format, a...) }

// take returns the next n bytes.
func (p *pickle) take(n uint64) ([]byte, error) {
	if n > uint64(len(p.b)-p.at) {
		return nil, p.fail("%d bytes are announced, %d are left: the file is cut or its lengths are wrong", n, len(p.b)-p.at)
	}
	b := p.b[p.at : p.at+int(n) : p.at+int(n)]
	p.at += int(n)
	return b, nil
}

// uint reads a little-endian number of size bytes.
func (p *pickle) uint(size uint64) (uint64, error) {
	b, err := p.take(size)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// sized reads a length, which is itself of size bytes, and returns that many bytes.
func (p *pickle) sized(size uint64) ([]byte, error) {
	n, err := p.uint(size)
	if err != nil {
		return nil, err
	}
	return p.take(n)
}

func (p *pickle) line() (string, error) {
	for i, c := range p.b[p.at:min(len(p.b), p.at+256)] {
		if c == '\n' {
			s := string(p.b[p.at : p.at+i])
			p.at += i + 1
			return s, nil
		}
	}
	return "", p.fail("no end of a name within 256 bytes")
}

func (p *pickle) push(v any) error {
	if p.objects++; p.objects > maxObjects {
		return p.fail("more than %d objects, which no data set here has", maxObjects)
	}
	p.stack = append(p.stack, v)
	return nil
}

// pop removes n values, none of them a mark.
func (p *pickle) pop(n int) ([]any, error) {
	if len(p.stack) < n {
		return nil, p.fail("%d values are due, %d are on the stack", n, len(p.stack))
	}
	at := len(p.stack) - n
	top := append([]any(nil), p.stack[at:]...)
	for _, v := range top {
		if _, ok := v.(pyMark); ok {
			return nil, p.fail("a value is due, a mark is on the stack")
		}
	}
	p.stack = p.stack[:at]
	return top, nil
}

// popMark removes all values above the last mark, and the mark.
func (p *pickle) popMark() ([]any, error) {
	for at := len(p.stack) - 1; at >= 0; at-- {
		if _, ok := p.stack[at].(pyMark); ok {
			top := append([]any(nil), p.stack[at+1:]...)
			p.stack = p.stack[:at]
			return top, nil
		}
	}
	return nil, p.fail("a mark is due, none is on the stack")
}

// top is the value that the next is put into.
func (p *pickle) top() any {
	if len(p.stack) == 0 {
		return nil
	}
	return p.stack[len(p.stack)-1]
}

// step carries out one instruction; done says that v is the result. Errors never print a value: those of a pickle can be
// nested so that their text would not end.
func (p *pickle) step() (v any, done bool, err error) {
	p.op = p.at
	code, err := p.take(1)
	if err != nil {
		return nil, false, p.fail("the pickle ends without its STOP: it is cut")
	}
	switch c := code[0]; c {
	case '.': // STOP
		top, err := p.pop(1)
		switch {
		case err != nil:
			return nil, false, err
		case p.at != len(p.b):
			return nil, false, p.fail("%d bytes follow the end of the pickle", len(p.b)-p.at)
		}
		return top[0], true, nil
	case 0x80: // PROTO
		_, err = p.take(1)
	case 0x95: // FRAME
		_, err = p.take(8)
	case '(': // MARK
		err = p.push(pyMark{})
	case '0': // POP
		_, err = p.pop(1)
	case 'N', 0x88, 0x89: // NONE, NEWTRUE, NEWFALSE
		err = p.push(map[byte]any{'N': nil, 0x88: true, 0x89: false}[c])
	case 'J', 'K', 'M', 0x8a: // BININT, BININT1, BININT2, LONG1
		err = p.integer(c)
	case 'G': // BINFLOAT
		var b []byte
		if b, err = p.take(8); err == nil {
			err = p.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case 'U', 'C', 'T', 'B', 0x8e: // SHORT_BINSTRING, SHORT_BINBYTES, BINSTRING, BINBYTES, BINBYTES8
		var b []byte
		if b, err = p.sized(map[byte]uint64{'U': 1, 'C': 1, 'T': 4, 'B': 4, 0x8e: 8}[c]); err == nil {
			err = p.push(pyBytes(b))
		}
	case 'X', 0x8c, 0x8d: // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
		err = p.text(map[byte]uint64{'X': 4, 0x8c: 1, 0x8d: 8}[c])
	case ']': // EMPTY_LIST
		err = p.push(&pyList{})
	case '}': // EMPTY_DICT
		err = p.push(&pyDict{})
	case ')': // EMPTY_TUPLE
		err = p.push(pyTuple{})
	case 'a', 'e', 's', 'u': // APPEND, APPENDS, SETITEM, SETITEMS
		err = p.add(c)
	case 't', 0x85, 0x86, 0x87: // TUPLE, TUPLE1 to 3
		var items []any
		if c == 't' {
			items, err = p.popMark()
		} else {
			items, err = p.pop(int(c) - 0x84)
		}
		if err == nil {
			err = p.push(pyTuple(items))
		}
	case 'q', 'r', 0x94, 'h', 'j': // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
		err = p.remember(c)
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		err = p.global(c)
	case 'R': // REDUCE
		var of []any
		if of, err = p.pop(2); err == nil {
			err = p.construct(of[0], of[1])
		}
	case 'b': // BUILD
		var state []any
		if state, err = p.pop(1); err == nil {
			err = p.build(p.top(), state[0])
		}
	default:
		err = p.fail("instruction %#02x (%q), which data of dicts, lists, bytes and numpy arrays does not need; nothing is executed", c, c)
	}
	return nil, false, err
}

func (p *pickle) integer(c byte) error {
	size := map[byte]uint64{'J': 4, 'K': 1, 'M': 2}[c]
	if c == 0x8a {
		var err error
		if size, err = p.uint(1); err != nil {
			return err
		}
		if size > 8 {
			return p.fail("a number of %d bytes, expected at most 8", size)
		}
	}
	n, err := p.uint(size)
	if err != nil {
		return err
	}
	if (c == 'J' || c == 0x8a) && size > 0 { // signed
		shift := 64 - 8*size
		return p.push(int64(n<<shift) >> shift)
	}
	return p.push(int64(n))
}

func (p *pickle) text(size uint64) error {
	b, err := p.sized(size)
	if err != nil {
		return err
	}
	if !utf8.Valid(b) {
		return p.fail("text that is not UTF-8")
	}
	return p.push(string(b))
}

// add puts what is on the stack into the list or dict below it.
func (p *pickle) add(c byte) (err error) {
	var items []any
	if c == 'a' {
		items, err = p.pop(1)
	} else if c == 's' {
		items, err = p.pop(2)
	} else {
		items, err = p.popMark()
	}
	if err != nil {
		return err
	}
	switch into := p.top().(type) {
	case *pyList:
		if c == 'a' || c == 'e' {
			into.items = append(into.items, items...)
			return nil
		}
	case *pyDict:
		if (c == 's' || c == 'u') && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				into.keys, into.values = append(into.keys, items[i]), append(into.values, items[i+1])
			}
			return nil
		}
	}
	return p.fail("%d values for a %T, expected a list, or a dict and pairs", len(items), p.top())
}

func (p *pickle) remember(c byte) error {
	index := uint64(len(p.memo))
	if c != 0x94 {
		var err error
		if index, err = p.uint(map[byte]uint64{'q': 1, 'h': 1, 'r': 4, 'j': 4}[c]); err != nil {
			return err
		}
	}
	if c == 'h' || c == 'j' {
		v, ok := p.memo[uint32(index)]
		if !ok {
			return p.fail("value %d is asked for, and was not kept", index)
		}
		return p.push(v)
	}
	if len(p.stack) == 0 {
		return p.fail("a value is to be kept, none is on the stack")
	}
	if p.objects++; p.objects > maxObjects {
		return p.fail("more than %d objects, which no data set here has", maxObjects)
	}
	p.memo[uint32(index)] = p.top()
	return nil
}

// global reads a name and lets pass those that numpy arrays and bytes need.
func (p *pickle) global(c byte) error {
	var module, name string
	var err error
	if c == 'c' {
		if module, err = p.line(); err == nil {
			name, err = p.line()
		}
	} else {
		var of []any
		if of, err = p.pop(2); err == nil {
			m, ok := of[0].(string)
			n, also := of[1].(string)
			if module, name = m, n; !ok || !also {
				err = p.fail("a name of %T and %T, expected text", of[0], of[1])
			}
		}
	}
	if err != nil {
		return err
	}
	switch full := module + "." + name; full {
	case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
		return p.push(pyGlobal("_reconstruct"))
	case "numpy.ndarray", "numpy.dtype", "_codecs.encode":
		return p.push(pyGlobal(full))
	case "__builtin__.bytes", "builtins.bytes":
		return p.push(pyGlobal("bytes"))
	default:
		return p.fail("the pickle asks for %.100q: only numpy arrays of numbers are made from it, nothing is executed", full)
	}
}

// construct makes what Python would get from calling f with args.
func (p *pickle) construct(f, args any) error {
	a, _ := args.(pyTuple)
	g, _ := f.(pyGlobal)
	switch {
	case g == "_reconstruct" && len(a) == 3 && a[0] == any(pyGlobal("numpy.ndarray")):
		return p.push(&ndarray{})
	case g == "numpy.dtype" && len(a) >= 1:
		d := &dtype{}
		switch code := a[0].(type) {
		case string:
			d.code = code
		case pyBytes:
			d.code = string(code)
		}
		if d.size() == 0 {
			return p.fail("a numpy array of %.20q, expected unsigned or signed integers (u1 to i8)", d.code)
		}
		return p.push(d)
	case g == "_codecs.encode" && len(a) == 2: // how Python 3 writes bytes in protocol 2
		text, ok := a[0].(string)
		if ok && a[1] == any("latin1") {
			return p.latin1(text)
		}
	case g == "bytes" && len(a) == 0:
		return p.push(pyBytes{})
	}
	return p.fail("a call of %T %q with %d arguments, expected one that makes a numpy array or bytes; nothing is executed", f, g, len(a))
}

func (p *pickle) latin1(text string) error {
	if p.made += len(text); p.made > len(p.b) { // each text once: a small pickle must not ask for one over and over
		return p.fail("more bytes made from text than the pickle has")
	}
	b := make(pyBytes, 0, utf8.RuneCountInString(text))
	for _, r := range text {
		if r > 255 {
			return p.fail("a character %q in what should be bytes", r)
		}
		b = append(b, byte(r))
	}
	return p.push(b)
}

// build gives an array or its type what it holds, as numpy's __setstate__ does.
func (p *pickle) build(v, state any) error {
	s, _ := state.(pyTuple)
	switch into := v.(type) {
	case *dtype:
		if len(s) >= 2 {
			switch order := s[1].(type) {
			case string:
				into.order = order
			case pyBytes:
				into.order = string(order)
			}
			if strings.Contains("|<>=", into.order) && len(into.order) == 1 {
				return nil
			}
		}
	case *ndarray:
		if err := into.set(s); err != nil {
			return p.fail("numpy array: %v", err)
		}
		return nil
	}
	return p.fail("the state of a %T, expected that of a numpy array", v)
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
func (a *ndarray) set(state pyTuple) error {
	if len(state) != 5 {
		return fmt.Errorf("a state of %d values, expected 5", len(state))
	}
	shape, ok := state[1].(pyTuple)
	d, also := state[2].(*dtype)
	columns, isBool := state[3].(bool)
	if n, isInt := state[3].(int64); isInt { // Python 2
		columns, isBool = n != 0, true
	}
	raw, isBytes := state[4].(pyBytes)
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
	case *pyList:
		for i, x := range v.items {
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
