//go:build linux

package network

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const writerEnv = "LAYERWISE_TEST_SAVE" // path that a child process saves to, over and over, until it is killed

// version is one of the whole files that the child writes, a few MB, filled with its number.
func version(n int) Params {
	t := Tensor{"w", []int{1 << 20}, make([]float32, 1<<20)}
	for i := range t.Data {
		t.Data[i] = float32(n)
	}
	return Params{t}
}

// TestSaveForever is the child of TestSaveSurvivesKill; alone it does nothing.
func TestSaveForever(t *testing.T) {
	path := os.Getenv(writerEnv)
	if path == "" {
		t.Skip("only as a child process")
	}
	old, _, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := int(old[0].Data[0]) + 1; ; n++ {
		if err := Save(path, version(n), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSaveSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if err := Save(path, version(0), nil); err != nil {
		t.Fatal(err)
	}
	whole := func() float32 {
		t.Helper()
		theta, _, err := Load(path)
		if err != nil {
			t.Fatalf("a reader saw a broken file: %v", err)
		}
		if n := theta[0].Data[0]; !theta.Equal(version(int(n))) {
			t.Fatalf("version %v is torn", n)
		}
		return theta[0].Data[0]
	}
	replaced, kills, midway := 0, 12, 0
	if testing.Short() {
		kills = 3
	}
	for k := range kills {
		child := exec.Command(os.Args[0], "-test.run=^TestSaveForever$")
		child.Env = append(os.Environ(), writerEnv+"="+path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		seen, deadline := whole(), time.Now().Add(20*time.Second)
		for whole() == seen && time.Now().Before(deadline) { // it runs, and we read while it writes
		}
		if whole() != seen {
			replaced++
		}
		time.Sleep(time.Duration(k) * 700 * time.Microsecond) // another moment of the write each time
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // "signal: killed"
		whole()
		if temp, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp")); len(temp) > midway {
			midway = len(temp)
		}
	}
	if replaced < kills || midway == 0 {
		t.Errorf("of %d children %d wrote, %d died with a file half-written: the test tested nothing", kills, replaced, midway)
	}
	if err := Save(path, version(0), nil); err != nil || whole() != 0 {
		t.Errorf("after all kills: %v", err)
	}
}

func TestFullDiskKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("cannot mount a small tmpfs here (%v); TestSafetensorsReportsAFailingWriter stands in", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	path := filepath.Join(dir, "a.safetensors")
	if err := Save(path, version(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, version(2), nil); !errors.Is(err, syscall.ENOSPC) { // 4 MiB + 4 MiB > 6 MiB
		t.Fatalf("a full disk gave %v", err)
	}
	if theta, _, err := Load(path); err != nil || !theta.Equal(version(1)) {
		t.Errorf("the old file is gone: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
