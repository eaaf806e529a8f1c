package llfc

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"layerwise/internal/atomicfile"
	"layerwise/internal/checksum"
)

// What follows from trained networks is kept in the run store too, under a name that is the hash of all it depends on: measurements in the
// folder measured, permutations in matched. Beside each file with the content, NAME.kept, lies NAME.json, which says what it is of.

// keptHead begins every such file; the SHA-256 of the rest follows it.
const keptHead = "layerwise kept 1\n"

// keep returns what build makes for a key, plain data: loaded from a folder of the run store if it was made before, else made now and kept. A file
// that is damaged, or of another key, is told of and made again.
func keep[T any](l *Lab, folder string, key any, build func() (T, error)) (T, error) {
	var none T
	about, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return none, err
	}
	sum := checksum.Sum(about)
	base := filepath.Join(l.Runs, folder, hex.EncodeToString(sum[:12]))
	v, err := readKept[T](base+".kept", string(about))
	switch {
	case err == nil:
		return v, nil
	case unreadable(err) && !errors.Is(err, fs.ErrNotExist):
		return none, err
	case !errors.Is(err, fs.ErrNotExist):
		l.say("%v; it is made again", err)
	}
	if v, err = build(); err != nil {
		return none, err
	}
	if err := os.MkdirAll(filepath.Dir(base), 0o777); err != nil {
		return none, err
	}
	var content bytes.Buffer
	e := gob.NewEncoder(&content)
	if err := errors.Join(e.Encode(string(about)), e.Encode(v)); err != nil {
		return none, fmt.Errorf("%s: %w", base, err)
	}
	digest := checksum.Sum(content.Bytes())
	err = errors.Join(
		atomicfile.Write(base+".json", func(w io.Writer) error { _, err := w.Write(append(about, '\n')); return err }),
		atomicfile.Write(base+".kept", func(w io.Writer) error {
			for _, part := range [][]byte{[]byte(keptHead), digest[:], content.Bytes()} {
				if _, err := w.Write(part); err != nil {
					return err
				}
			}
			return nil
		}))
	return v, err
}

// readKept reads what keep has written for a key.
func readKept[T any](path, about string) (v T, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return v, err
	}
	content, ok := bytes.CutPrefix(text, []byte(keptHead))
	if !ok || len(content) < sha256.Size {
		return v, fmt.Errorf("%s is damaged: it does not begin as it should", path)
	}
	digest, content := content[:sha256.Size], content[sha256.Size:]
	if sum := checksum.Sum(content); !bytes.Equal(sum[:], digest) {
		return v, fmt.Errorf("%s is damaged: its checksum is %.12x, expected %.12x", path, sum, digest)
	}
	d := gob.NewDecoder(bytes.NewReader(content))
	var was string
	if err := d.Decode(&was); err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	if was != about {
		return v, fmt.Errorf("%s is of something else", path)
	}
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}
