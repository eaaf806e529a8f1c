package formats

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"layerwise/internal/pickle"
	"layerwise/internal/safetensors"
)

func size(dtype string) int64 { return int64(safetensors.Bits(dtype) / 8) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// wrappers are the keys under which checkpoints keep their weights, the likelier first.
var wrappers = []string{"state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "module", "weights",
	"params_ema", "model_ema", "ema_state_dict", "state_dict_ema", "ema", "teacher", "student"}

// stateDict finds the weights in what was unpickled.
func (f *File) stateDict(root any, key string) error {
	if key != "" {
		for _, part := range strings.Split(key, ".") {
			d := members(root)
			v := any(nil)
			if d != nil {
				v = d.Get(part)
			}
			if v == nil {
				return fmt.Errorf("%s: there is no %q in it; the keys are %.300q", f.Path, key, keys(d))
			}
			root = v
		}
		f.note("read is what stands under %q", key)
	}
	visited := 0
	for range 4 { // {"model": {"state_dict": …}}
		d, ok := root.(*pickle.Dict)
		if !ok {
			break
		}
		within := map[string]int{} // tensors under each key
		direct := 0
		for i, k := range d.Keys {
			name, _ := pickle.Text(k)
			if _, ok := d.Values[i].(*Tensor); ok {
				direct++
				continue
			}
			w := walker{visited: visited}
			if err := w.walk(name, d.Values[i], 0); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			if visited = w.visited; len(w.found) > 0 {
				within[name] = len(w.found)
			}
		}
		i := slices.IndexFunc(wrappers, func(w string) bool { return within[w] > 0 })
		if i < 0 || direct > 0 {
			break
		}
		chosen := wrappers[i]
		if key == "" {
			f.note("the weights stand under %q", chosen)
			for _, name := range sorted(within) {
				if name != chosen && !optimiser(name) {
					f.note("left out: %d tensors under %.80q, which a key of that name chooses", within[name], name)
				} else if name != chosen {
					f.note("left out: %d tensors of the optimiser under %.80q", within[name], name)
				}
			}
		}
		root = d.Get(chosen)
	}
	w := walker{}
	left := map[string]int{}
	if d, ok := root.(*pickle.Dict); ok {
		for i, k := range d.Keys {
			name := keyText(k)
			before := len(w.found)
			if err := w.walk(name, d.Values[i], 0); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			if _, ok := d.Values[i].(*Tensor); !ok && optimiser(name) {
				left[name] += len(w.found) - before
				w.found = w.found[:before]
			}
		}
	} else if err := w.walk("", root, 0); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	for _, name := range sorted(left) {
		if left[name] > 0 {
			f.note("left out: %d tensors of the optimiser under %.80q", left[name], name)
		}
	}
	f.Tensors = w.found
	if len(f.Tensors) == 0 {
		return fmt.Errorf("%s: no tensors in it; the keys are %.300q", f.Path, keys(members(root)))
	}
	f.prefixes()
	return nil
}

// optimiser reports whether a key is that of what training needs beside the weights.
func optimiser(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"optim", "scheduler", "scaler", "rng_state", "callbacks", "loops"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// members are the entries of a dictionary or the attributes of an object; nil for anything else.
func members(v any) *pickle.Dict {
	switch v := v.(type) {
	case *pickle.Dict:
		return v
	case *object:
		d, _ := v.state.(*pickle.Dict)
		return d
	}
	return nil
}

func keys(d *pickle.Dict) (out []string) {
	if d == nil {
		return nil
	}
	for _, k := range d.Keys {
		out = append(out, fmt.Sprintf("%.60s", keyText(k)))
		if len(out) == 20 {
			break
		}
	}
	return out
}

func keyText(k any) string {
	switch k := k.(type) {
	case int64:
		return strconv.FormatInt(k, 10)
	case bool:
		return strconv.FormatBool(k)
	}
	text, _ := pickle.Text(k)
	return text
}

// walker collects tensors with the path to each as its name, "layer1.0.weight".
type walker struct {
	found   []Tensor
	visited int
	letters int // of all names
}

const (
	maxVisits  = 2 << 20  // of values: lists that hold each other would have no end
	maxLetters = 64 << 20 // of names, which grow with the depth
)

func (w *walker) walk(name string, v any, depth int) error {
	if w.visited++; w.visited > maxVisits || depth > 100 {
		return fmt.Errorf("values nested without end")
	}
	if len(name) > maxName {
		return fmt.Errorf("a tensor's name of more than %d bytes", maxName)
	}
	inner := func(key string) string {
		if name == "" {
			return key
		}
		return name + "." + key
	}
	switch v := v.(type) {
	case *Tensor:
		if w.letters += len(name); len(w.found) == maxTensors || w.letters > maxLetters {
			return fmt.Errorf("more than %d tensors, or %d letters of names", maxTensors, maxLetters)
		}
		t := *v
		if t.Name = name; name == "" {
			t.Name = "tensor"
		}
		w.found = append(w.found, t)
	case pickle.Tuple:
		return w.list(inner, v, depth)
	case *pickle.List:
		return w.list(inner, v.Items, depth)
	default:
		d := members(v)
		if d == nil {
			return nil
		}
		_, isModule := v.(*object)
		for i, k := range d.Keys {
			key := keyText(k)
			to := inner(key)
			if isModule && (key == "_parameters" || key == "_buffers" || key == "_modules") { // of a module that was pickled whole
				to = name
			}
			if err := w.walk(to, d.Values[i], depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) list(inner func(string) string, items []any, depth int) error {
	for i, item := range items {
		if err := w.walk(inner(strconv.Itoa(i)), item, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// whole are prefixes that wrappers of a model put before every name; within stand in the middle of names too.
var (
	whole  = []string{"module.", "_orig_mod.", "model.", "_fsdp_wrapped_module."}
	within = []string{"._orig_mod.", "._fsdp_wrapped_module.", "._checkpoint_wrapped_module."}
)

// prefixes removes what data parallelism, compilation and Lightning put before names.
func (f *File) prefixes() {
	if f.shard {
		return
	}
	all := func(prefix string) bool {
		return len(f.Tensors) > 0 && !slices.ContainsFunc(f.Tensors, func(t Tensor) bool { return len(t.Name) <= len(prefix) || !strings.HasPrefix(t.Name, prefix) })
	}
	for range 4 {
		for _, prefix := range whole {
			if all(prefix) {
				for i := range f.Tensors {
					f.Tensors[i].Name = f.Tensors[i].Name[len(prefix):]
				}
				f.note("removed before every name: %q", prefix)
			}
		}
	}
	for _, part := range within {
		n := 0
		for i := range f.Tensors {
			if t := &f.Tensors[i]; strings.Contains(t.Name, part) {
				t.Name = strings.ReplaceAll(t.Name, part, ".")
				n++
			}
		}
		if n > 0 {
			f.note("removed within %d names: %q", n, part[1:])
		}
	}
}
