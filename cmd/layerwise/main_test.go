package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"layerwise/llfc"
	"layerwise/llfc/network"
)

// asProgram makes this test binary the program itself: signals and restarts then are those of a real process.
const asProgram = "LAYERWISE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "":
	case deafVerb.name:
		os.Exit(status(deafVerb.obey(os.Args[1:], os.Stdout, os.Stderr), "", os.Stderr))
	default:
		main()
	}
	os.Exit(m.Run())
}

// program is the command line as a process of its own, in a folder.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), asProgram+"=1")
	return cmd
}

// inside makes an empty folder the working directory, with a run store of its own.
func inside(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("LAYERWISE_RUNS", filepath.Join(dir, "runs"))
	t.Setenv("GOMLX_BACKEND", "go")
	t.Setenv("LAYERWISE_TUNED", "1") // a test that starts itself again would begin anew
	return dir
}

// do runs one command line in this process.
func do(t *testing.T, line string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(strings.Fields(line), &out, &err)
	return status, out.String(), err.String()
}

// ok runs a command line that must succeed, and returns what it prints.
func ok(t *testing.T, line string) string {
	t.Helper()
	status, out, errs := do(t, line)
	if status != success {
		t.Fatalf("layerwise %s: status %d, %s", line, status, errs)
	}
	return out
}

