package backend

import (
	"os"
	"strings"

	"github.com/gomlx/compute"

	"layerwise/llfc/backend/plugin"
)

// Environment variables of [Tune].
const (
	tunablesEnv = "GLIBC_TUNABLES"
	tunedEnv    = "LAYERWISE_TUNED" // set by Tune when it starts the program again; set it yourself to keep Tune from doing so
	hugePages   = "glibc.malloc.hugetlb"
)

// Tune makes large buffers use huge pages (20 % on a convolutional network under XLA). glibc reads that setting only
// when a program starts, so Tune starts the program again in its place, once: same process, arguments and files. Call it
// first thing in main, with the name that will go to [Open]. It returns at once where it has nothing to do: on systems
// other than Linux, for the pure-Go backend, where GLIBC_TUNABLES already sets huge pages, where LAYERWISE_TUNED is set.
// Other settings in GLIBC_TUNABLES are kept. An error means that the program goes on untuned, and may be ignored.
func Tune(name string) error {
	tunables := os.Getenv(tunablesEnv)
	if os.Getenv(tunedEnv) != "" || strings.Contains(tunables, hugePages) || !willUseXLA(name) {
		return nil
	}
	return restart(tunedEnvironment(os.Environ(), tunables))
}

// willUseXLA says, without loading anything, whether Open(name) will try XLA.
func willUseXLA(name string) bool {
	if name == "" {
		name = os.Getenv(compute.ConfigEnvVar)
	}
	if !hasXLA || strings.HasPrefix(name, "go") {
		return false
	}
	if strings.HasPrefix(name, "xla:/") {
		return true
	}
	_, cpu := plugin.Find("cpu")
	_, cuda := plugin.Find("cuda")
	return cpu || cuda
}

// tunedEnvironment is env with huge pages added to the tunables and the mark that stops a second restart.
func tunedEnvironment(env []string, tunables string) []string {
	tuned := make([]string, 0, len(env)+2)
	for _, e := range env {
		if !strings.HasPrefix(e, tunablesEnv+"=") && !strings.HasPrefix(e, tunedEnv+"=") {
			tuned = append(tuned, e)
		}
	}
	if tunables != "" {
		tunables += ":"
	}
	return append(tuned, tunablesEnv+"="+tunables+hugePages+"=1", tunedEnv+"=1")
}
