package merge

import (
	"runtime"
	"strings"
	"testing"
)

func TestRoom(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much memory is free is not known here")
	}
	if err := room(11, 10000); err != nil {
		t.Error(err)
	}
	if err := room(1<<40, 10000); err == nil || !strings.Contains(err.Error(), "the statistics of θ_α at 1099511627776 α would take at least 195 PiB") {
		t.Error(err)
	}
}