// exists fails unless the file is there.
func exists(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestHelp(t *testing.T) {
	inside(t)
	all := ok(t, "--help")
	for _, v := range verbs() {
		if !strings.Contains(all, "layerwise "+v.name) {
			t.Errorf("layerwise --help says nothing of %s", v.name)
		}
		text := ok(t, v.name+" --help")
		if !strings.HasPrefix(text, "layerwise "+v.name+" ") || !strings.HasSuffix(text, "\nexample: "+v.example+"\n") ||
			!strings.HasPrefix(v.example, "layerwise "+v.name) || v.kept == "" {
			t.Errorf("help of %s:\n%s", v.name, text)
		}
		if again := ok(t, "help "+v.name); again != text {
			t.Errorf("help %s and %s --help differ", v.name, v.name)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("help has left %v, %v", entries, err)
	}
}

func TestVersion(t *testing.T) {
	if text := ok(t, "--version"); !strings.HasPrefix(text, "layerwise ") || !strings.Contains(text, "go1.") || !strings.Contains(text, "gomlx v") {
		t.Errorf("version %q", text)
	}
}

// small trains in a moment.
const small = "--network mlp --widths 16 --data digits --backend go"

// Misuse: status 2, one line that names the flag or the file and says what was expected, nothing on stdout, and nothing made.
func TestMisuse(t *testing.T) {
	inside(t)
	for name, options := range map[string]string{"a": "", "b": " --seed 2", "narrow": " --widths 8", "unit": " --unit"} {
		ok(t, "train "+small+" --epochs 1 --out "+name+options)
	}
	before, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	train, spawn, measure, match := "train "+small+" --out x ", "spawn "+small+" --epochs 2 --out-a x --out-b y ", "measure a b --backend go --out x ", "match a b --backend go --out x "
	for _, c := range []struct{ line, want string }{
		{"", "no verb"},
		{"tarin", `"tarin"; layerwise --help lists them`},
		{"train", "--out is missing; example: layerwise train"},
		{"train --out", "a value is missing after --out"},
		{train + "--epochs 0", `"0" for --epochs: expected a whole number of at least 1`},
		{train + "--epochs 1.5", "whole number"},
		{train + "--rate NaN", `"NaN" for --rate: expected a finite number greater than 0`},
		{train + "--rate Inf", "--rate"},
		{train + "--rate 0", "greater than 0"},
		{train + "--weight-decay NaN", "--weight-decay"},
		{train + "--warmup -1", "at least 0"},
		{train + "--warmup inf", "finite"},
		{train + "--dropout 1", "--dropout: expected a finite number of at least 0 and at most 0.999"},
		{train + "--train-samples -1", "--train-samples"},
		{train + "--batch 5000", "1437 samples"},
		{train + "--seed x", "--seed"},
		{train + "--optimiser lion", "expected one of adam, sgd"},
		{train + "--momentum 0.9", "adam has no momentum"},
		{train + "--init zero", `"zero" for --init: expected one of torch, lecun`},
		{train + "--recipe mine", `"mine" for --recipe: expected one of paper, rebasin`},
		{train + "--scale none", `"none" for --scale: expected one of smoke, quick, cpu-hour, paper`},
		{train + "--budget quick", `--budget: the flag is now --scale`},
		{spawn + "--budget quick", `--budget: the flag is now --scale`},
		{train + "--augment flip", `"flip" for --augment: expected one of none, paper, rebasin`},
		{train + "--precision fp8", `"fp8" for --precision: expected one of float32, bf16`},
		{train + "--optimiser sgd", "--optimiser sgd needs --rate"},
		{train + "--schedule step", "--step-at"},
		{train + "--step-at 5", "--schedule step"},
		{train + "--schedule step --step-at 2,5 --epochs 5", "--step-at 5 lies after the end, --epochs 5"},
		{train + "--schedule cosine --warmup 50 --epochs 3", "warm-up"},
		{train + "--data imagenet", `--data "imagenet": there is no such data set; known: digits`},
		{train + "--data images:", `--data "images:": there is no such data set`},
		{train + "--data images:gone.tar", `--data "images:gone.tar": no folder or archive gone.tar`},
		{train + "--network alexnet", `--network: unknown network "alexnet"; known: mlp, lenet, vgg, resnet`},
		{"train --network lenet --widths 5 --out x", `--widths 5: network "lenet": widths given, but the sizes of this architecture are fixed`},
		{train + "--depth 20", `--widths 16 --depth 20: network "mlp": depth is given, but this architecture has only: widths, dropout`},
		{"train --network resnet --depth 9 --out x", "--depth 9: network \"resnet\": depth 9; it must be 6n + 2"},
		{"train --network resnet --depth twenty --out x", `"twenty" for --depth: expected a whole number of at least 1`},
		{"train --network resnet --width 0 --out x", `"0" for --width: expected a whole number of at least 1`},
		{"train --network resnet --norm group --out x", `"group" for --norm: expected one of batch, layer, none`},
		{"train --network resnet --shortcut skip --out x", `--shortcut skip: network "resnet": shortcut "skip"; known: pad, conv1, conv3`},
		{"train --network resnet50 --stem big --out x", `--stem big: network "bottleneck": stem "big"; known: imagenet, small`},
		{"train --network resnet20 --head 64 --out x", `--head 64: network "resnet": head is given, but this architecture has only: depth`},
		{"train --network vgg16 --depth 12 --out x", "depth 12; known: 11, 13, 16, 19"},
		{"train --network vgg16 --head 4096,none --out x", `"none" in it: expected a whole number`},
		{"train --network vgg16 --width 1 --data digits --scale smoke --backend go --out x", "vgg"},
		{train + "--widths 16,,16", `"" in it: expected a whole number of at least 1`},
		{train + "--widths 9999999999999", "--widths"},
		{train + "--backend tpu", `--backend "tpu": expected xla`},
		{train + "--nope 1", "unknown flag --nope; layerwise train --help shows the flags"},
		{train + "extra", `1 arguments ["extra"], expected 0`},
		{train + "--out runs", "--out runs is not a file"},
		{train + "--out a/x", "--out a/x"},
		{spawn + "--spawn-epoch 3", "--spawn-epoch 3 lies after the end, --epochs 2"},
		{spawn + "--spawn-epoch NaN", "--spawn-epoch"},
		{spawn + "--other-seed 1", "--other-seed 1 is the seed of a too"},
		{spawn + "--out-b x", "--out-a x and --out-b x are the same file; give two"},
		{"match a --out x", "1 arguments"},
		{"match a gone --out x", "there is no file gone"},
		{"match --out x --backend go -- -a -b", "there is no file -a"}, // no flags behind --
		{"match a narrow --out x", "match: a and narrow: the two are different networks"},
		{"match a unit --out x", "normalise their input differently"},
		{match + "--method sorting", "expected one of weight, activation"},
		{match + "--mix 1.5", "--mix"},
		{match + "--steps -1", "--steps"},
		{match + "--samples -1", "--samples"},
		{match + "a", "3 arguments [\"a\" \"b\" \"a\"], expected 2; --universe or --merge-many brings more"},
		{match + "--mean m", "--mean is of --universe and --merge-many"},
		{match + "--universe --merge-many", "two methods; give one"},
		{match + "--universe --method weight", "--method is of two networks"},
		{match + "--universe --mean a", "--mean a is A, which stays as it is"},
		{match + "--universe a", "two of the networks are called a"},
		{match + "narrow --merge-many", "match: a and narrow: the two are different networks"},
		{"match a b --backend go --universe --out .", "--out a is A, which stays as it is"},
		{"match a --universe --out y", "1 arguments [\"a\"], expected two at least"},
		{match + "--restarts -1", "--restarts"},
		{match + "--out a", "--out a is A, which stays as it is"},
		{measure + "--also cca", "--also cca: unknown quantity; known: linear_cka"},
		{measure + "--alphas 2", `"2" for --alphas: expected a finite number of at least 0 and at most 1`},
		{measure + "--alphas 0,NaN", `"NaN" in it`},
		{measure + "--alphas half", "--alphas"},
		{measure + "--samples -1", "--samples"},
		{measure + "--batch -1", "--batch"},
		{measure + "--data nope", `--data "nope"`},
		{measure + "--policy best", `"best" for --policy: expected one of interpolate, reset, repair, rescale`},
		{measure + "--policy reset --folded", "--policy reset --folded: "},
		{measure + "--policy reset", "--policy reset: merge: reset: the network has no batch norm"},
		{measure + "--folded", "--policy interpolate --folded: "},
		{measure + "--policy-samples 5", "--policy-samples is for a policy that looks at training samples (reset, repair, rescale), not for --policy interpolate"},
		{measure + "--policy repair --policy-samples 1", `"1" for --policy-samples: expected a whole number of at least 2`},
		{measure + "--policy repair --policy-samples 200 --train-samples 100", "--policy repair --policy-samples 200: "},
		{measure + "--out a", "--out a is a file; name a folder"},
		{"measure a b", "--out is missing"},
		{"measure a narrow --out x", "different networks"},
		{"describe", "0 arguments"},
		{"describe alexnet", `"alexnet" is neither a file nor a network; known: mlp, lenet, vgg, resnet`},
		{"describe mlp --input 0", `"0" for --input: expected a whole number of at least 1`},
		{"describe mlp --widths -1", "--widths"},
		{"describe lenet --input 4,4,1", `layer "conv2"`},
		{"describe a --widths 5", "--widths is for the name of a network; the sizes of a are in the file"},
		{"describe a --classes 5", "--classes is for the name of a network"},
		{"describe resnet20 --classes 0", `"0" for --classes: expected a whole number of at least 1`},
		{"describe resnet20 --input 32,32", "--input 32,32: "},
		{"data --get nope", `--get "nope"`},
		{"data --get=", `--get ""`},
		{"reproduce --scale huge", "expected one of smoke, quick, cpu-hour, paper"},
		{"reproduce --scale smoke --out a", "--out a is a file"},
		{"reproduce --markdown gone", "gone"},
		{"reproduce --study convnets", "--study: the flag is now --subjects"},
		{"reproduce --nets=resnet20", "--nets: the flag is now --subjects"},
		{"reproduce --subjects alexnet", `--subjects: unknown subject "alexnet"; of scale quick: mlp, mlp-rebasin, mlp-cifar10, vgg16-bn, resnet20`},
		{"reproduce --subjects resnet20-ln-x1 --scale cpu-hour", `unknown subject "resnet20-ln-x1"; of scale cpu-hour: mlp`},
		{"reproduce --subjects ,", `--subjects "," names none`},
		{"doctor now", "1 arguments"},
	} {
		status, out, errs := do(t, c.line)
		last := errs[strings.LastIndex(strings.TrimSuffix(errs, "\n"), "\n")+1:]
		if status != misused || out != "" || !strings.HasPrefix(last, "layerwise: ") || !strings.Contains(last, c.want) || c.line != "" && last != errs {
			t.Errorf("layerwise %s: status %d, stdout %q, stderr %q; expected one line with %q", c.line, status, out, errs, c.want)
		}
	}
	after, err := os.ReadDir(".")
	if err != nil || len(after) != len(before) {
		t.Errorf("before %v, after %v, %v", before, after, err)
	}
}

// What is wrong with a file is a failure that names it.
func TestBadFiles(t *testing.T) {
	inside(t)
	ok(t, "train "+small+" --epochs 1 --out a")
	whole, err := os.ReadFile("a")
	if err != nil {
		t.Fatal(err)
	}
	// A safetensors file of another program: one scalar, no metadata.
	header := `{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`
	foreign := append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header+"\x00\x00\x80\x3f"...)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-5] ^= 1
	for name, content := range map[string][]byte{"foreign": foreign, "short": whole[:len(whole)/2], "flipped": flipped, "empty": nil} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"describe " + name, "match a " + name + " --out x", "measure " + name + " a --data digits --backend go --out x"} {
			status, out, errs := do(t, line)
			if status != failure || out != "" || !strings.Contains(errs, name) || strings.Count(errs, "\n") != 1 {
				t.Errorf("layerwise %s: status %d, stdout %q, stderr %q", line, status, out, errs)
			}
			if name == "foreign" && !strings.HasPrefix(line, "measure ") && !strings.Contains(errs, `no "network" in the metadata`) {
				t.Errorf("a foreign file: %s", errs)
			}
		}
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("x was made")
	}
}

