package match

import (
	"runtime"
	"strings"
	"testing"

	"layerwise/llfc/network"
)

// A search that the machine cannot hold is refused before it begins.
func TestRoom(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much memory is free is not known here")
	}
	s, a := drawn(t, mlpSpec(20, 30), 1)
	if _, err := Weights(t.Context(), s, a, a, Config{Restarts: 1 << 50}); err == nil || !strings.Contains(err.Error(), "match: the record of 1125899906842624 further searches would take at least 36 PiB") {
		t.Error(err)
	}
	wide := matcher{groups: []*group{{Group: network.Group{Size: 1 << 24}, terms: make([]*term, 2)}, {Group: network.Group{Size: 3}}}}
	if err := wide.room(0); err == nil || !strings.Contains(err.Error(), "matching groups of up to 16777216 units would take at least 2 PiB") {
		t.Error(err)
	}
}
