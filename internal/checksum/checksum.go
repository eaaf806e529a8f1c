// Package checksum is SHA-256 at the speed of the processor, whatever ran on the thread before.
package checksum

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// block bounds how long a Write may run before the registers are looked after again: a goroutine can be moved to another thread.
const block = 1 << 20

// SHA256 returns a new hash. The SHA instructions are of the SSE kind, and 30 to 60 times slower on a thread where AVX code has
// left the upper halves of its registers in use, so they are cleared before every block.
func SHA256() hash.Hash { return &swift{sha256.New()} }

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