// A file that another program has rewritten in its own order is the same file; what only bears the name of one is told for what it is.
func TestFilesOfOtherPrograms(t *testing.T) {
	inside(t)
	ok(t, "train "+small+" --epochs 1 --out a")
	c := checkpoint(t, "a")
	write := func(name string, head string, data []byte) {
		t.Helper()
		file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
		if err := os.WriteFile(name, append(file, data...), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var data []byte
	var tensors []string
	for _, p := range slices.Backward(c.Theta) {
		begin := len(data)
		for _, v := range p.Data {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		shape, err := json.Marshal(p.Dims)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, fmt.Sprintf(`%q: {"shape": %s, "data_offsets": [%d, %d], "dtype": "F32"}`, p.Name, shape, begin, len(data)))
	}
	meta, err := json.Marshal(c.Meta)
	if err != nil {
		t.Fatal(err)
	}
	head := "{" + strings.Join(tensors, ", ") + `, "__metadata__": ` + string(meta) + "}"
	write("reordered", head, data)
	if again := checkpoint(t, "reordered"); !again.Theta.Equal(c.Theta) {
		t.Error("other weights, in another order")
	}
	ok(t, "match a reordered --out m --backend go")
	data[5] ^= 1
	write("changed", head, data)
	for name, content := range map[string]string{
		"pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
		"page":    "<!DOCTYPE html>\n<html><head><title>404</title></head></html>",
	} {
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"changed": "the file is damaged", "pointer": "a Git LFS pointer", "page": "a web page"} {
		for _, line := range []string{"describe " + name, "measure a " + name + " --out x"} {
			status, out, errs := do(t, line)
			if status != failure || out != "" || !strings.Contains(errs, name) || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("layerwise %s: status %d, %s%s", line, status, out, errs)
			}
		}
	}
}

// Weights that cannot be computed with are a failure of every verb that reads them, also where they have no vote in a matching.
func TestBadWeights(t *testing.T) {
	inside(t)
	ok(t, "train --network resnet --depth 8 --width 2 --data digits --scale smoke --augment none --backend go --out a")
	c := checkpoint(t, "a")
	i := slices.IndexFunc(c.Theta, func(p network.Tensor) bool { return p.Name == "layer2.0/conv1/bn/var" })
	for name, v := range map[string]float64{"nan": math.NaN(), "negative": -0.5, "inf": math.Inf(1)} {
		bad := c
		bad.Theta = c.Theta.Clone()
		bad.Theta[i].Data[3] = float32(v)
		if err := llfc.SaveCheckpoint(name, bad); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"match a " + name + " --out x", "match " + name + " a --out x", "measure a " + name + " --data digits --out x", "describe " + name} {
			status, out, errs := do(t, line)
			if status != failure || out != "" || !strings.Contains(errs, name+": tensor \"layer2.0/conv1/bn/var\"") || !strings.Contains(errs, "position 3") || strings.Count(errs, "\n") != 1 {
				t.Errorf("layerwise %s: status %d, %s%s", line, status, out, errs)
			}
		}
	}
	constant := c
	constant.Theta = c.Theta.Clone()
	for j := range constant.Theta {
		if constant.Theta[j].Name == "logits/w" {
			clear(constant.Theta[j].Data)
		}
	}
	if err := llfc.SaveCheckpoint("constant", constant); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := do(t, "match a constant --out x --backend go"); status != failure || out != "" || !strings.Contains(errs, "a and constant: ") || !strings.Contains(errs, "does not depend on its input") {
		t.Errorf("a constant network: status %d, %s%s", status, out, errs)
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("x was made")
	}
}

