package memory

import (
	"runtime"
	"strings"
	"testing"
)

func TestRoom(t *testing.T) {
	if err := Room("a thing", 1, "take less"); err != nil {
		t.Error(err)
	}
	err := Room("a thing", 1e30, "take less")
	if runtime.GOOS == "linux" && (err == nil || !strings.HasPrefix(err.Error(), "a thing would take at least 8.88e+14 PiB of memory, and this machine has ") ||
		!strings.HasSuffix(err.Error(), " free; take less")) {
		t.Error(err)
	}
	for n, want := range map[float64]string{0: "0 bytes", 1023: "1.02e+03 bytes", 1 << 20: "1 MiB", 5e9: "4.66 GiB"} {
		if got := Size(n); got != want {
			t.Errorf("%g: %s, expected %s", n, got, want)
		}
	}
}
