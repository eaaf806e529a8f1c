package network

import (
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
)

// What lies on the device is compared with what was sent: each bit counts, and so does the place of each value.
func TestArrived(t *testing.T) {
	f := must[*Model](t)(Compile(backends(t)["go"], must[Network](t)(New(Spec{Architecture: "mlp", Input: []int{4, 4, 1}, Classes: 3, Widths: []int{5}, Init: "torch"}))))
	theta := must[Params](t)(f.Init(1))
	theta[1].Data[2] = 0.25
	for name, damage := range map[string]func(v []float32){
		"a lowest bit":         func(v []float32) { v[2] = 0.25000003 },
		"a sign of zero":       func(v []float32) { v[0] = -v[0] },
		"values change places": func(v []float32) { v[2], v[3] = v[3], v[2] },
	} {
		device := must[[]*tensors.Tensor](t)(f.Upload(theta))
		if err := f.arrived(theta, device); err != nil {
			t.Fatal(err)
		}
		if err := tensors.MutableFlatData(device[1], damage); err != nil {
			t.Fatal(err)
		}
		if err := f.arrived(theta, device); err == nil || !strings.Contains(err.Error(), `"`+theta[1].Name+`"`) {
			t.Errorf("%s: %v", name, err)
		}
		Free(device...)
	}
}

// Weights of another network of the same shapes are found.
func TestArrivedOtherNetwork(t *testing.T) {
	f := must[*Model](t)(Compile(backends(t)["go"], must[Network](t)(New(Spec{Architecture: "mlp", Input: []int{4, 4, 1}, Classes: 3, Widths: []int{5}, Init: "torch"}))))
	a, b := must[Params](t)(f.Init(1)), must[Params](t)(f.Init(2))
	device := must[[]*tensors.Tensor](t)(f.Upload(a))
	defer Free(device...)
	if err := f.arrived(b, device); err == nil || !strings.Contains(err.Error(), "did not arrive") {
		t.Error(err)
	}
}