// What no machine can hold is a failure that is known before it is tried.
func TestTooLarge(t *testing.T) {
	inside(t)
	ok(t, "train "+small+" --epochs 1 --out a")
	deep := checkpoint(t, "a")
	deep.Theta, deep.Run, deep.Classes = deep.Theta[:0], nil, nil
	deep.Network = network.Spec{Architecture: "resnet", Input: []int{8, 8, 1}, Classes: 10, Depth: 200_000_006, Width: 16, Norm: "batch", Shortcut: "pad", Init: "kaiming"}
	if err := llfc.SaveCheckpoint("deep", deep); err != nil {
		t.Fatal(err)
	}
	deep.Network.Depth = 100_004
	if err := llfc.SaveCheckpoint("tall", deep); err != nil {
		t.Fatal(err)
	}
	const digits = " --data digits --backend go --out x"
	for line, want := range map[string]string{
		"describe deep":                                       "deep: network \"resnet\": depth 200000006",
		"describe tall":                                       "tall: network \"resnet\": ",
		"describe resnet --depth 200000006":                   "--depth 200000006: ",
		"describe resnet20 --width 10000000":                  "--width 10000000: ",
		"describe mlp --widths 10000000":                      "--widths 10000000: ",
		"describe vgg16 --head 10000000":                      "--head 10000000: ",
		"describe mlp --input 100000,100000,3":                "--input 100000,100000,3: ",
		"describe mlp --classes 1000000000":                   "--classes 1000000000: ",
		"train --network resnet20 --width 10000000" + digits:  "--width 10000000: ",
		"train --network mlp --widths 100000,100000" + digits: "of memory, and this machine has",
		"train --network vgg16 --head 100000,100000 --data digits32 --backend go --out x": "of memory, and this machine has",
		"spawn --network resnet --depth 200000006 --data digits --out-a x --out-b y":      "--depth 200000006: ",
	} {
		began := time.Now()
		status, out, errs := do(t, line)
		if status != failure || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("layerwise %s: status %d, %s%s", line, status, out, errs)
		}
		if spent := time.Since(began); spent > time.Minute/2 {
			t.Errorf("layerwise %s took %s to say so", line, spent)
		}
	}
	ok(t, "measure a a --backend go --batch 1000000000 --alphas 0.5 --samples 20 --train-samples 20 --out m") // a batch is no larger than its set
}

