package main

import (
	"errors"
	"io/fs"

	"layerwise/llfc/formats"
)

// keyFlag declares the flag that chooses among the dictionaries of a PyTorch checkpoint.
func (c *command) keyFlag() *string {
	return c.String("key", "", "of a PyTorch checkpoint with several dictionaries: read what stands under this `key`, such as ema")
}

// weights opens a file of anybody's that the caller named.
func (c *command) weights(path, key string) (*formats.File, error) {
	f, err := formats.Open(path, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.wrong("there is no file %s: %w", path, err)
	}
	return f, err
}
