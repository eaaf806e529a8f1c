package backend

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var gpuModel = regexp.MustCompile(`(?m)^Model:\s*(.+?)\s*$`)

// GPU looks for an NVIDIA GPU that this process may use, and names it. It asks the driver's files first and
// nvidia-smi only where there are none (WSL); CUDA_VISIBLE_DEVICES set to nothing or -1 hides every GPU.
func GPU() (model string, ok bool) {
	if visible, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set && (visible == "" || visible == "-1") {
		return "", false
	}
	if files, _ := filepath.Glob("/proc/driver/nvidia/gpus/*/information"); len(files) > 0 {
		if text, err := os.ReadFile(files[0]); err == nil {
			if m := gpuModel.FindSubmatch(text); m != nil {
				return string(m[1]), true
			}
		}
		return "NVIDIA GPU", true
	}
	if devices, _ := filepath.Glob("/dev/nvidia[0-9]*"); len(devices) > 0 {
		return "NVIDIA GPU", true
	}
	return askSMI()
}

// askSMI asks nvidia-smi for the first GPU's name; a hung driver costs 5 s, not a hang.
func askSMI() (model string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name", "--format=csv,noheader").Output()
	if err != nil {
		return "", false
	}
	model, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return model, model != ""
}