// What a machine lacks is a failure too: the same command runs on another. It is found before the first step.
func TestTooFewDevices(t *testing.T) {
	inside(t)
	status, out, errs := do(t, "train "+small+" --epochs 1 --devices 2 --out x")
	want := "2 devices were asked for, but the backend (Go Backend) has 1"
	if status != failure || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
		t.Errorf("status %d, stdout %q, stderr %q; expected one line with %q", status, out, errs, want)
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("x was made")
	}
}

// An interruption says what is kept, and what else went wrong on the way out.
func TestStatus(t *testing.T) {
	full := errors.New("no space left")
	for _, c := range []struct {
		err  error
		want int
		said string
	}{
		{nil, success, ""},
		{fmt.Errorf("help: %w", flag.ErrHelp), success, ""},
		{errors.New("broken"), failure, "layerwise: broken\n"},
		{fmt.Errorf("train: %w", misuse{errors.New("no such flag")}), misused, "layerwise: train: no such flag\n"},
		{fmt.Errorf("run 1: %w", context.Canceled), interrupted, "layerwise: interrupted; all is kept\n"},
		{fmt.Errorf("run 1: %w", errors.Join(context.Canceled, fmt.Errorf("write state: %w", full))), interrupted,
			"layerwise: interrupted; all is kept\nlayerwise: but: write state: no space left\n"},
	} {
		var said bytes.Buffer
		if got := status(c.err, "all is kept", &said); got != c.want || said.String() != c.said {
			t.Errorf("%v: status %d, %q; expected %d, %q", c.err, got, &said, c.want, c.said)
		}
	}
}

