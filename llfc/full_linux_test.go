package llfc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inNamespace runs the test t again in a process with mounts of its own, which end with it, and says whether it still has to run here.
func inNamespace(t *testing.T) bool {
	const variable = "LAYERWISE_TEST_NAMESPACE"
	if os.Getenv(variable) != "" {
		return true
	}
	c := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), variable+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL):
		t.Skipf("this user may have no mounts of its own: %v", err)
	case err != nil:
		t.Errorf("%v:\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS")):
		t.Errorf("the test did not run:\n%s", out)
	}
	return false
}

// fill takes all room that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err = f.Write(make([]byte, 1<<12)); err != nil {
			break
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// On a full disk training ends with an error that says where; what was kept stays, and goes on to the same bits once there is room.
func TestFullDisk(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	disk := t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("no mounts of its own: %v", err)
	}
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no file system of a size to choose: %v", err)
	}
	defer syscall.Unmount(disk, 0)

	l, said := openIn(t, filepath.Join(disk, "runs"))
	l.checkpointEvery = 0
	r, filler := runOf(t, l, tiny(), 1), filepath.Join(disk, "filler")
	path := filepath.Join(l.dir(r), stateFile)
	cancelled(t, l, said, r)
	before := must[[]byte](t)(os.ReadFile(path))
	fill(t, filler)
	for what, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"at a checkpoint": func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
		"at Ctrl-C": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			l.checkpointEvery, l.progress.last, said.hears = time.Hour, time.Time{}, cancel
			return ctx, cancel
		},
	} {
		ctx, cancel := ctx()
		_, err := l.Train(ctx, r)
		cancel()
		said.hears, l.checkpointEvery = nil, 0
		complains(t, what, err, r.Name(), path, "no space left on device", "goes on from what was kept")
		if !errors.Is(err, syscall.ENOSPC) || strings.Contains(what, "Ctrl-C") != errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", what, err)
		}
		if now := must[[]byte](t)(os.ReadFile(path)); !bytes.Equal(now, before) {
			t.Errorf("%s: the state that was kept has changed", what)
		}
		holds(t, l, r, runFile, stateFile, lockFile)
	}
	other := runOf(t, l, tiny(), 2)
	_, err := l.Train(context.Background(), other)
	complains(t, "a run that cannot begin", err, other.Name(), l.dir(other), "no space left on device")

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	trained(t, l, r)
	same(t, "with room again", r, l, reference(t, r))
	trained(t, l, other)
	same(t, "begun with room again", other, l, reference(t, other))
}
