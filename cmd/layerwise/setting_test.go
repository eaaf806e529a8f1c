package main

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/feed"
	"layerwise/llfc/train"
)

// setting is what the flags of train say.
func setting(t *testing.T, line string) llfc.Setting {
	t.Helper()
	c := newCommand(trainVerb, strings.Fields(line), io.Discard, io.Discard)
	read := settingFlags(c)
	if err := c.parse(0); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	s, _, err := read(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s
}

// Without other flags a setting is that of the preset.
func TestRecipes(t *testing.T) {
	for line, want := range map[string]llfc.Setting{
		"":                   llfc.MLPMNIST(),
		"--recipe rebasin":   llfc.MLPMNISTPermuted(),
		"--network resnet20": llfc.ResNetCIFAR(),
		"--network resnet50": llfc.ResNetTinyImageNet(),
		"--network vgg16-bn --head 4096,4096 --dropout 0.5": llfc.VGGCIFAR(),
		"--network resnet20-ln --width 32 --recipe rebasin": llfc.ResNetCIFARPermuted(2),
	} {
		s := setting(t, line)
		if s.Network.Architecture == "mlp" { // the preset leaves to the data what the name fills in
			s.Network.Input, s.Network.Classes = nil, 0
		}
		if s.Name, s.About, s.Source = want.Name, want.About, want.Source; !reflect.DeepEqual(s, want) {
			t.Errorf("train %s is\n%+v, expected\n%+v", line, s, want)
		}
	}
}

// A flag that is given holds, whatever recipe and scale say.
func TestFlagsOverRecipes(t *testing.T) {
	steps := func(factor float64, at ...int) train.Schedule {
		return train.Schedule{Name: "step", At: at, Factor: factor}
	}
	sgd := train.Optimiser{Name: "sgd", Rate: 0.1, Momentum: 0.9, WeightDecay: 1e-4}
	slow := sgd
	slow.Rate, slow.Momentum = 0.01, 0
	for line, want := range map[string]train.Config{
		"--scale cpu-hour":                 {Optimiser: sgd, Schedule: steps(0.1, 4, 6), Batch: 128, Epochs: 8, Augment: feed.CropFlip()},
		"--epochs 16":                      {Optimiser: sgd, Schedule: steps(0.1, 8, 12), Batch: 128, Epochs: 16, Augment: feed.CropFlip()},
		"--epochs 16 --step-at 15":         {Optimiser: sgd, Schedule: steps(0.1, 15), Batch: 128, Epochs: 16, Augment: feed.CropFlip()},
		"--step-factor 0.2 --augment none": {Optimiser: sgd, Schedule: steps(0.2, 80, 120), Batch: 128, Epochs: 160},
		"--scale quick --epochs 3 --batch 64 --rate 0.01 --momentum 0 --schedule constant --augment rebasin": {
			Optimiser: slow, Batch: 64, Epochs: 3, Augment: feed.ZoomFlipRotate()},
		"--recipe rebasin --epochs 50": {Optimiser: sgd, Schedule: train.Schedule{Name: "cosine", Warmup: 5}, Batch: 100, Epochs: 50, Augment: feed.ZoomFlipRotate()},
		"--schedule cosine --warmup 2": {Optimiser: sgd, Schedule: train.Schedule{Name: "cosine", Warmup: 2}, Batch: 128, Epochs: 160, Augment: feed.CropFlip()},
		"--precision bf16 --devices 2": {Optimiser: sgd, Schedule: steps(0.1, 80, 120), Batch: 128, Epochs: 160, Augment: feed.CropFlip(),
			Precision: "bf16", Devices: 2},
		"--precision float32 --devices 1 --epochs 160": {Optimiser: sgd, Schedule: steps(0.1, 80, 120), Batch: 128, Epochs: 160, Augment: feed.CropFlip()},
		"--optimiser adam --rate 0.001":                {Optimiser: train.Optimiser{Name: "adam", Rate: 0.001}, Schedule: steps(0.1, 80, 120), Batch: 128, Epochs: 160, Augment: feed.CropFlip()},
	} {
		if got := setting(t, "--network resnet20 "+line).Train; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, expected %+v", line, got, want)
		}
	}
	s := setting(t, "--network resnet20 --scale quick --train-samples 0 --unit --data digits --norm none --shortcut conv1 --init he")
	if n := s.Network; s.TrainSamples != 0 || !s.Unit || s.Data != "digits" || n.Norm != "" || n.Shortcut != "conv1" || n.Init != "he" || n.Depth != 20 {
		t.Errorf("%+v", s)
	}
}

// pictures writes a folder of pictures, whose classes differ in their colour: that of the k-th is the same under every name.
func pictures(t *testing.T, dir string, classes ...string) {
	t.Helper()
	for _, split := range []string{"train", "test"} {
		for k, class := range classes {
			in := filepath.Join(dir, split, class)
			if err := os.MkdirAll(in, 0o777); err != nil {
				t.Fatal(err)
			}
			for i := range 8 {
				p := image.NewRGBA(image.Rect(0, 0, 8, 8))
				for at := range 64 {
					p.Set(at%8, at/8, color.RGBA{uint8(75*k + i), uint8(50*k + at), 50, 255})
				}
				f, err := os.Create(filepath.Join(in, string(rune('a'+i))+".png"))
				if err != nil {
					t.Fatal(err)
				}
				if err := png.Encode(f, p); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// A folder of pictures trains a network with as many channels and classes as it has.
func TestImageFolder(t *testing.T) {
	dir := inside(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	at := filepath.Join("some where", "shades")
	pictures(t, at, "dark", "light")
	if err := os.Symlink(at, "link"); err != nil {
		t.Skip(err)
	}
	t.Setenv("LAYERWISE_DATA", filepath.Join(dir, "some where"))
	for _, name := range []string{"images:shades", "images:link", "images:" + filepath.Join(dir, "link")} {
		if text := ok(t, "data --get "+name); strings.Count(text, "16 × 8×8×3, 2 classes") != 2 {
			t.Errorf("data --get %s: %s", name, text)
		}
	}
	const common = "train --network resnet --depth 8 --width 2 --data images:shades --epochs 2 --batch 8 --backend go "
	ok(t, common+"--augment paper --out a")
	ok(t, common+"--augment none --seed 2 --out b")
	ok(t, strings.Replace(common, "images:shades", "images:"+filepath.Join(dir, "link"), 1)+"--seed 3 --out c")
	if n := checkpoint(t, "a").Network; n.Classes != 2 || !reflect.DeepEqual(n.Input, []int{8, 8, 3}) {
		t.Errorf("trained %s", n.JSON())
	}
	if status, _, errs := do(t, "measure a b --backend go --out ab"); status != misused || !strings.Contains(errs, "trained on images:shades; say where it is: --data images:PATH") {
		t.Errorf("measure without --data: status %d, %s", status, errs)
	}
	ok(t, "measure a b --backend go --data images:link --alphas 0.5 --out ab")
	exists(t, "ab/layers.csv")
	if err := os.WriteFile(filepath.Join("link", "test", "dark", "a.png"), []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{common + "--out d", "measure a b --backend go --data images:link --out ab", "data --get images:link"} {
		if status, _, errs := do(t, line); status == success || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "test/dark/a.png") {
			t.Errorf("layerwise %s: status %d, %s", line, status, errs)
		}
	}
}