// full is a standard output whose disk is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrPermission }

func TestFullStandardOutput(t *testing.T) {
	for _, line := range []string{"--help", "describe mlp", "describe mlp --json", "data"} {
		var errs bytes.Buffer
		if status := run(strings.Fields(line), full{}, &errs); status != failure || errs.Len() == 0 {
			t.Errorf("layerwise %s to a full disk: status %d, %s", line, status, &errs)
		}
	}
}

func TestDescribe(t *testing.T) {
	inside(t)
	ok(t, "train "+small+" --epochs 1 --out a.safetensors")
	for line, wants := range map[string][]string{
		"describe mlp":                          {"fc1/w      784×512  weight", "total      932362", "fc1/relu     act", "fc1/w[1] fc1/b[0] fc2/w[0]"},
		"describe --input 8,8,1 mlp --widths 4": {"fc1/w      64×4"},
		"describe lenet":                        {"conv1/w", "total      61706"},
		"describe a.safetensors":                {"fc1/w      64×16"},
		"describe mlp --json":                   {`"parameter_count": 932362`, `"name": "fc1/w"`},
	} {
		text := ok(t, line)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("layerwise %s: no %q in\n%s", line, want, text)
			}
		}
	}
}

func TestData(t *testing.T) {
	inside(t)
	list := ok(t, "data")
	for _, want := range []string{"digits", "mnist", "synthetic", "built in"} {
		if !strings.Contains(list, want) {
			t.Errorf("layerwise data: no %q in\n%s", want, list)
		}
	}
	if text := ok(t, "data --get digits"); strings.Count(text, "\n") != 2 || !strings.Contains(text, "1437") || !strings.Contains(text, "360") {
		t.Errorf("layerwise data --get digits: %q", text)
	}
	// Missing, and nowhere to be had: a failure that says what to do.
	t.Setenv("LAYERWISE_DATA", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("LAYERWISE_OFFLINE", "1")
	for _, line := range []string{"data --get mnist", "train --backend go --data mnist --widths 4 --epochs 1 --out x"} {
		if status, _, errs := do(t, line); status != failure || !strings.Contains(errs, "train-images") || !strings.Contains(errs, "unset LAYERWISE_OFFLINE") {
			t.Errorf("layerwise %s: status %d, %s", line, status, errs)
		}
	}
	if list := ok(t, "data"); !strings.Contains(list, "missing; ") {
		t.Errorf("layerwise data:\n%s", list)
	}
}
