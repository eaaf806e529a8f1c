package backend_test

import (
	"fmt"

	"layerwise/llfc/backend"
)

// A backend that opens has passed the canary: it computes with the weights that it is given.
func ExampleOpen() {
	b, info, err := backend.Open("go")
	if err != nil {
		panic(err)
	}
	defer b.Finalize()
	fmt.Println(info.Name, info.Engine, info.Device)
	_, _, err = backend.Open("tpu")
	fmt.Println(err)
	// Output:
	// go:ops_sequential go cpu
	// backend: unknown backend "tpu": expected xla, xla:cpu, xla:cuda, xla:/path/to/plugin.so or go
}
