// Package pickle reads Python's pickles as data. It never imports or runs anything: what a pickle asks for by name goes to [Rules], which make
// the few values that they know and refuse the rest.
package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// Values of a pickle: nil, bool, int64, Long, float64, string (of text), Bytes (of bytes, and of str in Python 2), Tuple, *List (of sets too),
// *Dict, and whatever Rules make.
type (
	Bytes []byte // in the memory of the pickle
	Long  []byte // an integer of more than 8 bytes, little-endian
	Tuple []any
	List  struct{ Items []any }
	Dict  struct{ Keys, Values []any }
	mark  struct{}
)

// Text is the text of a string or, as Python 2 wrote it, of bytes; "" and false for anything else.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Bytes:
		return string(v), true
	}
	return "", false
}

// Get returns the value of a key that is text; nil if there is none. Of two the last counts, as in Python.
func (d *Dict) Get(key string) any {
	for i := len(d.Keys) - 1; i >= 0; i-- {
		if text, ok := Text(d.Keys[i]); ok && text == key {
			return d.Values[i]
		}
	}
	return nil
}

// Rules say what stands for the names, calls and states of a pickle. An error refuses the pickle.
type Rules interface {
	Global(module, name string) (any, error) // GLOBAL: what is pushed for a name
	Call(f any, args Tuple) (any, error)     // REDUCE: what Python would get from calling f, which Global returned
	New(class any, args Tuple) (any, error)  // NEWOBJ: an empty object of a class
	Build(v, state any) error                // BUILD: the state of what Call or New returned
	Persistent(id any) (any, error)          // BINPERSID: something that lies outside of the pickle
}

// Error says where a pickle is not what it should be.
type Error struct {
	Offset  int // of the instruction
	Problem string
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Problem) }

// maxObjects bounds what a pickle can build: CIFAR-100 has 150,000 labels and names, a checkpoint a few values for each tensor.
const maxObjects = 4 << 20

// Load reads the pickle of protocol 2 to highest at the beginning of b (pickletools.dis shows what is in one), and returns how many bytes it has.
// It allocates in proportion to these.
func Load(b []byte, highest byte, rules Rules) (v any, size int, err error) {
	p := &machine{b: b, rules: rules, memo: map[uint32]any{}}
	if len(b) < 2 || b[0] != 0x80 || b[1] < 2 || b[1] > highest {
		return nil, 0, p.fail("it begins %.8q, expected a pickle of protocol 2 to %d (pickle.dump(..., protocol=%d) writes one)", b[:min(8, len(b))], highest, highest)
	}
	for {
		v, done, err := p.step()
		if err != nil {
			return nil, 0, err
		}
		if done {
			return v, p.at, nil
		}
	}
}

type machine struct {
	rules   Rules
	b       []byte
	at      int // of the next byte
	op      int // where the present instruction began
	objects int
	stack   []any
	memo    map[uint32]any
}

func (p *machine) fail(format string, a ...any) error { return &Error{p.op, fmt.Sprintf(format, a...)} }

// refuse gives an error of the rules its place.
func (p *machine) refuse(err error) error {
	if at := (*Error)(nil); err == nil || errors.As(err, &at) {
		return err
	}
	return p.fail("%v", err)
}

// take returns the next n bytes.
func (p *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(p.b)-p.at) {
		return nil, p.fail("%d bytes are announced, %d are left: the file is cut or its lengths are wrong", n, len(p.b)-p.at)
	}
	b := p.b[p.at : p.at+int(n) : p.at+int(n)]
	p.at += int(n)
	return b, nil
}

