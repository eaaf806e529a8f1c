package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
)

// several runs a test on XLA's virtual devices, where its plugin is installed.
func several(t *testing.T, devices int, test func(t *testing.T, b bench)) {
	each(t, func(t *testing.T, b bench) {
		if b.NumDevices() < devices {
			t.Skipf("%s has %d devices", b.Name(), b.NumDevices())
		}
		test(t, b)
	})
}

// over is a config shared by devices.
func over(devices int, c Config) Config {
	c.Devices = devices
	return c
}

// farthest is the largest difference between two sets of weights, and the largest weight.
func farthest(a, b network.Params) (difference, weight float64) {
	for i, t := range a {
		for j, v := range t.Data {
			difference = max(difference, math.Abs(float64(v)-float64(b[i].Data[j])))
			weight = max(weight, math.Abs(float64(v)))
		}
	}
	return difference, weight
}

// Without batch norm and dropout n devices train the network of one. The bound is rounding: the gradients are sums in another order, 35 steps
// long. The run of another batch order shows what the bound must tell apart.
func TestDevicesAgree(t *testing.T) {
	several(t, 4, func(t *testing.T, b bench) {
		for _, spec := range []network.Spec{{Architecture: "mlp", Widths: []int{16, 16}}, {Architecture: "lenet"}} {
			c, devices := sgd(), []int{2, 4}
			if spec.Architecture == "lenet" {
				devices = devices[:1]
			}
			f, theta, d := task(t, b, spec)
			one := run(t, f, d, c, mustStart(t, f, theta, c), c.Steps(d.Len()))
			for _, n := range devices {
				several := run(t, f, d, over(n, c), mustStart(t, f, theta, c), c.Steps(d.Len()))
				gap, weight := farthest(one.Tensors(), several.Tensors())
				t.Logf("%s, %d devices: largest difference %.2g, largest weight %.2g", spec.Architecture, n, gap, weight)
				if gap > 1e-5 {
					t.Errorf("%s: %d devices differ from one by %g", spec.Architecture, n, gap)
				}
			}
			c.Streams[0].Order++
			other := run(t, f, d, c, mustStart(t, f, theta, c), c.Steps(d.Len()))
			if gap, _ := farthest(one.Theta, other.Theta); gap < 1e-3 {
				t.Errorf("%s: another batch order differs by %g only; the comparison sees nothing", spec.Architecture, gap)
			}
		}
	})
}

// With dropout, augmentation and batch norm, in the loop and step by step: devices draw masks and crops of their own and learn; stopped and
// continued, the run gives the same bits; and all devices hold the same bits.
func TestDevices(t *testing.T) {
	several(t, 4, func(t *testing.T, b bench) {
		for _, spec := range []network.Spec{small, residual} {
			c := over(4, augmented(feed.Augment{Crop: 2, Flip: true}))
			f, theta, d := task(t, b, spec)
			tr, err := NewTrainer(f, d, c)
			if err != nil {
				t.Fatal(err)
			}
			_, _, zero := tr.plan(0, 1, 1, 0)
			_, _, one := tr.plan(0, 1, 1, 1)
			if zero[0] == one[0] || zero[1] == one[1] {
				t.Errorf("two devices draw from the seeds %v and %v", zero, one)
			}
			end := c.Steps(d.Len())
			whole, loss := losses(t, f, d, c, mustStart(t, f, theta, c))
			if len(loss) != 35 || loss[0] < 0.5 || loss[34] > loss[0]/2 {
				t.Errorf("%s: %d losses from %g to %g; it did not learn", spec.Architecture, len(loss), loss[0], loss[len(loss)-1])
			}
			s := mustStart(t, f, theta, c)
			for _, until := range []int{1, 9, end} {
				s = run(t, f, d, c, s, until)
			}
			if !s.Tensors().Equal(whole.Tensors()) {
				t.Errorf("%s: the resumed run differs from the whole one", spec.Architecture)
			}
			states := statesAfter(t, tr, mustStart(t, f, theta, c), 5)
			for device, state := range states {
				if !state.Equal(states[0]) {
					t.Errorf("%s: device %d holds another state than device 0", spec.Architecture, device)
				}
			}
			if len(states) != 4 || states[0].Equal(mustStart(t, f, theta, c).Tensors()) {
				t.Errorf("%s: %d states, after five steps that should have changed them", spec.Architecture, len(states))
			}
		}
	})
}

// statesAfter returns what each device holds after some steps.
func statesAfter(t *testing.T, tr *Trainer, s State, steps int) []network.Params {
	t.Helper()
	state, err := tr.upload(s)
	if err != nil {
		t.Fatal(err)
	}
	data, free, err := tr.spread()
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	for step := range steps {
		if state, _, _, err = tr.engine.steps(state, data, step, 1); err != nil {
			t.Fatal(err)
		}
	}
	defer network.Free(state...)
	layout := tr.layout()
	var out []network.Params
	for part := range slices.Chunk(state, len(layout)) {
		p, err := network.Download(part, layout)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// The running statistics follow the mean of what the devices see: the mean of the means is that of the batch, and the first step's running
// variance of the first norm is 0.9 + 0.1 of the mean of the shares' variances.
func TestStatisticsOfDevices(t *testing.T) {
	several(t, 2, func(t *testing.T, b bench) {
		c := over(2, sgd())
		f, theta, d := task(t, b, residual)
		s := run(t, f, d, c, mustStart(t, f, theta, c), 1)
		tr, err := NewTrainer(f, d, c)
		if err != nil {
			t.Fatal(err)
		}
		var mean, variance [4]float64
		for dev := range 2 {
			index, _, _ := tr.plan(0, 1, 1, dev)
			x, y, err := d.Read(index)
			if err != nil {
				t.Fatal(err)
			}
			in, err := network.Download([]*tensors.Tensor{x}, network.Params{{Name: "input", Dims: []int{c.Batch / 2, 12, 12, 1}}})
			network.Free(x, y)
			if err != nil {
				t.Fatal(err)
			}
			h, err := f.Features(theta, in[0], "conv1")
			if err != nil {
				t.Fatal(err)
			}
			for u := range 4 {
				n, sum, squares := 0.0, 0.0, 0.0
				for i := u; i < len(h.Data); i += 4 {
					v := float64(h.Data[i])
					n, sum, squares = n+1, sum+v, squares+v*v
				}
				mean[u] += sum / n / 2
				variance[u] += (squares - sum*sum/n) / (n - 1) / 2
			}
		}
		gotMean, _ := s.Theta.Get("conv1/bn/mean")
		gotVariance, _ := s.Theta.Get("conv1/bn/var")
		for u := range 4 {
			if want := 0.1 * mean[u]; math.Abs(float64(gotMean.Data[u])-want) > 1e-6 {
				t.Errorf("unit %d: the running mean is %g, expected %g", u, gotMean.Data[u], want)
			}
			if want := 0.9 + 0.1*variance[u]; math.Abs(float64(gotVariance.Data[u])-want) > 1e-6 {
				t.Errorf("unit %d: the running variance is %g, expected %g", u, gotVariance.Data[u], want)
			}
		}
	})
}

func TestTooManyDevices(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		f, _, d := task(t, b, small)
		c := over(b.NumDevices()+1, adam())
		c.Batch = c.Devices
		if _, err := NewTrainer(f, d, c); err == nil || !strings.Contains(err.Error(), "devices were asked for") {
			t.Errorf("%d devices of %d gave %v", c.Devices, b.NumDevices(), err)
		}
	})
}
