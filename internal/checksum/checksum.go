// Package checksum computes SHA-256 at full speed, even on a thread that ran AVX code before.
package checksum

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// block is how much is hashed before the registers are cleared again. A goroutine that was interrupted, or moved to another thread,
// is slow until then: a few milliseconds at most.
const block = 1 << 16

// SHA256 returns a new hash. The SHA instructions are SSE code, which runs 30 to 60 times slower while the upper halves of the
// AVX registers are in use, so they are cleared before every block.
func SHA256() hash.Hash { return &swift{sha256.New()} }

// Sum returns the SHA-256 of b.
func Sum(b []byte) (sum [sha256.Size]byte) {
	h := SHA256()
	h.Write(b)
	h.Sum(sum[:0])
	return sum
}

// Reader returns the SHA-256, in hexadecimal, and the length of what r holds.
func Reader(r io.Reader) (sum string, n int64, err error) {
	h := SHA256()
	n, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, make([]byte, block))
	return hex.EncodeToString(h.Sum(nil)), n, err
}

type swift struct{ hash.Hash }

func (s *swift) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(block, len(p))]
		clearUpper()
		m, err := s.Hash.Write(part)
		if n += m; err != nil {
			return n, err
		}
		p = p[len(part):]
	}
	return n, nil
}
