package formats

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"layerwise/internal/safetensors"
)

// isSafetensors looks for the length of a header that lies in the file and begins an object.
func isSafetensors(r reader, head []byte) bool {
	if len(head) < 10 || head[8] != '{' {
		return false
	}
	n := binary.LittleEndian.Uint64(head)
	return n >= 2 && n <= safetensors.MaxHeader && int64(n) <= r.size-8
}

func (f *File) safetensors(r reader, _ string) error {
	length, err := r.bytes(0, 8, 8, "header length")
	if err != nil {
		return err
	}
	n := int64(min(binary.LittleEndian.Uint64(length), safetensors.MaxHeader+1))
	head, err := r.bytes(8, n, safetensors.MaxHeader, "header")
	if err != nil {
		return err
	}
	entries, meta, err := safetensors.ParseHeader(head)
	if err != nil {
		return fmt.Errorf("%s: header: %w", r.path, err)
	}
	if err := safetensors.Layout(entries, 8+n, r.size); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	for k, v := range meta {
		f.Meta[k] = v
	}
	for _, e := range entries {
		t := Tensor{Name: e.Name, DType: e.DType, Shape: []int{}, storage: &storage{name: r.path, size: e.End - e.Begin, r: r, at: 8 + n + e.Begin}}
		for _, d := range e.Shape {
			t.Shape = append(t.Shape, int(d))
		}
		f.Tensors = append(f.Tensors, t)
	}
	f.prefixes()
	return nil
}

const maxIndex = 64 << 20 // bytes

func isIndex(r reader, head []byte) bool {
	return strings.HasSuffix(r.path, ".json") && strings.HasPrefix(strings.TrimSpace(string(head)), "{")
}

// index reads a model that lies in several files, as Hugging Face's libraries write it: a JSON object whose weight_map says in which file
// beside it each tensor is.
func (f *File) index(r reader, key string) error {
	text, err := r.bytes(0, r.size, maxIndex, "an index")
	if err != nil {
		return err
	}
	var index struct {
		Weights map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	if len(index.Weights) == 0 {
		return fmt.Errorf("%s: no weight_map in it, so it is no index of a model in several files; name the file of the weights", r.path)
	}
	var files []string
	for _, name := range index.Weights {
		files = append(files, name)
	}
	slices.Sort(files)
	files = slices.Compact(files)
	found := map[string]bool{}
	var all []Tensor
	for _, name := range files {
		shard, err := f.beside(r.path, name)
		if err != nil {
			return err
		}
		part := &File{Path: shard.path, Meta: f.Meta, shard: true}
		err = part.parse(shard, key)
		f.closers = append(f.closers, part.closers...)
		if err != nil {
			return err
		}
		f.Format, f.Notes = part.Format, append(f.Notes, part.Notes...)
		for _, t := range part.Tensors {
			all = append(all, t)
			found[t.Name] = true
		}
	}
	for name, file := range index.Weights {
		if !found[name] {
			return fmt.Errorf("%s: the tensor %.80q is not in %s, where the index says", r.path, name, file)
		}
	}
	f.Tensors = all
	f.prefixes()
	f.Format += fmt.Sprintf(" in %d files", len(files))
	slices.Sort(f.Notes)
	f.Notes = slices.Compact(f.Notes)
	f.note("%s lists %d tensors in %d files", path.Base(r.path), len(index.Weights), len(files))
	return nil
}