// uint reads a little-endian number of size bytes.
func (p *machine) uint(size uint64) (uint64, error) {
	b, err := p.take(size)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// sized reads a length, which is itself of size bytes, and returns that many bytes.
func (p *machine) sized(size uint64) ([]byte, error) {
	n, err := p.uint(size)
	if err != nil {
		return nil, err
	}
	return p.take(n)
}

func (p *machine) line() (string, error) {
	for i, c := range p.b[p.at:min(len(p.b), p.at+256)] {
		if c == '\n' {
			s := string(p.b[p.at : p.at+i])
			p.at += i + 1
			return s, nil
		}
	}
	return "", p.fail("no end of a name within 256 bytes")
}

func (p *machine) push(v any) error {
	if p.objects++; p.objects > maxObjects {
		return p.fail("more than %d objects, which no data here has", maxObjects)
	}
	p.stack = append(p.stack, v)
	return nil
}

// pop removes n values, none of them a mark.
func (p *machine) pop(n int) ([]any, error) {
	if len(p.stack) < n {
		return nil, p.fail("%d values are due, %d are on the stack", n, len(p.stack))
	}
	at := len(p.stack) - n
	top := append([]any(nil), p.stack[at:]...)
	for _, v := range top {
		if _, ok := v.(mark); ok {
			return nil, p.fail("a value is due, a mark is on the stack")
		}
	}
	p.stack = p.stack[:at]
	return top, nil
}

// popMark removes all values above the last mark, and the mark.
func (p *machine) popMark() ([]any, error) {
	for at := len(p.stack) - 1; at >= 0; at-- {
		if _, ok := p.stack[at].(mark); ok {
			top := append([]any(nil), p.stack[at+1:]...)
			p.stack = p.stack[:at]
			return top, nil
		}
	}
	return nil, p.fail("a mark is due, none is on the stack")
}

// top is the value that the next is put into.
func (p *machine) top() any {
	if len(p.stack) == 0 {
		return nil
	}
	return p.stack[len(p.stack)-1]
}

// step carries out one instruction; done says that v is the result. Errors never print a value: those of a pickle can be
// nested so that their text would not end.
func (p *machine) step() (v any, done bool, err error) {
	p.op = p.at
	code, err := p.take(1)
	if err != nil {
		return nil, false, p.fail("the pickle ends without its STOP: it is cut")
	}
	switch c := code[0]; c {
	case '.': // STOP
		top, err := p.pop(1)
		if err != nil {
			return nil, false, err
		}
		return top[0], true, nil
	case 0x80: // PROTO
		_, err = p.take(1)
	case 0x95: // FRAME
		_, err = p.take(8)
	case '1': // POP_MARK
		_, err = p.popMark()
	case '(': // MARK
		err = p.push(mark{})
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
	case 'U', 'C', 'T', 'B', 0x8e, 0x96: // SHORT_BINSTRING, SHORT_BINBYTES, BINSTRING, BINBYTES, BINBYTES8, BYTEARRAY8
		var b []byte
		if b, err = p.sized(map[byte]uint64{'U': 1, 'C': 1, 'T': 4, 'B': 4, 0x8e: 8, 0x96: 8}[c]); err == nil {
			err = p.push(Bytes(b))
		}
	case 'X', 0x8c, 0x8d: // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
		err = p.text(map[byte]uint64{'X': 4, 0x8c: 1, 0x8d: 8}[c])
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		err = p.push(&List{})
	case 0x91: // FROZENSET
		var items []any
		if items, err = p.popMark(); err == nil {
			err = p.push(&List{items})
		}
	case '}': // EMPTY_DICT
		err = p.push(&Dict{})
	case ')': // EMPTY_TUPLE
		err = p.push(Tuple{})
	case 'a', 'e', 's', 'u', 0x90: // APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS
		err = p.add(c)
	case 't', 0x85, 0x86, 0x87: // TUPLE, TUPLE1 to 3
		var items []any
		if c == 't' {
			items, err = p.popMark()
		} else {
			items, err = p.pop(int(c) - 0x84)
		}
		if err == nil {
			err = p.push(Tuple(items))
		}
	case 'q', 'r', 0x94, 'h', 'j': // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
		err = p.remember(c)
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		err = p.global(c)
	case 'R': // REDUCE
		var of []any
		if of, err = p.pop(2); err == nil {
			err = p.call(p.rules.Call, of[0], of[1])
		}
	case 0x81: // NEWOBJ
		var of []any
		if of, err = p.pop(2); err == nil {
			err = p.call(p.rules.New, of[0], of[1])
		}
	case 'Q': // BINPERSID
		var id []any
		if id, err = p.pop(1); err == nil {
			var v any
			if v, err = p.rules.Persistent(id[0]); err == nil {
				err = p.push(v)
			} else {
				err = p.refuse(err)
			}
		}
	case 'b': // BUILD
		var state []any
		if state, err = p.pop(1); err == nil {
			err = p.refuse(p.rules.Build(p.top(), state[0]))
		}
	default:
		err = p.fail("instruction %#02x (%q), which data does not need; nothing is executed", c, c)
	}
	return nil, false, err
}

func (p *machine) integer(c byte) error {
	size := map[byte]uint64{'J': 4, 'K': 1, 'M': 2}[c]
	if c == 0x8a {
		var err error
		if size, err = p.uint(1); err != nil {
			return err
		}
		if size > 8 {
			b, err := p.take(size)
			if err != nil {
				return err
			}
			return p.push(Long(b))
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

func (p *machine) text(size uint64) error {
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
func (p *machine) add(c byte) (err error) {
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
	case *List:
		if c == 'a' || c == 'e' || c == 0x90 {
			into.Items = append(into.Items, items...)
			return nil
		}
	case *Dict:
		if (c == 's' || c == 'u') && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				into.Keys, into.Values = append(into.Keys, items[i]), append(into.Values, items[i+1])
			}
			return nil
		}
	}
	return p.fail("%d values for a %T, expected a list, or a dict and pairs", len(items), p.top())
}

func (p *machine) remember(c byte) error {
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
		return p.fail("more than %d objects, which no data here has", maxObjects)
	}
	p.memo[uint32(index)] = p.top()
	return nil
}

// global reads a name and asks the rules for what stands for it.
func (p *machine) global(c byte) error {
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
	v, err := p.rules.Global(module, name)
	if err != nil {
		return p.refuse(err)
	}
	return p.push(v)
}

// call pushes what the rules make of f and its arguments.
func (p *machine) call(do func(any, Tuple) (any, error), f, args any) error {
	a, ok := args.(Tuple)
	if !ok {
		return p.fail("arguments of %T, expected a tuple", args)
	}
	v, err := do(f, a)
	if err != nil {
		return p.refuse(err)
	}
	return p.push(v)
}
