package network

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"io"
	"strconv"
)

// maxRank is numpy's limit.
const maxRank = 64

// entry is one tensor as the header of a safetensors file tells it; offsets count bytes from the start of the data.
type entry struct {
	name, dtype string
	shape       []int64
	begin, end  int64
	kind        dtype // of dtype, once the layout has been checked
}

// parseHeader reads the JSON of a safetensors header. jsontext refuses repeated names and invalid UTF-8.
func parseHeader(head []byte) (entries []entry, meta map[string]string, err error) {
	if head[0] != '{' {
		return nil, nil, fmt.Errorf("begins with %q at offset 8, expected {", head[0])
	}
	d := headerReader{jsontext.NewDecoder(bytes.NewReader(head))}
	meta = map[string]string{}
	err = d.object(func(name string) error {
		if name == metadataKey {
			return d.object(func(key string) error {
				v, err := d.text()
				if err != nil {
					return fmt.Errorf("metadata entry %.80q: %w", key, err)
				}
				meta[key] = v
				return nil
			})
		}
		e, err := d.entry(name)
		if err != nil {
			return fmt.Errorf("tensor %.80q: %w", name, err)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF { // spaces may pad the header, nothing else
		return nil, nil, fmt.Errorf("more than one JSON value, the second before offset %d", 8+d.InputOffset())
	}
	return entries, meta, nil
}

type headerReader struct{ *jsontext.Decoder }

// entry reads the description of one tensor: dtype, shape and data_offsets, each once, in any order.
func (d headerReader) entry(name string) (entry, error) {
	e := entry{name: name}
	fields := 0
	err := d.object(func(field string) (err error) {
		fields++
		switch field {
		case "dtype":
			e.dtype, err = d.text()
		case "shape":
			e.shape, err = d.integers()
		case "data_offsets":
			var o []int64
			if o, err = d.integers(); err == nil && len(o) != 2 {
				err = fmt.Errorf("%d numbers, expected 2", len(o))
			} else if err == nil {
				e.begin, e.end = o[0], o[1]
			}
		default:
			err = fmt.Errorf("unknown field, expected dtype, shape and data_offsets")
		}
		if err != nil {
			return fmt.Errorf("%.80q: %w", field, err)
		}
		return nil
	})
	if err == nil && fields != 3 { // names do not repeat and no other is known
		err = fmt.Errorf("%d fields, expected dtype, shape and data_offsets", fields)
	}
	return e, err
}

// object reads an object, calling member after each name, to read the value.
func (d headerReader) object(member func(name string) error) error {
	if _, err := d.token('{', "an object"); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.text()
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := d.token('}', "the end of an object")
	return err
}

func (d headerReader) text() (string, error) {
	t, err := d.token('"', "a string")
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// integers reads an array of integers from 0 to 2⁶³−1. Other numbers, -0, 1.0 and 1e3 among them, are errors.
func (d headerReader) integers() ([]int64, error) {
	if _, err := d.token('[', "an array"); err != nil {
		return nil, err
	}
	var out []int64
	for d.PeekKind() != ']' {
		t, err := d.token('0', "a number")
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(t.String(), 10, 64)
		if err != nil || n < 0 || t.String()[0] == '-' {
			return nil, fmt.Errorf("%.40s before offset %d, expected an integer from 0 to 2^63-1", t.String(), 8+d.InputOffset())
		}
		if out = append(out, n); len(out) > maxRank {
			return nil, fmt.Errorf("more than %d numbers before offset %d", maxRank, 8+d.InputOffset())
		}
	}
	_, err := d.token(']', "the end of an array")
	return out, err
}

func (d headerReader) token(want jsontext.Kind, words string) (jsontext.Token, error) {
	t, err := d.ReadToken()
	if err != nil {
		return t, fmt.Errorf("at offset %d: %w", 8+d.InputOffset(), err)
	}
	if t.Kind() != want {
		return t, fmt.Errorf("found %.40s before offset %d, expected %s", t.String(), 8+d.InputOffset(), words)
	}
	return t, nil
}
