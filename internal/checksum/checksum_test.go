package checksum

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
)

func TestSameAsTheLibrary(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, block - 1, block, block + 1, 3*block + 7} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i * 7)
		}
		want := fmt.Sprintf("%x", sha256.Sum256(b))
		h := SHA256()
		if m, err := h.Write(b); m != n || err != nil {
			t.Errorf("%d bytes: wrote %d, %v", n, m, err)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
			t.Errorf("%d bytes: %s, expected %s", n, got, want)
		}
		if got := fmt.Sprintf("%x", Sum(b)); got != want {
			t.Errorf("%d bytes at once: %s, expected %s", n, got, want)
		}
		if got, m, err := Reader(bytes.NewReader(b)); got != want || m != int64(n) || err != nil {
			t.Errorf("%d bytes read: %s of %d, %v", n, got, m, err)
		}
	}
}

func BenchmarkSHA256(b *testing.B) {
	buf := make([]byte, 8*block)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		SHA256().Write(buf)
	}
}
