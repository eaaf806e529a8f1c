package network

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"layerwise/internal/checksum"
	"layerwise/internal/safetensors"
)

// Two metadata entries guard a file. One names the algorithm, the other has that name and holds the digest in hexadecimal: each tells that
// the other belongs there, so that damage to either is seen.
const (
	checksumKey  = "checksum"
	contentSHA   = "content-sha256" // of what the file says, in whatever order it says it: what Save writes
	layoutSHA    = "sha256"         // of the bytes as Encode lays them out, without this entry: files written before there was the other
	digestLength = 64
)

// digest follows the tensors of a file as they are read or written.
type digest struct {
	algorithm string
	whole     hash.Hash // of the header and all data; of layoutSHA only
	parts     []digestPart
}

type digestPart struct {
	safetensors.Entry
	data hash.Hash
}

// newDigest begins a digest of a file with these tensors, which lie in this order, and this metadata.
func newDigest(algorithm string, theta Params, meta map[string]string) *digest {
	d := &digest{algorithm: algorithm}
	if algorithm == layoutSHA {
		d.whole = checksum.SHA256()
		d.whole.Write(header(theta, unsigned(meta)))
	}
	return d
}

// unsigned is the metadata without the digests.
func unsigned(meta map[string]string) map[string]string {
	meta = maps.Clone(meta)
	delete(meta, contentSHA)
	delete(meta, layoutSHA)
	return meta
}

// tensor returns what must be written to with the data of the next tensor.
func (d *digest) tensor(e safetensors.Entry) io.Writer {
	switch d.algorithm {
	case layoutSHA:
		return d.whole
	case contentSHA:
		d.parts = append(d.parts, digestPart{e, checksum.SHA256()})
		return d.parts[len(d.parts)-1].data
	}
	return io.Discard
}

// sum is the digest in hexadecimal. That of the content is the SHA-256 of the metadata sorted by key, and of name, dtype, shape and the
// SHA-256 of the data of each tensor sorted by name; each text and number stands behind its length, so no two contents look alike.
func (d *digest) sum(meta map[string]string) string {
	if d.algorithm == layoutSHA {
		return hex.EncodeToString(d.whole.Sum(nil))
	}
	h := checksum.SHA256()
	number := func(n int) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) { number(len(s)); io.WriteString(h, s) }
	meta = unsigned(meta)
	number(len(meta))
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		text(k)
		text(meta[k])
	}
	slices.SortFunc(d.parts, func(a, b digestPart) int { return cmp.Compare(a.Name, b.Name) })
	number(len(d.parts))
	for _, p := range d.parts {
		text(p.Name)
		text(p.DType)
		number(len(p.Shape))
		for _, n := range p.Shape {
			number(int(n))
		}
		h.Write(p.data.Sum(nil))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// promised returns the algorithm and the digest that meta names, both "" if it is a foreign file's and has none.
func promised(meta map[string]string) (algorithm, digest string, err error) {
	algorithm, named := meta[checksumKey]
	_, content := meta[contentSHA]
	_, layout := meta[layoutSHA]
	if !named && !content && !layout {
		return "", "", nil
	}
	digest = meta[algorithm]
	sum, err := hex.DecodeString(digest)
	if algorithm != contentSHA && algorithm != layoutSHA || err != nil || len(digest) != digestLength || hex.EncodeToString(sum) != digest || content && layout {
		return "", "", fmt.Errorf("metadata has %s %.80q, and under that name %.80q; expected %q or %q, and 64 lower-case hex digits: the file is damaged, or of a newer version of this program",
			checksumKey, algorithm, digest, contentSHA, layoutSHA)
	}
	return algorithm, digest, nil
}

// check compares what was read with what the file promised.
func (d *digest) check(meta map[string]string, want string) error {
	got := d.sum(meta)
	if got == want {
		return nil
	}
	also := "changed it"
	if d.algorithm == layoutSHA {
		also = "changed it, or only its order,"
	}
	return fmt.Errorf("content has %s %s, its metadata says %s: the file is damaged, get it anew (if another program %s on purpose, have it drop the metadata entries %q and %q)",
		d.algorithm, got, want, also, checksumKey, d.algorithm)
}
