package network

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// named is a backend that nobody computes on.
type named struct{ compute.Backend }

func (named) Name() string { return "go" }

// Compiling takes no memory of the size that a backend needs: whoever opens one does that. In a process of its own, for other tests open one.
func TestCompileTakesNoRoom(t *testing.T) {
	if os.Getenv("NETWORK_TEST_ROOM") == "" {
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), "NETWORK_TEST_ROOM=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	must[*Model](t)(Compile(named{}, nets(t)["mlp"]))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys > 1<<30 {
		t.Errorf("the heap spans %d bytes after a network of a few hundred numbers", m.HeapSys)
	}
}

// An input without samples is an error, not a panic and not a result.
func TestInputWithoutSamples(t *testing.T) {
	n := nets(t)["mlp"]
	f := must[*Model](t)(Compile(named{}, n))
	for _, dims := range [][]int{nil, {0, 6, 6, 1}} {
		if _, err := f.Logits(must[Params](t)(n.Init(1)), Tensor{Dims: dims}); err == nil || !strings.Contains(err.Error(), "at least 1") {
			t.Errorf("shape %v: %v", dims, err)
		}
	}
}
