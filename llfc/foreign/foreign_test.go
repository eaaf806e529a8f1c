package foreign

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"layerwise/llfc/backend"
	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

func open(t *testing.T, name string) *formats.File {
	t.Helper()
	f, err := formats.Open(filepath.Join("testdata", name), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, _, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

func compiled(t *testing.T, b compute.Backend, s network.Spec) *network.Model {
	t.Helper()
	n, err := network.New(s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := network.Compile(b, n)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Networks that PyTorch saved compute here what they computed there.
func TestNetworksOfPyTorch(t *testing.T) {
	b := pureGo(t)
	for _, c := range []struct {
		file  string
		input []int
		want  string // of the spec
	}{
		{"mlp.pt", nil, `"architecture":"mlp","input":[8,8,1],"classes":10,"widths":[12,9]`},
		{"mlp-colour.pt", nil, `"input":[32,32,3]`},
		{"lenet.pt", nil, `"architecture":"lenet"`},
		{"vgg.pt", nil, `"architecture":"vgg","input":[32,32,3],"classes":10,"depth":11,"width":2,"norm":"batch"`},
		{"resnet.pt", nil, `"depth":20,"width":2,"norm":"batch","shortcut":"conv1"`},
		{"resnet.safetensors", nil, `"depth":20,"width":2,"norm":"batch","shortcut":"conv1"`},
		{"resnet-pad.pt", nil, `"depth":8,"width":4,"norm":"batch","shortcut":"pad"`},
		{"bottleneck.pt", []int{32, 32, 3}, `"architecture":"bottleneck","input":[32,32,3],"classes":10,"depth":26,"width":2,"norm":"batch","stem":"small"`},
	} {
		f := open(t, c.file)
		m, theta, err := Load(f, network.Spec{}, c.input)
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(m.Spec.JSON(), c.want) {
			t.Errorf("%s: %s, expected %s", c.file, m.Spec.JSON(), c.want)
		}
		model := compiled(t, b, m.Spec)
		reference := open(t, strings.TrimSuffix(c.file, filepath.Ext(c.file))+".npz")
		p, err := Verify(model, theta, reference)
		if err != nil || p.Samples != 3 || p.Error > 1e-5 || !slices.Equal(p.Values, []string{"logits"}) {
			t.Errorf("%s: %+v, %v", c.file, p, err)
		}
		// The control: two units of the first layer exchanged, but not in the next.
		wrong := theta.Clone()
		last := wrong[0].Dims[len(wrong[0].Dims)-1]
		for i := 0; i < len(wrong[0].Data); i += last {
			wrong[0].Data[i], wrong[0].Data[i+1] = wrong[0].Data[i+1], wrong[0].Data[i]
		}
		if _, err := Verify(model, wrong, reference); err == nil || !strings.Contains(err.Error(), `"logits" is the first value that differs`) {
			t.Errorf("%s, two units exchanged: %v", c.file, err)
		}
		if len(m.Left) > 0 && !strings.Contains(strings.Join(m.Left, " "), "num_batches_tracked") {
			t.Errorf("%s: left out %q", c.file, m.Left)
		}
	}
}

// A reference with values of inner layers names the first that differs.
func TestFirstDifferenceIsNamed(t *testing.T) {
	b := pureGo(t)
	f := open(t, "mlp.pt")
	m, theta, err := Load(f, network.Spec{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	model := compiled(t, b, m.Spec)
	reference := open(t, "mlp.npz")
	x, err := read(reference, "inputs", m.Spec.Input)
	if err != nil {
		t.Fatal(err)
	}
	values := network.Params{{Name: "inputs", Dims: x.Dims, Data: x.Data}}
	for from, to := range map[string]string{"fc1": "fc1", "fc2": "fc2", "logits": "logits"} {
		h, err := model.Features(theta, x, from)
		if err != nil {
			t.Fatal(err)
		}
		h.Name = to
		values = append(values, h)
	}
	path := filepath.Join(t.TempDir(), "reference.safetensors")
	if err := network.Save(path, values, nil); err != nil {
		t.Fatal(err)
	}
	full, err := formats.Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if p, err := Verify(model, theta, full); err != nil || !slices.Equal(p.Values, []string{"fc1", "fc2", "logits"}) || p.Error != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	wrong := theta.Clone()
	for i := range wrong {
		if wrong[i].Name == "fc2/b" {
			wrong[i].Data[0] += 1
		}
	}
	if _, err := Verify(model, wrong, full); err == nil || !strings.Contains(err.Error(), `"fc2" is the first`) {
		t.Errorf("%v", err)
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	vgg := network.Spec{Architecture: "vgg", Input: []int{32, 32, 3}, Classes: 10, Depth: 11, Width: 4, Norm: "batch", Init: "kaiming"}
	if _, err := FitTo(open(t, "vgg.pt"), vgg); err == nil || !strings.Contains(err.Error(), `needs [4 3 3 3]`) {
		t.Errorf("%v", err)
	}
	if _, err := FitTo(open(t, "mlp.pt"), vgg); err == nil || !strings.Contains(err.Error(), "no layer left") {
		t.Errorf("%v", err)
	}
	views, err := formats.Open(filepath.Join("..", "formats", "testdata", "views.pt"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer views.Close()
	if _, err := Fit(views, nil); err == nil || !strings.Contains(err.Error(), "no network of this program") {
		t.Errorf("%v", err)
	}
}
